//! Erasing in the data folder of a gateway that is stopped: a case that has ended, or
//! the record of an entry that no case belongs to.

use std::path::Path;

use comity::v1;
use comity_domain::CaseId;
use comity_ledger::{Flaw, Leaf};
use comity_store::{
    Archive, CommitError, ERASURE, Entry, EntryRow, KeyToken, LEGAL_HOLD, LEGAL_HOLD_LIFTED,
    PRUNING, ReadError, Record, Report, Store, state_name,
};
use jiff::Timestamp;
use prost::Message as _;
use thiserror::Error;

use crate::{
    offline::verify_watched,
    personal,
    stopped::{self, Signing, StoppedError},
    wire::to_proto,
};

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Every record of a case, but by whose order it was held and let go.
    Case(CaseId),
    /// The record of an entry that no case belongs to.
    Entry(u64),
}

/// An order to erase.
#[derive(Debug, Clone)]
pub struct Order {
    /// What.
    pub subject: Subject,
    /// Why, and on which legal basis; kept under seal.
    pub reason: String,
    /// Who ordered it: an office rather than a person; kept under seal.
    pub by: String,
}

/// What was erased, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Index of the entry that says so.
    pub entry: u64,
    /// Entries whose records are gone; what they say in public stays.
    pub entries: Vec<u64>,
    /// Some of them are about evidence.
    pub evidence: bool,
    /// The token that the old key was destroyed on; `None`: it was wiped in its file, and
    /// is in copies of that.
    pub token: Option<String>,
    /// The entry is signed as the gateway starts next and has heard its witnesses.
    pub waits: bool,
    /// What verification of the whole folder found afterwards.
    pub report: Report,
}

/// Why nothing was erased.
#[derive(Debug, Error)]
pub enum EraseError {
    /// A reason or an orderer is missing.
    #[error("say why and by whose order: an erasure without a reason is not recorded")]
    Unexplained,
    /// There is no such case.
    #[error("there is no case {0}")]
    NoCase(CaseId),
    /// There is no such entry.
    #[error("there is no entry {0}")]
    NoEntry(u64),
    /// An entry of a case.
    #[error("entry {0} belongs to cases/{1}: erase the case as a whole, once it has ended")]
    OfCase(u64, String),
    /// An entry that says why something was erased or pruned.
    #[error("entry {0} says why something was erased or pruned, and stays")]
    OfErasure(u64),
    /// A case under way.
    #[error("the case is {0}: it can be erased once it has come to its end")]
    UnderWay(&'static str),
    /// Jobs are left.
    #[error("deliveries or notices of the case are still to be made: let the gateway make them")]
    Busy,
    /// It was erased before.
    #[error("it was erased before")]
    Before,
    /// The data folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] StoppedError),
    /// It cannot be read.
    #[error("the data folder cannot be read")]
    Read(#[from] ReadError),
    /// The store refused.
    #[error("nothing was erased")]
    Commit(#[source] CommitError),
    /// The old key is still there.
    #[error(
        "it was erased here, but not in copies from before: their key is destroyed when the \
         gateway starts next, or when something else is erased"
    )]
    OldKey(#[source] CommitError),
    /// The index of personal values is not made again yet.
    #[error(
        "it was erased by entry {entry}, but the index of personal values is not complete: \
         run `comity audit reindex`"
    )]
    Index {
        /// The entry that says so.
        entry: u64,
        /// Why.
        #[source]
        source: CommitError,
    },
    /// The entry that says so is not signed.
    #[error(
        "it was erased by entry {entry}, which is recorded but not under a signed checkpoint \
         yet ({why}): {}",
        stopped::TO_BE_SIGNED
    )]
    Unsigned {
        /// The entry that says so.
        entry: u64,
        /// Why nothing is signed.
        why: String,
    },
    /// What is left is not in order.
    #[error("it was erased by entry {entry}, but the folder is not in order now")]
    Flawed {
        /// The entry that says so.
        entry: u64,
        /// What is wrong.
        #[source]
        flaw: Flaw,
    },
}

impl EraseError {
    /// The entries of the legal holds that kept the case from being erased, oldest first;
    /// none where it was something else.
    #[must_use]
    pub fn holds(&self) -> &[u64] {
        let Self::Commit(CommitError::Held { holds, .. }) = self else {
            return &[];
        };
        holds
    }
}

/// Erases, records by whose order and why, and verifies all that is left. `token` keeps
/// the key to the records, where one does.
///
/// # Errors
/// [`EraseError`]; but for its last four variants nothing was erased then. While a gateway
/// has the folder open it is [`StoppedError::Open`].
pub async fn erase(
    (data, token): (&Path, Option<&KeyToken>),
    order: &Order,
    now: Timestamp,
) -> Result<Erased, EraseError> {
    if order.reason.trim().is_empty() || order.by.trim().is_empty() {
        return Err(EraseError::Unexplained);
    }
    let (store, mut archive) = stopped::both((data, token))?;
    let done = carry_out(&mut archive, &store, order, now).await;
    drop(archive);
    let indexed = personal::rebuild(&store, |_, _| ()).await;
    // So that the erasure is under a signed checkpoint.
    let entry = done.as_ref().map_or(0, |(entry, _)| *entry);
    let signing = stopped::sign(&store, entry).await;
    store.close().await;
    let (entry, rows) = done?;
    indexed.map_err(|source| EraseError::Index { entry, source })?;
    if let Signing::Failed(why) = signing {
        return Err(EraseError::Unsigned { entry, why });
    }
    let report = verify_watched((data, token), None, &mut |_, _| {})
        .map_err(|flaw| EraseError::Flawed { entry, flaw })?;
    Ok(Erased {
        entry,
        evidence: rows.iter().any(|row| row.leaf.evidence.is_some()),
        entries: rows.into_iter().map(|row| row.index).collect(),
        token: token.map(|token| token.token.clone()),
        waits: signing == Signing::Waits,
        report,
    })
}

/// Erases; the entry that says so, and those whose records are gone.
async fn carry_out(
    archive: &mut Archive,
    store: &Store,
    order: &Order,
    now: Timestamp,
) -> Result<(u64, Vec<EntryRow>), EraseError> {
    let found = match &order.subject {
        Subject::Case(case) => of_case(archive, store, case).await?,
        Subject::Entry(index) => vec![alone(archive, *index)?],
    };
    let goes = |(row, record): (EntryRow, Option<Record>)| {
        // By whose order it was held, and why, stays.
        let stays = [LEGAL_HOLD, LEGAL_HOLD_LIFTED].contains(&row.leaf.kind.as_str());
        record.filter(|_| !stays).map(|_| row)
    };
    let rows: Vec<EntryRow> = found.into_iter().filter_map(goes).collect();
    let entry = said(order, now);
    let committed = match &order.subject {
        Subject::Case(case) => store.erase(case, entry).await,
        Subject::Entry(index) => store.erase_entry(*index, entry).await,
    };
    let committed = committed.map_err(|error| match (&order.subject, error) {
        // All else that would be refused of a case was looked at before.
        (Subject::Case(_), CommitError::Invalid(_)) => EraseError::Busy,
        (_, error @ CommitError::OldKey(_)) => EraseError::OldKey(error),
        (Subject::Case(_) | Subject::Entry(_), error) => EraseError::Commit(error),
    })?;
    let at = committed
        .receipts
        .first()
        .map_or(0, |receipt| receipt.index);
    Ok((at, rows))
}

/// The entries of a case that has ended and was not erased.
async fn of_case(
    archive: &mut Archive,
    store: &Store,
    case: &CaseId,
) -> Result<Vec<(EntryRow, Option<Record>)>, EraseError> {
    let row = store.case(case).await?;
    let state = row.ok_or_else(|| EraseError::NoCase(case.clone()))?.state;
    if !state.is_final() {
        return Err(EraseError::UnderWay(state_name(state)));
    }
    let found = archive.entries_of(case)?;
    if found.iter().any(|(row, _)| row.leaf.kind == ERASURE) {
        return Err(EraseError::Before);
    }
    Ok(found)
}

/// An entry that no case belongs to and that was not erased.
fn alone(archive: &mut Archive, index: u64) -> Result<(EntryRow, Option<Record>), EraseError> {
    let (row, record) = archive.entry(index)?.ok_or(EraseError::NoEntry(index))?;
    // It stays also where it says so of a case.
    if [ERASURE, PRUNING].contains(&row.leaf.kind.as_str()) {
        return Err(EraseError::OfErasure(index));
    }
    if let Some(case) = row.leaf.case {
        return Err(EraseError::OfCase(index, case));
    }
    if record.is_none() {
        return Err(EraseError::Before);
    }
    Ok((row, record))
}

/// What the ledger says of an erasure: in public that it took place, under seal by
/// whose order and why.
fn said(order: &Order, now: Timestamp) -> Entry {
    let category = v1::AccessCategory::Erasure;
    let mut leaf = Leaf::new(now, ERASURE, "gateway");
    leaf.category = Some(to_proto::category_name(category));
    let subject = match &order.subject {
        Subject::Case(case) => {
            leaf.case = Some(case.to_string());
            format!("cases/{case}")
        }
        Subject::Entry(index) => {
            leaf.erases = Some(*index);
            index.to_string()
        }
    };
    let access = v1::Access {
        category: category.into(),
        call: "erase".to_owned(),
        purpose: order.reason.clone(),
        recipient: String::new(),
        subject,
        ordered_by: order.by.clone(),
        found: 0,
    };
    Entry {
        leaf,
        record: access.encode_to_vec(),
    }
}
