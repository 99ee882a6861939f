//! Sweeping: what was interrupted is ended as the ledger says, evidence of erased
//! cases goes with them, and uploads that nobody goes on with expire.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use comity_evidence::{Begun, ItemId, Turn};
use comity_store::{ERASURE, EntryFilter, Page};
use tokio::{sync::watch, time};

use super::{custody, unusable};
use crate::{gateway::Gateway, record, refusal::Refusal};

/// Between two sweeps. Nothing waits for one but room on the disk.
const EVERY: Duration = Duration::from_secs(600);

/// Erasures read at once.
const PAGE: usize = 1000;

/// Sweeps at once and from time to time, until the gateway stops.
pub(crate) async fn run(gateway: Gateway, mut stopped: watch::Receiver<bool>) {
    let mut sweeps = time::interval(EVERY);
    let mut erasures = [ERASURE, custody::ERASED].map(|kind| Erasures { kind, from: 0 });
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

/// Entries of one kind that erase, of cases or of items, and the index from which they
/// are not dealt with yet.
struct Erasures {
    kind: &'static str,
    from: u64,
}

async fn sweep(gateway: &Gateway, erasures: &mut [Erasures]) -> Result<(), Refusal> {
    let room = &gateway.evidence().room;
    for erasures in erasures {
        erased(gateway, erasures).await?;
    }
    for id in room.condemned().await.map_err(unusable)? {
        settled(gateway, &id, false).await;
    }
    for Begun { id, touched } in room.begun().await.map_err(unusable)? {
        settled(gateway, &id, has_expired(gateway, touched)).await;
    }
    Ok(())
}

/// Settles what is stored for cases that entries on record erased, or items of. With a
/// case go uploads for it too.
async fn erased(gateway: &Gateway, erasures: &mut Erasures) -> Result<(), Refusal> {
    let Erasures { kind, from } = erasures;
    let filter = EntryFilter {
        kind: Some((*kind).to_owned()),
        ..EntryFilter::default()
    };
    let (mut next, mut cases) = (*from, HashSet::new());
    loop {
        let rows = gateway
            .store()
            .entries(Page::From(next), filter.clone(), PAGE);
        let rows = rows.await.map_err(record::unavailable)?;
        next = rows.last().map_or(next, |row| row.index + 1);
        let more = rows.len() == PAGE;
        cases.extend(rows.into_iter().filter_map(|row| row.leaf.case));
        if !more {
            break;
        }
    }
    let mut all = true;
    if !cases.is_empty() {
        let stored = gateway.evidence().room.stored().await.map_err(unusable)?;
        for id in stored.iter().filter(|id| cases.contains(id.case.as_str())) {
            all &= settled(gateway, id, *kind == ERASURE).await;
        }
    }
    if all {
        *from = next;
    }
    Ok(())
}

/// Whether an item could be settled; else that is for the next sweep.
async fn settled(gateway: &Gateway, id: &ItemId, is_given_up: bool) -> bool {
    let Some(mut turn) = gateway.evidence().room.try_turn(id) else {
        return false;
    };
    let settled = settle(gateway, &mut turn, is_given_up).await;
    if let Err(refusal) = &settled {
        tracing::error!(
            case.id = %id.case,
            error = refusal as &dyn std::error::Error,
            "an item of evidence cannot be settled; it is tried again in the next sweep"
        );
    }
    settled.is_ok()
}

/// Has an item be as the ledger says: an erasure that is on record is ended, one that is
/// not is taken back, and what is on record is kept. What was begun goes where nobody
/// will go on with it.
pub(super) async fn settle(
    gateway: &Gateway,
    turn: &mut Turn,
    is_given_up: bool,
) -> Result<(), Refusal> {
    let room = &gateway.evidence().room;
    if custody::find(gateway, turn.id()).await?.is_some() {
        room.spare(turn).await.map_err(unusable)?;
        return room.keep(turn).await.map_err(unusable);
    }
    room.erase(turn).await.map_err(unusable)?;
    match is_given_up {
        true => room.discard(turn).await.map_err(unusable),
        false => Ok(()),
    }
}

fn has_expired(gateway: &Gateway, touched: SystemTime) -> bool {
    let now = SystemTime::try_from(gateway.now()).ok();
    now.and_then(|now| now.duration_since(touched).ok())
        .is_some_and(|age| age > gateway.evidence().limits.expire_after)
}
