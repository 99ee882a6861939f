//! A case in files: all that is on record of it and what shows that it is what was
//! recorded, for whoever has neither the gateway nor Comity.
//!
//! Entries, records, proofs and policy files are the material; every other file
//! follows from it. Whoever checks makes those again and compares, so that
//! nothing in a bundle may differ from what was recorded.

mod check;
mod derive;
mod gather;
mod report;
mod sums;

use std::collections::BTreeMap;

use comity::v1;
use comity_domain::{CaseId, Digest};
use comity_ledger::{Checkpoint, Leaf, Receipt, Roots, Token, VerifierKey};
use comity_policy::DecidingFiles;
use comity_store::Record;
use thiserror::Error;

pub(crate) use self::gather::gather;
pub use self::{
    check::{Checked, check},
    gather::GatherError,
};

/// The files of a bundle by their paths.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Version of the form of bundles: another one where any file would be written
/// otherwise.
const FORMAT: u32 = 5;

/// Says that a folder is a bundle, and of what.
const MARK: &str = "bundle.json";
/// The case for machines.
const CASE: &str = "case.json";

/// By any of these a folder is known as a bundle, whatever it lacks.
pub const MARKS: [&str; 7] = [
    MARK,
    CASE,
    "entries",
    "report.html",
    "request.bin",
    sums::PATH,
    "verify.txt",
];

const CHECKPOINT: &str = "ledger/checkpoint";
/// The timestamp over the checkpoint, where it has one, and the roots of who made it.
const TIMESTAMP: &str = "ledger/timestamp";
const AUTHORITIES: &str = "ledger/authorities";
const VERIFIER: &str = "ledger/verifier";

/// See the module.
#[derive(Debug)]
pub struct CaseFile {
    case: CaseId,
    key: VerifierKey,
    checkpoint: Checkpoint,
    timestamp: Option<Timestamp>,
    /// At least one, in the order of the ledger.
    entries: Vec<Item>,
    /// Every policy bundle that decided, by its digest.
    policies: BTreeMap<Digest, DecidingFiles>,
}

/// A timestamp over the checkpoint.
#[derive(Debug)]
struct Timestamp {
    token: Token,
    /// Where its certificates lead to, as far as the bundle knows.
    roots: Roots,
}

/// An entry of the case.
#[derive(Debug)]
struct Item {
    receipt: Receipt,
    leaf: Leaf,
    /// `None` where it was erased.
    record: Option<Record>,
}

/// A record that is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record of entry {0} is damaged; verify the store")]
pub struct Damaged(pub u64);

impl CaseFile {
    /// Every file of the bundle.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn files(&self) -> Result<Files, Damaged> {
        let mut files = self.material();
        files.extend(derive::derive(self)?);
        let sums = sums::write(&files);
        files.insert(sums::PATH.to_owned(), sums);
        Ok(files)
    }

    /// The files from which all others follow.
    fn material(&self) -> Files {
        let mut files = Files::from([
            (CHECKPOINT.to_owned(), self.checkpoint.note.clone()),
            (VERIFIER.to_owned(), format!("{}\n", self.key).into_bytes()),
        ]);
        if let Some(Timestamp { token, roots }) = &self.timestamp {
            files.insert(TIMESTAMP.to_owned(), token.bytes.clone());
            files.insert(AUTHORITIES.to_owned(), roots.to_pem().into_bytes());
        }
        for item in &self.entries {
            let Item {
                receipt,
                leaf: _,
                record,
            } = item;
            let mut put = |kind, bytes| {
                files.insert(entry_path(receipt.proof.index, kind), bytes);
            };
            put(Kind::Leaf, receipt.leaf.clone());
            put(Kind::Proof, receipt.to_text().into_bytes());
            if let Some(Record { salt, record }) = record {
                put(Kind::Salt, salt.to_vec());
                put(Kind::Record, record.clone());
            }
        }
        for (bundle, policy) in &self.policies {
            let texts = policy.iter();
            files.extend(
                texts.map(|(path, text)| (policy_path(bundle, path), text.as_bytes().to_vec())),
            );
        }
        files
    }
}

/// The case that its entries with their records add up to, oldest first, as
/// `AuditService.GetRecord` shows them; and what the gateway keeps with it.
///
/// # Errors
/// [`Damaged`].
pub fn case_of(entries: &[v1::GetRecordResponse]) -> Result<(v1::Case, v1::CaseKept), Damaged> {
    let mut read = Vec::with_capacity(entries.len());
    for found in entries {
        let entry = found.entry.as_ref().ok_or(Damaged(0))?;
        let (leaf, _) = Leaf::read(&entry.leaf).map_err(|_| Damaged(entry.index))?;
        let record = (!found.salt.is_empty()).then_some(&*found.record);
        read.push((entry.index, leaf, record));
    }
    let parts: Vec<_> = read
        .iter()
        .map(|(index, leaf, record)| (*index, leaf, *record))
        .collect();
    let told = derive::add_up(&parts)?;
    Ok((told.case, told.kept))
}

/// What a file of an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The leaf as hashed.
    Leaf,
    /// The proof that it is in the ledger.
    Proof,
    /// The record that the leaf commits to.
    Record,
    /// The salt of the commitment.
    Salt,
    /// The fields of the record that the leaf commits to one by one.
    Fields,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Leaf => "leaf.json",
            Self::Proof => "tlog-proof",
            Self::Record => "record",
            Self::Salt => "salt",
            Self::Fields => "fields",
        }
    }
}

/// `entries/00000007.leaf.json`
pub(crate) fn entry_path(index: u64, kind: Kind) -> String {
    format!("entries/{index:08}.{}", kind.suffix())
}

fn policy_path(bundle: &Digest, path: &str) -> String {
    format!("policies/{bundle}/{path}")
}
