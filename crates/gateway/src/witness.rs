//! Witnesses: this gateway cosigns the ledgers of its peers, each as long as it only
//! grows, and asks them to cosign its own.

mod ask;
mod pause;
mod refused;
mod stand;
mod watched;

use std::sync::Arc;

use comity::v1::{CosignRequest, CosignResponse};
use comity_ledger::{Cosigner, Leaf, Refused, Witness};
use tokio::{sync::watch, task};
use tonic_health::server::HealthReporter;

pub(crate) use self::{
    ask::Witnesses,
    pause::Pause,
    refused::{code, metadata, reason},
    watched::Watched,
};
use crate::{
    admit,
    config::Config,
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    start::StartError,
    wire::from_proto,
};

/// The key that this gateway cosigns with, in the data folder.
const KEY: &str = "witness.key";
/// What it has cosigned, in the data folder.
const MEMORY: &str = "witness";

/// Takes up what this gateway has cosigned; makes its key on first use. Blocks on the
/// disk.
pub(crate) fn open(config: &Config) -> Result<Arc<Watched>, StartError> {
    let name = format!("{}/witness", config.origin);
    let cosigner = Cosigner::load_or_make(&config.data.join(KEY), &name)?;
    let peers = &config.witnesses.peers;
    let logs = peers.iter().map(|peer| peer.log.clone());
    let witness = Witness::open(&config.data.join(MEMORY), cosigner, logs)?;
    Ok(Arc::new(Watched::new(witness, peers)))
}

/// Asks witnesses, and tells where the ledger stands with them, until the gateway
/// stops.
pub(crate) async fn run(
    gateway: Gateway,
    (witnesses, health): (Witnesses, HealthReporter),
    stopped: watch::Receiver<bool>,
) {
    tokio::join!(
        ask::run(gateway.clone(), witnesses, stopped.clone()),
        stand::run(gateway, health, stopped),
    );
}

/// See `FederationService.Cosign`.
pub(crate) async fn cosign(
    gateway: &Gateway,
    caller: &Caller,
    message: CosignRequest,
) -> Result<CosignResponse, Refusal> {
    let watched = Arc::clone(gateway.witness());
    let understood = admit::role(caller, &[Role::Gateway], "gateway").and_then(|()| {
        let shown = from_proto::extension(message)?;
        let log = shown.origin();
        watched.admit(caller, &log).map(|()| (shown, log))
    });
    let (shown, log) = record::attempted(gateway, caller, understood).await?;
    let now = gateway.now();
    let judged = task::spawn_blocking(move || watched.witness.cosign(&shown, now)).await;
    match judged.map_err(|error| Refusal::Internal(Box::new(error)))? {
        Ok(cosignature) => Ok(CosignResponse {
            cosignature: cosignature.line,
        }),
        Err(refused) => Err(refuse(gateway, (caller, &log), refused).await),
    }
}

/// What the peer is told. A contradiction is recorded first, once, with both
/// checkpoints: of a split view they are proof against the peer, of all else they are
/// what its own gateway has shown.
async fn refuse(gateway: &Gateway, (caller, log): (&Caller, &str), refused: Refused) -> Refusal {
    if matches!(refused, Refused::Witness(_) | Refused::Note(_)) {
        return record::unavailable(refused);
    }
    let Some(both) = refused.contradiction() else {
        let stale = matches!(refused, Refused::Stale { .. });
        let refusal = Refusal::NotCosigned(Box::new(refused));
        return match stale {
            true => refusal,
            false => record::attempt(gateway, Some(caller), refusal).await,
        };
    };
    if !gateway.witness().is_new(log, both) {
        return Refusal::NotCosigned(Box::new(refused));
    }
    tracing::error!(%refused, "a peer's ledger is not what it was");
    let notes = [both.seen.note.as_slice(), b"\n", &both.shown.note].concat();
    let leaf = Leaf {
        note: Some(refused.to_string()),
        ..Leaf::new(gateway.now(), "not-cosigned", &caller.to_string())
    };
    if let Err(unavailable) = record::event(gateway, leaf, notes).await {
        gateway.witness().forget(log, both);
        return unavailable;
    }
    Refusal::NotCosigned(Box::new(refused))
}
