//! What the law presumes, over it facts that the request itself and the registers
//! show, then what somebody stated.

mod offences;

use std::sync::Arc;

use comity_domain::{
    Confidence, FactSource, FactUse, FactUseSource, FactValue, JurisdictionCode, Origin,
    PersonRole, Request, Source, Urgency, primary,
};

use super::{counts, listed, set, typed};
use crate::{
    FormCheck, Question,
    evaluate::Known,
    facts,
    model::{Instrument, Jurisdiction, Model},
    resolve::{self, Matter},
    scenario::obligation_kind,
};

/// Age from which a person is no child: Directive (EU) 2016/800 Art. 3(1).
const FULL_AGE_YEARS: u8 = 18;
/// Whether somebody concerned is below it.
const MINOR: &str = "persons.minor";
/// Another instrument of the library would carry the request and prevails over its own.
pub(crate) const TREATY: &str = "basis.treaty";

/// Everything known of a request once its instrument is.
pub(crate) fn derive(
    model: &Model,
    presumed: Option<&Known>,
    question: &Question<'_>,
    (matter, instrument): (&Matter<'_>, &Instrument),
) -> Known {
    let known = presumed.cloned().unwrap_or_default();
    let mut derivation = Derivation::new(model, question.request, known);
    derivation.matter();
    derivation.shape();
    derivation.issuer();
    derivation.language(instrument);
    derivation.treaty(matter, instrument);
    derivation.offences();
    derivation.persons();
    derivation.states();
    derivation.source();
    derivation.statements();
    derivation.form(question.form, instrument);
    derivation.known
}

/// What is known before there is a request: the two States, the measure, and
/// the offences as far as they are named.
pub(crate) fn outline(model: &Model, request: &Request) -> Known {
    let mut derivation = Derivation::new(model, request, Known::default());
    derivation.matter();
    derivation.offences();
    derivation.states();
    derivation.known
}

struct Derivation<'a> {
    model: &'a Model,
    request: &'a Request,
    issuing: Option<&'a Jurisdiction>,
    executing: Option<&'a Jurisdiction>,
    known: Known,
}

impl<'a> Derivation<'a> {
    fn new(model: &'a Model, request: &'a Request, known: Known) -> Self {
        Self {
            model,
            request,
            issuing: model.jurisdictions.get(&request.issuing.0),
            executing: model.jurisdictions.get(&request.executing.0),
            known,
        }
    }

    /// Adds a fact if the vocabulary has it and the value is of its type; a
    /// value that is not leaves the fact unknown, whatever is presumed.
    fn put(&mut self, name: &str, source: FactSource, value: FactValue) {
        let vocabulary = &self.model.vocabulary;
        let Some((name, declaration)) = vocabulary.facts.get_key_value(name) else {
            return;
        };
        match typed(vocabulary, &declaration.kind, &value) {
            Ok(value) => {
                let source = FactUseSource::Stated(source);
                self.known
                    .insert(Arc::clone(name), FactUse { value, source });
            }
            Err(_) => {
                self.known.remove(name);
            }
        }
    }

    fn put_truth(&mut self, name: &str, source: FactSource, truth: Option<bool>) {
        if let Some(truth) = truth {
            self.put(name, source, FactValue::Truth(truth));
        }
    }

    fn put_text(&mut self, name: &str, source: FactSource, text: Option<&Arc<str>>) {
        if let Some(text) = text {
            self.put(name, source, FactValue::Text(Arc::clone(text)));
        }
    }

    fn matter(&mut self) {
        let request = self.request;
        let vocabulary = &self.model.vocabulary;
        let state = |code: &JurisdictionCode| {
            let known = [code.as_str(), code.country()]
                .into_iter()
                .find(|code| listed(vocabulary, "State", code));
            FactValue::Text(Arc::from(known.unwrap_or("other")))
        };
        let measure = self
            .model
            .measures
            .kinds
            .get(&request.measure)
            .into_iter()
            .flatten();
        for (name, value) in [
            ("issuing.state", state(&request.issuing.0)),
            ("executing.state", state(&request.executing.0)),
            ("measure", set(measure.cloned())),
        ] {
            self.put(name, FactSource::Gateway, value);
        }
    }

    fn shape(&mut self) {
        let request = self.request;
        let vocabulary = &self.model.vocabulary;
        let assurances = request.assurances.iter().map(|assurance| &assurance.kind);
        let assurances = assurances.filter(|kind| listed(vocabulary, "AssuranceKind", kind));
        let assurances = set(assurances.cloned());
        let urgency = FactValue::Text(Arc::from(urgency(request.urgency)));
        for (name, value) in [("urgency", urgency), ("assurances", assurances)] {
            self.put(name, FactSource::Gateway, value);
        }
    }

    fn issuer(&mut self) {
        let request = self.request;
        let record = self.issuing.and_then(|state| {
            let record = state.authorities.get(request.issuing_authority.as_str());
            // An entry of low confidence settles nothing on its own.
            record.filter(|record| record.confidence > Confidence::Low)
        });
        if let Some(record) = record {
            let kinds = self.model.measures.kinds.get(&request.measure);
            let competent = kinds.is_some_and(|kinds| !record.may_issue.is_disjoint(kinds));
            self.put_text(
                "issuing.authority_kind",
                FactSource::Register,
                Some(&record.kind),
            );
            self.put_truth("issuing.competent", FactSource::Register, Some(competent));
        }
        let validation = request.validation.as_ref();
        self.put_truth(
            "issuing.validated",
            FactSource::Gateway,
            Some(validation.is_some()),
        );
        let kind = validation.map(|validation| &validation.authority_kind);
        self.put_text("validation.authority_kind", FactSource::Requester, kind);
    }

    fn language(&mut self, instrument: &Instrument) {
        let Some(language) = &self.request.language else {
            return;
        };
        self.put_text("language", FactSource::Requester, Some(language));
        // A State that declared no language has not said what it accepts.
        let binding = instrument.binds.get(&self.request.executing.0);
        if let Some(binding) = binding.filter(|binding| !binding.languages.is_empty()) {
            let primary = primary(language);
            let accepted = binding
                .languages
                .iter()
                .any(|accepted| **accepted == *primary);
            self.put_truth("language_accepted", FactSource::Register, Some(accepted));
        }
    }

    /// A treaty of the library that governs in the instrument's place; of those
    /// outside it, whoever asks has to tell.
    fn treaty(&mut self, matter: &Matter<'_>, instrument: &Instrument) {
        let replaced = resolve::is_replaced(self.model, matter, instrument);
        let known = replaced.then_some(true);
        self.put_truth(TREATY, FactSource::Register, known);
    }

    fn states(&mut self) {
        for (name, state) in [
            ("issuing.death_penalty", self.issuing),
            ("executing.death_penalty", self.executing),
        ] {
            let death_penalty = state.map(|state| &state.profile.death_penalty);
            self.put_text(name, FactSource::Register, death_penalty);
        }
        if let Some(age) = self.executing.and_then(|state| state.profile.criminal_age) {
            let age = FactValue::Number(i64::from(age));
            self.put("executing.criminal_age", FactSource::Register, age);
        }
    }

    /// What is shared, and where data come from that are used or passed on.
    fn source(&mut self) {
        let request = self.request;
        let parts = set(request.information.iter().cloned());
        self.put("information.parts", FactSource::Gateway, parts);
        let origin = match &request.source {
            None => {
                self.put(
                    "origin.conditions",
                    FactSource::Gateway,
                    set([].into_iter()),
                );
                return;
            }
            // A case is named that nobody has looked up: all of it is unknown.
            Some(Source { origin: None }) => return,
            Some(Source {
                origin: Some(origin),
            }) => origin,
        };
        let Origin {
            state,
            conditions,
            other_offence,
        } = origin;
        let kinds = conditions
            .iter()
            .map(|kind| Arc::from(obligation_kind(*kind)));
        self.put("origin.conditions", FactSource::Gateway, set(kinds));
        self.put_truth("use.other_offence", FactSource::Gateway, *other_offence);
        if [&request.issuing.0, &request.executing.0]
            .iter()
            .all(|side| *side != state)
        {
            // Whatever is said of it: the gateway has no consent on record.
            let name = "ground.origin_consent_missing";
            self.put_truth(name, FactSource::Gateway, Some(true));
        }
    }

    fn persons(&mut self) {
        let persons = &self.request.persons;
        let roles = persons.iter().map(|person| Arc::from(role(person.role)));
        let roles = set(roles);
        self.put("persons.roles", FactSource::Gateway, roles);
        let minor = any_below(
            persons.iter().map(|person| person.age_years),
            FULL_AGE_YEARS,
        );
        // Of whom nobody lists, nothing is known against what is said.
        if !persons.is_empty() || !self.request.facts.contains_key(MINOR) {
            self.put_truth(MINOR, FactSource::Requester, minor);
        }
        let suspects = persons
            .iter()
            .filter(|person| person.role == PersonRole::Suspect);
        let ages: Vec<_> = suspects.map(|person| person.age_years).collect();
        if let Some(criminal_age) = self.executing.and_then(|state| state.profile.criminal_age) {
            let below = any_below(ages.iter().copied(), criminal_age);
            self.put_truth(
                "persons.suspect_below_criminal_age",
                FactSource::Register,
                below,
            );
        }
        let known: Option<Vec<u8>> = ages.into_iter().collect();
        if let Some(youngest) = known.and_then(|ages| ages.into_iter().min()) {
            let youngest = FactValue::Number(i64::from(youngest));
            self.put(
                "persons.youngest_suspect_age",
                FactSource::Requester,
                youngest,
            );
        }
    }

    fn statements(&mut self) {
        for (name, stated) in &self.request.facts {
            if let Some(declaration) = self.model.vocabulary.facts.get(name)
                && counts(declaration, stated, self.is_derived(name))
            {
                self.put(name, stated.source, stated.value.clone());
            }
        }
    }

    /// Fields of the instrument's own form, as far as rules read them. One of
    /// another type than the form demands is missing, and reported as wrong.
    fn form(&mut self, given: FormCheck<'_>, instrument: &Instrument) {
        let form = self.model.form(instrument, &self.request.measure);
        let (Some(content), Some(form)) = (given.content(), form) else {
            return;
        };
        for name in &form.read {
            let mut steps = name.split('.').skip(1);
            let found = steps.try_fold(content, |value, step| value.get(step));
            let value = found.and_then(facts::of_json);
            let kind = form.fields.get(name).map(|field| &field.declaration.kind);
            if let Some((kind, value)) = kind.zip(value)
                && let Ok(value) = typed(&self.model.vocabulary, kind, &value)
            {
                let source = FactUseSource::Stated(FactSource::Requester);
                self.known
                    .insert(Arc::clone(name), FactUse { value, source });
            }
        }
    }

    /// The request itself or a register shows it, rather than a presumption.
    fn is_derived(&self, name: &str) -> bool {
        let fact = self.known.get(name);
        fact.is_some_and(|fact| matches!(fact.source, FactUseSource::Stated(_)))
    }
}

/// Whether any age is below the limit: true as soon as one is, false only if
/// all are known.
fn any_below(ages: impl Iterator<Item = Option<u8>>, limit: u8) -> Option<bool> {
    let mut unknown = false;
    for age in ages {
        match age {
            Some(age) if age < limit => return Some(true),
            Some(_) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

/// An urgency as the vocabulary lists it.
pub(crate) fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Routine => "routine",
        Urgency::Urgent => "urgent",
        Urgency::Emergency => "emergency",
    }
}

/// A person's part as the vocabulary lists it.
pub(crate) fn role(role: PersonRole) -> &'static str {
    match role {
        PersonRole::Suspect => "suspect",
        PersonRole::Victim => "victim",
        PersonRole::Witness => "witness",
        PersonRole::ThirdParty => "third-party",
    }
}
