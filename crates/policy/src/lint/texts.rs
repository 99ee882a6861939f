//! Texts in fewer languages than the title of what they belong to.

use comity_domain::Text;

use super::Subject;
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place},
    model::Effect,
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for law in subject.laws() {
        let (key, text) = match &law.rule.effect {
            Effect::Require { remedy, .. } => ("remedy", remedy),
            Effect::Refer { question, .. } => ("question", question),
            Effect::Permit | Effect::Refuse { .. } | Effect::Oblige { .. } | Effect::Clock(_) => {
                continue;
            }
        };
        if let Some(place) = subject.place(&law.rule.id) {
            found.extend(missing(&place.at(key), &law.rule.title, text));
        }
    }
    let Some(vocabulary) = subject.file(Kind::Vocabulary) else {
        return;
    };
    for (name, fact) in &subject.model.vocabulary.facts {
        let place = vocabulary.at("facts").at(name).at("ask");
        // Where none is written the title asks.
        if place.json().is_some() {
            found.extend(missing(&place, &fact.title, &fact.ask));
        }
    }
}

fn missing(place: &Place<'_>, title: &Text, text: &Text) -> Option<Diagnostic> {
    let languages = title
        .0
        .keys()
        .filter(|language| !text.0.contains_key(*language));
    let missing: Vec<&str> = languages.map(|language| &**language).collect();
    let key = place.pointer.rsplit('/').next().unwrap_or_default();
    let list = missing.join(", ");
    (!missing.is_empty()).then(|| {
        place
            .wrong_key(
                Code::MissingTranslation,
                format!("`{key}` is not translated into: {list}"),
            )
            .why("the title is")
            .remedy(format!("add it in: {list}"))
    })
}
