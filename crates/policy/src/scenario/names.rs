//! Names in a scenario that no register has: the request would be decided as
//! one from nobody, or about nothing.

use comity_domain::JurisdictionCode;
use serde::Deserialize as _;
use serde_json::Value;

use super::{ANY_OFFENCE, GivenOffence, GivenRequest, Scenario};
use crate::{
    diagnostic::{add_state, suggest},
    model::{Jurisdiction, Model},
};

/// A name that means nothing in a library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownName {
    /// JSON pointer within the scenario.
    pub(crate) place: String,
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
            names.state(field, code);
        }
        names.authorities(request);
        names.listed(
            "/request/authority_kind",
            ("AuthorityKind", request.authority_kind.as_ref()),
        );
        if let Some(validation) = &request.validation {
            let kind = ("AuthorityKind", Some(&validation.kind));
            names.listed("/request/validation/kind", kind);
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
        names.found
    }
}

struct Names<'a> {
    model: &'a Model,
    found: Vec<UnknownName>,
}

impl<'a> Names<'a> {
    fn add(&mut self, place: &str, message: String, remedy: Option<String>) {
        self.found.push(UnknownName {
            place: place.to_owned(),
            message,
            remedy,
        });
    }

    fn state(&mut self, field: &str, code: Option<&String>) {
        let states = self.model.vocabulary.types.get("State");
        let Some((states, code)) = states.zip(code) else {
            return;
        };
        let country = code.split_once('-').map_or(&**code, |(country, _)| country);
        if !states.contains(country) {
            let message = format!("`{code}` is no State of vocabulary.yaml");
            self.add(&format!("/request/{field}"), message, Some(add_state(code)));
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
