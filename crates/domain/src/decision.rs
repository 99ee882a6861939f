//! What the law says of a request, and which law said it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};

use crate::{
    Citation, Digest, FactName, FactSource, FactValue, InstrumentId, ModuleId, RuleId, Ruled,
    Settles,
};

/// What becomes of a request; ordered from mildest to strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every rule allows it.
    Approved,
    /// The requester can mend it.
    Incomplete,
    /// A human must judge.
    Referred,
    /// A ground for refusal holds.
    Refused,
}

/// The point on the way of a request at which a rule speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The sending State's own rules.
    Outbound,
    /// The instrument's rules.
    Instrument,
    /// The executing State's rules.
    Inbound,
    /// The executing State's rules for what goes back.
    Disclosure,
}

/// A decision: the outcome and everything found on the way to it, not only
/// what settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The strictest of everything found.
    pub outcome: Outcome,
    /// The instrument that carries the request, when one does.
    pub instrument: Option<InstrumentId>,
    /// Instruments weighed and not used.
    pub passed_over: Vec<PassedOver>,
    /// Instruments that would apply instead, in order of preference; may name
    /// instruments that are not in the library.
    pub alternatives: Vec<Arc<str>>,
    /// Grounds that refuse.
    pub grounds: Vec<Ground>,
    /// What the requester must still supply.
    pub requirements: Vec<Requirement>,
    /// Questions that a human must answer.
    pub referrals: Vec<Referral>,
    /// Conditions that travel with the answer.
    pub obligations: Vec<Obligation>,
    /// Legal time limits.
    pub clocks: Vec<Clock>,
    /// Rules by which the request was permitted.
    pub permits: Vec<RuleRef>,
    /// The modules that made the decision.
    pub modules: Vec<ModuleRef>,
    /// SHA-256 of the whole bundle.
    pub bundle: Digest,
    /// The day whose law was applied.
    pub law_date: Date,
    /// Every fact that a rule used, by name.
    pub facts: BTreeMap<FactName, FactUse>,
    /// Answers of humans that it rests on.
    pub rulings: Vec<Ruled>,
}

/// How sure a modelled rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Confidence {
    /// From memory or a contested reading: refers, never decides alone.
    Low,
    /// Defensible, details to be checked.
    Medium,
    /// Read in the text, or settled law.
    #[default]
    High,
}

/// The rule behind a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRef {
    /// The rule's id in its module.
    pub rule: RuleId,
    /// The module.
    pub module: ModuleId,
    /// SHA-256 of the module.
    pub module_digest: Digest,
    /// Where it stands in the law.
    pub citation: Citation,
    /// The rule in words.
    pub text: Arc<str>,
    /// Language of `text`.
    pub language: Arc<str>,
    /// Facts the rule read.
    pub facts_used: Vec<FactName>,
    /// Facts nobody has stated that the rule needed.
    pub facts_missing: Vec<FactName>,
    /// How sure the modelled rule is.
    pub confidence: Confidence,
}

/// A ground on which a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The rule.
    pub rule: RuleRef,
    /// What kind of refusal it is.
    pub kind: GroundKind,
    /// The executing authority must consult the issuing authority first.
    pub consult_first: bool,
    /// The side whose law refuses.
    pub stage: Stage,
}

/// What kind of refusal a ground is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroundKind {
    /// The law says that the request must be refused.
    Mandatory,
    /// The law allows the refusal and practice normally uses it.
    Optional,
    /// Returned to an incompetent or unvalidated issuer.
    Return,
    /// The instrument does not carry this request.
    NotApplicable,
}

/// What the requester must still supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The rule that asks, or that could not be judged.
    pub rule: RuleRef,
    /// What to supply.
    pub remedy: Arc<str>,
    /// Field path or fact that is missing or wrong.
    pub field: Arc<str>,
    /// The side whose law asks.
    pub stage: Stage,
}

/// A question that a human must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// The rule.
    pub rule: RuleRef,
    /// The role that decides.
    pub role: Arc<str>,
    /// The jurisdiction whose role it is.
    pub jurisdiction: crate::JurisdictionCode,
    /// The legal question.
    pub question: Arc<str>,
    /// Two different persons must agree.
    pub four_eyes: bool,
    /// The side whose law asks.
    pub stage: Stage,
    /// The question as far as an answer depends on it: SHA-256 over the rule and
    /// the values of the facts that it reads.
    pub basis: Digest,
    /// The fact that an answer states, where the rule waits for that one alone.
    pub settles: Option<Settles>,
}

/// A condition that travels with the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// The rule.
    pub rule: RuleRef,
    /// Kind of condition.
    pub kind: ObligationKind,
    /// Parameters of the kind, as in the contract.
    pub parameters: BTreeMap<Arc<str>, Arc<str>>,
    /// Who must act on it.
    pub bound: BoundParty,
}

/// Who must act on an obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundParty {
    /// The requesting side.
    Issuing,
    /// The executing side.
    Executing,
}

/// Kind of an obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObligationKind {
    /// Use only for the stated purposes.
    UseLimit,
    /// Use only for the offences of this request.
    Speciality,
    /// Handling code H0 to H3.
    HandlingCode,
    /// Values that must not leave the executing State.
    Redact,
    /// Keep until a date.
    RetainUntil,
    /// Delete after a date or event.
    DeleteAfter,
    /// Tell someone.
    Notify,
    /// No onward transfer without consent.
    NoOnwardTransfer,
    /// Confirm within a time.
    ConfirmWithin,
}

/// A legal time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The rule.
    pub rule: RuleRef,
    /// What it measures, for example `acknowledge`.
    pub measures: Arc<str>,
    /// Length in `unit`.
    pub length: u32,
    /// Unit of `length`.
    pub unit: ClockUnit,
    /// Event from which it runs.
    pub starts: Arc<str>,
    /// Events that end it.
    pub stops: Vec<Arc<str>>,
    /// Events from which it stands still.
    pub suspends: Vec<Arc<str>>,
    /// Events from which it runs again.
    pub resumes: Vec<Arc<str>>,
    /// Whose calendar counts; `None` for hours and for [`ClockUnit::Open`].
    pub calendar: Option<crate::JurisdictionCode>,
    /// How far it can be extended, where it can.
    pub extension: Option<crate::Extension>,
    /// What it means that it has run out.
    pub runs_out: crate::RunsOut,
    /// What was found stays sealed while it runs.
    pub holds_release: bool,
    /// The side that must act in time.
    pub bound: BoundParty,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it runs out.
    pub due_at: Option<Timestamp>,
}

/// Unit of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockUnit {
    /// Hours, counted to the minute.
    Hours,
    /// Calendar days.
    Days,
    /// Working days.
    WorkingDays,
    /// Calendar months.
    Months,
    /// None: the law sets no length, and the clock runs until an event ends it.
    Open,
}

impl ClockUnit {
    /// It counts by the days of a calendar.
    #[must_use]
    pub fn counts_days(self) -> bool {
        match self {
            Self::Days | Self::WorkingDays | Self::Months => true,
            Self::Hours | Self::Open => false,
        }
    }
}

/// A module that took part in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRef {
    /// The module.
    pub module: ModuleId,
    /// SHA-256 of its content.
    pub digest: Digest,
    /// The stage at which it spoke.
    pub stage: Stage,
}

/// An instrument that was weighed and not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Why, in words.
    pub reason: Arc<str>,
    /// Where the law says so, where it does.
    pub citation: Option<Citation>,
}

/// A fact that a rule used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactUse {
    /// Its value.
    pub value: FactValue,
    /// Where it came from.
    pub source: FactUseSource,
}

/// Where a used fact came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactUseSource {
    /// Somebody stated it.
    Stated(FactSource),
    /// The law presumes it while nobody states otherwise; the text says why.
    Presumed(Arc<str>),
    /// A human found it when asked; the text names the task.
    Judged(Arc<str>),
}
