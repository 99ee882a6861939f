//! The logs that this gateway watches as a witness: what it has cosigned of each, whose
//! they are, and which contradictions are on record.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use comity_domain::JurisdictionCode;
use comity_ledger::{Contradiction, Witness};

use crate::{config::Peer, identity::Caller, refusal::Refusal};

/// See the module.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(super) witness: Witness,
    /// The State whose gateway keeps a log, by the log's origin.
    keepers: BTreeMap<String, JurisdictionCode>,
    /// By origin, the contradiction that was recorded last.
    recorded: Mutex<BTreeMap<String, Contradiction>>,
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

    /// Whether a contradiction is the last that is on record of a log.
    pub(super) fn is_recorded(&self, log: &str, both: &Contradiction) -> bool {
        self.lock().get(log) == Some(both)
    }

    /// Takes note that it is.
    pub(super) fn recorded(&self, log: &str, both: &Contradiction) {
        self.lock().insert(log.to_owned(), both.clone());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Contradiction>> {
        // A panic elsewhere leaves the map whole: each use is one step.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
