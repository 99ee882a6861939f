//! A scenario as it stands in `tests.yaml`.

use std::{collections::BTreeSet, fmt::Write as _};

use comity_domain::Decision;
use serde_json::{Map, Value, json};

use crate::{
    Library,
    diff::{Finding, FindingKind, clean::against, delta::Delta},
    remarks,
    scenario::{GivenOffence, GivenPerson, GivenRequest, GivenRole, GivenUrgency, outcome},
};

/// The request with the decision of the new library, indented as an entry of the
/// list `tests`.
pub(super) fn scenario(
    new: &Library,
    given: &GivenRequest,
    delta: &Delta,
    (after, number): (&Decision, usize),
) -> String {
    let mut text = String::new();
    let [before, now] = delta.outcomes.map(outcome);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  - id: difference-{number}");
    let title = match before == now {
        true if given.instrument.is_none() && delta.is_of_carrier() => {
            format!("{now} as before, under another instrument")
        }
        true => format!("{now} as before, with other findings"),
        false => format!("{now}, where it was {before}"),
    };
    let _ = writeln!(text, "    title: {}", flow(&json!(title)));
    let _ = writeln!(text, "    request:");
    for (name, value) in request(given) {
        let _ = writeln!(text, "      {name}: {}", flow(&value));
    }
    let _ = writeln!(text, "    expect:");
    let _ = writeln!(text, "      outcome: {now}");
    if let Some(instrument) = &after.instrument {
        let _ = writeln!(
            text,
            "      instrument: {}",
            flow(&json!(instrument.as_str()))
        );
    }
    let [gone, mut come] = delta.findings.each_ref().map(rules);
    if gone.is_empty() && come.is_empty() {
        come = against(after).map(|rule| rule.rule.as_str()).collect();
    }
    let absent: BTreeSet<&str> = gone.difference(&come).copied().collect();
    let absent: BTreeSet<&str> = absent
        .into_iter()
        // A rule that is gone altogether is not expected to be absent.
        .filter(|rule| !is_there(rule, after) && remarks::may_be_found(&new.model, rule))
        .collect();
    for (name, rules) in [("rules", come), ("absent", absent)] {
        if !rules.is_empty() {
            let _ = writeln!(text, "      {name}: {}", flow(&json!(rules)));
        }
    }
    text
}

/// What is written of a request, in the order of the files.
fn request(given: &GivenRequest) -> Vec<(&'static str, Value)> {
    let GivenRequest {
        issuing,
        executing,
        instrument,
        measure,
        date,
        authority,
        authority_kind,
        executing_authority,
        language,
        text_language: _,
        urgency,
        offences,
        validation,
        assurances,
        persons,
        form,
        facts,
    } = given;
    let urgency = match urgency {
        GivenUrgency::Routine => None,
        GivenUrgency::Urgent => Some("urgent"),
        GivenUrgency::Emergency => Some("emergency"),
    };
    let validation = validation.as_ref().map(|validation| {
        let authority = validation.authority.as_ref();
        object([
            ("kind", Some(json!(validation.kind))),
            ("authority", authority.map(|id| json!(id))),
        ])
    });
    let many = |values: Vec<Value>| (!values.is_empty()).then(|| Value::from(values));
    let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
    let fields = [
        ("issuing", Some(json!(issuing))),
        ("executing", Some(json!(executing))),
        ("instrument", text(instrument)),
        ("measure", Some(json!(measure))),
        ("date", text(date)),
        ("authority", text(authority)),
        ("authority_kind", text(authority_kind)),
        ("executing_authority", text(executing_authority)),
        ("language", text(language)),
        ("urgency", urgency.map(|urgency| json!(urgency))),
        ("offences", many(offences.iter().map(offence).collect())),
        ("validation", validation),
        (
            "assurances",
            many(assurances.iter().map(|kind| json!(kind)).collect()),
        ),
        ("persons", many(persons.iter().map(person).collect())),
        ("form", form.clone()),
        ("facts", (!facts.is_empty()).then(|| json!(facts))),
    ];
    let written = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    written.collect()
}

fn offence(given: &GivenOffence) -> Value {
    let GivenOffence {
        provision,
        category,
        iccs,
        max_penalty_months,
        life_possible,
        death_possible,
    } = given;
    object([
        ("provision", Some(json!(provision))),
        ("category", category.as_ref().map(|value| json!(value))),
        ("iccs", iccs.as_ref().map(|value| json!(value))),
        ("max_penalty_months", max_penalty_months.map(Value::from)),
        ("life_possible", life_possible.map(Value::from)),
        ("death_possible", death_possible.map(Value::from)),
    ])
}

fn person(given: &GivenPerson) -> Value {
    let GivenPerson {
        role,
        age,
        nationality,
        residence,
    } = given;
    let role = match role {
        GivenRole::Suspect => "suspect",
        GivenRole::Victim => "victim",
        GivenRole::Witness => "witness",
        GivenRole::ThirdParty => "third-party",
    };
    object([
        ("role", Some(json!(role))),
        ("age", age.map(Value::from)),
        (
            "nationality",
            nationality.as_ref().map(|value| json!(value)),
        ),
        ("residence", residence.as_ref().map(|value| json!(value))),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The rules of findings, as a scenario names them.
fn rules(found: &BTreeSet<Finding>) -> BTreeSet<&str> {
    let of_rules = found
        .iter()
        .filter(|finding| finding.kind != FindingKind::Alternative);
    of_rules.map(|finding| finding.of.as_str()).collect()
}

fn is_there(rule: &str, decision: &Decision) -> bool {
    crate::scenario::rules(decision).any(|found| found.rule.as_str() == rule)
}

/// A value in YAML's flow style.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", flow(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        // JSON is YAML.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// No reader of YAML takes it for anything but this text.
fn is_plain(text: &str) -> bool {
    const OTHERWISE: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let word = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && word(text)
        && !OTHERWISE.contains(&text.to_ascii_lowercase().as_str())
}
