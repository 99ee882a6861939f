//! Names in a scenario that no register has: the request would be decided as
//! one from nobody, or about nothing.

mod expected;

use comity_domain::JurisdictionCode;
use serde::Deserialize as _;
use serde_json::Value;

use super::{ANY_OFFENCE, GivenOffence, GivenRequest, Scenario, request};
use crate::{
    diagnostic::{add_state, nearest, suggest},
    model::{FactType, Jurisdiction, Model},
};

/// A name that means nothing in a library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownName {
    /// JSON pointer within the scenario.
    pub(crate) place: String,
    /// It is the key at that place.
    pub(crate) is_key: bool,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}

/// Names of a scenario as written that mean nothing in a library.
pub(crate) fn unknown_names(model: &Model, scenario: &Value) -> Vec<UnknownName> {
    let scenario = Scenario::deserialize(scenario);
    scenario.map_or_else(|_| Vec::new(), |scenario| scenario.unknown_names(model))
}

impl Scenario {
    pub(super) fn unknown_names(&self, model: &Model) -> Vec<UnknownName> {
        let request = &self.request;
        let mut names = Names {
            model,
            found: Vec::new(),
        };
        for (field, code) in [
            ("issuing", Some(&request.issuing)),
            ("executing", Some(&request.executing)),
        ] {
            names.state(&format!("/request/{field}"), code);
        }
        names.authorities(request);
        names.measure(&request.measure);
        let named = request.instrument.iter();
        named.for_each(|id| names.instrument("/request/instrument", id));
        names.facts(request);
        names.listed(
            "/request/authority_kind",
            ("AuthorityKind", request.authority_kind.as_ref()),
        );
        if let Some(validation) = &request.validation {
            let kind = ("AuthorityKind", Some(&validation.kind));
            names.listed("/request/validation/kind", kind);
        }
        for (index, person) in request.persons.iter().enumerate() {
            let place = format!("/request/persons/{index}");
            names.state(&format!("{place}/nationality"), person.nationality.as_ref());
            names.state(&format!("{place}/residence"), person.residence.as_ref());
        }
        for (id, states) in &self.suppose.binds {
            let place = format!("/suppose/binds/{id}");
            names.instrument(&place, id);
            for code in states.keys() {
                names.state(&format!("{place}/{code}"), Some(code));
            }
        }
        for (index, kind) in request.assurances.iter().enumerate() {
            let place = format!("/request/assurances/{index}");
            names.listed(&place, ("AssuranceKind", Some(kind)));
        }
        for (index, offence) in request.offences.iter().enumerate() {
            let place = format!("/request/offences/{index}");
            let category = ("Category", offence.category.as_ref());
            names.listed(&format!("{place}/category"), category);
            // A scenario may be about an offence of which too little is known.
            let about_it = |fact: &String| fact.starts_with("offence.");
            if !self.expect.missing.iter().any(about_it) {
                names.offence(&place, (&request.issuing, offence));
            }
        }
        names.expected(&self.expect);
        names.found
    }
}

struct Names<'a> {
    model: &'a Model,
    found: Vec<UnknownName>,
}

impl<'a> Names<'a> {
    fn add(&mut self, place: &str, message: String, remedy: Option<String>) {
        // What stands under these has names for keys.
        let keys = [
            "/request/facts/",
            "/suppose/",
            "/expect/kinds/",
            "/expect/clocks/",
        ];
        self.found.push(UnknownName {
            is_key: keys.iter().any(|map| place.starts_with(map)),
            place: place.to_owned(),
            message,
            remedy,
        });
    }

    /// One of many names that mean nothing unless they are among the known ones.
    fn among<'n>(
        &mut self,
        place: &str,
        (what, name): (&str, &str),
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        if !known.clone().any(|known| known == name) {
            self.add(
                place,
                format!("`{name}` is no {what}"),
                suggest(name, known),
            );
        }
    }

    fn measure(&mut self, name: &str) {
        let known = self.model.measures.kinds.keys();
        let known = known.map(|id| id.as_str());
        self.among(
            "/request/measure",
            ("measure of measures.yaml", name),
            known,
        );
    }

    fn instrument(&mut self, place: &str, name: &str) {
        let known = self.model.instruments.keys();
        let known = known.map(|id| id.as_str());
        self.among(place, ("instrument of the library", name), known);
    }

    /// Facts that are stated: their names and types.
    fn facts(&mut self, request: &GivenRequest) {
        let vocabulary = &self.model.vocabulary;
        for (name, value) in &request.facts {
            let place = format!("/request/facts/{name}");
            if request::is_of_form(name) {
                let instruments = self.model.instruments.values();
                let forms = instruments.flat_map(|instrument| &instrument.forms);
                let known = forms.flat_map(|form| form.fields.keys());
                self.among(
                    &place,
                    ("field of any form", name),
                    known.map(|field| &**field),
                );
            } else if let Some(declaration) = vocabulary.facts.get(name.as_str()) {
                if let Err(message) = request::value(vocabulary, &declaration.kind, value) {
                    let mut known = None;
                    if let FactType::Listed(kind) | FactType::SetOf(kind) = &declaration.kind {
                        known = vocabulary.types.get(kind);
                    }
                    let known = known.into_iter().flatten().map(|value| &**value);
                    let near = nearest(value.as_str().unwrap_or_default(), known);
                    let remedy = near.map_or_else(
                        || "write such a value".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.found.push(UnknownName {
                        place,
                        is_key: false,
                        message: format!("fact `{name}` {message}"),
                        remedy: Some(remedy),
                    });
                }
            } else {
                let known = vocabulary.facts.keys().map(|fact| &**fact);
                self.among(&place, ("fact of vocabulary.yaml", name), known);
            }
        }
    }

    fn state(&mut self, place: &str, code: Option<&String>) {
        let states = self.model.vocabulary.types.get("State");
        let Some((states, code)) = states.zip(code) else {
            return;
        };
        let country = code.split_once('-').map_or(&**code, |(country, _)| country);
        if !states.contains(country) {
            let message = format!("`{code}` is no State of vocabulary.yaml");
            self.add(place, message, Some(add_state(code)));
        }
    }

    fn authorities(&mut self, request: &GivenRequest) {
        let validation = request.validation.as_ref();
        let validating = validation.and_then(|validation| validation.authority.as_ref());
        for (field, state, id) in [
            ("authority", &request.issuing, request.authority.as_ref()),
            (
                "executing_authority",
                &request.executing,
                request.executing_authority.as_ref(),
            ),
            ("validation/authority", &request.issuing, validating),
        ] {
            let Some((home, id)) = self.jurisdiction(state).zip(id) else {
                continue;
            };
            if !home.authorities.contains_key(id.as_str()) {
                let known = home.authorities.keys().map(|id| &**id);
                let message = format!("`{id}` is no authority of {state}");
                let remedy = suggest(id, known);
                self.add(&format!("/request/{field}"), message, remedy);
            }
        }
    }

    /// A State without a module has no registers to look into.
    fn jurisdiction(&self, code: &str) -> Option<&'a Jurisdiction> {
        let code = code.parse::<JurisdictionCode>().ok()?;
        self.model.jurisdictions.get(&code)
    }

    fn listed(&mut self, place: &str, (kind, value): (&str, Option<&String>)) {
        let values = self.model.vocabulary.types.get(kind);
        let Some((values, value)) = values.zip(value) else {
            return;
        };
        if !values.contains(value.as_str()) {
            let message = format!("`{value}` is not a value of `{kind}`");
            let remedy = suggest(value, values.iter().map(|value| &**value));
            self.add(place, message, remedy);
        }
    }

    /// A provision that the register does not have, and of which the scenario
    /// says nothing either.
    fn offence(&mut self, place: &str, (state, offence): (&str, &GivenOffence)) {
        let GivenOffence {
            provision,
            category,
            iccs: _,
            max_penalty_months,
            life_possible,
            death_possible,
        } = offence;
        let described = category.is_some()
            || max_penalty_months.is_some()
            || life_possible.is_some()
            || death_possible.is_some();
        let Some(home) = self.jurisdiction(state).filter(|_| !described) else {
            return;
        };
        if provision != ANY_OFFENCE && !home.offences.contains_key(provision.as_str()) {
            let known = home.offences.keys().map(|provision| &**provision);
            let hint = suggest(provision, known).map(|hint| format!(", {hint}"));
            let message = format!("`{provision}` is no offence in the register of {state}");
            let hint = hint.unwrap_or_default();
            let remedy = format!("say what the law makes of it (`max_penalty_months`){hint}");
            self.add(&format!("{place}/provision"), message, Some(remedy));
        }
    }
}
