//! Sweeping: what was interrupted is ended as the ledger says, evidence of erased
//! cases goes with them, and uploads that nobody goes on with expire.

use std::time::{Duration, SystemTime};

use comity_evidence::{Begun, ItemId};
use comity_store::{ERASURE, EntryFilter, Page};
use tokio::{sync::watch, time};

use super::{custody, unusable};
use crate::{gateway::Gateway, record, refusal::Refusal};

/// Between two sweeps. Nothing waits for one but room on the disk.
const EVERY: Duration = Duration::from_secs(600);

/// Erasures read at once.
const PAGE: usize = 100;

/// Sweeps at once and from time to time, until the gateway stops.
pub(crate) async fn run(gateway: Gateway, mut stopped: watch::Receiver<bool>) {
    let mut sweeps = time::interval(EVERY);
    let mut erasures = 0;
    loop {
        tokio::select! {
            _ = sweeps.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        if let Err(refusal) = sweep(&gateway, &mut erasures).await {
            tracing::error!(
                error = &refusal as &dyn std::error::Error,
                "a sweep of the evidence broke off"
            );
        }
    }
}

/// `erasures` is the index from which the ledger has not been read for them yet.
async fn sweep(gateway: &Gateway, erasures: &mut u64) -> Result<(), Refusal> {
    let room = &gateway.evidence().room;
    while erased_cases(gateway, erasures).await? {}
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

/// Erases what is stored of some cases that were erased; whether there may be more.
async fn erased_cases(gateway: &Gateway, from: &mut u64) -> Result<bool, Refusal> {
    let room = &gateway.evidence().room;
    let filter = EntryFilter {
        kind: Some(ERASURE.to_owned()),
        ..EntryFilter::default()
    };
    let rows = gateway.store().entries(Page::From(*from), filter, PAGE);
    let rows = rows.await.map_err(record::unavailable)?;
    for row in &rows {
        let case = row.leaf.case.as_deref().and_then(|case| case.parse().ok());
        let Some(case) = case else { continue };
        for id in room.of_case(&case).await.map_err(unusable)? {
            room.condemn(&id).await.map_err(unusable)?;
            room.erase(&id).await.map_err(unusable)?;
        }
        *from = row.index + 1;
    }
    Ok(rows.len() == PAGE)
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
