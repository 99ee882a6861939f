//! What is known of a request: established by the gateway, found in a
//! register, stated by somebody, or presumed. Everything else is unknown.

mod derive;

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{FactName, FactSource, FactUse, FactUseSource, FactValue, Facts, Stated};
use jiff::civil::Date;

pub(crate) use self::derive::derive;
use crate::{
    diagnostic::suggest,
    evaluate::Known,
    model::{FactDeclaration, FactType, Presumption, Vocabulary},
};

/// A statement that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactProblem {
    /// Path in the request, `facts["<name>"]`.
    pub field: String,
    /// What is wrong and what to do; never the value stated.
    pub message: String,
}

/// Checks the statements of a requester against the vocabulary.
pub(crate) fn check_stated(vocabulary: &Vocabulary, facts: &Facts) -> Vec<FactProblem> {
    facts
        .iter()
        .filter_map(|(name, stated)| {
            let message = problem(vocabulary, name, stated)?;
            let field = format!("facts[\"{name}\"]");
            Some(FactProblem { field, message })
        })
        .collect()
}

fn problem(vocabulary: &Vocabulary, name: &FactName, stated: &Stated) -> Option<String> {
    let Some(declaration) = vocabulary.facts.get(name) else {
        let names = vocabulary.facts.keys().map(|name| &**name);
        let remedy = suggest(name, names).map(|remedy| format!("; {remedy}"));
        return Some(format!(
            "is no fact of the vocabulary{}",
            remedy.unwrap_or_default()
        ));
    };
    let by_requester = stated.source == FactSource::Requester;
    match declaration.stated_by {
        FactSource::Gateway if by_requester => Some("is established by the gateway".to_owned()),
        FactSource::Register if by_requester => Some("is taken from a register".to_owned()),
        FactSource::Gateway
        | FactSource::Register
        | FactSource::Requester
        | FactSource::Executing
        | FactSource::Judgement => typed(vocabulary, &declaration.kind, &stated.value).err(),
    }
}

/// A value as the vocabulary types it: texts are read as days where days are
/// meant, listed values must be listed.
///
/// # Errors
/// What the type demands, without the value.
pub(crate) fn typed(
    vocabulary: &Vocabulary,
    kind: &FactType,
    value: &FactValue,
) -> Result<FactValue, String> {
    match (kind, value) {
        (FactType::Truth, FactValue::Truth(_))
        | (FactType::Number, FactValue::Number(_))
        | (FactType::Text, FactValue::Text(_))
        | (FactType::Day, FactValue::Day(_)) => Ok(value.clone()),
        (FactType::Day, FactValue::Text(text)) => text
            .parse::<Date>()
            .map(FactValue::Day)
            .map_err(|_| "must be a day written `YYYY-MM-DD`".to_owned()),
        (FactType::Listed(name), FactValue::Text(text)) if listed(vocabulary, name, text) => {
            Ok(value.clone())
        }
        (FactType::SetOf(name), FactValue::Set(values))
            if values.iter().all(|value| listed(vocabulary, name, value)) =>
        {
            Ok(set(values.iter().cloned()))
        }
        (FactType::SetOfText, FactValue::Set(values)) => Ok(set(values.iter().cloned())),
        _ => Err(demand(vocabulary, kind)),
    }
}

fn demand(vocabulary: &Vocabulary, kind: &FactType) -> String {
    let values = |name: &Arc<str>| {
        let values: Vec<&str> = vocabulary
            .types
            .get(name)
            .into_iter()
            .flatten()
            .map(|value| &**value)
            .collect();
        values.join(", ")
    };
    match kind {
        FactType::Truth => "must be true or false".to_owned(),
        FactType::Number => "must be a whole number".to_owned(),
        FactType::Text => "must be a text".to_owned(),
        FactType::Day => "must be a day written `YYYY-MM-DD`".to_owned(),
        FactType::Listed(name) => format!("must be one of: {}", values(name)),
        FactType::SetOf(name) => format!("must be a set of: {}", values(name)),
        FactType::SetOfText => "must be a set of texts".to_owned(),
    }
}

fn listed(vocabulary: &Vocabulary, kind: &str, value: &str) -> bool {
    vocabulary
        .types
        .get(kind)
        .is_some_and(|values| values.contains(value))
}

/// The field of a request in which a requester states a fact.
pub(crate) fn field_of(name: &str) -> Arc<str> {
    Arc::from(match name {
        "language" => "language",
        "offence.annex_d" | "offence.categories" => "offences[].category",
        "offence.max_penalty_months" => "offences[].max_penalty_months",
        "offence.life_possible" => "offences[].life_possible",
        "offence.death_possible" => "offences[].death_possible",
        "persons.minor" | "persons.youngest_suspect_age" => "persons[].date_of_birth",
        "validation.authority_kind" => "validation.authority_kind",
        // The form is checked, and mended, where it stands.
        name if name.starts_with("form.") => name,
        name => return Arc::from(format!("facts[\"{name}\"]")),
    })
}

/// What the law presumes while nobody states otherwise.
pub(crate) fn presumed(vocabulary: &Vocabulary) -> Known {
    let fact = |presumption: &Presumption| {
        let because = presumption.because.in_language("en");
        let because = because.map_or("", |(_, because)| because);
        let because = match &presumption.cite {
            Some(cite) => format!("{because} ({} {})", cite.source, cite.provision),
            None => because.to_owned(),
        };
        FactUse {
            value: presumption.value.clone(),
            source: FactUseSource::Presumed(Arc::from(because)),
        }
    };
    let declarations = vocabulary.facts.iter();
    declarations
        .filter_map(|(name, declared)| Some((name, declared.presumption.as_ref()?)))
        .map(|(name, presumption)| (Arc::clone(name), fact(presumption)))
        .collect()
}

/// Whether a statement is taken. Whoever is to settle a fact settles it; a
/// requester may also raise what is otherwise presumed; what the request
/// itself or a register shows is not talked away.
fn counts(declaration: &FactDeclaration, stated: &Stated, derived: bool) -> bool {
    use FactSource::{Executing, Gateway, Judgement, Register, Requester};
    let raised = declaration.presumption.is_some() && stated.value == FactValue::Truth(true);
    match (stated.source, declaration.stated_by) {
        (Gateway | Register, _)
        | (Executing, Executing | Judgement)
        | (Judgement, Executing | Judgement | Requester) => true,
        (Requester | Executing, Requester) | (Judgement, Gateway | Register) => !derived,
        (Requester, Executing | Judgement) => raised,
        (Requester | Executing, Gateway | Register) => false,
    }
}

/// A set without repetition, sorted.
fn set(values: impl Iterator<Item = Arc<str>>) -> FactValue {
    FactValue::Set(values.collect::<BTreeSet<_>>().into_iter().collect())
}

/// A JSON value as the value of a fact, whatever its type is to be.
pub(crate) fn of_json(value: &serde_json::Value) -> Option<FactValue> {
    match value {
        serde_json::Value::Bool(truth) => Some(FactValue::Truth(*truth)),
        serde_json::Value::Number(number) => number.as_i64().map(FactValue::Number),
        serde_json::Value::String(text) => Some(FactValue::Text(Arc::from(text.as_str()))),
        serde_json::Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map(Arc::from))
            .collect::<Option<_>>()
            .map(FactValue::Set),
        serde_json::Value::Null | serde_json::Value::Object(_) => None,
    }
}
