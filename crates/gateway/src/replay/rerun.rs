//! Decisions on record made again by the law of their day: each must come out as
//! it is on record, to the byte of its canonical encoding.
//!
//! Compared is all of a decision but its id, which is drawn at random, and the
//! moment it was made, which is another now. From the record come the request, the
//! answers of humans, the language, and the moment from which clocks run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use comity::v1;
use comity_domain::{CaseId, Digest, JurisdictionCode};
use comity_policy::Library;
use comity_store::{Archive, CaseRow, KeyToken, Period, Pruned};
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};
use thiserror::Error;

use super::{Asked, Made, ReplayError, Unread, batches, bundles::Bundles, pool};
use crate::{
    clocks,
    wire::{encoded, from_proto, to_proto},
};

/// Decisions on record, to be made again.
#[derive(Debug)]
pub struct Rerun {
    data: PathBuf,
    archive: Archive,
}

/// A decision made again. Without personal data, but for why something was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redone {
    /// The case.
    pub case: CaseId,
    /// Which of its decisions, from 1; 0 where none could be read.
    pub number: usize,
    /// When the case was received.
    pub received: Timestamp,
    /// The State that asked, the State that was asked.
    pub pair: [JurisdictionCode; 2],
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of making a decision again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same, to the byte.
    Same,
    /// Another decision.
    Otherwise {
        /// As on record.
        before: Made,
        /// As made again.
        after: Made,
        /// Fields that differ.
        differs: Vec<&'static str>,
    },
    /// The policy bundle of its day cannot be had.
    NoLaw(NoLaw),
    /// Its records were erased.
    Erased(Erasure),
    /// A record is gone, and no entry says that it was erased.
    Gone,
    /// It cannot be made again.
    Unread(Unread),
}

/// Why a policy bundle of the past cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum NoLaw {
    /// It is not there.
    #[error("bundle {0} is not kept")]
    NotKept(String),
    /// It is there, and is not what it was.
    #[error("bundle {bundle} is kept but was changed: {now}")]
    Changed {
        /// Its digest, as decisions name it.
        bundle: String,
        /// What it is now.
        now: String,
    },
}

/// Why the records of a case are not there, in the words of who erased them.
#[derive(Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Index of the entry that says so.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Why; may be personal data.
    pub reason: String,
}

impl std::fmt::Debug for Erasure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Erasure")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

impl Rerun {
    /// Opens a gateway's data folder, in use or not, without changing it. `token` keeps
    /// the key to its records, where one does.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn open(
        data: &Path,
        token: Option<&KeyToken>,
        period: Period,
    ) -> Result<Self, ReplayError> {
        Ok(Self {
            data: data.to_owned(),
            archive: Archive::open(data, token, period)?,
        })
    }

    /// How many cases there are.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn cases(&self) -> Result<u64, ReplayError> {
        Ok(self.archive.remaining()?)
    }

    /// How far the ledger is pruned: decisions of before are not there to be made again.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn pruned(&mut self) -> Result<Option<Pruned>, ReplayError> {
        Ok(self.archive.pruned()?)
    }

    /// Makes the decisions of all cases again on all processors, and hands over
    /// those of each case in the order of opening. Only so many are held at once
    /// as are being made.
    ///
    /// # Errors
    /// [`ReplayError`]; what was handed over before still holds.
    pub fn run(self, take: impl FnMut(Vec<Redone>)) -> Result<(), ReplayError> {
        let Self { data, mut archive } = self;
        let bundles = Bundles::kept_in(&data);
        let erased = erased(&mut archive)?;
        let redo = |row| redo(row, &bundles, &erased);
        pool::each(batches(&mut archive), redo, take)
    }
}

/// Cases of which the ledger says that they were erased, and why.
pub(super) fn erased(archive: &mut Archive) -> Result<BTreeMap<String, Erasure>, ReplayError> {
    let mut erased = BTreeMap::new();
    for (entry, record) in archive.erasures()? {
        let access = record.and_then(|record| v1::Access::decode(&*record.record).ok());
        if let Some(case) = entry.leaf.case {
            let erasure = Erasure {
                entry: entry.index,
                at: entry.leaf.at,
                reason: access.unwrap_or_default().purpose,
            };
            erased.insert(case, erasure);
        }
    }
    Ok(erased)
}

/// Whether a record of a case is gone: each version of a case has its own.
pub(super) fn lacks_records(row: &CaseRow) -> bool {
    (row.records.len() as u64) < row.version
}

/// Makes every decision of a case again.
fn redo(row: CaseRow, bundles: &Bundles, erased: &BTreeMap<String, Erasure>) -> Vec<Redone> {
    let received = row.opened_at;
    let pair = [row.issuing.0.clone(), row.executing.0.clone()];
    let redone = |number, verdict| Redone {
        case: row.id.clone(),
        number,
        received,
        pair: pair.clone(),
        verdict,
    };
    if lacks_records(&row) {
        let erasure = erased.get(row.id.as_str()).cloned();
        return vec![redone(0, erasure.map_or(Verdict::Gone, Verdict::Erased))];
    }
    match decisions(&row.records) {
        Ok(decisions) => (1..)
            .zip(decisions)
            .map(|(number, made)| redone(number, again(made, received, bundles)))
            .collect(),
        Err(unread) => vec![redone(0, Verdict::Unread(unread))],
    }
}

/// A decision on record, the request it was made of, and in which language.
struct OnRecord {
    request: Bytes,
    decision: Bytes,
    language: String,
}

fn decisions(records: &[Vec<u8>]) -> Result<Vec<OnRecord>, Unread> {
    let mut found = Vec::new();
    let mut case = encoded::Case::default();
    for record in records {
        let event = encoded::Case::decode(record.as_slice()).map_err(|_| Unread::Damaged)?;
        let decides = event.decision.is_some();
        case = case.then(event);
        if let Some(decision) = case.decision.clone().filter(|_| decides) {
            let request = case.request.clone().ok_or(Unread::Damaged)?;
            let language = case.kept().language.clone();
            found.push(OnRecord {
                request,
                decision,
                language,
            });
        }
    }
    if found.is_empty() {
        return Err(Unread::Damaged);
    }
    Ok(found)
}

fn again(made: OnRecord, received: Timestamp, bundles: &Bundles) -> Verdict {
    let OnRecord {
        request,
        decision,
        language,
    } = made;
    let read = v1::CooperationRequest::decode(request).ok();
    let Some((request, before)) = read.zip(v1::Decision::decode(decision.clone()).ok()) else {
        return Verdict::Unread(Unread::Damaged);
    };
    let rulings = from_proto::rulings(&before).ok_or(Unread::Damaged);
    // It may have been supplemented by what was not there when it was received.
    let decided = before.decided_at.and_then(from_proto::timestamp);
    let decided = decided.unwrap_or(received);
    let asked = rulings.and_then(|rulings| Asked::read(request, decided, rulings));
    let asked = match asked {
        Ok(asked) => asked,
        Err(unread) => return Verdict::Unread(unread),
    };
    let bundle = before.bundle_sha256.parse::<Digest>().ok();
    let bundle = bundle.ok_or_else(|| NoLaw::NotKept(before.bundle_sha256.clone()));
    let library = match bundle.and_then(|bundle| bundles.get(bundle)) {
        Ok(library) => library,
        Err(no_law) => return Verdict::NoLaw(no_law),
    };
    let now = clocks::counted_from(&before).unwrap_or(decided);
    let after = remade(&asked, &library, &language, (&before, now));
    if after.encode_to_vec() == decision {
        return Verdict::Same;
    }
    Verdict::Otherwise {
        differs: differs(&before, &after),
        before: Made::of(&before),
        after: Made::of(&after),
    }
}

/// A decision made again, with the id and the moment of the one on record.
fn remade(
    asked: &Asked,
    library: &Library,
    language: &str,
    (before, now): (&v1::Decision, Timestamp),
) -> v1::Decision {
    let decision = asked.decide(library, language, now);
    v1::Decision {
        decided_at: before.decided_at,
        ..to_proto::decision(&decision, &before.decision_id, now)
    }
}

/// Fields in which two decisions differ.
fn differs(before: &v1::Decision, after: &v1::Decision) -> Vec<&'static str> {
    let v1::Decision {
        decision_id: _,
        outcome,
        instrument,
        passed_over,
        alternatives,
        grounds,
        requirements,
        referrals,
        obligations,
        clocks,
        permits,
        modules,
        bundle_sha256,
        law_date,
        decided_at: _,
        facts,
        rulings,
    } = before;
    let same = [
        ("outcome", *outcome == after.outcome),
        ("instrument", *instrument == after.instrument),
        ("passed_over", *passed_over == after.passed_over),
        ("alternatives", *alternatives == after.alternatives),
        ("grounds", *grounds == after.grounds),
        ("requirements", *requirements == after.requirements),
        ("referrals", *referrals == after.referrals),
        ("obligations", *obligations == after.obligations),
        ("clocks", *clocks == after.clocks),
        ("permits", *permits == after.permits),
        ("modules", *modules == after.modules),
        ("bundle_sha256", *bundle_sha256 == after.bundle_sha256),
        ("law_date", *law_date == after.law_date),
        ("facts", *facts == after.facts),
        ("rulings", *rulings == after.rulings),
    ];
    let differing = same.into_iter().filter(|(_, same)| !same);
    differing.map(|(name, _)| name).collect()
}
