//! From a data folder to a bundle.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use comity_domain::{CaseId, Digest};
use comity_ledger::{
    Checkpoint, CheckpointError, Flaw, ProofError, Receipt, VerifierKey, best, prove_under,
    roots_beside, timestamped_covering, verifier_beside, verify_timestamp_under,
};
use comity_store::{Archive, EntryRow, OpenError, Pruned, ReadError, Record};
use thiserror::Error;

use super::{CaseFile, Item, Timestamp};
use crate::policies::{KeptError, kept_files};

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum GatherError {
    /// There is no such case.
    #[error("there is no case {0}")]
    NoCase(CaseId),
    /// What it began with is there no more.
    #[error(
        "cases/{0} is not there as a whole any more: {1}; `comity audit search --case {0}` lists \
         what is left"
    )]
    Pruned(CaseId, Pruned),
    /// An entry that no checkpoint covers yet.
    #[error(
        "entry {0} of the case is not under a signed checkpoint yet: publish first, by starting \
         the gateway or waiting a second"
    )]
    Unpublished(u64),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger is not in order.
    #[error("the ledger is not in order: verify the data folder")]
    Ledger(#[from] Flaw),
    /// Its checkpoint is not to be believed.
    #[error("the checkpoint of the ledger is not to be trusted: verify the data folder")]
    Checkpoint(#[from] CheckpointError),
    /// The ledger gives no proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The policy files that decided are not to be had.
    #[error(transparent)]
    Policies(#[from] KeptError),
}

/// Gathers a case from a data folder, in use or not.
///
/// # Errors
/// [`GatherError`].
pub(crate) fn gather(mut archive: Archive, case: &CaseId) -> Result<CaseFile, GatherError> {
    let rows = archive.entries_of(case)?;
    if rows.is_empty() {
        return Err(GatherError::NoCase(case.clone()));
    }
    if let Some(pruned) = archive.pruned()?
        && !archive.has_case(case)?
    {
        return Err(GatherError::Pruned(case.clone(), pruned));
    }
    let ledger = archive.ledger_dir();
    let key = verifier_beside(&ledger)?;
    // After the entries were read, so that it covers what had been published.
    let entries = rows.last().map_or(0, |(row, _)| row.index + 1);
    let (checkpoint, timestamp) = checkpoint(&ledger, &key, entries)?;
    let entries = rows
        .into_iter()
        .map(|row| item(&ledger, &checkpoint, row))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CaseFile {
        case: case.clone(),
        policies: policies(archive.folder(), &entries)?,
        key,
        checkpoint,
        timestamp,
        entries,
    })
}

/// The checkpoint to prove under: the oldest that covers so many entries and has a
/// timestamp, which shows how long they have been there; else the one that is trusted
/// most.
fn checkpoint(
    ledger: &Path,
    key: &VerifierKey,
    entries: u64,
) -> Result<(Checkpoint, Option<Timestamp>), GatherError> {
    let timestamped = match roots_beside(ledger)? {
        Some(roots) => timestamped_covering(ledger, key, entries)?.map(|found| (found, roots)),
        None => None,
    };
    let Some(((checkpoint, token), roots)) = timestamped else {
        let checkpoint = Checkpoint::open(&best(ledger, entries)?.note, key)?;
        return Ok((checkpoint, None));
    };
    let path = format!("timestamps/{}", checkpoint.size);
    let token = verify_timestamp_under(&path, &token, (&checkpoint, key), &roots)?;
    Ok((checkpoint, Some(Timestamp { token, roots })))
}

fn item(
    ledger: &Path,
    checkpoint: &Checkpoint,
    (row, record): (EntryRow, Option<Record>),
) -> Result<Item, GatherError> {
    let EntryRow {
        index,
        leaf_hash: _,
        leaf,
        leaf_bytes,
    } = row;
    let proof = prove_under(ledger, checkpoint, index)?.ok_or(GatherError::Unpublished(index))?;
    let receipt = Receipt {
        leaf: leaf_bytes,
        proof,
    };
    Ok(Item {
        receipt,
        leaf,
        record,
    })
}

/// The policy bundles that decided.
fn policies(
    data: &Path,
    entries: &[Item],
) -> Result<BTreeMap<Digest, comity_policy::DecidingFiles>, GatherError> {
    deciding(entries)
        .into_iter()
        .map(|bundle| Ok((bundle, kept_files(data, bundle)?)))
        .collect()
}

/// The digests of the policy bundles that entries name.
pub(super) fn deciding(entries: &[Item]) -> BTreeSet<Digest> {
    let named = entries.iter().filter_map(|item| item.leaf.bundle);
    named.map(|bundle| Digest(bundle.0)).collect()
}
