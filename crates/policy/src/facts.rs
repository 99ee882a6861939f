//! What is known of a request: established by the gateway, found in a
//! register, stated by somebody, or presumed. Everything else is unknown.

mod derive;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{
    FactName, FactSource, FactUse, FactUseSource, FactValue, Request, Stated, primary,
};
use jiff::civil::Date;

pub(crate) use self::derive::{TREATY, derive, outline, role, urgency};
use crate::{
    diagnostic::suggest,
    evaluate::Known,
    model::{FactDeclaration, FactType, Presumption, Vocabulary},
};

/// The language that every text has.
const ENGLISH: &str = "en";

/// A statement that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactProblem {
    /// Path in the request, such as `facts["<name>"]`.
    pub field: String,
    /// What is wrong and what to do; never the value stated.
    pub message: String,
}

/// Checks the statements of a requester against the vocabulary, and the words of a
/// request that it lists.
pub(crate) fn check_stated(vocabulary: &Vocabulary, request: &Request) -> Vec<FactProblem> {
    let facts = request.facts.iter().filter_map(|(name, stated)| {
        let message = problem(vocabulary, name, stated)?;
        let field = format!("facts[\"{name}\"]");
        Some(FactProblem { field, message })
    });
    let listed = |kind, field, word: &str| {
        let message = unlisted(vocabulary, kind, word)?;
        Some(FactProblem { field, message })
    };
    let offences = request.offences.iter().enumerate();
    let categories = offences.filter_map(|(n, offence)| {
        let field = format!("offences[{n}].category");
        listed("Category", field, offence.category.as_deref()?)
    });
    let assurances = request.assurances.iter().enumerate();
    let kinds = assurances.filter_map(|(n, assurance)| {
        let field = format!("assurances[{n}].kind");
        listed("AssuranceKind", field, &assurance.kind)
    });
    facts.chain(categories).chain(kinds).collect()
}

/// What is wrong with a word that is none of those a type lists.
fn unlisted(vocabulary: &Vocabulary, kind: &str, word: &str) -> Option<String> {
    let known = vocabulary.types.get(kind)?;
    if known.contains(word) {
        return None;
    }
    let remedy = suggest(word, known.iter().map(|known| &**known));
    let remedy = remedy.map(|remedy| format!("; {remedy}"));
    Some(format!(
        "is none of the library{}",
        remedy.unwrap_or_default()
    ))
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
        "language" | "language_accepted" => "language",
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

/// What the law presumes while nobody states otherwise, for readers of each
/// language that its reasons are written in.
#[derive(Debug)]
pub(crate) struct Presumed(BTreeMap<Arc<str>, Known>);

impl Presumed {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let facts = vocabulary.facts.iter();
        let presumptions: Vec<_> = facts
            .filter_map(|(name, declared)| Some((name, declared.presumption.as_ref()?)))
            .collect();
        let texts = presumptions
            .iter()
            .flat_map(|(_, presumption)| presumption.because.0.keys());
        let languages = texts.cloned().chain([Arc::from(ENGLISH)]);
        let known = |language: &str| -> Known {
            let facts = presumptions.iter();
            facts
                .map(|(name, presumption)| (Arc::clone(name), presumption.fact(language)))
                .collect()
        };
        Self(
            languages
                .map(|language| (Arc::clone(&language), known(&language)))
                .collect(),
        )
    }

    /// With reasons in a language, BCP 47; in English where there are none.
    pub(crate) fn in_language(&self, language: &str) -> Option<&Known> {
        self.0
            .get(&*primary(language))
            .or_else(|| self.0.get(ENGLISH))
    }
}

impl Presumption {
    fn fact(&self, language: &str) -> FactUse {
        let because = self.because.in_language(language);
        let because = because.map_or("", |(_, because)| because);
        let because = match &self.cite {
            Some(cite) => format!("{because} ({} {})", cite.source, cite.provision),
            None => because.to_owned(),
        };
        FactUse {
            value: self.value.clone(),
            source: FactUseSource::Presumed(Arc::from(because)),
        }
    }
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

/// What is known, with a fact supposed that the vocabulary has.
pub(crate) fn supposing(
    vocabulary: &Vocabulary,
    known: &Known,
    supposed: &[(&str, FactValue)],
) -> Known {
    let mut known = known.clone();
    for (name, value) in supposed {
        if let Some((name, declaration)) = vocabulary.facts.get_key_value(*name)
            && let Ok(value) = typed(vocabulary, &declaration.kind, value)
        {
            let source = FactUseSource::Stated(declaration.stated_by);
            known.insert(Arc::clone(name), FactUse { value, source });
        }
    }
    known
}

/// What is known, completed by what the law presumes.
pub(crate) fn presuming(known: &Known, presumed: Option<&Known>) -> Known {
    let mut taken = presumed.cloned().unwrap_or_default();
    taken.extend(
        known
            .iter()
            .map(|(name, fact)| (Arc::clone(name), fact.clone())),
    );
    taken
}

/// What somebody or something has stated, without what the law presumes.
pub(crate) fn stated(known: &Known) -> Known {
    let stated = known
        .iter()
        .filter(|(_, fact)| !matches!(fact.source, FactUseSource::Presumed(_)));
    stated
        .map(|(name, fact)| (Arc::clone(name), fact.clone()))
        .collect()
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
