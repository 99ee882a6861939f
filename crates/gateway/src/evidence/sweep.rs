//! Sweeping: what was interrupted is ended as the ledger says, and uploads that
//! nobody goes on with expire.

use std::time::{Duration, SystemTime};

use comity_evidence::{Begun, ItemId};
use tokio::{sync::watch, time};

use super::{custody, unusable};
use crate::{gateway::Gateway, refusal::Refusal};

/// Between two sweeps. Nothing waits for one but room on the disk.
const EVERY: Duration = Duration::from_secs(600);

/// Sweeps at once and from time to time, until the gateway stops.
pub(crate) async fn run(gateway: Gateway, mut stopped: watch::Receiver<bool>) {
    let mut sweeps = time::interval(EVERY);
    loop {
        tokio::select! {
            _ = sweeps.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        if let Err(refusal) = sweep(&gateway).await {
            tracing::error!(
                error = &refusal as &dyn std::error::Error,
                "a sweep of the evidence broke off"
            );
        }
    }
}

async fn sweep(gateway: &Gateway) -> Result<(), Refusal> {
    let room = &gateway.evidence().room;
    for id in room.condemned().await.map_err(unusable)? {
        condemned(gateway, &id).await?;
    }
    for Begun { id, touched } in room.begun().await.map_err(unusable)? {
        if custody::find(gateway, &id).await?.is_some() {
            room.keep(&id).await.map_err(unusable)?;
        } else if has_expired(gateway, touched) {
            room.discard(&id).await.map_err(unusable)?;
        }
    }
    Ok(())
}

/// Ends an erasure that is on record, and takes back one that is not.
pub(super) async fn condemned(gateway: &Gateway, id: &ItemId) -> Result<(), Refusal> {
    let room = &gateway.evidence().room;
    let done = match custody::find(gateway, id).await? {
        Some(_) => room.spare(id).await,
        None => room.erase(id).await,
    };
    done.map_err(unusable)
}

fn has_expired(gateway: &Gateway, touched: SystemTime) -> bool {
    let now = SystemTime::try_from(gateway.now()).ok();
    now.and_then(|now| now.duration_since(touched).ok())
        .is_some_and(|age| age > gateway.evidence().limits.expire_after)
}
