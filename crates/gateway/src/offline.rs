//! What a gateway's data folder tells without the gateway: read where it lies, in
//! use or not, and never changed; but for what is erased in it.

use std::path::Path;

use comity::v1;
use comity_domain::{CaseId, Digest};
use comity_ledger::{Flaw, ProofError, VerifierKey, prove, verifier_beside};
use comity_store::{
    Archive, EntryFilter, EntryRow, OpenError, ReadError, Reading, Record, Search, SortBy,
};
pub use comity_store::{
    InTheWay, KeyToken, Period, Prunable, Pruned, Report, Why, entries_in_words,
};
use jiff::civil::Date;
use thiserror::Error;

use crate::{
    audit, case_file,
    config::Retention,
    kinds, legal_hold, personal,
    policies::kept,
    retention, statistics,
    wire::{Violation, fields::take_apart, from_proto},
};
pub use crate::{
    backup::{Backup, BackupError, KeyApart, backup, keys_apart},
    case_file::{CaseFile, Checked, Damaged, Files, GatherError, MARKS, case_of, check},
    disclosure::{DiscloseError, Opened, entry_in, shown},
    erasure::{EraseError, Erased, Order, Subject, erase},
    foreign::foreign,
    intact::{Evidence, Intact, verify_beside},
    legal_hold::{Held, HoldError, HoldOrder, Ordered, hold},
    outbox::verify_outbox,
    personal::{ReindexError, Reindexed, reindex},
    policies::kept as bundle,
    prune::{PruneDone, PruneError, PruneOrder, PrunePlan, plan_pruning, prune},
    replay::{
        Again, Case, Drill, Erasure, Made, NoLaw, Redone, Replay, ReplayError, Rerun, Unread,
        Verdict, drills,
    },
    retention::{Class, DueCase, DueList, Standing},
    stopped::{SIGNED_ONCE_HEARD, Signing, StoppedError, TO_BE_SIGNED},
};

/// Verifies a data folder as [`verify_watched`] does, unwatched and without a token.
///
/// # Errors
/// The first [`Flaw`] found, with its place relative to `dir`.
pub fn verify(dir: &Path, key: Option<&VerifierKey>) -> Result<Report, Flaw> {
    verify_watched((dir, None), key, &mut |_, _| {})
}

/// Verifies a data folder, which may be in use, without changing it, as
/// [`comity_store::verify_watched`] does; the fields that entries commit to and the index
/// of personal values must be those of their records. What lies beside the store is for [`verify_beside`].
///
/// # Errors
/// The first [`Flaw`] found; also where the token does not open the key file.
pub fn verify_watched(
    folder: (&Path, Option<&KeyToken>),
    key: Option<&VerifierKey>,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Report, Flaw> {
    let reading = Reading {
        fields: Some(take_apart),
        personal: Some(personal::OF_RECORDS),
    };
    comity_store::verify_watched(folder, (key, reading), watch)
}

/// A data folder, open for reading.
#[derive(Debug)]
pub struct DataFolder {
    archive: Archive,
}

/// Why a data folder gives no answer.
#[derive(Debug, Error)]
pub enum OfflineError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The question is not as the contract demands.
    #[error("{}", told(.0))]
    Malformed(Vec<Violation>),
    /// The kind that is searched for is none: what is expected.
    #[error("`kind`: {0}")]
    Kind(String),
    /// The published ledger is not in order.
    #[error("the ledger is not in order: verify the data folder")]
    Ledger(#[from] Flaw),
    /// The published ledger gives no proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The entry is there no more.
    #[error("{}", pruned_entry(*.0, .1))]
    Pruned(u64, Pruned),
}

impl DataFolder {
    /// Opens a data folder. `token` keeps the key to its records, where one does.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn open(path: &Path, token: Option<&KeyToken>) -> Result<Self, OfflineError> {
        Ok(Self {
            archive: Archive::open(path, token, Period::default())?,
        })
    }

    /// As `AuditService.Search`; nobody is asked for a purpose.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn search(
        &mut self,
        message: v1::SearchRequest,
    ) -> Result<v1::SearchResponse, OfflineError> {
        let v1::SearchRequest {
            filter,
            page_size,
            page_token,
            purpose: _,
            order_by,
            category: _,
            recipient: _,
            personal: value,
        } = message;
        let asked = from_proto::Asked {
            filter: &filter,
            order_by: &order_by,
            page_size,
            page_token: &page_token,
        };
        let mut remarks = Vec::new();
        let (found, subject) = match value {
            None => {
                let asked = from_proto::search(asked)?;
                let found = self.archive.search(&asked)?;
                if found.entries.is_empty() && kinds::names_any(&asked.filter) {
                    remarks = self.unnamed(&asked.filter)?;
                }
                (found, filter)
            }
            Some(value) => {
                let asked = from_proto::search_personal(asked, &value)?;
                let (what, terms) = (&asked.search, &asked.terms);
                let by = personal::OF_RECORDS;
                let found = match self.archive.search_personal(what, terms, by) {
                    Err(ReadError::OtherSearch) => {
                        return Err(vec![from_proto::foreign_token()].into());
                    }
                    found => found?,
                };
                (found, asked.subject)
            }
        };
        Ok(v1::SearchResponse {
            entries: found.entries.into_iter().map(audit::entry).collect(),
            next_page_token: from_proto::token(found.next, &subject, &order_by),
            remarks,
        })
    }

    /// What a filter that finds nothing names that no entry does.
    fn unnamed(&mut self, filter: &EntryFilter) -> Result<Vec<String>, OfflineError> {
        let names = self.archive.names()?;
        let start = self.archive.search(&Search {
            filter: EntryFilter {
                kind: Some("start".to_owned()),
                ..EntryFilter::default()
            },
            order: comity_store::Order {
                by: SortBy::Index,
                descending: true,
            },
            limit: 1,
            ..Search::default()
        })?;
        let bundle = start.entries.first().and_then(|start| start.leaf.bundle);
        let law = || {
            let kept = bundle.and_then(|bundle| kept(self.archive.folder(), Digest(bundle.0)).ok());
            kept.as_ref().map(kinds::events).unwrap_or_default()
        };
        kinds::unnamed(filter, &names, law).map_err(OfflineError::Kind)
    }

    /// As `AuditService.GetRecord`; `None` if there is no such entry.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn record(&mut self, index: u64) -> Result<Option<v1::GetRecordResponse>, OfflineError> {
        let found = self.entry(index)?;
        Ok(found.map(|(row, record)| audit::show_record(row, record)))
    }

    /// As `AuditService.Prove`; `None` if there is no such entry.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn prove(&mut self, index: u64) -> Result<Option<v1::ProveResponse>, OfflineError> {
        let Some((row, _)) = self.entry(index)? else {
            return Ok(None);
        };
        let ledger = self.archive.ledger_dir();
        let key = verifier_beside(&ledger)?;
        let proof = prove(&ledger, index)?;
        Ok(Some(audit::show_proof(key.name(), row, proof)))
    }

    /// How far the ledger is pruned.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn pruned(&mut self) -> Result<Option<Pruned>, OfflineError> {
        Ok(self.archive.pruned()?)
    }

    /// One entry with its private part; `None` if there never was one.
    fn entry(&mut self, index: u64) -> Result<Option<(EntryRow, Option<Record>)>, OfflineError> {
        if let Some(found) = self.archive.entry(index)? {
            return Ok(Some(found));
        }
        let pruned = self.archive.pruned()?;
        match pruned.filter(|pruned| index < pruned.below) {
            Some(pruned) => Err(OfflineError::Pruned(index, pruned)),
            None => Ok(None),
        }
    }

    /// Everything on record of a case, with what proves it.
    ///
    /// # Errors
    /// [`GatherError`].
    pub fn case_file(&self, case: &CaseId) -> Result<CaseFile, GatherError> {
        case_file::gather(self.archive.again(Period::default())?, case)
    }

    /// The legal holds that stand, oldest first.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn legal_holds(&mut self) -> Result<Vec<Held>, OfflineError> {
        Ok(legal_hold::standing(&mut self.archive)?)
    }

    /// Cases that have ended and that a person has to decide on as of a day: see
    /// [`Standing`].
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn due(&mut self, classes: &[Retention], at: Date) -> Result<DueList, OfflineError> {
        Ok(retention::due(&mut self.archive, classes, at)?)
    }

    /// How many cases there are.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn cases(&self) -> Result<u64, OfflineError> {
        Ok(self.archive.remaining()?)
    }

    /// As `AuditService.Statistics`. `step` is called for every case looked at.
    ///
    /// # Errors
    /// [`OfflineError`].
    pub fn statistics(
        &self,
        message: &v1::StatisticsRequest,
        step: impl FnMut(),
    ) -> Result<v1::StatisticsResponse, OfflineError> {
        let v1::StatisticsRequest {
            from,
            until,
            purpose: _,
        } = message;
        let days = from_proto::days(from, until)?;
        let archive = |period| self.archive.again(period);
        statistics::count(archive, days, step)
    }
}

impl From<Vec<Violation>> for OfflineError {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Malformed(violations)
    }
}

/// What became of an entry that was pruned.
pub(crate) fn pruned_entry(index: u64, pruned: &Pruned) -> String {
    format!("entry {index} is not there any more: {pruned}; receipts made of it before still hold")
}

fn told(violations: &[Violation]) -> String {
    let told = violations
        .iter()
        .map(|Violation { field, description }| format!("`{field}`: {description}"));
    told.collect::<Vec<_>>().join("; ")
}
