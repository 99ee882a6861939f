//! The logs that this gateway watches as a witness: what it has cosigned of each, whose
//! they are, and which contradictions are on record.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use comity_domain::JurisdictionCode;
use comity_ledger::{Contradiction, Witness};
use tokio::sync::Semaphore;

use crate::{config::Witnesses, identity::Caller, refusal::Refusal};

/// Contradictions of one claim that are recorded: one proves what there is to prove.
const CONTRADICTIONS_MAX: usize = 16;
/// Checkpoints that are looked at a time where anybody may show them.
const PLACES: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(super) witness: Witness,
    /// The State whose gateway keeps a log, by the log's origin; `None` for logs outside.
    keepers: BTreeMap<String, Option<JurisdictionCode>>,
    /// The contradictions that are on record.
    recorded: Mutex<BTreeMap<Claim, Vec<Contradiction>>>,
    /// Room for checkpoints that anybody shows.
    pub(super) places: Semaphore,
}

/// That somebody shows a log to contradict itself. Each has a number of entries of its
/// own: what anybody can claim does not keep from record what proves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    /// Origin of the log.
    pub(super) log: String,
    /// Who shows it.
    pub(super) by: String,
    /// Both checkpoints prove it, whoever shows them.
    pub(super) is_proof: bool,
}

impl Watched {
    pub(super) fn new(witness: Witness, config: &Witnesses) -> Self {
        let of_peers = config
            .peers
            .iter()
            .map(|peer| (&peer.log, Some(&peer.jurisdiction)));
        let outside = config.logs.iter().map(|log| (log, None));
        let keepers = of_peers.chain(outside);
        Self {
            witness,
            keepers: keepers
                .map(|(log, state)| (log.name().to_owned(), state.cloned()))
                .collect(),
            recorded: Mutex::default(),
            places: Semaphore::new(PLACES),
        }
    }

    /// The key that cosignatures are verified with.
    pub(crate) fn key(&self) -> &comity_ledger::CosignerKey {
        self.witness.key()
    }

    /// Lets a log be shown by who keeps it alone: what another shows of it, be it
    /// genuine, says nothing of what its keeper holds out now. Logs outside are shown over
    /// HTTP. Logs that nobody here knows are for the witness to refuse.
    pub(super) fn admit(&self, caller: &Caller, log: &str) -> Result<(), Refusal> {
        match self.keepers.get(log) {
            Some(keeper) if keeper.as_ref() != Some(&caller.jurisdiction) => Err(
                Refusal::NotCompetent("a log is shown by the gateway that keeps it, and no other"),
            ),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a contradiction is to be recorded, which is noted: each once, and so many
    /// of one claim that nobody fills this ledger with them.
    pub(super) fn is_new(&self, claim: &Claim, both: &Contradiction) -> bool {
        let mut recorded = self.lock();
        let of_claim = recorded.entry(claim.clone()).or_default();
        let is_new = of_claim.len() < CONTRADICTIONS_MAX && !of_claim.contains(both);
        if is_new {
            of_claim.push(both.clone());
        }
        is_new
    }

    /// It could not be recorded.
    pub(super) fn forget(&self, claim: &Claim, both: &Contradiction) {
        if let Some(of_claim) = self.lock().get_mut(claim) {
            of_claim.retain(|one| one != both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Claim, Vec<Contradiction>>> {
        // A panic elsewhere leaves the map whole: each use is one step.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
