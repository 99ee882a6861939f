//! The backend without anything before it: what the exchange costs anyway.

use super::{Contender, Ground, Kind, own_version};

/// The backend that is there already.
pub(super) fn start(ground: &Ground) -> Contender {
    Contender {
        pids: vec![ground.backend_pid()],
        ..Contender::new(Kind::Direct, own_version(), ground.backend, Vec::new())
    }
}
