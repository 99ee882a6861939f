//! Bounds that follow from the limits that are configured.

use std::time::Duration;

use super::Limits;

/// Of so many connections a caller may have one, and always a few.
const SHARE: usize = 16;
const FEW: usize = 8;
/// Streams that every connection has at least, as RFC 9113 section 6.5.2 would have it.
const STREAMS: u32 = 100;

impl Limits {
    /// Most connections of one caller.
    pub(crate) fn connections_per_caller(&self) -> usize {
        self.connections.div_ceil(SHARE).max(FEW)
    }

    /// Most streams of one connection: its caller's calls, what they stream to it, its
    /// emergencies, and as many submissions again that wait for a place.
    pub(crate) fn streams_per_connection(&self) -> u32 {
        let streams = u32::try_from(self.per_caller).unwrap_or(u32::MAX);
        streams.saturating_mul(4).max(STREAMS)
    }

    /// How long a connection may be silent before its peer is asked whether it is there;
    /// it has as long as for a handshake to answer.
    pub(crate) fn silence(&self) -> Duration {
        3 * self.handshake_timeout
    }

    /// Longest time until a message is there whole, once there is a place for its call.
    /// What comes in a stream has its own.
    pub(crate) fn message_timeout(&self) -> Duration {
        3 * self.handshake_timeout
    }
}
