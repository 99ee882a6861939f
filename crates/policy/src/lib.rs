//! Legal rules from files to decisions.
//!
//! [`Library::load`] reads a policy folder and reports every mistake in it;
//! [`Library::decide`] answers a request with a decision and, only where it is
//! approved, a [`Permit`]. The same request, modules and time always give the
//! same decision.

mod alternatives;
mod atlas;
mod clocks;
mod competence;
mod condition;
mod coverage;
mod decide;
mod diagnostic;
mod diff;
mod encoding;
mod evaluate;
mod exercise;
mod explain;
mod facts;
mod findings;
mod form;
mod format;
mod lint;
mod load;
mod model;
mod open;
mod outlook;
mod parallel;
mod periods;
mod permit;
mod phrase;
mod phrases;
mod reader;
mod registers;
mod remarks;
mod resolve;
mod restated;
mod ruling;
mod scenario;
#[cfg(test)]
mod tests;
mod trace;
mod vary;
mod yaml;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use comity_domain::{
    AuthorityId, BoundParty, Decision, Digest, InstrumentId, JurisdictionCode, MeasureId, ModuleId,
    Request, RuleId, Text,
};
use jiff::civil::Date;

pub use self::{
    atlas::{
        AssuranceAsked, Atlas, AtlasQuery, BoundState, Competence, DualCriminality,
        DualCriminalityPosition, ExpectedObligation, FormInfo, Issuer, Named, OffenceAbroad,
        OffenceProfile, Reason, Route, TimeLimit, Unsettled,
    },
    clocks::{Arrival, Brought, Calendars, Moment, Turn, allowance, bring, next_moment},
    competence::Competent,
    coverage::{
        Clause, ConditionCoverage, Coverage, ModuleCoverage, Reach, RuleCoverage, ScenarioIndex,
    },
    decide::{FormCheck, Question},
    diagnostic::{Code, Diagnostic, Report, Severity, nearest},
    diff::{
        AspectChange, Change, ChangeKind, Difference, Effect, Example, Finding, FindingKind,
        LeftOut, Matters, Relation, Rewording, RuleChange, Subject,
    },
    evaluate::Engine,
    exercise::{
        Assessed, Assessment, Attempt, Entry, Exercise, ExercisePoint, InHand, Spare, Task,
    },
    explain::{Explanation, Paragraph, Point, Section, Tone},
    facts::FactProblem,
    findings::RECEIVED,
    form::{FormProblem, LIFTED, OWN_CALL, REMEDIED, ReportForm},
    format::format,
    load::DecidingFiles,
    open::OpenQuestion,
    outlook::{Foresight, Line, OpenFact, Prospect, ProspectEffect, Standing},
    permit::Permit,
    registers::{
        Addressee, FactInfo, FactValues, Holding, InstrumentInfo, JurisdictionInfo, MeasureInfo,
        OffenceInfo,
    },
    scenario::{Mismatch, NothingSelected, ScenarioResult, Selection, TestRun},
    trace::{Answer, Asked, Asking, RuleInfo, Trace},
};

/// The policy library: every module of a policy folder, checked.
#[derive(Debug)]
pub struct Library {
    model: model::Model,
    terms: evaluate::Terms,
    presumed: facts::Presumed,
    engine: Engine,
    tests: Vec<load::TestFile>,
    engine_errors: AtomicU64,
}

/// A decision, with the permit that it gives if it approves.
#[derive(Debug)]
pub struct Verdict {
    /// What the law says of the request.
    pub decision: Decision,
    /// Present if and only if the request is approved.
    pub permit: Option<Permit>,
}

/// A module as its readers see it.
#[derive(Debug, Clone, Copy)]
pub struct ModuleInfo<'a> {
    /// The module.
    pub id: &'a ModuleId,
    /// Its name in several languages.
    pub title: &'a Text,
    /// SHA-256 of its files.
    pub digest: Digest,
    /// How many rules it has.
    pub rules: usize,
    /// The YAML text as loaded.
    pub text: &'a Arc<str>,
}

impl Library {
    /// Reads and checks a policy folder.
    ///
    /// # Errors
    /// Every mistake found, each with its place and what to do.
    pub fn load(dir: &Path) -> Result<Self, Report> {
        let (model, tests) = load::load(dir)?;
        Ok(Self::of(model, tests))
    }

    /// Reads a policy folder and looks closer at it than loading does: the
    /// report also warns of rules that cannot do what their author meant. The
    /// library is there where there are no mistakes but warnings.
    #[must_use]
    pub fn check(dir: &Path) -> (Option<Self>, Report) {
        let (loaded, report) = load::check(dir);
        (loaded.map(|(model, tests)| Self::of(model, tests)), report)
    }

    fn of(mut model: model::Model, tests: Vec<load::TestFile>) -> Self {
        model.index();
        Self {
            terms: evaluate::Terms::new(&model.vocabulary),
            presumed: facts::Presumed::new(&model.vocabulary),
            model,
            engine: Engine::default(),
            tests,
            engine_errors: AtomicU64::new(0),
        }
    }

    /// Decides a request: outbound rules of the sending State, the instrument,
    /// inbound rules of the executing State. The strictest finding is the
    /// outcome and everything found is reported.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        let decision = decide::decide(self, question, &mut |_, _| {});
        let permit = Permit::of(question.request, &decision);
        Verdict { decision, permit }
    }

    /// Decides a request, complete or not, as [`decide`](Self::decide) does, and
    /// looks ahead: what will be asked, and what would have to change.
    #[must_use]
    pub fn foresee(&self, question: &Question<'_>) -> Foresight {
        outlook::foresee(self, question)
    }

    /// The ways in which one State can ask another for a measure.
    ///
    /// # Errors
    /// Every part of the question that the library does not know.
    pub fn atlas(&self, query: &AtlasQuery<'_>) -> Result<Atlas<'_>, Vec<FactProblem>> {
        atlas::lookup(self, query)
    }

    /// The same library with its conditions evaluated by `engine`.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// Decides a request as [`decide`](Self::decide) does and keeps what every
    /// rule said, line by line.
    #[must_use]
    pub fn trace(&self, question: &Question<'_>) -> Trace<'_> {
        trace::trace(self, question)
    }

    /// Decides a request as [`decide`](Self::decide) does and tells in the
    /// language of the question how it came to that.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        explain::explain(self, question, explain::Occasion::Request)
    }

    /// Every rule, in the order of [`modules`](Self::modules) and files.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        let modules = self.model.every_module();
        modules.flat_map(|module| {
            module
                .rules
                .iter()
                .map(move |rule| RuleInfo { module, rule })
        })
    }

    /// A rule by its id.
    #[must_use]
    pub fn rule(&self, id: &RuleId) -> Option<RuleInfo<'_>> {
        self.rules().find(|info| info.rule.id == *id)
    }

    /// SHA-256 over the digests of all files.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.model.digest
    }

    /// Every module: instruments first, each by id.
    pub fn modules(&self) -> impl Iterator<Item = ModuleInfo<'_>> {
        self.model.every_module().map(|module| ModuleInfo {
            id: &module.id,
            title: &module.title,
            digest: module.digest,
            rules: module.rules.len(),
            text: &module.text,
        })
    }

    /// The library has a module of this jurisdiction.
    #[must_use]
    pub fn knows(&self, jurisdiction: &JurisdictionCode) -> bool {
        self.model.jurisdictions.contains_key(jurisdiction)
    }

    /// The library has a module of this instrument, in force or not.
    #[must_use]
    pub fn instrument_exists(&self, instrument: &InstrumentId) -> bool {
        self.model.instruments.contains_key(instrument)
    }

    /// The measure tree has this measure.
    #[must_use]
    pub fn measure_exists(&self, measure: &MeasureId) -> bool {
        self.model.measures.kinds.contains_key(measure)
    }

    /// Every fact of the vocabulary, by name.
    pub fn facts(&self) -> impl Iterator<Item = FactInfo<'_>> {
        registers::facts(&self.model)
    }

    /// Every legal system, by code.
    pub fn jurisdictions(&self) -> impl Iterator<Item = JurisdictionInfo<'_>> {
        registers::jurisdictions(&self.model)
    }

    /// Every instrument, in force or not, by id.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentInfo<'_>> {
        registers::instruments(&self.model)
    }

    /// Every measure of the tree, by name.
    pub fn measures(&self) -> impl Iterator<Item = MeasureInfo<'_>> {
        registers::measures(&self.model)
    }

    /// The instruments that would carry a measure from one State to another on
    /// a day, in order of preference, without those that another replaces.
    /// Whether a request succeeds under them is for [`decide`](Self::decide).
    #[must_use]
    pub fn carriers(
        &self,
        issuing: &JurisdictionCode,
        executing: &JurisdictionCode,
        measure: &MeasureId,
        day: Date,
    ) -> Vec<&InstrumentId> {
        let matter = resolve::Matter::between(&self.model, [issuing, executing], measure, day);
        let reader = reader::Reader {
            model: &self.model,
            language: "en",
        };
        let candidates = resolve::survey(&self.model, &reader, &matter, None).candidates;
        let first = candidates
            .into_iter()
            .filter(|one| one.prevailing.is_none());
        first.map(|candidate| &candidate.instrument.id).collect()
    }

    /// The calendars by which time limits are counted.
    #[must_use]
    pub fn calendars(&self) -> Calendars<'_> {
        Calendars(&self.model.calendars)
    }

    /// The vocabulary has an event of this name.
    #[must_use]
    pub fn has_event(&self, event: &str) -> bool {
        registers::has_event(&self.model, event)
    }

    /// The events of the vocabulary that a side makes happen and reports, by name.
    pub fn events_of(&self, side: BoundParty) -> impl Iterator<Item = &str> {
        registers::events_of(&self.model, side)
    }

    /// Whether by an event data begin to be held, and cease to be, by any rule.
    #[must_use]
    pub fn holds(&self, event: &str) -> Holding {
        registers::holds(&self.model, event)
    }

    /// The form that an instrument prescribes for the report of an event, where it
    /// prescribes one.
    #[must_use]
    pub fn report_form(
        &self,
        (instrument, measure): (&InstrumentId, &MeasureId),
        event: &str,
    ) -> Option<ReportForm<'_>> {
        let instrument = self.model.instruments.get(instrument)?;
        let form = self.model.report_form(instrument, measure, event);
        form.map(ReportForm)
    }

    /// The grounds that modules know for refusing a request for a measure, by the
    /// ids of their rules: mandatory and optional ones, and questions to humans.
    pub fn grounds(
        &self,
        modules: &[ModuleId],
        measure: &MeasureId,
    ) -> impl Iterator<Item = &RuleId> {
        registers::grounds(&self.model, modules, measure)
    }

    /// The directory of a State's authorities, by id.
    pub fn authorities(&self, state: &JurisdictionCode) -> impl Iterator<Item = Addressee<'_>> {
        registers::authorities(&self.model, state)
    }

    /// The authorities of a State that its law lets ask for a measure, by id.
    pub fn issuers(
        &self,
        state: &JurisdictionCode,
        measure: &MeasureId,
    ) -> impl Iterator<Item = Addressee<'_>> {
        registers::issuers(&self.model, state, measure)
    }

    /// The authorities of a State that may execute a measure, by id; its
    /// central authority where the directory names none.
    #[must_use]
    pub fn addressees(&self, state: &JurisdictionCode, measure: &MeasureId) -> Vec<Addressee<'_>> {
        registers::addressees(&self.model, state, measure)
    }

    /// Whether an authority of a State has a role that a referral names, in a
    /// matter of a measure, as far as the State's directory says so.
    #[must_use]
    pub fn competent(
        &self,
        state: &JurisdictionCode,
        authority: &AuthorityId,
        (role, measure): (&str, &MeasureId),
    ) -> Competent {
        competence::competent(&self.model, state, authority, (role, measure))
    }

    /// Whether the directory of a State has an authority.
    #[must_use]
    pub fn has_authority(&self, state: &JurisdictionCode, authority: &AuthorityId) -> bool {
        competence::record(&self.model, state, authority).is_some()
    }

    /// Whether the directory of a State lets the auditors of an authority search records
    /// by the personal values in them.
    #[must_use]
    pub fn may_search_persons(&self, state: &JurisdictionCode, authority: &AuthorityId) -> bool {
        competence::may_search_persons(&self.model, state, authority)
    }

    /// The register of offences of a State, by provision.
    pub fn offences(&self, state: &JurisdictionCode) -> impl Iterator<Item = OffenceInfo<'_>> {
        registers::offences(&self.model, state)
    }

    /// Facts stated outright that the vocabulary does not have, types
    /// otherwise, or does not leave to the requester; categories of offences and
    /// kinds of assurances that it does not list.
    #[must_use]
    pub fn check_stated(&self, request: &Request) -> Vec<FactProblem> {
        facts::check_stated(&self.model.vocabulary, request)
    }

    /// The exercises for trainees, by name.
    pub fn exercises(&self) -> impl Iterator<Item = &Exercise> {
        self.model.exercises.values().map(|exercise| &**exercise)
    }

    /// What became of a trainee's attempts at an exercise.
    #[must_use]
    pub fn assess<'e>(&self, exercise: &'e Exercise, attempts: &[Attempt<'_>]) -> Assessment<'e> {
        exercise::assess(self, exercise, attempts)
    }

    /// What the library itself says is not settled, by module.
    #[must_use]
    pub fn open_questions(&self) -> Vec<OpenQuestion<'_>> {
        open::questions(&self.model)
    }

    /// Runs scenarios beside the modules on all cores, and sees which rules
    /// they reach.
    ///
    /// # Errors
    /// A selection that names no module, scenario or tag.
    pub fn test(&self, selection: &Selection) -> Result<TestRun, NothingSelected> {
        scenario::run(self, selection)
    }

    /// Explains the decision of a scenario, `eio:S01`, as
    /// [`explain`](Self::explain) does.
    ///
    /// # Errors
    /// No scenario of that name, or why its request cannot be built.
    pub fn explain_scenario(
        &self,
        name: &str,
        language: &str,
    ) -> Result<Explanation, NothingSelected> {
        scenario::explain(self, name, language)
    }

    /// A test run as one HTML page without anything outside it: each module's
    /// text with what its rules did, and the scenarios.
    #[must_use]
    pub fn coverage_page(&self, run: &TestRun) -> String {
        coverage::page(self, run)
    }

    /// How often a rule could not be evaluated since loading. Each time a
    /// human was asked instead.
    #[must_use]
    pub fn engine_errors(&self) -> u64 {
        self.engine_errors.load(Ordering::Relaxed)
    }

    fn count_engine_error(&self) {
        self.engine_errors.fetch_add(1, Ordering::Relaxed);
    }
}
