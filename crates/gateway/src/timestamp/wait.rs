//! For how long an entry has waited for its timestamp. The wall clock may be set back
//! meanwhile; a second clock, which nobody sets, runs beside it.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Where the record is further ahead of the wall clock, that was set back. As far may the
/// clocks of authorities be from ours.
const APART: SignedDuration = SignedDuration::from_mins(5);

/// The wait of the first entry that has no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// When the entry was recorded; `None` while that could not be read.
    recorded: Option<Timestamp>,
    /// When it was first seen to wait.
    seen: Instant,
}

impl Wait {
    /// Begins with an entry of which nothing is known but that it is there.
    pub(super) fn begin(seen: Instant) -> Self {
        Self {
            recorded: None,
            seen,
        }
    }

    /// The same wait, of an entry that was recorded then.
    pub(super) fn recorded(self, at: Timestamp) -> Self {
        Self {
            recorded: Some(at),
            ..self
        }
    }

    /// Whether it is known when the entry was recorded.
    pub(super) fn is_known(&self) -> bool {
        self.recorded.is_some()
    }

    /// How long it has been at least: by the clock that says longer.
    pub(super) fn lasted(&self, (now, instant): (Timestamp, Instant)) -> SignedDuration {
        let seen = instant.saturating_duration_since(self.seen);
        let seen = SignedDuration::try_from(seen).unwrap_or(SignedDuration::MAX);
        let recorded = self.recorded.map(|at| now.duration_since(at));
        recorded.map_or(seen, |recorded| recorded.max(seen))
    }

    /// Whether it is longer than it may be, or may be: nobody knows where the wall clock
    /// was set back since.
    pub(super) fn is_overdue(&self, now: (Timestamp, Instant), within: SignedDuration) -> bool {
        let ahead = self.recorded.map(|at| at.duration_since(now.0));
        self.lasted(now) > within || ahead.is_some_and(|ahead| ahead > APART)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WITHIN: SignedDuration = SignedDuration::from_hours(4);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// After so many seconds by the wall clock and by the other one: how long the wait
    /// was, and whether it was too long.
    fn check(wait: Wait, (wall, real): (i64, u64)) -> (i64, bool) {
        let now = (at(wall), wait.seen + Duration::from_secs(real));
        (wait.lasted(now).as_secs(), wait.is_overdue(now, WITHIN))
    }

    #[test]
    fn a_clock_that_is_set_back_shortens_no_wait() {
        let wait = Wait::begin(Instant::now()).recorded(at(0));
        assert_eq!(check(wait, (60, 60)), (60, false));
        assert_eq!(check(wait, (14_400, 14_400)), (14_400, false));
        assert_eq!(check(wait, (14_401, 14_401)), (14_401, true));
        // Recorded long before the start.
        assert_eq!(check(wait, (14_401, 0)), (14_401, true));
        // Set back again and again, each time by a little.
        assert_eq!(check(wait, (0, 14_400)), (14_400, false));
        assert_eq!(check(wait, (0, 14_401)), (14_401, true));
        // Set back by more than authorities would bear with.
        assert_eq!(check(wait, (-300, 7)), (7, false));
        assert_eq!(check(wait, (-301, 7)), (7, true));
    }

    #[test]
    fn what_could_not_be_read_waits_from_when_it_was_seen() {
        let wait = Wait::begin(Instant::now());
        assert!(!wait.is_known());
        assert_eq!(check(wait, (0, 14_400)), (14_400, false));
        assert_eq!(check(wait, (-99_999, 14_401)), (14_401, true));
        let known = wait.recorded(at(-14_000));
        assert!(known.is_known());
        assert_eq!(check(known, (401, 401)), (14_401, true));
    }
}
