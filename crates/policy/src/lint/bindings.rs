//! Bindings without what a rule needs of them, or outside the time in which
//! their source applies.

use comity_domain::JurisdictionCode;
use jiff::civil::Date;

use super::{Home, Subject};
use crate::{
    diagnostic::{Code, Diagnostic},
    findings::lines,
    load::{Kind, Place},
    model::{Binding, Instrument},
};

/// The fact that the languages of a binding settle.
const LANGUAGE_ACCEPTED: &str = "language_accepted";

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let sources = subject.file(Kind::Sources);
    for instrument in subject.model.instruments.values() {
        let Some(module) = subject.module(Home::Instrument(instrument)) else {
            continue;
        };
        let asks = asks_for_languages(instrument);
        let source = sources
            .as_ref()
            .map(|file| file.at("sources").at(&instrument.source.source));
        for (state, binding) in &instrument.binds {
            let place = module.at("binds").at(state);
            if asks && binding.languages.is_empty() {
                found.extend(without_languages(subject, &place, state));
            }
            if let Some(source) = &source {
                found.extend(outside(source, &place, binding));
            }
        }
    }
}

fn asks_for_languages(instrument: &Instrument) -> bool {
    let mut facts = instrument
        .module
        .rules
        .iter()
        .flat_map(lines)
        .flat_map(|line| &line.facts);
    facts.any(|fact| **fact == *LANGUAGE_ACCEPTED)
}

/// A State of which the library has more than the name.
fn without_languages(
    subject: &Subject<'_>,
    place: &Place<'_>,
    state: &JurisdictionCode,
) -> Option<Diagnostic> {
    subject.model.jurisdictions.get(state)?;
    Some(
        place
            .wrong_key(
                Code::WithoutLanguages,
                format!("{state} has declared no language"),
            )
            .why(format!(
                "a rule of this instrument reads `{LANGUAGE_ACCEPTED}`"
            ))
            .remedy("add `languages: [..]` as the State has declared them"),
    )
}

/// A binding that begins before its source applies, or outlives it.
fn outside(source: &Place<'_>, place: &Place<'_>, binding: &Binding) -> Option<Diagnostic> {
    let day = |key: &str| -> Option<Date> { source.at(key).json()?.as_str()?.parse().ok() };
    let begins = day("applies").or_else(|| day("in_force"));
    let wrong = |key: &str, message: String| {
        let at = place.at(key);
        // Without the key the binding as a whole is meant.
        let diagnostic = match at.json() {
            Some(_) => at.wrong(Code::BindingBeforeSource, message),
            None => place.wrong_key(Code::BindingBeforeSource, message),
        };
        diagnostic.remedy("correct the day, here or in sources.yaml")
    };
    if let Some(begins) = begins.filter(|begins| binding.since < *begins) {
        return Some(
            wrong("since", "bound before the source applies".to_owned())
                .why(format!("it applies since {begins}")),
        );
    }
    let ended = day("ended").filter(|ended| binding.until.is_none_or(|until| *ended < until))?;
    Some(
        wrong("until", "bound after the source has ended".to_owned())
            .why(format!("it no longer applies since {ended}")),
    )
}
