//! A form against its own request. What is decided is the request; what the
//! executing authority reads is the form: both must say the same.

use std::{fmt::Write as _, ops::ControlFlow, sync::Arc};

use comity_domain::{FactValue, Request, primary};
use serde_json::Value;

use crate::{
    facts,
    model::{Form, Meaning, Model, OwnField, RequestField, Step},
    periods,
};

/// Tells of everything in a form that contradicts its request, without values: the path
/// in the form, and the field of the request; until told to stop.
///
/// What the form leaves out contradicts nothing, nor what the request leaves open. It
/// does not leave open whom it concerns, which category an offence has and whether it was
/// validated: a form that names more than the request has contradicts it.
pub(crate) fn contradictions(
    form: &Form,
    content: &Value,
    (request, model): (&Request, &Model),
    found: &mut dyn FnMut(&str, &RequestField) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for restated in &form.restated {
        let (field, meaning) = (&restated.field, &restated.meaning);
        let by_kind = *field == RequestField::Own(OwnField::Measure) && *meaning != Meaning::Same;
        let said = match by_kind {
            // As a rule names them: with everything below, or by tag.
            true => {
                let kinds = model.kinds(&request.measure).iter().cloned();
                Some(kinds.map(FactValue::Text).collect())
            }
            false => said(field, request, model),
        };
        let Some(said) = said else {
            continue;
        };
        let mut path = "form".to_owned();
        let mut visited = |path: &str, value: &Value| match contradicts(meaning, &said, value) {
            true => found(path, field),
            false => ControlFlow::Continue(()),
        };
        visit(content, &restated.path, &mut path, &mut visited)?;
    }
    ControlFlow::Continue(())
}

/// Looks at every value at a place of the form, with its path.
fn visit(
    value: &Value,
    steps: &[Step],
    path: &mut String,
    found: &mut dyn FnMut(&str, &Value) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else {
        return found(path, value);
    };
    let length = path.len();
    match step {
        Step::Field(name) => {
            if let Some(inner) = value.get(&**name) {
                path.extend([".", name]);
                visit(inner, rest, path, found)?;
                path.truncate(length);
            }
        }
        Step::Only { field, is } => {
            if value.get(&**field) == Some(is) {
                visit(value, rest, path, found)?;
            }
        }
        Step::Each => {
            let entries = value.as_array().into_iter().flatten();
            for (index, inner) in entries.enumerate() {
                // A string takes whatever is written.
                let _ = write!(path, "[{index}]");
                visit(inner, rest, path, found)?;
                path.truncate(length);
            }
        }
    }
    ControlFlow::Continue(())
}

fn contradicts(meaning: &Meaning, said: &[FactValue], value: &Value) -> bool {
    let meant = match meaning {
        // A value of another type than the schema demands is reported as such.
        Meaning::Same => {
            return facts::of_json(value).is_some_and(|value| !said.contains(&value));
        }
        Meaning::Values(values) => {
            let text = value.as_str().map(str::to_owned);
            values.get(&text.unwrap_or_else(|| value.to_string()))
        }
        Meaning::FilledIn(meant) => Some(meant),
    };
    meant.is_some_and(|meant| {
        let agrees = |value: &FactValue| match value {
            FactValue::Text(text) => meant.contains(text),
            FactValue::Truth(truth) => meant.contains(if *truth { "true" } else { "false" }),
            // `as` is taken for none of these.
            FactValue::Number(_) | FactValue::Day(_) | FactValue::Set(_) => false,
        };
        !said.iter().any(agrees)
    })
}

/// What the request says in a field, or in each entry of a list; `None` where it
/// leaves that open.
fn said(field: &RequestField, request: &Request, model: &Model) -> Option<Vec<FactValue>> {
    let text = |text: &str| FactValue::Text(Arc::from(text));
    // Forms may know countries and languages alone.
    let whole_or = |whole: &str, part: &str| vec![text(whole), text(part)];
    let offences = Some(&request.offences).filter(|offences| !offences.is_empty());
    let field = match field {
        RequestField::Own(field) => field,
        RequestField::Fact(name) => {
            let stated = request.facts.get(name)?.value.clone();
            return Some(vec![written(stated)]);
        }
    };
    Some(match field {
        OwnField::IssuingState => {
            let state = &request.issuing.0;
            whole_or(state.as_str(), state.country())
        }
        OwnField::ExecutingState => {
            let state = &request.executing.0;
            whole_or(state.as_str(), state.country())
        }
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
            whole_or(language, &primary(language))
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
