//! The logs that this gateway watches as a witness: what it has cosigned of each, whose
//! they are, and which contradictions are on record.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use comity_domain::JurisdictionCode;
use comity_ledger::{Contradiction, Witness};

use crate::{config::Peer, identity::Caller, refusal::Refusal};

/// Contradictions of one log that are recorded: one proves what there is to prove.
const CONTRADICTIONS_MAX: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(super) witness: Witness,
    /// The State whose gateway keeps a log, by the log's origin.
    keepers: BTreeMap<String, JurisdictionCode>,
    /// By origin, the contradictions that are on record.
    recorded: Mutex<BTreeMap<String, Vec<Contradiction>>>,
}

impl Watched {
    pub(super) fn new(witness: Witness, peers: &[Peer]) -> Self {
        let keeper = |peer: &Peer| (peer.log.name().to_owned(), peer.jurisdiction.clone());
        Self {
            witness,
            keepers: peers.iter().map(keeper).collect(),
            recorded: Mutex::default(),
        }
    }

    /// The key that cosignatures are verified with.
    pub(crate) fn key(&self) -> &comity_ledger::CosignerKey {
        self.witness.key()
    }

    /// Lets a log be shown by who keeps it alone: what another shows of it, be it
    /// genuine, says nothing of what its keeper holds out now. Logs that nobody here
    /// knows are for the witness to refuse.
    pub(super) fn admit(&self, caller: &Caller, log: &str) -> Result<(), Refusal> {
        match self.keepers.get(log) {
            Some(keeper) if *keeper != caller.jurisdiction => Err(Refusal::NotCompetent(
                "a log is shown by the gateway that keeps it, and no other",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a contradiction is to be recorded, which is noted: each once, and so many
    /// of one log that nobody fills this ledger with them.
    pub(super) fn is_new(&self, log: &str, both: &Contradiction) -> bool {
        let mut recorded = self.lock();
        let of_log = recorded.entry(log.to_owned()).or_default();
        let is_new = of_log.len() < CONTRADICTIONS_MAX && !of_log.contains(both);
        if is_new {
            of_log.push(both.clone());
        }
        is_new
    }

    /// It could not be recorded.
    pub(super) fn forget(&self, log: &str, both: &Contradiction) {
        if let Some(of_log) = self.lock().get_mut(log) {
            of_log.retain(|one| one != both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Contradiction>>> {
        // A panic elsewhere leaves the map whole: each use is one step.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
