//! Pruning the ledger in the data folder of a gateway that is stopped: entries recorded
//! before a day go, as far as nothing stands in the way.
//!
//! Entries say who did what and when, and the law sets periods for such logs: of the
//! Schengen Information System, for example, Regulation (EU) 2018/1862 Art. 12.

use std::{io, path::Path};

use comity::v1;
use comity_evidence::cases_with_items;
use comity_ledger::{Flaw, Leaf, PRUNING, latest, roots_beside, timestamped_size, verifier_beside};
use comity_store::{
    Archive, CommitError, Entry, KeyToken, Prunable, PublicationError, ReadError, Report, Store,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use prost::Message as _;
use thiserror::Error;

use crate::{
    offline::verify_watched,
    personal,
    stopped::{self, Signing, StoppedError},
    wire::to_proto,
};

/// An order to prune.
#[derive(Debug, Clone)]
pub struct PruneOrder {
    /// Entries recorded before this day, UTC.
    pub before: Date,
    /// Why, and on which legal basis; kept under seal.
    pub reason: String,
    /// Who ordered it: an office rather than a person; kept under seal.
    pub by: String,
}

/// What an order to prune comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunePlan {
    /// What goes, and which cases stand in the way of more.
    pub prunable: Prunable,
    /// Entries that could go, were they timestamped: that is fewer than were recorded before
    /// the day.
    pub untimed: bool,
}

/// What was pruned, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneDone {
    /// What went, and what stood in the way of more.
    pub plan: PrunePlan,
    /// Index of the entry that says so.
    pub entry: u64,
    /// The token that the old key was destroyed on; `None`: it was wiped in its file, and
    /// is in copies of that.
    pub token: Option<String>,
    /// The entry is signed, and what is published of what went is removed, as the gateway
    /// starts next and has heard its witnesses.
    pub waits: bool,
    /// What verification of the whole folder found afterwards.
    pub report: Report,
}

/// Why nothing was pruned.
#[derive(Debug, Error)]
pub enum PruneError {
    /// A reason or an orderer is missing.
    #[error("say why and by whose order: what is pruned without a reason is not recorded")]
    Unexplained,
    /// The day is not over, or no day.
    #[error("`{0}` is still to come: only what is past is pruned")]
    Future(Date),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] StoppedError),
    /// It cannot be read.
    #[error("the data folder cannot be read")]
    Read(#[from] ReadError),
    /// Which evidence is stored cannot be read.
    #[error("the folder `evidence` of the data folder cannot be read")]
    Evidence(#[source] io::Error),
    /// The published ledger is not in order.
    #[error("the ledger is not in order: verify the data folder")]
    Ledger(#[from] Flaw),
    /// The timestamps beside it cannot be read.
    #[error("the timestamps beside the ledger cannot be read")]
    Timestamps(#[source] io::Error),
    /// Nothing more is signed.
    #[error("the ledger cannot be published to its end, and so nothing of it is pruned")]
    Unpublished(#[source] PublicationError),
    /// The store refused.
    #[error("nothing was pruned")]
    Commit(#[source] CommitError),
    /// The old key is still there.
    #[error(
        "it was pruned here, but records are not gone in copies from before: their key is \
         destroyed when the gateway starts next, or when something is erased"
    )]
    OldKey(#[source] CommitError),
    /// The published entries are still there.
    #[error(
        "the rows were pruned by entry {entry}, but what was published of them is still there: \
         it goes when the gateway starts next"
    )]
    Bundles {
        /// The entry that says so.
        entry: u64,
        /// Why.
        #[source]
        source: PublicationError,
    },
    /// The index of personal values is not made again yet.
    #[error(
        "it was pruned by entry {entry}, but the index of personal values is not complete: \
         run `comity audit reindex`"
    )]
    Index {
        /// The entry that says so.
        entry: u64,
        /// Why.
        #[source]
        source: CommitError,
    },
    /// The folder is not in order.
    #[error(
        "the folder is not in order, and nothing was pruned: what is wrong could be neither \
         seen nor mended any more"
    )]
    NotInOrder(#[source] Flaw),
    /// What is left is not in order.
    #[error("it was pruned by entry {entry}, but the folder is not in order now")]
    Flawed {
        /// The entry that says so.
        entry: u64,
        /// What is wrong.
        #[source]
        flaw: Flaw,
    },
}

/// Says what would be pruned of entries recorded before a day, and what stands in the way of
/// more. Changes nothing, also while a gateway has the folder open.
///
/// # Errors
/// [`PruneError`].
pub fn plan_pruning(
    (data, token): (&Path, Option<&KeyToken>),
    before: Date,
    now: Timestamp,
) -> Result<PrunePlan, PruneError> {
    let mut archive = stopped::archive((data, token))?;
    planned(&mut archive, data, (before, now))
}

/// Prunes, records by whose order and why, and verifies all that is left; `None` for the
/// entry where nothing can go. `token` keeps the key to the records, where one does.
///
/// # Errors
/// [`PruneError`]; nothing was pruned where it names no entry, but for
/// [`PruneError::OldKey`]. While a gateway has the folder open it is
/// [`StoppedError::Open`].
pub async fn prune(
    (data, token): (&Path, Option<&KeyToken>),
    order: &PruneOrder,
    now: Timestamp,
) -> Result<Result<PruneDone, PrunePlan>, PruneError> {
    if order.reason.trim().is_empty() || order.by.trim().is_empty() {
        return Err(PruneError::Unexplained);
    }
    let (store, mut archive) = stopped::both((data, token))?;
    let done = carry_out(&mut archive, &store, ((data, token), order), now).await;
    drop(archive);
    let indexed = match &done {
        Ok(Ok(_)) => personal::rebuild(&store, |_, _| ()).await,
        Ok(Err(_)) | Err(_) => Ok(()),
    };
    // Published to its end, so that the pruning is under a signed checkpoint.
    let entry = match &done {
        Ok(Ok((entry, _))) => *entry,
        Ok(Err(_)) | Err(_) => 0,
    };
    let signing = stopped::sign(&store, entry).await;
    store.close().await;
    let (entry, plan) = match done? {
        Ok(done) => done,
        Err(plan) => return Ok(Err(plan)),
    };
    indexed.map_err(|source| PruneError::Index { entry, source })?;
    let report = verify_watched((data, token), None, &mut |_, _| {})
        .map_err(|flaw| PruneError::Flawed { entry, flaw })?;
    Ok(Ok(PruneDone {
        plan,
        entry,
        token: token.map(|token| token.token.clone()),
        waits: signing == Signing::Waits,
        report,
    }))
}

/// Prunes; the entry that says so and what went, or what stands in the way of anything.
async fn carry_out(
    archive: &mut Archive,
    store: &Store,
    ((data, token), order): ((&Path, Option<&KeyToken>), &PruneOrder),
    now: Timestamp,
) -> Result<Result<(u64, PrunePlan), PrunePlan>, PruneError> {
    store.publish().await.map_err(PruneError::Unpublished)?;
    let plan = planned(archive, data, (order.before, now))?;
    let Prunable { from, below, .. } = plan.prunable;
    if below == from {
        return Ok(Err(plan));
    }
    verify_watched((data, token), None, &mut |_, _| {}).map_err(PruneError::NotInOrder)?;
    let committed = store.prune(below, said(order, below, now)).await;
    let committed = committed.map_err(|error| match matches!(error, CommitError::OldKey(_)) {
        true => PruneError::OldKey(error),
        false => PruneError::Commit(error),
    })?;
    let entry = committed.receipts.first();
    let entry = entry.map_or(0, |receipt| receipt.index);
    let published = store.publish().await;
    published.map_err(|source| PruneError::Bundles { entry, source })?;
    Ok(Ok((entry, plan)))
}

/// What can be pruned: of what is signed and, where there are timestamps, timestamped. Of
/// entries that are gone it cannot be seen any more that their timestamps were taken away.
fn planned(
    archive: &mut Archive,
    data: &Path,
    (before, now): (Date, Timestamp),
) -> Result<PrunePlan, PruneError> {
    let midnight = TimeZone::UTC.to_timestamp(before.at(0, 0, 0, 0)).ok();
    let midnight = midnight.filter(|midnight| *midnight <= now);
    let midnight = midnight.ok_or(PruneError::Future(before))?;
    let ledger = archive.ledger_dir();
    let key = verifier_beside(&ledger)?;
    let signed = latest(&ledger, &key)?.size;
    let stored = cases_with_items(data).map_err(PruneError::Evidence)?;
    let stored: Vec<_> = stored.iter().map(ToString::to_string).collect();
    let prunable = archive.prunable(midnight, signed, &stored)?;
    let Some(roots) = roots_beside(&ledger)? else {
        return Ok(PrunePlan {
            prunable,
            untimed: false,
        });
    };
    let stamped = timestamped_size(&ledger, &key, (signed, &roots));
    let stamped = stamped.map_err(PruneError::Timestamps)?.size;
    let settled = archive.prunable(midnight, stamped, &stored)?;
    Ok(PrunePlan {
        untimed: settled.wanted < prunable.wanted,
        prunable: settled,
    })
}

/// What the ledger says of it: in public up to where it is pruned, under seal by whose order
/// and why.
fn said(order: &PruneOrder, below: u64, now: Timestamp) -> Entry {
    let category = v1::AccessCategory::Erasure;
    let leaf = Leaf {
        category: Some(to_proto::category_name(category)),
        prunes: Some(below),
        ..Leaf::new(now, PRUNING, "gateway")
    };
    let access = v1::Access {
        category: category.into(),
        call: "prune".to_owned(),
        purpose: order.reason.clone(),
        subject: format!("entries below {below}, recorded before {}", order.before),
        ordered_by: order.by.clone(),
        ..v1::Access::default()
    };
    Entry {
        leaf,
        record: access.encode_to_vec(),
    }
}
