//! Bounds that follow from the limits that are configured.

use std::time::Duration;

use super::Limits;

impl Limits {
    /// Longest time until a message is there whole, once there is a place for its call.
    /// What comes in a stream has its own.
    pub(crate) fn message_timeout(&self) -> Duration {
        3 * self.handshake_timeout
    }
}
