//! The siren: whoever has to give way hears of emergencies by it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout};

/// So long after the last emergency the siren is silent again: what one emergency
/// needs, and what the next one of the same event comes after.
const LASTS: Duration = Duration::from_secs(1);
/// The longest that an exchange under way stands aside.
const ASIDE: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Siren(Mutex<Option<Heard>>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// When it began to sound.
    since: Instant,
    /// When it will be silent.
    until: Instant,
}

impl Siren {
    /// An emergency has come.
    pub(super) fn sound(&self) {
        let now = Instant::now();
        let since = self.heard().map_or(now, |heard| heard.since);
        let until = now + LASTS;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Heard { since, until });
    }

    /// Returns when the siren is silent.
    pub(super) async fn silence(&self) {
        while let Some(heard) = self.heard() {
            sleep_until(heard.until).await;
        }
    }

    /// Stands aside for a moment, if the siren began to sound after `entered`.
    pub(super) async fn stand_aside(&self, entered: Instant) {
        if self.heard().is_some_and(|heard| heard.since > entered) {
            // What has stood aside long enough goes on.
            let _ = timeout(ASIDE, self.silence()).await;
        }
    }

    fn heard(&self) -> Option<Heard> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.filter(|heard| heard.until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn it_is_heard_for_a_while_and_no_longer() {
        let siren = Siren::default();
        let before = Instant::now();
        assert!(siren.silence().now_or_never().is_some());
        assert!(siren.stand_aside(before).now_or_never().is_some());
        tokio::time::sleep(Duration::from_millis(1)).await;
        siren.sound();
        assert!(siren.silence().now_or_never().is_none());
        assert!(siren.stand_aside(before).now_or_never().is_none());
        // Who comes later has given way already, however often it sounds.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let after = Instant::now();
        siren.sound();
        assert!(siren.stand_aside(after).now_or_never().is_some());
        siren.stand_aside(before).await;
        siren.silence().await;
        assert!(siren.stand_aside(before).now_or_never().is_some());
    }
}
