//! Legal rules from files to decisions.
//!
//! [`Library::load`] reads a policy folder and reports every mistake in it;
//! [`Library::decide`] answers a request with a decision and, only where it is
//! approved, a [`Permit`]. The same request, modules and time always give the
//! same decision.

mod condition;
mod decide;
mod diagnostic;
mod evaluate;
mod facts;
mod findings;
mod form;
mod format;
mod lint;
mod load;
mod model;
mod open;
mod periods;
mod permit;
mod registers;
mod remarks;
mod resolve;
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
    Decision, Digest, Facts, InstrumentId, JurisdictionCode, MeasureId, ModuleId, RuleId, Text,
};

pub use self::{
    decide::{FormCheck, Question},
    diagnostic::{Code, Diagnostic, Report, Severity},
    evaluate::Engine,
    facts::FactProblem,
    form::FormProblem,
    format::format,
    open::OpenQuestion,
    permit::Permit,
    registers::{Addressee, FactInfo, OffenceInfo},
    scenario::ScenarioResult,
    trace::{Answer, Asked, Asking, RuleInfo, Trace},
};

/// The policy library: every module of a policy folder, checked.
#[derive(Debug)]
pub struct Library {
    model: model::Model,
    terms: evaluate::Terms,
    presumed: evaluate::Known,
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

    fn of(model: model::Model, tests: Vec<load::TestFile>) -> Self {
        Self {
            terms: evaluate::Terms::new(&model.vocabulary),
            presumed: facts::presumed(&model.vocabulary),
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

    /// Every rule, in the order of [`modules`](Self::modules) and files.
    pub fn rules(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        let modules = self.every_module();
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

    fn every_module(&self) -> impl Iterator<Item = &model::Module> {
        let instruments = self.model.instruments.values().map(|found| &found.module);
        let jurisdictions = self.model.jurisdictions.values().map(|found| &found.module);
        instruments.chain(jurisdictions)
    }

    /// SHA-256 over the digests of all files.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.model.digest
    }

    /// Every module: instruments first, each by id.
    pub fn modules(&self) -> impl Iterator<Item = ModuleInfo<'_>> {
        self.every_module().map(|module| ModuleInfo {
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

    /// The authorities of a State that may execute a measure, by id; its
    /// central authority where the directory names none.
    #[must_use]
    pub fn addressees(&self, state: &JurisdictionCode, measure: &MeasureId) -> Vec<Addressee<'_>> {
        registers::addressees(&self.model, state, measure)
    }

    /// The register of offences of a State, by provision.
    pub fn offences(&self, state: &JurisdictionCode) -> impl Iterator<Item = OffenceInfo<'_>> {
        registers::offences(&self.model, state)
    }

    /// Everything wrong with an instrument's form; nothing where the
    /// instrument is not in the library or has no form.
    #[must_use]
    pub fn form_errors(
        &self,
        instrument: &InstrumentId,
        content: &serde_json::Value,
    ) -> Vec<FormProblem> {
        let form = self
            .model
            .instruments
            .get(instrument)
            .and_then(|found| found.form.as_ref());
        form.map_or_else(Vec::new, |form| form::errors(form, content))
    }

    /// Facts stated outright that the vocabulary does not have, types
    /// otherwise, or does not leave to the requester.
    #[must_use]
    pub fn check_stated(&self, facts: &Facts) -> Vec<FactProblem> {
        facts::check_stated(&self.model.vocabulary, facts)
    }

    /// What the library itself says is not settled, by module.
    #[must_use]
    pub fn open_questions(&self) -> Vec<OpenQuestion<'_>> {
        open::questions(&self.model)
    }

    /// Runs the scenarios beside the modules, in the order of the files.
    #[must_use]
    pub fn run_scenarios(&self) -> Vec<ScenarioResult> {
        scenario::run(self)
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
