//! Places: how much may be under way at a time, all in all and of one caller, and
//! what of it is kept for emergencies.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use comity_domain::Urgency;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{config::Limits, identity::Caller, record, refusal::Refusal};

/// Of so many places one more is kept for emergencies.
const RESERVE: usize = 4;
/// How long a submission waits to be read: those before it are read, and where
/// there is no room for them turned away, in far less.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for calls. How urgent a submission is shows once it is read, so that all
/// of them are let in, to as many places as there are and a reserve; whatever is
/// no emergency then takes one of the places without the reserve, or goes.
#[derive(Debug)]
pub(crate) struct Lanes {
    entry: Places,
    work: Places,
}

impl Lanes {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits {
            in_flight,
            per_caller,
            ..
        } = *limits;
        let more = |places: usize| places.saturating_add(places.div_ceil(RESERVE));
        Self {
            entry: Places::new(more(in_flight), more(per_caller)),
            work: Places::new(in_flight, per_caller),
        }
    }

    /// Lets a submission in to be read.
    pub(crate) async fn enter(&self, caller: Option<&Arc<Caller>>) -> Result<Place, Refusal> {
        let place = tokio::time::timeout(PATIENCE, self.entry.wait(caller)).await;
        place.ok().flatten().ok_or(FULL)
    }

    /// Room for the work on a call; an emergency has it where it was let in.
    pub(crate) fn work(
        &self,
        caller: Option<&Arc<Caller>>,
        urgency: Urgency,
    ) -> Result<Option<Place>, Refusal> {
        match urgency {
            Urgency::Emergency => Ok(None),
            Urgency::Routine | Urgency::Urgent => self.work.take(caller).map(Some).ok_or(FULL),
        }
    }
}

const FULL: Refusal = Refusal::Overloaded {
    retry_after: record::RETRY_AFTER,
};

/// Places of one kind.
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

    /// Waits for a place, in the order of asking; nothing once nobody gives any.
    async fn wait(&self, caller: Option<&Arc<Caller>>) -> Option<Place> {
        let of_caller = match caller {
            None => None,
            Some(caller) => Some(self.of(caller).acquire_owned().await.ok()?),
        };
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn lanes(in_flight: usize, per_caller: usize) -> Lanes {
        Lanes::new(&Limits {
            in_flight,
            per_caller,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn a_reserve_is_kept_for_emergencies() {
        let lanes = lanes(4, 4);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(lanes.enter(None).await.unwrap());
            held.extend(lanes.work(None, Urgency::Routine).unwrap());
        }
        let emergency = lanes.enter(None).await.unwrap();
        assert!(lanes.work(None, Urgency::Urgent).is_err());
        assert!(lanes.work(None, Urgency::Emergency).unwrap().is_none());
        // The reserve is used up: whoever comes waits.
        assert!(lanes.enter(None).now_or_never().is_none());
        let (entered, ()) = tokio::join!(lanes.enter(None), async { drop(emergency) });
        entered.unwrap();
    }
}
