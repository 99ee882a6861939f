//! The cases on record decided again by another policy bundle, each as it was
//! asked: its request and form, the law of its day.

mod bundles;
mod drill;
mod pool;
mod rerun;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use comity::v1;
use comity_domain::{CaseId, Decision, Digest, JurisdictionCode, Request, Ruling};
use comity_policy::{FormCheck, Library, Question};
use comity_store::{Archive, CaseRow, KeyToken, OpenError, Period, Pruned, ReadError};
use jiff::Timestamp;
use prost::Message as _;
use thiserror::Error;

use crate::wire::{self, encoded, from_proto, to_proto};

use self::bundles::Bundles;
pub use self::drill::{Drill, drills};
pub use self::rerun::{Erasure, NoLaw, Redone, Rerun, Verdict};

/// Cases read from the store at once.
const BATCH: usize = 128;

/// Cases on record, to be decided again.
#[derive(Debug)]
pub struct Replay<'a> {
    data: PathBuf,
    archive: Archive,
    policies: &'a Library,
}

/// Why cases cannot be decided again.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A case that cannot be left out cannot be decided again.
    #[error("{0}: {1}")]
    Case(CaseId, Unread),
}

/// A case as it was decided and as it would be. Without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The case.
    pub id: CaseId,
    /// When it was received.
    pub received: Timestamp,
    /// The State that asked, the State that was asked.
    pub pair: [JurisdictionCode; 2],
    /// What was asked.
    pub measure: String,
    /// As on record, or why that cannot be read.
    pub again: Result<Again, Unread>,
}

/// A case decided again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The decision on record.
    pub before: Made,
    /// What the other bundle decides.
    pub after: Made,
    /// Whether the bundle of its day, as kept, still decides as is on record;
    /// `None` where it is not kept, or cannot be used.
    pub same_as_then: Option<bool>,
}

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The outcome.
    pub outcome: v1::Outcome,
    /// The instrument that carries the request; empty if none does.
    pub instrument: String,
    /// The rules that settled the outcome, sorted.
    pub deciding: Vec<String>,
    /// Every rule that was found to hold or could not be judged, sorted.
    pub found: Vec<String>,
}

/// Why a case on record cannot be decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unread {
    /// Its records were erased, as an entry of the ledger says.
    #[error("its records were erased")]
    Erased,
    /// Its record is not what a gateway writes.
    #[error("its record is damaged; verify the store")]
    Damaged,
    /// Its request would be malformed today.
    #[error("its request is not well-formed any more")]
    Malformed,
    /// It is decided otherwise than on record.
    #[error("these policies decide it otherwise than on record; take those it was sent under")]
    Otherwise,
}

impl<'a> Replay<'a> {
    /// Opens a gateway's data folder, in use or not, without changing it. `token` keeps
    /// the key to its records, where one does.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn open(
        (data, token): (&Path, Option<&KeyToken>),
        period: Period,
        policies: &'a Library,
    ) -> Result<Self, ReplayError> {
        Ok(Self {
            data: data.to_owned(),
            archive: Archive::open(data, token, period)?,
            policies,
        })
    }

    /// How many cases there are to decide.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn cases(&self) -> Result<u64, ReplayError> {
        Ok(self.archive.remaining()?)
    }

    /// How far the ledger is pruned: cases opened before are not there to be decided again.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn pruned(&mut self) -> Result<Option<Pruned>, ReplayError> {
        Ok(self.archive.pruned()?)
    }

    /// Decides all cases on all processors, and hands each over in the order of
    /// opening. Only so many are held at once as are being decided.
    ///
    /// # Errors
    /// [`ReplayError`]; what was handed over before still holds.
    pub fn run(self, take: impl FnMut(Case)) -> Result<(), ReplayError> {
        let Self {
            data,
            mut archive,
            policies,
        } = self;
        let bundles = Bundles::kept_in(&data);
        let erased = rerun::erased(&mut archive)?;
        let decide = |case| decide(case, (policies, &bundles), &erased);
        pool::each(batches(&mut archive), decide, take)
    }
}

/// Every case still to come, so many at once.
fn batches(archive: &mut Archive) -> impl Iterator<Item = Result<Vec<CaseRow>, ReplayError>> {
    std::iter::from_fn(|| {
        let batch = archive.next(BATCH).map_err(ReplayError::from);
        Some(batch).filter(|batch| !batch.as_ref().is_ok_and(Vec::is_empty))
    })
}

/// A request on record, to be decided again.
#[derive(Debug)]
struct Asked {
    request: Request,
    form: Option<serde_json::Value>,
    /// What humans answered.
    rulings: Vec<Ruling>,
}

impl Asked {
    fn read(
        request: v1::CooperationRequest,
        received: Timestamp,
        rulings: Vec<Ruling>,
    ) -> Result<Self, Unread> {
        let read = from_proto::request(request, received);
        let (request, form) = read.map_err(|_| Unread::Malformed)?;
        Ok(Self {
            request,
            form,
            rulings,
        })
    }

    /// What is asked of a library, in a language, received at a moment.
    fn question<'a>(&'a self, language: &'a str, now: Timestamp) -> Question<'a> {
        let form = self.form.as_ref();
        Question {
            request: &self.request,
            form: form.map_or(FormCheck::Missing, FormCheck::Given),
            language,
            now,
            rulings: &self.rulings,
        }
    }

    /// What a library decides of it.
    fn decide(&self, library: &Library, language: &str, now: Timestamp) -> Decision {
        library.decide(&self.question(language, now)).decision
    }
}

/// What a case's records add up to.
struct Recorded {
    request: v1::CooperationRequest,
    decision: v1::Decision,
}

impl Recorded {
    /// `None` where the records are not what a gateway writes.
    fn read(records: Vec<Vec<u8>>) -> Option<Self> {
        let case = encoded::Case::add_up(records).ok()?;
        Some(Self {
            request: v1::CooperationRequest::decode(case.request?).ok()?,
            decision: v1::Decision::decode(case.decision?).ok()?,
        })
    }
}

/// Decides a case again, by the other bundle and by the one of its day.
fn decide(row: CaseRow, by: (&Library, &Bundles), erased: &BTreeMap<String, Erasure>) -> Case {
    let unread = match rerun::lacks_records(&row) && erased.contains_key(row.id.as_str()) {
        true => Unread::Erased,
        false => Unread::Damaged,
    };
    let CaseRow {
        id,
        issuing,
        executing,
        opened_at,
        changed_at,
        records,
        ..
    } = row;
    let recorded = Recorded::read(records);
    let measure = recorded
        .as_ref()
        .map(|recorded| recorded.request.measure.clone());
    let again = recorded
        .ok_or(unread)
        .and_then(|recorded| again(recorded, [opened_at, changed_at], by));
    Case {
        id,
        received: opened_at,
        pair: [issuing.0, executing.0],
        measure: measure.unwrap_or_default(),
        again,
    }
}

fn again(
    recorded: Recorded,
    [received, changed]: [Timestamp; 2],
    (policies, bundles): (&Library, &Bundles),
) -> Result<Again, Unread> {
    let Recorded { request, decision } = recorded;
    let rulings = from_proto::rulings(&decision).ok_or(Unread::Damaged)?;
    // It may have been supplemented by what was not there when it was received.
    let asked = Asked::read(request, changed, rulings)?;
    let decide = |library: &Library| {
        let decision = asked.decide(library, "en", received);
        Made::of(&to_proto::decision(&decision, "", received))
    };
    let before = Made::of(&decision);
    let bundle = decision.bundle_sha256.parse::<Digest>().ok();
    let then = bundle.and_then(|bundle| bundles.get(bundle).ok());
    Ok(Again {
        same_as_then: then.map(|library| decide(&library) == before),
        after: decide(policies),
        before,
    })
}

impl Made {
    fn of(decision: &v1::Decision) -> Self {
        let grounds = decision.grounds.iter().filter_map(|one| one.rule.as_ref());
        let requirements = decision.requirements.iter();
        let requirements = requirements.filter_map(|one| one.rule.as_ref());
        let referrals = decision
            .referrals
            .iter()
            .filter_map(|one| one.rule.as_ref());
        let outcome = decision.outcome();
        let deciding = match outcome {
            v1::Outcome::Refused => ids(grounds),
            v1::Outcome::Referred => ids(referrals),
            v1::Outcome::Incomplete => ids(requirements),
            v1::Outcome::Approved | v1::Outcome::Unspecified => ids(&decision.permits),
        };
        Self {
            outcome,
            instrument: decision.instrument.clone(),
            deciding,
            found: ids(wire::rules_all(decision)),
        }
    }
}

fn ids<'a>(rules: impl IntoIterator<Item = &'a v1::RuleReference>) -> Vec<String> {
    let mut ids: Vec<String> = rules.into_iter().map(|rule| rule.rule_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
