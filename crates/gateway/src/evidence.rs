//! Evidence in bulk: who may store and read it, and its way into the ledger.
//!
//! What is stored, and by whom, is what the ledger says: an item is readable from
//! the entry that it is complete to the entry that it is erased.

mod custody;
mod download;
mod entries;
mod erase;
mod release;
mod sweep;
mod upload;

use comity_domain::BoundParty;
use comity_evidence::{EvidenceError, ItemId, OpenError, Room};
use comity_ledger::{Evidence as Described, Hash, Leaf};
use tokio::sync::{RwLock, RwLockWriteGuard, watch};

pub(crate) use self::{
    custody::{Item, Step, has_passed, list},
    download::{Chunks, download},
    erase::delete,
    sweep::run as sweep,
    upload::upload,
};
use crate::{
    admit,
    cases::CaseAt,
    config::{self, Config},
    gateway::Gateway,
    identity::{Caller, Role},
    places::Places,
    record::RETRY_AFTER,
    refusal::Refusal,
};

/// Most bytes in one chunk.
pub(crate) const CHUNK_BYTES_MAX: usize = 1 << 20;

/// What the stages of evidence share.
#[derive(Debug)]
pub(crate) struct Evidence {
    room: Room,
    limits: config::Evidence,
    places: Places,
    /// Held while a reading is recorded, and alone while it is asked whether any is and
    /// what follows from that is recorded: a reading moves no case.
    handing_over: RwLock<()>,
    /// Transfers end when the gateway stops; they are resumed elsewhere.
    stopped: watch::Receiver<bool>,
}

impl Evidence {
    /// Opens what is stored. Blocks on the disk.
    pub(crate) fn open(config: &Config, stopped: watch::Receiver<bool>) -> Result<Self, OpenError> {
        let limits = config.evidence.clone();
        Ok(Self {
            room: Room::open(&config.data, &limits.place, limits.keep_free_bytes)?,
            places: Places::new(limits.transfers, limits.per_caller),
            handing_over: RwLock::new(()),
            limits,
            stopped,
        })
    }

    /// Has no reading recorded until what is about to be recorded forbids it.
    pub(crate) async fn none_handed_over(&self) -> RwLockWriteGuard<'_, ()> {
        self.handing_over.write().await
    }
}

/// The side of a case that an authority is on: the owner's, or the executing State's.
fn side(actor: &str, case: &CaseAt) -> BoundParty {
    match actor == case.row.owner {
        true => BoundParty::Issuing,
        false => BoundParty::Executing,
    }
}

/// Lets only those in who can have a part in a case.
fn entitled(caller: &Caller) -> Result<(), Refusal> {
    let parties = [Role::Issuing, Role::Executing, Role::Backend];
    admit::role(caller, &parties, "issuing, executing and backend")
}

/// An entry about an item of a case, which moves nothing.
fn leaf(gateway: &Gateway, kind: &str, actor: &str, (id, item): (&ItemId, Described)) -> Leaf {
    Leaf {
        case: Some(id.case.to_string()),
        evidence: Some(item),
        ..Leaf::new(gateway.now(), kind, actor)
    }
}

/// An item as the ledger describes it.
fn described(id: &ItemId, about: &comity_evidence::About) -> Described {
    Described {
        sha256: Hash(id.sha256.0),
        size: about.size,
        media_type: about.media_type.clone(),
        sealed: about.recipient.is_some(),
    }
}

/// What the caller is told when bytes cannot be stored or read.
fn unusable(error: EvidenceError) -> Refusal {
    let unavailable = |what| Refusal::Unavailable {
        what,
        retry_after: RETRY_AFTER,
    };
    match error {
        EvidenceError::Full(_) => {
            tracing::error!(
                "the evidence store is full: see `evidence.keep_free_bytes` and the disk"
            );
            unavailable("the evidence store has no room left and")
        }
        EvidenceError::Store(_) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the evidence store cannot be used"
            );
            unavailable("the evidence store")
        }
        EvidenceError::Taken => Refusal::Conflict("the upload of this item"),
        EvidenceError::Overrun => admit::malformed(
            "header.size",
            "is less than what was sent: state the size of the whole item",
        ),
        EvidenceError::WrongDigest => Refusal::WrongDigest {
            what: "the item",
            offset: 0,
            stored: 0,
        },
        EvidenceError::Damaged(_) | EvidenceError::Missing => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "stored evidence cannot be used"
            );
            Refusal::Damaged
        }
        EvidenceError::Unfinished => Refusal::Internal(Box::new(error)),
    }
}
