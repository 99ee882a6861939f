//! What a caller may leave in the ledger of which no case comes: what it tries out, with
//! the whole request each time, and what it is refused. Without an end one caller could
//! fill the store for all.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::refusal::Refusal;

/// Bytes of an hour.
const MOST: u64 = 256 << 20;
/// See [`MOST`].
const HOUR: Duration = Duration::from_secs(3600);
/// What an entry takes beside its record, about.
const ENTRY: u64 = 1 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Budget(Mutex<HashMap<String, Spent>>);

#[derive(Debug)]
struct Spent {
    since: Instant,
    bytes: u64,
}

impl Budget {
    /// Counts an entry with a record of so many bytes, before it is written.
    ///
    /// # Errors
    /// [`Refusal::Overloaded`] until the hour is over, where the actor has left too much.
    pub(crate) fn spend(&self, actor: &str, record: usize) -> Result<(), Refusal> {
        self.spend_at(actor, record, Instant::now())
    }

    fn spend_at(&self, actor: &str, record: usize, now: Instant) -> Result<(), Refusal> {
        // A panic elsewhere cannot leave a map half changed.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = match all.get_mut(actor) {
            Some(spent) => spent,
            None => all.entry(actor.to_owned()).or_insert(Spent {
                since: now,
                bytes: 0,
            }),
        };
        let passed = now.duration_since(spent.since);
        if passed >= HOUR {
            *spent = Spent {
                since: now,
                bytes: 0,
            };
        }
        let bytes = spent.bytes.saturating_add(ENTRY + record as u64);
        if bytes > MOST {
            return Err(Refusal::Overloaded {
                retry_after: HOUR.saturating_sub(passed),
            });
        }
        spent.bytes = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_too_much_comes_back_after_the_hour_and_others_at_once() {
        let budget = Budget::default();
        let large = usize::try_from(MOST - 2 * ENTRY).unwrap();
        let start = Instant::now();
        budget.spend_at("one", large, start).unwrap();
        let later = start + HOUR / 2;
        budget.spend_at("one", 0, later).unwrap();
        let Err(Refusal::Overloaded { retry_after }) = budget.spend_at("one", 0, later) else {
            panic!("there is room for more");
        };
        assert_eq!(retry_after, HOUR / 2);
        budget.spend_at("other", large, later).unwrap();
        budget.spend_at("one", large, later + retry_after).unwrap();
    }
}
