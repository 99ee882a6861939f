//! Witnesses: this gateway cosigns the ledgers of its peers and other logs, each as long
//! as it only grows, over gRPC and over HTTP (C2SP tlog-witness), and asks witnesses to
//! cosign its own.

mod ask;
mod pause;
mod receive;
mod refused;
mod watched;

use std::{fs, sync::Arc};

use comity::v1::{CosignRequest, CosignResponse};
use comity_ledger::{Cosignature, Cosigner, Extension, Leaf, Refused, Witness};
use tokio::task::{self, JoinError};

use self::watched::Claim;
pub(crate) use self::{
    ask::{SubmissionError, Witnesses, run},
    pause::Pause,
    receive::{ADD_CHECKPOINT, add_checkpoint},
    refused::{code, metadata, reason},
    watched::Watched,
};
use crate::{
    admit,
    config::{self, Config},
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    start::StartError,
    wire::from_proto,
};

/// The key that this gateway cosigns with, in the data folder.
pub(crate) const KEY: &str = "witness.key";
/// What it has cosigned, in the data folder.
pub(crate) const MEMORY: &str = "witness";

/// Takes up what this gateway has cosigned; makes its key on first use. Blocks on the
/// disk.
pub(crate) fn open(config: &Config) -> Result<Arc<Watched>, StartError> {
    let (key, memory) = (config.data.join(KEY), config.data.join(MEMORY));
    // Its peers take no other key for this gateway's.
    let remembers = || fs::read_dir(&memory).is_ok_and(|mut seen| seen.next().is_some());
    if !key.exists() && remembers() {
        return Err(StartError::Lost(key));
    }
    let cosigner = Cosigner::load_or_make(&key, &name(&config.origin))?;
    let config::Witnesses { peers, logs, .. } = &config.witnesses;
    let watched = peers.iter().map(|peer| &peer.log).chain(logs).cloned();
    let witness = Witness::open(&memory, cosigner, watched)?;
    Ok(Arc::new(Watched::new(witness, &config.witnesses)))
}

/// The name by which the gateway of a ledger cosigns.
pub(crate) fn name(origin: &str) -> String {
    format!("{origin}/witness")
}

/// See `FederationService.Cosign`.
pub(crate) async fn cosign(
    gateway: &Gateway,
    caller: &Caller,
    message: CosignRequest,
) -> Result<CosignResponse, Refusal> {
    let watched = gateway.witness();
    let understood = admit::role(caller, &[Role::Gateway], "gateway").and_then(|()| {
        let shown = from_proto::extension(message)?;
        let log = shown.origin();
        watched.admit(caller, &log).map(|()| (shown, log))
    });
    let (shown, log) = record::attempted(gateway, caller, understood).await?;
    let judged = decide(gateway, &shown).await;
    match judged.map_err(|error| Refusal::Internal(Box::new(error)))? {
        Ok(cosignature) => Ok(CosignResponse {
            cosignature: cosignature.line,
        }),
        Err(refused) => Err(refuse(gateway, (caller, &log), refused).await),
    }
}

/// Decides on what is shown, over gRPC and over HTTP.
async fn decide(
    gateway: &Gateway,
    shown: &Extension,
) -> Result<Result<Cosignature, Refused>, JoinError> {
    let (watched, shown) = (Arc::clone(gateway.witness()), shown.clone());
    let now = gateway.now();
    task::spawn_blocking(move || watched.witness.cosign(&shown, now)).await
}

/// What the peer is told.
async fn refuse(gateway: &Gateway, (caller, log): (&Caller, &str), refused: Refused) -> Refusal {
    if matches!(refused, Refused::Witness(_) | Refused::Note(_)) {
        return record::unavailable(refused);
    }
    let recorded = contradicts(gateway, (&caller.to_string(), log), &refused).await;
    if let Err(unavailable) = recorded {
        return unavailable;
    }
    let is_answered = matches!(refused, Refused::Stale { .. }) || refused.contradiction().is_some();
    let refusal = Refusal::NotCosigned(Box::new(refused));
    match is_answered {
        true => refusal,
        false => record::attempt(gateway, Some(caller), refusal).await,
    }
}

/// Records a contradiction, once for who shows it, with both checkpoints: of a split view
/// they are proof against the log, of all else they are what has been shown. Does nothing
/// where there is none.
async fn contradicts(
    gateway: &Gateway,
    (by, log): (&str, &str),
    refused: &Refused,
) -> Result<(), Refusal> {
    let Some(both) = refused.contradiction() else {
        return Ok(());
    };
    let claim = Claim {
        log: log.to_owned(),
        by: by.to_owned(),
        is_proof: matches!(refused, Refused::Split(_)),
    };
    if !gateway.witness().is_new(&claim, both) {
        return Ok(());
    }
    tracing::error!(%refused, "a ledger is not what it was");
    let notes = [both.seen.note.as_slice(), b"\n", &both.shown.note].concat();
    let leaf = Leaf {
        note: Some(refused.to_string()),
        ..Leaf::new(gateway.now(), "not-cosigned", by)
    };
    let recorded = record::event(gateway, leaf, notes).await;
    if recorded.is_err() {
        gateway.witness().forget(&claim, both);
    }
    recorded
}
