//! Keeping a connection for as long as its peer would be let in anew, and no longer.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::{sync::oneshot, time};
use tokio_util::sync::CancellationToken;

use super::HandshakeFailure;
use crate::tls::{Current, now, runs_out};

/// How long calls under way may take on a connection that takes no more of them.
const GRACE: Duration = Duration::from_secs(5);
/// Longest time between two looks at a connection: clocks are set.
const LOOK: Duration = Duration::from_secs(3600);

/// What is known of an open connection.
pub(super) struct Keep {
    /// The certificates that were shown, the peer's own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// What it was accepted by, and whether that changed since.
    pub(super) tls: Current,
    /// Cancelled when it is to take no more calls.
    pub(super) over: CancellationToken,
    /// Dropped when it is to be cut; closed when it has ended by itself.
    pub(super) cut: oneshot::Sender<()>,
}

impl Keep {
    /// Waits for the connection to end, or sees to it.
    pub(super) async fn run(self) {
        let Self {
            chain,
            tls,
            over,
            mut cut,
        } = self;
        let reason = tokio::select! {
            () = cut.closed() => return,
            reason = refused(&chain, tls) => reason.as_str(),
        };
        tracing::info!(
            reason,
            "a connection ends: its certificate is not believed any more"
        );
        over.cancel();
        // Dropped after that, which cuts what is still open.
        let _ = time::timeout(GRACE, cut.closed()).await;
    }
}

/// Why a peer would not be let in any more, once that is so.
async fn refused(chain: &[CertificateDer<'static>], mut tls: Current) -> HandshakeFailure {
    loop {
        let left = u64::try_from(runs_out(chain).saturating_sub(now())).unwrap_or_default();
        tokio::select! {
            () = time::sleep(Duration::from_secs(left).min(LOOK)) => {}
            Ok(()) = tls.changed() => {}
        }
        let tls = tls.borrow_and_update().clone();
        if let Err(error) = tls.believes(chain) {
            return HandshakeFailure::of(&error);
        }
    }
}
