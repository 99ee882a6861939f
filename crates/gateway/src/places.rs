//! Places: how much may be under way at a time, all in all and of one caller.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::Caller;

/// See the module.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    of: Mutex<HashMap<Arc<Caller>, Arc<Semaphore>>>,
    per_caller: usize,
}

/// The right to be under way, until it is dropped: one place of all, and one of
/// the caller's.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_caller: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(all: usize, per_caller: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of: Mutex::default(),
            per_caller,
        }
    }

    /// Takes a place; nothing when there are none left, so that one caller's flood
    /// leaves room for the others.
    pub(crate) fn take(&self, caller: Option<&Arc<Caller>>) -> Option<Place> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let of_caller = match caller {
            None => None,
            Some(caller) => Some(self.of(caller).try_acquire_owned().ok()?),
        };
        Some(Place {
            _of_all: of_all,
            _of_caller: of_caller,
        })
    }

    fn of(&self, caller: &Arc<Caller>) -> Arc<Semaphore> {
        // A panic elsewhere cannot leave a map half changed.
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of.entry(Arc::clone(caller));
        Arc::clone(own.or_insert_with(|| Arc::new(Semaphore::new(self.per_caller))))
    }
}
