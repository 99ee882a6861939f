//! How long somebody who refused is left alone: doubled with every refusal, so that one
//! who goes on refusing is asked no oftener than one who has nothing new to say.

use std::time::Duration;

use tokio::time::Instant;

use super::ask::{AGAIN, EVERY};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    length: Duration,
    until: Option<Instant>,
}

impl Pause {
    /// The longest.
    pub(crate) const LONGEST: Duration = AGAIN;

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// Begins one after a refusal, longer than the last.
    pub(crate) fn lengthen(&mut self, now: Instant) {
        self.length = self.length.saturating_mul(2).clamp(EVERY, Self::LONGEST);
        self.until = Some(now + self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_refusing_is_asked_once_a_minute() {
        let (mut pause, start) = (Pause::default(), Instant::now());
        let mut asked = 0;
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            if pause.is_over(now) {
                pause.lengthen(now);
                asked += 1;
            }
        }
        assert!((60..=66).contains(&asked), "{asked}");
    }
}
