//! What goes into the store, and what it answers.

use std::{collections::BTreeSet, time::Duration};

use comity_domain::{
    CaseId, CaseState, Digest, Executing, IllegalTransition, InstrumentId, Issuing,
    JurisdictionCode, Outcome, RequestId, Urgency,
};
use comity_ledger::{Hash, Leaf, TakeApart};
use jiff::Timestamp;
use thiserror::Error;

use crate::{KeyToken, Term, discreet::discreet, legal_hold, rows::JOBS_PER_ENTRY};

/// How a store is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Database size, bytes, beyond which new work is refused. What is already
    /// accepted is still carried to its end.
    pub size_limit_bytes: Option<u64>,
    /// How often new entries are published under a signed checkpoint.
    pub publish_every: Duration,
    /// Sign nothing before [`crate::Store::heard_witnesses`] is called: who was restored from
    /// an old copy must first hear what witnesses have seen of it.
    pub await_witnesses: bool,
    /// The number of the [`crate::Extractor`] in use. An index of personal values that
    /// another one made is cleared as the store opens, to be made again.
    pub extractor: u32,
    /// The token that keeps the key-encryption key; `None`: it stands in its file in
    /// plain. A key that does is changed for one on the token as the store opens.
    pub token: Option<KeyToken>,
    /// How records are taken apart, so that entries commit to each of their fields;
    /// `None`: entries commit to their records as a whole.
    pub fields: Option<TakeApart>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size_limit_bytes: None,
            publish_every: Duration::from_secs(1),
            await_witnesses: false,
            extractor: 0,
            token: None,
            fields: None,
        }
    }
}

/// Everything that becomes durable together, or not at all.
///
/// The last entry speaks for the transaction: it names the case and the state
/// of a case change, and its leaf commits to the key, the case and the jobs.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// What makes a repetition of the same request harmless.
    pub key: Option<RequestKey>,
    /// A new case, or the next version of one.
    pub case: Option<CaseChange>,
    /// A case that this does not move and depends on, and the version it must still be at.
    pub unmoved: Option<(CaseId, u64)>,
    /// Ledger entries, in order.
    pub entries: Vec<Entry>,
    /// Work to be done once this is durable; at most 256 jobs.
    pub enqueue: Vec<NewJob>,
    /// The job that this transaction completes.
    pub finish: Option<Lease>,
    /// Written beyond the size limit too, although it completes no job and moves
    /// no case: without it what was accepted before could not go on.
    pub essential: bool,
    /// The personal values in the record of the last entry by which it is found; kept
    /// as keyed hashes alone.
    pub terms: Vec<Term>,
}

/// An idempotency key: one caller's id for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Who asks, as authenticated.
    pub caller: String,
    /// The caller's id for the request.
    pub request_id: RequestId,
    /// SHA-256 of the canonical request.
    pub digest: Digest,
}

/// The version of a case that a change was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is no such case yet.
    New,
    /// The case stands at this version.
    Version(u64),
}

/// A case as it is to stand after a transaction.
///
/// A new case starts as received and may take one step at once; an existing one
/// may take one step of the table, or stay in its state. Everything else about a
/// case is what the records of its events add up to.
#[derive(Clone)]
pub struct CaseChange {
    /// The case.
    pub id: CaseId,
    /// The version it was changed from.
    pub expected: Expected,
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
    /// The authority that opened it, as authenticated.
    pub owner: String,
    /// The owner's id for the request.
    pub request_id: RequestId,
    /// When it must be looked at again although nobody asks: its next time limit.
    pub wake_at: Option<Timestamp>,
    /// The States whose reviewers have an open task in it.
    pub reviewers: BTreeSet<JurisdictionCode>,
    /// The team it belongs to, by the case that names it: itself where it sets one up.
    pub team: Option<CaseId>,
    /// It needs a job in the outbox, see [`crate::Owed`]. What it needs its records say: by
    /// this the cases are found whose records are to be asked.
    pub owes: bool,
}

impl CaseChange {
    /// How urgent it is beside others: an exercise never is.
    #[must_use]
    pub fn precedence(&self) -> Urgency {
        if self.exercise {
            Urgency::Routine
        } else {
            self.urgency
        }
    }
}

/// A ledger entry to be appended.
#[derive(Clone)]
pub struct Entry {
    /// What it says in public.
    pub leaf: Leaf,
    /// What it holds in private; may be personal data.
    pub record: Vec<u8>,
}

/// A job for the outbox.
#[derive(Clone)]
pub struct NewJob {
    /// The case it belongs to.
    pub case: CaseId,
    /// What is to be done, as the deliverer knows it.
    pub step: String,
    /// The jurisdiction it goes to.
    pub target: JurisdictionCode,
    /// More urgent jobs go first.
    pub urgency: Urgency,
    /// Not before this.
    pub due: Timestamp,
    /// Leased until then to whoever enqueues it, who makes the first attempt;
    /// it comes back with the commit.
    pub held_until: Option<Timestamp>,
    /// What the deliverer needs, opaque to the store.
    pub body: Vec<u8>,
}

/// Jobs of one kind that a worker has room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The jurisdiction they go to.
    pub target: JurisdictionCode,
    /// How urgent they are.
    pub urgency: Urgency,
    /// At most so many.
    pub limit: usize,
}

/// The right to finish a job, lost when another worker claims it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    pub(crate) job: i64,
    pub(crate) fence: i64,
}

/// A claimed job.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// The right to finish it.
    pub lease: Lease,
    /// The case it belongs to.
    pub case: CaseId,
    /// What is to be done.
    pub step: String,
    /// The jurisdiction it goes to.
    pub target: JurisdictionCode,
    /// How quickly.
    pub urgency: Urgency,
    /// Which attempt this is, from 1.
    pub attempts: u32,
    /// What the deliverer needs.
    pub body: Vec<u8>,
}

impl Job {
    /// Index of the entry that enqueued it.
    #[must_use]
    pub fn entry(&self) -> u64 {
        u64::try_from(self.lease.job / JOBS_PER_ENTRY).unwrap_or_default()
    }
}

/// What a transaction brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The case's version, where a case was changed; from 1.
    pub version: Option<u64>,
    /// Where each entry stands in the ledger.
    pub receipts: Vec<Receipt>,
    /// Jobs that whoever enqueued them holds.
    pub(crate) held: Vec<Job>,
}

/// Where an entry stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its index, from 0 without gaps.
    pub index: u64,
    /// The hash of its leaf.
    pub leaf_hash: Hash,
}

/// Why a transaction did not take place. Nothing of it was written, but for
/// [`CommitError::OldKey`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// The same request was accepted before, durably; this is its case.
    #[error("the request was accepted before as case {0}")]
    Replay(CaseId),
    /// The request id was used for another request.
    #[error("the request id was used before for a different request; choose a new one")]
    Mismatch,
    /// The case was changed by somebody else, or is not there.
    #[error("the case stands at {}; read it again", version_text(*.current))]
    Conflict {
        /// The version it stands at; `None` if there is no such case.
        current: Option<u64>,
    },
    /// Another worker has claimed the job.
    #[error("another worker has taken over the job")]
    LeaseLost,
    /// The table of transitions forbids it.
    #[error(transparent)]
    IllegalTransition(#[from] IllegalTransition),
    /// It erases what is under a legal hold.
    #[error(
        "cases/{case} is under the legal hold of {}: nothing of it is erased until that is lifted",
        legal_hold::entries_in_words(.holds)
    )]
    Held {
        /// The case.
        case: String,
        /// The entries of the holds that stand over it; at least one.
        holds: Vec<u64>,
    },
    /// The transaction contradicts itself: a mistake of the caller.
    #[error("the transaction cannot be recorded: {0}")]
    Invalid(String),
    /// The keys of records cannot be used; the text says why.
    #[error("records cannot be sealed: {0}")]
    Keys(String),
    /// What was to be erased is erased here, but the key that opens it in copies from
    /// before is still there; the text says why. The next erasure destroys it, or
    /// the store as it opens again.
    #[error("the old key is still there: {0}")]
    OldKey(String),
    /// Not now; the store accepts work again once the cause is gone.
    #[error("the store takes no work now: {0}")]
    Unavailable(Unavailable),
    /// The disk failed. Nothing is accepted until the store is opened anew.
    #[error("the store failed and must be restarted; see the log")]
    Failed,
}

/// Why the store takes no work for the time being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// No space on the disk.
    #[error("the disk is full; free some space")]
    DiskFull,
    /// The configured limit is reached.
    #[error("the database has reached its size limit; raise it")]
    SizeLimit,
    /// Another program holds the database.
    #[error("another program keeps the database locked")]
    Busy,
    /// The store was closed.
    #[error("it is closed")]
    Closed,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

fn version_text(version: Option<u64>) -> String {
    version.map_or_else(|| "no version".to_owned(), |v| format!("version {v}"))
}

discreet! {
    CaseChange { id, expected, state }
    Entry { leaf }
    NewJob { case, step, target, due }
    Job { lease, case, step, target, attempts }
}
