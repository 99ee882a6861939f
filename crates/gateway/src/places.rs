//! Places: how much may be under way at a time, all in all and of one caller, and
//! what of it is kept for emergencies.

use std::{
    collections::HashMap,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use comity_domain::Urgency;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tonic::codegen::http::HeaderMap;

use crate::{admit, config::Limits, identity::Caller, record, refusal::Refusal};

/// Of so many places one more is kept for emergencies.
const RESERVE: usize = 4;
/// How long a submission waits for a place before it is told to come back. To wait
/// costs nothing; to turn away and be asked again at once, most of what it costs to
/// carry.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for calls: places, with a reserve for what says in its metadata that it is
/// an emergency, and the desk where requests are decided. Others queue for the desk,
/// since what runs at the same time as an emergency delays it.
#[derive(Debug)]
pub(crate) struct Lanes {
    places: Places,
    reserve: Places,
    desk: Semaphore,
}

impl Lanes {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits {
            in_flight,
            per_caller,
            ..
        } = *limits;
        let clerks = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            places: Places::new(in_flight, per_caller),
            reserve: Places::new(in_flight.div_ceil(RESERVE), per_caller.div_ceil(RESERVE)),
            desk: Semaphore::new(clerks),
        }
    }

    /// A place for a call, at once or not at all.
    pub(crate) fn take(&self, caller: Option<&Arc<Caller>>) -> Result<Place, Refusal> {
        self.places.take(caller).ok_or(FULL)
    }

    /// A place for a submission, as soon as there is one.
    pub(crate) async fn enter(
        &self,
        caller: Option<&Arc<Caller>>,
        marked: Marked,
    ) -> Result<Place, Refusal> {
        let places = match marked {
            Marked(true) => &self.reserve,
            Marked(false) => &self.places,
        };
        let place = tokio::time::timeout(PATIENCE, places.wait(caller)).await;
        place.ok().flatten().ok_or(FULL)
    }

    /// A request's turn to be decided; an emergency's is now.
    pub(crate) async fn turn(&self, urgency: Urgency) -> Option<SemaphorePermit<'_>> {
        match urgency {
            Urgency::Emergency => None,
            // Nobody closes the desk.
            Urgency::Routine | Urgency::Urgent => self.desk.acquire().await.ok(),
        }
    }
}

const FULL: Refusal = Refusal::Overloaded {
    retry_after: record::RETRY_AFTER,
};

/// A submission says in its metadata that it is an emergency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marked(pub(crate) bool);

impl Marked {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let (key, emergency) = comity::EMERGENCY;
        let value = headers.get(key);
        Self(value.is_some_and(|value| value.as_bytes() == emergency.as_bytes()))
    }

    /// Lets the reserve be used by what it is for alone.
    ///
    /// # Errors
    /// Where a request is marked that is no emergency.
    pub(crate) fn check(self, urgency: Urgency) -> Result<(), Refusal> {
        match (self, urgency) {
            (Self(true), Urgency::Routine | Urgency::Urgent) => Err(admit::malformed(
                "urgency.level",
                "is no emergency, which the metadata `comity-urgency` says it is: leave one out",
            )),
            (Self(true), Urgency::Emergency) | (Self(false), _) => Ok(()),
        }
    }
}

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
            held.push(lanes.enter(None, Marked(false)).await.unwrap());
        }
        assert!(lanes.take(None).is_err());
        // Who waits is let in when somebody leaves.
        let mut waits = Box::pin(lanes.enter(None, Marked(false)));
        assert!(waits.as_mut().now_or_never().is_none());
        let emergency = lanes.enter(None, Marked(true)).await.unwrap();
        assert!(lanes.enter(None, Marked(true)).now_or_never().is_none());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(emergency);
        lanes.enter(None, Marked(true)).await.unwrap();
        held.pop();
        waits.await.unwrap();
    }

    #[tokio::test]
    async fn an_emergency_does_not_queue_for_the_desk() {
        let lanes = lanes(4, 4);
        let mut busy = Vec::new();
        while let Some(turn) = lanes.turn(Urgency::Urgent).now_or_never() {
            busy.push(turn);
        }
        assert!(!busy.is_empty());
        assert!(lanes.turn(Urgency::Emergency).now_or_never().is_some());
        busy.pop();
        assert!(lanes.turn(Urgency::Routine).now_or_never().is_some());
    }

    #[test]
    fn what_is_marked_must_be_an_emergency() {
        assert!(Marked(true).check(Urgency::Emergency).is_ok());
        assert!(Marked(false).check(Urgency::Emergency).is_ok());
        assert!(Marked(false).check(Urgency::Routine).is_ok());
        assert!(Marked(true).check(Urgency::Urgent).is_err());
    }
}
