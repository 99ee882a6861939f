//! What the policy files mean once read: the one shape between loading and
//! deciding. Nothing here is evaluated and nothing here reads a file.

mod form;
mod restated;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use cedar_policy::Expression;
use comity_domain::{
    BoundParty, Citation, ClockUnit, Confidence, Digest, Extension, FactName, FactSource,
    FactValue, GroundKind, InstrumentId, JurisdictionCode, MeasureId, ModuleId, ObligationKind,
    RuleId, RunsOut, Stage, Text,
};
use jiff::{civil::Date, tz::TimeZone};

use crate::{condition::Lowered, exercise::Exercise};

pub(crate) use self::{
    form::{Form, FormField, FormFields, FormSection},
    restated::{Meaning, OwnField, RequestField, Restatement, Step, TRUTHS},
};

/// Everything in the policy folder, checked.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) measures: Measures,
    pub(crate) instruments: BTreeMap<InstrumentId, Instrument>,
    pub(crate) jurisdictions: BTreeMap<JurisdictionCode, Jurisdiction>,
    pub(crate) calendars: BTreeMap<JurisdictionCode, Calendar>,
    /// By name.
    pub(crate) exercises: BTreeMap<Arc<str>, Arc<Exercise>>,
    /// The sources, by their id.
    pub(crate) sources: BTreeMap<Arc<str>, SourceRecord>,
    /// Of each State, which of the instruments have something to do with it, in their
    /// order, so that a request meets those alone that have with both.
    pub(crate) near: BTreeMap<JurisdictionCode, Vec<bool>>,
    /// SHA-256 over the digests of all files, by path.
    pub(crate) digest: Digest,
}

impl Model {
    /// What the rules of a request for a measure under an instrument may test.
    pub(crate) fn declarations<'a>(
        &'a self,
        instrument: &'a Instrument,
        measure: &MeasureId,
    ) -> Declarations<'a> {
        Declarations {
            vocabulary: &self.vocabulary,
            form: self.form(instrument, measure),
        }
    }

    /// The form of a request for a measure: the first that is for it.
    pub(crate) fn form<'a>(
        &self,
        instrument: &'a Instrument,
        measure: &MeasureId,
    ) -> Option<&'a Form> {
        let kinds = self.kinds(measure);
        instrument.forms.iter().find(|form| form.is_for(kinds))
    }

    /// The form on which an event is reported: the first that is for it.
    pub(crate) fn report_form<'a>(
        &self,
        instrument: &'a Instrument,
        measure: &MeasureId,
        event: &str,
    ) -> Option<&'a Form> {
        let kinds = self.kinds(measure);
        let mut forms = instrument.forms.iter();
        forms.find(|form| form.reports(event, kinds))
    }

    /// Every module: instruments first, each by id.
    pub(crate) fn every_module(&self) -> impl Iterator<Item = &Module> {
        let instruments = self.instruments.values().map(|found| &found.module);
        instruments.chain(self.jurisdictions.values().map(|found| &found.module))
    }

    /// Sorts the instruments by the States they have to do with.
    pub(crate) fn index(&mut self) {
        let instruments = self.instruments.values();
        let states = instruments
            .clone()
            .flat_map(|instrument| instrument.binds.keys().chain(instrument.not_bound.keys()));
        let near = |state: &JurisdictionCode| {
            let knows = |instrument: &Instrument| {
                instrument.binds.contains_key(state) || instrument.not_bound.contains_key(state)
            };
            (state.clone(), instruments.clone().map(knows).collect())
        };
        self.near = states.map(near).collect();
    }

    /// A measure with everything above it and its tags.
    pub(crate) fn kinds(&self, measure: &MeasureId) -> &BTreeSet<Arc<str>> {
        static NONE: BTreeSet<Arc<str>> = BTreeSet::new();
        self.measures.kinds.get(measure).unwrap_or(&NONE)
    }
}

/// What rules may test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    /// Listed types and their values; includes `Measure` and `Event`.
    pub(crate) types: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    pub(crate) events: BTreeMap<Arc<str>, EventWords>,
    /// Events that somebody makes happen and reports: clocks start by these.
    pub(crate) produced: BTreeMap<Arc<str>, Producer>,
    pub(crate) facts: BTreeMap<FactName, FactDeclaration>,
}

/// What an event is, in words.
#[derive(Debug, Clone)]
pub(crate) struct EventWords {
    pub(crate) title: Text,
    /// The event as a noun, where there is one.
    pub(crate) noun: Option<Text>,
}

/// Who makes an event happen and reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Producer {
    Gateway,
    Party(BoundParty),
}

/// One fact of the vocabulary.
#[derive(Debug, Clone)]
pub(crate) struct FactDeclaration {
    pub(crate) kind: FactType,
    /// Who can settle it while it is unknown.
    pub(crate) stated_by: FactSource,
    pub(crate) title: Text,
    /// The remedy or question shown when it is missing; the title where none is written.
    pub(crate) ask: Text,
    /// Role that answers when it is not for the requester.
    pub(crate) role: Option<Arc<str>>,
    pub(crate) presumption: Option<Presumption>,
}

/// The value taken while nobody has stated a fact.
#[derive(Debug, Clone)]
pub(crate) struct Presumption {
    pub(crate) value: FactValue,
    pub(crate) because: Text,
    pub(crate) cite: Option<Citation>,
}

/// Type of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FactType {
    Truth,
    Number,
    Text,
    Day,
    /// A value of a listed type.
    Listed(Arc<str>),
    /// A set of values of a listed type.
    SetOf(Arc<str>),
    SetOfText,
}

/// The measure tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measures {
    /// For each measure: itself, its ancestors, all their tags, and `all`.
    pub(crate) kinds: BTreeMap<MeasureId, BTreeSet<Arc<str>>>,
    /// Of measures and tags.
    pub(crate) titles: BTreeMap<MeasureId, Text>,
}

/// The tag of measures that share without being asked and without an answer.
pub(crate) const ONE_WAY: &str = "one-way";

/// Measures by name or tag; matches a measure that is of any of these kinds.
pub(crate) type MeasureFilter = BTreeSet<Arc<str>>;

/// One instrument module.
#[derive(Debug, Clone)]
pub(crate) struct Instrument {
    pub(crate) id: InstrumentId,
    pub(crate) module: Module,
    pub(crate) source: Citation,
    /// What is on record about how far the source can be relied on.
    pub(crate) standing: SourceNote,
    pub(crate) status: Status,
    pub(crate) open: Option<Open>,
    /// Kinds by which rules mean it among others.
    pub(crate) kinds: BTreeSet<Arc<str>>,
    /// Order of preference when several instruments remain; lower first.
    pub(crate) rank: i64,
    pub(crate) binds: BTreeMap<JurisdictionCode, Binding>,
    pub(crate) binding_cite: Option<Citation>,
    pub(crate) not_bound: BTreeMap<JurisdictionCode, NotBound>,
    /// Where present, a request must cross from one side to the other.
    pub(crate) between: Option<[BTreeSet<JurisdictionCode>; 2]>,
    pub(crate) include: MeasureFilter,
    pub(crate) exclude: Vec<Excluded>,
    pub(crate) prevails_over: Vec<Prevails>,
    /// In the order in which they are tried for a measure.
    pub(crate) forms: Vec<Form>,
    /// How requests travel, where the module says so.
    pub(crate) channel: Option<Channel>,
}

/// An entry of `sources.yaml`, as decisions cite it.
#[derive(Debug, Clone)]
pub(crate) struct SourceRecord {
    /// Its official name.
    pub(crate) title: Text,
    pub(crate) url: Option<Arc<str>>,
}

/// What the register of sources says of a source besides.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceNote {
    /// When it was last compared with the text.
    pub(crate) checked: Option<Date>,
    pub(crate) note: Option<Text>,
}

/// How requests travel from one State to the other.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) text: Text,
    pub(crate) cite: Citation,
}

/// What instrument and jurisdiction modules share.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) id: ModuleId,
    pub(crate) title: Text,
    /// SHA-256 of the module's files.
    pub(crate) digest: Digest,
    /// The YAML text as loaded.
    pub(crate) text: Arc<str>,
    /// Guidance for readers.
    pub(crate) notes: Option<Text>,
    pub(crate) rules: Vec<Rule>,
    /// Places of the rules that are for a measure, so that a request meets those
    /// alone.
    pub(crate) by_measure: HashMap<MeasureId, Vec<usize>>,
}

impl Module {
    /// The rules for a measure, in the order of the file; for one that nobody
    /// knows those that are for every measure.
    pub(crate) fn rules_for(&self, measure: &MeasureId) -> impl Iterator<Item = &Rule> {
        let places = self.by_measure.get(measure);
        let known = places.into_iter().flatten();
        let unknown = self.rules.iter().filter(|rule| rule.measures.is_empty());
        let unknown = unknown.filter(move |_| places.is_none());
        known
            .filter_map(|place| self.rules.get(*place))
            .chain(unknown)
    }

    /// Sorts the rules by the measures they are for.
    pub(crate) fn index(&mut self, measures: &Measures) {
        let is_for = |rule: &Rule, kinds: &BTreeSet<Arc<str>>| {
            rule.measures.is_empty() || !rule.measures.is_disjoint(kinds)
        };
        let places = |kinds| {
            let rules = self.rules.iter().enumerate();
            let meant = rules.filter(|(_, rule)| is_for(rule, kinds));
            meant.map(|(place, _)| place).collect()
        };
        let kinds = measures.kinds.iter();
        self.by_measure = kinds
            .map(|(id, kinds)| (id.clone(), places(kinds)))
            .collect();
    }
}

/// Whether an instrument is law.
#[derive(Debug, Clone)]
pub(crate) enum Status {
    InForce,
    NotInForce { reason: Text, checked: Date },
}

/// What is not settled about an entry, and when that was last looked at.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) question: Text,
    pub(crate) checked: Date,
}

/// A State's being bound by an instrument.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) since: Date,
    /// Exclusive.
    pub(crate) until: Option<Date>,
    /// Languages it accepts, BCP 47 primary; empty: none declared.
    pub(crate) languages: Vec<Arc<str>>,
    /// Declarations and reservations in words.
    pub(crate) declarations: Vec<Text>,
    pub(crate) confidence: Confidence,
    pub(crate) cite: Option<Citation>,
    pub(crate) open: Option<Open>,
}

/// A State's not being bound, on record.
#[derive(Debug, Clone)]
pub(crate) struct NotBound {
    pub(crate) cite: Citation,
    pub(crate) note: Text,
    pub(crate) open: Option<Open>,
}

/// A measure an instrument does not carry.
#[derive(Debug, Clone)]
pub(crate) struct Excluded {
    pub(crate) measure: Arc<str>,
    pub(crate) cite: Citation,
}

/// Precedence over another instrument.
#[derive(Debug, Clone)]
pub(crate) struct Prevails {
    pub(crate) over: InstrumentId,
    pub(crate) cite: Citation,
}

/// The facts that the rules of one request may test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declarations<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) form: Option<&'a Form>,
}

impl<'a> Declarations<'a> {
    pub(crate) fn get(&self, name: &FactName) -> Option<&'a FactDeclaration> {
        let field = || Some(&self.form?.fields.get(name)?.declaration);
        self.vocabulary.facts.get(name).or_else(field)
    }
}

/// One jurisdiction module with its registers.
#[derive(Debug, Clone)]
pub(crate) struct Jurisdiction {
    pub(crate) code: JurisdictionCode,
    pub(crate) module: Module,
    pub(crate) source: Citation,
    pub(crate) open: Option<Open>,
    pub(crate) profile: Profile,
    pub(crate) routes: Vec<RoutePreference>,
    pub(crate) authorities: BTreeMap<Arc<str>, AuthorityRecord>,
    /// By provision.
    pub(crate) offences: BTreeMap<Arc<str>, OffenceRecord>,
}

/// Data from which the registers derive facts.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) languages: Vec<Arc<str>>,
    /// `abolished`, `wartime` or `retained`.
    pub(crate) death_penalty: Arc<str>,
    /// Age of criminal responsibility in years, where there is one.
    pub(crate) criminal_age: Option<u8>,
    /// Where to send what has no direct addressee.
    pub(crate) central_authority: Option<Arc<str>>,
}

/// A State's preference among instruments that would all carry a request.
#[derive(Debug, Clone)]
pub(crate) struct RoutePreference {
    pub(crate) measures: MeasureFilter,
    /// Other States it is meant for; empty: all.
    pub(crate) counterparts: BTreeSet<JurisdictionCode>,
    pub(crate) prefer: Vec<InstrumentId>,
    pub(crate) cite: Option<Citation>,
}

/// An entry of `authorities.yaml`.
#[derive(Debug, Clone)]
pub(crate) struct AuthorityRecord {
    pub(crate) title: Text,
    pub(crate) kind: Arc<str>,
    pub(crate) may_issue: MeasureFilter,
    pub(crate) may_execute: MeasureFilter,
    /// Its auditors may search records by the personal values in them.
    pub(crate) may_search_persons: bool,
    pub(crate) confidence: Confidence,
}

/// An entry of `offences.yaml`.
#[derive(Debug, Clone)]
pub(crate) struct OffenceRecord {
    pub(crate) title: Text,
    pub(crate) max_penalty_months: u32,
    pub(crate) life: bool,
    pub(crate) death: bool,
    pub(crate) categories: BTreeSet<Arc<str>>,
    pub(crate) iccs: Option<Arc<str>>,
    pub(crate) confidence: Confidence,
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    pub(crate) title: Text,
    /// At least one; the first is the primary one.
    pub(crate) citations: Vec<Citation>,
    pub(crate) confidence: Confidence,
    pub(crate) since: Option<Date>,
    /// Exclusive.
    pub(crate) until: Option<Date>,
    pub(crate) stage: Stage,
    /// `None`: every instrument.
    pub(crate) instruments: Option<BTreeSet<InstrumentId>>,
    /// Empty: every other State.
    pub(crate) counterparts: BTreeSet<JurisdictionCode>,
    /// Empty: every measure.
    pub(crate) measures: MeasureFilter,
    pub(crate) effect: Effect,
    pub(crate) when: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
    /// Every fact that its lines read, sorted, each once.
    pub(crate) facts: Vec<FactName>,
    pub(crate) exception_to: Option<RuleId>,
}

impl Rule {
    /// It may be asked under an instrument.
    pub(crate) fn is_under(&self, instrument: &InstrumentId) -> bool {
        let named = self.instruments.as_ref();
        named.is_none_or(|named| named.contains(instrument))
    }

    /// The one instrument under which a national rule is asked.
    pub(crate) fn only_instrument(&self) -> Option<&InstrumentId> {
        let mut named = self.instruments.iter().flatten();
        named.next().filter(|_| named.next().is_none())
    }
}

/// One type-checked line of `when` or `unless`.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) text: Arc<str>,
    pub(crate) expression: Expression,
    /// The expression in Cedar's JSON form: what readers are told of it.
    pub(crate) tree: serde_json::Value,
    /// The same in our own form, where that can say it.
    pub(crate) lowered: Option<Lowered>,
    /// Every fact the line reads, sorted.
    pub(crate) facts: Vec<FactName>,
    /// The values it compares facts with.
    pub(crate) literals: Literals,
}

/// Values written in a condition: where they lie, what it says may change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Literals {
    pub(crate) numbers: BTreeSet<i64>,
    pub(crate) texts: BTreeSet<Arc<str>>,
    /// Values of listed types.
    pub(crate) listed: BTreeSet<(Arc<str>, Arc<str>)>,
    pub(crate) days: BTreeSet<Date>,
}

/// What a rule does when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Permit,
    /// `refuse` and `may-refuse`.
    Refuse {
        kind: GroundKind,
        consult: bool,
        reroute: Vec<Arc<str>>,
    },
    Require {
        remedy: Text,
        field: Arc<str>,
    },
    Refer {
        role: Arc<str>,
        question: Text,
        four_eyes: bool,
    },
    Oblige {
        kind: ObligationKind,
        bound: BoundParty,
        parameters: BTreeMap<Arc<str>, Arc<str>>,
    },
    Clock(ClockEffect),
}

/// A legal time limit as the rule sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClockEffect {
    pub(crate) measures: Arc<str>,
    pub(crate) length: u32,
    pub(crate) unit: ClockUnit,
    pub(crate) starts: Arc<str>,
    pub(crate) stops: Vec<Arc<str>>,
    /// Events from which it stands still.
    pub(crate) suspends: Vec<Arc<str>>,
    /// Events from which it runs again.
    pub(crate) resumes: Vec<Arc<str>>,
    pub(crate) extension: Option<Extension>,
    pub(crate) runs_out: RunsOut,
    /// What was found stays sealed while it runs.
    pub(crate) holds_release: bool,
    /// Whether the executing (else the issuing) State's calendar counts.
    pub(crate) executing_calendar: bool,
    /// The side that must act in time.
    pub(crate) bound: BoundParty,
}

/// When people work, for periods counted in days.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// Of the capital, from the database that is part of the program: what a day is
    /// must not hang on the machine.
    pub(crate) time_zone: TimeZone,
    pub(crate) holidays: Vec<Holiday>,
}

/// A public holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holiday {
    pub(crate) falls: Falls,
    /// First year in which it is one.
    pub(crate) since: Option<i16>,
    /// First year in which it no longer is.
    pub(crate) until: Option<i16>,
}

/// When in a year a holiday is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Falls {
    /// The same day each year.
    Fixed { month: i8, day: i8 },
    /// Days after (negative: before) Western Easter Sunday.
    Easter(i16),
    /// The n-th given weekday of a month; negative counts from its end.
    /// Weekday 1 is Monday.
    Nth { month: i8, weekday: i8, nth: i8 },
}
