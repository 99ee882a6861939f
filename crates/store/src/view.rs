//! What comes out of the store.

use std::collections::BTreeSet;

use comity_domain::{
    CaseId, CaseState, Executing, InstrumentId, Issuing, JurisdictionCode, Outcome, RequestId,
    Urgency,
};
use comity_ledger::{Hash, Leaf};
use jiff::Timestamp;
use thiserror::Error;

use crate::{Unavailable, discreet::discreet};

/// Why something could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The database refused.
    #[error("cannot read the database")]
    Database(#[from] rusqlite::Error),
    /// What is stored is not what the store writes.
    #[error("the stored {what} is damaged; verify the store")]
    Damaged {
        /// What was read.
        what: &'static str,
    },
    /// The published ledger does not prove what it should.
    #[error("the published ledger gives no proof")]
    Proof(#[from] comity_ledger::ProofError),
    /// Not every record is in the index of personal values, or the index was changed.
    #[error(
        "the index of personal values is not complete: have it made again by `comity audit reindex`"
    )]
    Unindexed,
    /// The page asked for is one of another search by personal values, or from before the
    /// index had its key.
    #[error("the page is one of another search: begin again, without its token")]
    OtherSearch,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// A case as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// The case.
    pub id: CaseId,
    /// Its place in the order of opening: the index of its first ledger entry.
    /// The cursor of [`crate::Store::list`].
    pub opened: u64,
    /// Its version, from 1.
    pub version: u64,
    /// Where it stands.
    pub state: CaseState,
    /// The State that asks.
    pub issuing: Issuing,
    /// The State that is asked.
    pub executing: Executing,
    /// The legal basis, once known.
    pub instrument: Option<InstrumentId>,
    /// Outcome of the latest decision.
    pub outcome: Option<Outcome>,
    /// A training exercise.
    pub exercise: bool,
    /// How quickly.
    pub urgency: Urgency,
    /// The authority that opened it.
    pub owner: String,
    /// The owner's id for the request.
    pub request_id: RequestId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it must be looked at again although nobody asks.
    pub wake_at: Option<Timestamp>,
    /// The States whose reviewers have an open task in it.
    pub reviewers: BTreeSet<JurisdictionCode>,
    /// The team it belongs to, by the case that names it: itself where it sets one up.
    pub team: Option<CaseId>,
    /// The records of its events, oldest first, opaque to the store: what they
    /// add up to is everything else.
    pub records: Vec<Vec<u8>>,
}

impl Health {
    /// New work is accepted.
    #[must_use]
    pub fn takes_work(&self) -> bool {
        !self.failed && self.lacks_room.is_none()
    }
}

/// Which cases to list. Every condition given must hold.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Only what this party may see.
    pub party: Option<Party>,
    /// Only cases of this authority.
    pub owner: Option<String>,
    /// Only cases in this state.
    pub state: Option<CaseState>,
    /// Only cases this State asks.
    pub issuing: Option<JurisdictionCode>,
    /// Only cases this State is asked.
    pub executing: Option<JurisdictionCode>,
    /// Only cases on this legal basis.
    pub instrument: Option<InstrumentId>,
    /// Only these cases of teams.
    pub team: Option<OfTeam>,
}

/// Which cases of teams.
#[derive(Debug, Clone)]
pub enum OfTeam {
    /// By which teams are set up.
    SetUp,
    /// By which something is shared in the team that this case names.
    SharedIn(CaseId),
}

/// Where a page of cases to review ends: the next one begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// How quickly the last case of the page goes.
    pub urgency: Urgency,
    /// Its [`CaseRow::opened`].
    pub opened: u64,
}

/// Somebody with a part in a case: its owner, or the State that is asked.
#[derive(Debug, Clone)]
pub struct Party {
    /// The authority.
    pub owner: String,
    /// The State in whose name it also sees what is asked of that State.
    pub executing: Option<JurisdictionCode>,
}

/// A ledger entry by which a case came to stand as it does.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place among all entries of the case, from 1.
    pub sequence: u64,
    /// Its index in the ledger.
    pub index: u64,
    /// What it says.
    pub leaf: Leaf,
    /// What it holds in private; may be personal data.
    pub record: Vec<u8>,
}

/// A ledger entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its index in the ledger.
    pub index: u64,
    /// The hash of its leaf.
    pub leaf_hash: Hash,
    /// What it says.
    pub leaf: Leaf,
    /// Its leaf as it entered the tree.
    pub leaf_bytes: Vec<u8>,
}

/// Which entries to return. Every condition given must hold.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this case.
    pub case: Option<CaseId>,
    /// By this actor.
    pub actor: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Leading to this state.
    pub state: Option<String>,
    /// On this legal basis.
    pub instrument: Option<InstrumentId>,
    /// With this asking State.
    pub issuing: Option<JurisdictionCode>,
    /// With this asked State.
    pub executing: Option<JurisdictionCode>,
    /// Of this category of reading.
    pub category: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Where a page of entries starts, and which way it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// This index and later ones, oldest first.
    From(u64),
    /// Earlier than this index, newest first.
    Before(u64),
    /// From the newest back.
    Newest,
}

/// The private part of an entry, with what opens the leaf's commitment.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The salt of the commitment.
    pub salt: [u8; 32],
    /// The record; may be personal data.
    pub record: Vec<u8>,
}

/// How the store fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Entries committed.
    pub committed: u64,
    /// Entries under the last signed checkpoint.
    pub published: u64,
    /// The disk failed: nothing is accepted until the store is opened anew.
    pub failed: bool,
    /// Why no new work is accepted for the time being: there is no room for it.
    pub lacks_room: Option<Unavailable>,
    /// The last publication did not succeed; it is tried again.
    pub publication_failing: bool,
    /// A witness has seen another ledger than this one: nothing is signed.
    pub held: bool,
    /// Of that witness nothing is known but its word: it showed nothing that was signed.
    pub held_by_word: bool,
    /// Entries below this index were pruned, and of their bundles none is published.
    pub pruned: u64,
}

discreet! {
    CaseRow { id, version, state }
    Event { sequence, index, leaf }
    Record {}
}
