//! A form against its own request. What is decided is the request; what the
//! executing authority reads is the form: both must say the same.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{FactValue, JurisdictionCode, Request};
use serde_json::Value;

use crate::{
    facts,
    form::FormProblem,
    model::{Form, Meaning, Model, OwnField, RequestField, Restatement, Step},
    periods,
    phrases::{Fault, Tongue},
};

/// Everything in a form that contradicts its request, without values. What is left
/// out, on either side, contradicts nothing.
pub(crate) fn contradictions(
    form: &Form,
    content: &Value,
    request: &Request,
    (model, tongue): (&Model, Tongue),
) -> Vec<FormProblem> {
    let mut found = Vec::new();
    for restated in &form.restated {
        let mut values = Vec::new();
        visit(content, &restated.path, "form".to_owned(), &mut values);
        let contradicting = values
            .into_iter()
            .filter(|(_, value)| contradicts(restated, value, request, model));
        let field = restated.field.path();
        found.extend(contradicting.map(|(path, _)| FormProblem {
            field: path,
            message: tongue.fault(&Fault::Contradicts { field: &field }),
        }));
    }
    found
}

/// Every value at a place of the form, with its path.
fn visit<'v>(value: &'v Value, steps: &[Step], path: String, found: &mut Vec<(String, &'v Value)>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push((path, value));
        return;
    };
    match step {
        Step::Field(name) => {
            if let Some(inner) = value.get(&**name) {
                visit(inner, rest, format!("{path}.{name}"), found);
            }
        }
        Step::Only { field, is } => {
            if value.get(&**field) == Some(is) {
                visit(value, rest, path, found);
            }
        }
        Step::Each => {
            let entries = value.as_array().into_iter().flatten();
            for (index, inner) in entries.enumerate() {
                visit(inner, rest, format!("{path}.{index}"), found);
            }
        }
    }
}

fn contradicts(restated: &Restatement, value: &Value, request: &Request, model: &Model) -> bool {
    let meant = match &restated.meaning {
        // A value of another type than the schema demands is reported as such.
        Meaning::Same => {
            let said = said(&restated.field, request, model);
            return said
                .zip(facts::of_json(value))
                .is_some_and(|(said, value)| !said.contains(&value));
        }
        Meaning::Values(values) => {
            let text = value.as_str().map(str::to_owned);
            values.get(&text.unwrap_or_else(|| value.to_string()))
        }
        Meaning::FilledIn(meant) => Some(meant),
    };
    let said = match restated.field {
        // As a rule names them: with everything below, or by tag.
        RequestField::Own(OwnField::Measure) => {
            let kinds = model.kinds(&request.measure).iter().cloned();
            Some(kinds.map(FactValue::Text).collect())
        }
        RequestField::Own(_) | RequestField::Fact(_) => said(&restated.field, request, model),
    };
    meant.zip(said).is_some_and(|(meant, said)| {
        let agrees = |value: &FactValue| match value {
            FactValue::Text(text) => meant.contains(text),
            FactValue::Truth(truth) => meant.contains(if *truth { "true" } else { "false" }),
            FactValue::Number(_) | FactValue::Day(_) | FactValue::Set(_) => true,
        };
        !said.iter().any(agrees)
    })
}

/// What the request says in a field, or in each entry of a list; `None` where it
/// leaves that open.
fn said(field: &RequestField, request: &Request, model: &Model) -> Option<Vec<FactValue>> {
    let text = |text: &str| FactValue::Text(Arc::from(text));
    let offences = Some(&request.offences).filter(|offences| !offences.is_empty());
    let field = match field {
        RequestField::Own(field) => field,
        RequestField::Fact(name) => {
            let stated = request.facts.get(name)?.value.clone();
            return Some(vec![written(stated)]);
        }
    };
    Some(match field {
        OwnField::IssuingState => state(&request.issuing.0),
        OwnField::ExecutingState => state(&request.executing.0),
        OwnField::Measure => vec![text(request.measure.as_str())],
        OwnField::Category => {
            let ticked = offences?.iter().filter_map(|one| one.category.clone());
            ticked.map(FactValue::Text).collect()
        }
        OwnField::MaxPenalty => {
            let months = |months: u32| FactValue::Number(i64::from(months));
            let all = offences?
                .iter()
                .map(|one| one.max_penalty_months.map(months));
            all.collect::<Option<_>>()?
        }
        OwnField::DeathPossible => {
            let all = offences?.iter().map(|one| one.death_possible);
            all.map(|one| one.map(FactValue::Truth))
                .collect::<Option<_>>()?
        }
        OwnField::PersonRole => {
            let roles = request
                .persons
                .iter()
                .map(|person| facts::role(person.role));
            roles.map(text).collect()
        }
        OwnField::Urgency => vec![text(facts::urgency(request.urgency))],
        OwnField::Language => {
            let language = request.language.as_deref()?;
            let primary = language.split('-').next().unwrap_or(language);
            vec![text(language), text(primary)]
        }
        OwnField::ValidatorKind => {
            let validation = request.validation.iter();
            let kinds = validation.map(|one| FactValue::Text(Arc::clone(&one.authority_kind)));
            kinds.collect()
        }
        OwnField::ValidatedOn => {
            let calendar = model.calendars.get(&request.issuing.0);
            let validation = request.validation.iter();
            let days = validation.map(|one| periods::day_of(one.at, calendar));
            days.map(|day| written(FactValue::Day(day))).collect()
        }
    })
}

/// A State, or the country of one of its parts: forms know countries alone.
fn state(code: &JurisdictionCode) -> Vec<FactValue> {
    let code = code.as_str();
    let country = code.split_once('-').map_or(code, |(country, _)| country);
    let both = BTreeSet::from([code, country]);
    both.into_iter()
        .map(|code| FactValue::Text(Arc::from(code)))
        .collect()
}

/// As forms write it, in which a day is a text.
fn written(value: FactValue) -> FactValue {
    match value {
        FactValue::Day(day) => FactValue::Text(Arc::from(day.to_string())),
        other @ (FactValue::Truth(_)
        | FactValue::Number(_)
        | FactValue::Text(_)
        | FactValue::Set(_)) => other,
    }
}
