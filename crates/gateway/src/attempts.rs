//! Room for attempts: how many may be under way to the system of each State, so that one
//! that does not answer holds up nobody but who waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use comity_domain::{JurisdictionCode, Urgency};
use comity_store::Wanted;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// First attempts: what there is no room for waits in the outbox.
const FIRST: usize = 256;
/// Attempts by the outbox.
const AGAIN: usize = 16;
/// Beside either, attempts of emergencies alone.
const EMERGENCIES: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// Of each State that something is for.
    states: Mutex<HashMap<JurisdictionCode, Arc<State>>>,
    left: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    first: Lane,
    again: Lane,
}

#[derive(Debug)]
struct Lane {
    all: Arc<Semaphore>,
    emergencies: Arc<Semaphore>,
}

/// Room for an attempt by the outbox, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    left: Arc<Notify>,
}

impl Attempts {
    /// Room for a first attempt, at once or not at all, until it is dropped.
    pub(crate) fn first(
        &self,
        state: &JurisdictionCode,
        urgency: Urgency,
    ) -> Option<OwnedSemaphorePermit> {
        self.state(state).first.take(urgency)
    }

    /// Room for an attempt by the outbox, at once or not at all.
    pub(crate) fn again(&self, state: &JurisdictionCode, urgency: Urgency) -> Option<Place> {
        let permit = self.state(state).again.take(urgency)?;
        Some(Place {
            permit: Some(permit),
            left: Arc::clone(&self.left),
        })
    }

    /// How many jobs of what is ready, the most urgent first, the outbox has room for.
    pub(crate) fn wanted(&self, ready: Vec<(JurisdictionCode, Urgency)>) -> Vec<Wanted> {
        let mut promised = HashMap::new();
        let mut wanted = Vec::with_capacity(ready.len());
        for (target, urgency) in ready {
            let state = self.state(&target);
            let Lane { all, emergencies } = &state.again;
            let promised: &mut usize = promised.entry(target.clone()).or_default();
            let room = match urgency {
                Urgency::Emergency => all.available_permits() + emergencies.available_permits(),
                Urgency::Urgent | Urgency::Routine => all.available_permits(),
            };
            let limit = room.saturating_sub(*promised);
            *promised += limit;
            if limit > 0 {
                wanted.push(Wanted {
                    target,
                    urgency,
                    limit,
                });
            }
        }
        wanted
    }

    /// Waits until an attempt by the outbox has ended since the last call.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    fn state(&self, state: &JurisdictionCode) -> Arc<State> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(State {
                first: Lane::new(FIRST),
                again: Lane::new(AGAIN),
            })
        };
        Arc::clone(states.entry(state.clone()).or_insert_with(new))
    }
}

impl Lane {
    fn new(places: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(places)),
            emergencies: Arc::new(Semaphore::new(EMERGENCIES)),
        }
    }

    fn take(&self, urgency: Urgency) -> Option<OwnedSemaphorePermit> {
        let of = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        let kept = || match urgency {
            Urgency::Emergency => of(&self.emergencies),
            Urgency::Urgent | Urgency::Routine => None,
        };
        of(&self.all).or_else(kept)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Free before anybody is told of it.
        drop(self.permit.take());
        self.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(state: &str) -> JurisdictionCode {
        state.parse().unwrap()
    }

    #[test]
    fn a_state_that_holds_all_its_places_holds_nobody_elses() {
        let attempts = Attempts::default();
        let (fr, ie) = (code("FR"), code("IE"));
        let take = || attempts.again(&fr, Urgency::Routine);
        let held: Vec<_> = std::iter::from_fn(take).collect();
        assert_eq!(held.len(), AGAIN);
        let ready = [Urgency::Emergency, Urgency::Urgent, Urgency::Routine]
            .into_iter()
            .flat_map(|urgency| [(fr.clone(), urgency), (ie.clone(), urgency)]);
        let wanted: Vec<_> = attempts
            .wanted(ready.collect())
            .into_iter()
            .map(|wanted| (wanted.target, wanted.urgency, wanted.limit))
            .collect();
        assert_eq!(
            wanted,
            [
                (fr.clone(), Urgency::Emergency, EMERGENCIES),
                (ie, Urgency::Emergency, AGAIN + EMERGENCIES),
            ]
        );
        assert!(attempts.first(&fr, Urgency::Routine).is_some());
        let take = || attempts.again(&fr, Urgency::Emergency);
        let emergencies: Vec<_> = std::iter::from_fn(take).collect();
        assert_eq!(emergencies.len(), EMERGENCIES);
        drop(held);
        assert!(attempts.again(&fr, Urgency::Routine).is_some());
    }
}
