//! Durable cases, ledger rows and outbox on SQLite.
//!
//! One transaction makes a decision durable as a whole: the idempotency key, the
//! case's next version, the ledger entries and the jobs that follow from it. A
//! [`Durable`] value is the proof that this has happened, and only the store
//! makes one.
//!
//! A folder holds `comity.db`, the published `ledger/`, and `lock`, by which one
//! process at a time has it open.

mod agenda;
mod archive;
mod blind;
mod carrier;
mod column;
mod copy;
mod discreet;
mod durable;
mod emergency;
mod ended;
mod erase;
mod events;
mod items;
mod legal_hold;
mod model;
mod open;
mod outbox;
mod pending;
mod prepare;
mod prune;
mod publisher;
mod queue;
mod read;
mod reindex;
mod room;
mod rows;
mod schema;
mod search;
mod shape;
mod store;
mod token;
mod vault;
mod verify;
mod view;
mod witnessed;
mod writer;

#[cfg(test)]
mod tests;

pub use archive::{Archive, Period};
pub use blind::{Extractor, Indexed, Term};
pub use column::{OUTCOMES, outcome_name, state_name};
pub use comity_ledger::{Flaw, PRUNING, Pruned};
pub use copy::{CopyError, copy};
pub use durable::Durable;
pub use emergency::{Claim, Claimant, JUSTIFIED, UNJUSTIFIED};
pub use ended::Ended;
pub use erase::ERASURE;
pub use items::{EVIDENCE_STORED, Item, Items};
pub use legal_hold::{
    Breach, EVIDENCE_ERASED, Holds, LEGAL_HOLD, LEGAL_HOLD_LIFTED, entries_in_words,
};
pub use model::{
    CaseChange, CommitError, Committed, Entry, Expected, Job, Lease, NewJob, Options, Receipt,
    RequestKey, Transaction, Unavailable, Wanted,
};
pub use open::{DATABASE, FILES, OpenError, VAULT, demand_free, make_folder};
pub use outbox::Owed;
pub use pending::Waiting;
pub use prepare::MAX_BLOB_BYTES;
pub use prune::{InTheWay, Prunable, Why};
pub use publisher::PublicationError;
pub use room::Outstanding;
pub use search::{Cursor, Found, Names, Order, Search, SortBy};
pub use store::Store;
pub use token::{Cause, KeyToken, TokenError};
pub use vault::VaultError;
pub use verify::{Reading, Report, verify, verify_watched};
pub use view::{
    CaseFilter, CaseRow, EntryFilter, EntryRow, Event, Health, OfTeam, Page, Party, ReadError,
    Record, Reviewed,
};
pub use witnessed::Held;
