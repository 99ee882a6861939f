//! The backend without anything before it: what the exchange costs anyway.

use super::{Contender, Ground, Kind};

/// The backend that is there already.
pub(super) fn start(ground: &Ground) -> Contender {
    let version = format!("comity-bench {}", env!("CARGO_PKG_VERSION"));
    Contender {
        pids: vec![ground.backend_pid()],
        ..Contender::new(Kind::Direct, version, ground.backend, Vec::new())
    }
}
