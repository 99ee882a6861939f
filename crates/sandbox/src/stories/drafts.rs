//! Drafting requests and their forms.

use std::collections::BTreeMap;

use comity::v1::{
    CooperationRequest, ExecutingParty, FactValue, IssuingParty, Offence, Outcome, Person,
    PersonRole, ResponsiblePerson, Selector, SelectorKind, Urgency, UrgencyLevel,
    fact_value::Value,
};
use prost_types::Struct;
use serde_json::json;

use super::Story;
use crate::structure;

/// A story being written.
pub(super) struct Draft(Story);

impl Draft {
    pub(super) fn new(
        title: &'static str,
        jurisdiction: &'static str,
        authority: &'static str,
        executing: &str,
    ) -> Self {
        let responsible = ResponsiblePerson {
            name: "A. Beispiel".to_owned(),
            function: "official in charge".to_owned(),
            contact: "desk@authority.example".to_owned(),
        };
        let request = CooperationRequest {
            issuing: Some(IssuingParty {
                jurisdiction: jurisdiction.to_owned(),
                authority: authority.to_owned(),
                responsible: Some(responsible),
            }),
            executing: Some(ExecutingParty {
                jurisdiction: executing.to_owned(),
                authority: String::new(),
            }),
            urgency: Some(Urgency {
                level: UrgencyLevel::Routine.into(),
                reason: String::new(),
            }),
            purpose: "evidence in criminal proceedings".to_owned(),
            facts: BTreeMap::new(),
            ..CooperationRequest::default()
        };
        Self(Story {
            title,
            jurisdiction,
            authority,
            request,
            expected: Outcome::Unspecified,
            backend_down: false,
        })
    }

    pub(super) fn asks(mut self, measure: &str, instrument: &str, language: &str) -> Self {
        self.0.request.measure = measure.to_owned();
        self.0.request.instrument = instrument.to_owned();
        self.0.request.language = language.to_owned();
        self
    }

    /// An offence with its maximum penalty in months; no category: none ticked.
    pub(super) fn offence(mut self, provision: &str, category: &str, months: u32) -> Self {
        self.0.request.offences.push(Offence {
            provision: provision.to_owned(),
            description: "as described in the form".to_owned(),
            category: (!category.is_empty()).then(|| category.to_owned()),
            max_penalty_months: Some(months),
            ..Offence::default()
        });
        self
    }

    pub(super) fn person(mut self, role: PersonRole) -> Self {
        self.0.request.persons.push(Person {
            role: role.into(),
            ..Person::default()
        });
        self
    }

    pub(super) fn selector(mut self, kind: SelectorKind, value: String) -> Self {
        self.0.request.selectors.push(Selector {
            kind: kind.into(),
            value,
            from: None,
            until: None,
        });
        self
    }

    pub(super) fn truth(self, name: &str, truth: bool) -> Self {
        self.fact(name, Value::Truth(truth))
    }

    fn fact(mut self, name: &str, value: Value) -> Self {
        self.0
            .request
            .facts
            .insert(name.to_owned(), FactValue { value: Some(value) });
        self
    }

    pub(super) fn form(mut self, form: Struct) -> Self {
        self.0.request.form = Some(form);
        self
    }

    pub(super) fn backend_down(mut self) -> Self {
        self.0.backend_down = true;
        self
    }

    pub(super) fn expect(mut self, outcome: Outcome) -> Story {
        self.0.expected = outcome;
        self.0
    }
}

/// Annex A of Directive 2014/41/EU, filled in.
pub(super) fn eio_form(issuing: &str, executing: &str, measure: &str, provision: &str) -> Struct {
    structure::from_json(json!({
        "states": {"issuing": issuing, "executing": executing},
        "measures": [{
            "measure": measure,
            "description": "as set out in the request",
            "evidence_sought": "records of the year 2025",
        }],
        "persons": [],
        "proceedings": "criminal",
        "grounds": {
            "summary": "goods were sold that the seller did not have",
            "stage": "investigation",
            "offences": [{"provision": provision, "nature": "as provided by law"}],
        },
        "remedies": {"sought": false},
        "issuing_authority": {
            "name": "Issuing authority",
            "address": "Musterplatz 1",
            "email": "desk@authority.example",
            "kind": "prosecutor",
        },
        "signature": {"name": "A. Beispiel", "post": "official in charge", "date": "2026-11-20", "certified": true},
    }))
}

/// The certificate of Regulation (EU) 2023/1543, filled in; the provider is
/// established in a town of a State, and the offence carries so many months.
pub(super) fn epoc_form(category: &str, (town, state): (&str, &str), months: u32) -> Struct {
    structure::from_json(json!({
        "order": "production",
        "issuing_authority": {
            "name": "Issuing authority",
            "address": "Musterplatz 1",
            "email": "desk@authority.example",
            "kind": "judge",
        },
        "addressee": {"provider": "Example Mail", "establishment": town, "state": state},
        "target": {"identifiers": [{"kind": "email", "value": "user@provider.example"}]},
        "data": {"category": category, "description": "as set out in the request"},
        "provisions": ["as set out in the request"],
        "grounds": "necessary and proportionate: no other means leads to the author",
        "summary": "goods were sold that the seller did not have",
        "threshold": {"basis": "5(4)(a)", "category": "D20", "max_penalty_months": months},
        "notification": {"notified": true, "authority": "Enforcing authority"},
        "signature": {"name": "A. Beispiel", "post": "judge", "date": "2026-11-20"},
    }))
}
