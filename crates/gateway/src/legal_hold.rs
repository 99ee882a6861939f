//! Legal holds in the data folder of a gateway that is stopped, as erasing is: set, lifted
//! and listed. The store refuses to erase what is held.

use std::path::Path;

use comity::v1;
use comity_domain::CaseId;
use comity_ledger::Leaf;
use comity_store::{
    Archive, CommitError, ERASURE, Entry, EntryRow, KeyToken, LEGAL_HOLD, LEGAL_HOLD_LIFTED,
    ReadError, Record, Transaction,
};
use jiff::Timestamp;
use prost::Message as _;
use thiserror::Error;

use crate::stopped::{self, Signing, StoppedError};

/// An order to put a case under a legal hold, or to lift one.
#[derive(Debug, Clone)]
pub struct HoldOrder {
    /// The case; it may have ended.
    pub case: CaseId,
    /// The hold to lift, by its entry; `None` to set one.
    pub lifts: Option<u64>,
    /// Why, and on which legal ground; kept under seal.
    pub reason: String,
    /// Who ordered it: an office rather than a person; kept under seal.
    pub by: String,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// Index of the entry that says so.
    pub entry: u64,
    /// The holds that stand over the case now, by their entries, oldest first.
    pub standing: Vec<u64>,
    /// Whether the entry is under a signed checkpoint. The order stands all the same.
    pub signing: Signing,
}

/// A legal hold that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Index of its entry.
    pub entry: u64,
    /// The case, without `cases/`.
    pub case: String,
    /// Since when.
    pub since: Timestamp,
    /// Who ordered it.
    pub by: String,
    /// Why, and on which legal ground.
    pub reason: String,
}

/// Why nothing was ordered.
#[derive(Debug, Error)]
pub enum HoldError {
    /// A reason or an orderer is missing.
    #[error("say why and by whose order: a legal hold without a reason is not recorded")]
    Unexplained,
    /// There is no such case.
    #[error("there is no case {0}")]
    NoCase(CaseId),
    /// The case was erased.
    #[error("the case was erased before: nothing is left to hold")]
    Erased,
    /// No such hold stands.
    #[error(
        "entry {hold} is no legal hold that stands over the case; `comity audit holds` lists \
         those that do"
    )]
    NotStanding {
        /// What was to be lifted.
        hold: u64,
    },
    /// The data folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] StoppedError),
    /// It cannot be read.
    #[error("the data folder cannot be read")]
    Read(#[from] ReadError),
    /// The store refused.
    #[error("nothing was recorded")]
    Commit(#[from] CommitError),
}

/// Puts a case under a legal hold or lifts one, and records by whose order and why.
/// `token` keeps the key to the records, where one does.
///
/// # Errors
/// [`HoldError`]; nothing was recorded then. While a gateway has the folder open it is
/// [`StoppedError::Open`].
pub async fn hold(
    (data, token): (&Path, Option<&KeyToken>),
    order: &HoldOrder,
    now: Timestamp,
) -> Result<Ordered, HoldError> {
    if order.reason.trim().is_empty() || order.by.trim().is_empty() {
        return Err(HoldError::Unexplained);
    }
    let mut standing = may_be_ordered(&mut stopped::archive((data, token))?, order)?;
    let store = stopped::store((data, token))?;
    let committed = store.commit(said(order, now)).await;
    let entry = committed.as_ref().ok();
    let entry = entry.and_then(|committed| committed.receipts.first());
    let entry = entry.map_or(0, |receipt| receipt.index);
    // So that the order is under a signed checkpoint.
    let signing = stopped::sign(&store, entry).await;
    store.close().await;
    committed?;
    match order.lifts {
        None => standing.push(entry),
        Some(lifted) => standing.retain(|hold| *hold != lifted),
    }
    Ok(Ordered {
        entry,
        standing,
        signing,
    })
}

/// The legal holds that stand, oldest first.
pub(crate) fn standing(archive: &mut Archive) -> Result<Vec<Held>, ReadError> {
    let found = archive.legal_holds()?;
    Ok(found.into_iter().map(held).collect())
}

/// The holds that stand over a case, where the store will not refuse the order.
fn may_be_ordered(archive: &mut Archive, order: &HoldOrder) -> Result<Vec<u64>, HoldError> {
    let leaves = archive.leaves_of(&order.case)?;
    if leaves.is_empty() {
        return Err(HoldError::NoCase(order.case.clone()));
    }
    if leaves.iter().any(|leaf| leaf.kind == ERASURE) {
        return Err(HoldError::Erased);
    }
    let holds = standing(archive)?.into_iter();
    let holds = holds.filter(|held| held.case == order.case.as_str());
    let holds: Vec<_> = holds.map(|held| held.entry).collect();
    match order.lifts {
        Some(hold) if !holds.contains(&hold) => Err(HoldError::NotStanding { hold }),
        Some(_) | None => Ok(holds),
    }
}

fn held((row, record): (EntryRow, Option<Record>)) -> Held {
    let record = record.map(|record| record.record).unwrap_or_default();
    // One that cannot be read stands all the same.
    let access = v1::Access::decode(record.as_slice()).unwrap_or_default();
    Held {
        entry: row.index,
        case: row.leaf.case.unwrap_or_default(),
        since: row.leaf.at,
        by: access.ordered_by,
        reason: access.purpose,
    }
}

/// What the ledger says of an order: in public that it was given, under seal by whom and
/// why.
fn said(order: &HoldOrder, now: Timestamp) -> Transaction {
    let HoldOrder {
        case,
        lifts,
        reason,
        by,
    } = order;
    let (kind, call) = match lifts {
        None => (LEGAL_HOLD, "hold"),
        Some(_) => (LEGAL_HOLD_LIFTED, "lift"),
    };
    let leaf = Leaf {
        case: Some(case.to_string()),
        lifts: *lifts,
        ..Leaf::new(now, kind, "gateway")
    };
    let access = v1::Access {
        call: call.to_owned(),
        purpose: reason.clone(),
        subject: format!("cases/{case}"),
        ordered_by: by.clone(),
        ..v1::Access::default()
    };
    Transaction {
        entries: vec![Entry {
            leaf,
            record: access.encode_to_vec(),
        }],
        // A full database must not keep anybody from holding what would be erased.
        essential: true,
        ..Transaction::default()
    }
}
