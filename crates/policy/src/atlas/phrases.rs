//! The atlas's own sentences in English, German and French.

use std::sync::Arc;

use comity_domain::RuleRef;

use super::{answer::Named, route::Approach};
use crate::{
    model::{Instrument, RoutePreference},
    phrase::Phrase,
};

const PREVAILS_OVER_IT: Phrase = Phrase("{} prevails over it", "{} geht vor", "{} prévaut");
const PREVAILS: Phrase = Phrase("prevails over {}", "geht {} vor", "prévaut sur {}");
const PREFERRED: Phrase = Phrase(
    "{} prefers it for {}",
    "{} bevorzugt es für {}",
    "{} le préfère pour {}",
);
const ALL_MEASURES: Phrase = Phrase("all measures", "alle Maßnahmen", "toutes les mesures");
const RANK: Phrase = Phrase(
    "place {} in the general order of preference",
    "Platz {} in der allgemeinen Rangfolge",
    "rang {} dans l'ordre général de préférence",
);
const NOTHING_PERMITS: Phrase = Phrase(
    "nothing in {} permits this",
    "nichts in {} erlaubt dies",
    "rien dans {} ne le permet",
);
const INSTEAD: Phrase = Phrase("{}; see {}", "{}; siehe {}", "{}; voir {}");
const NO_INSTRUMENT: Phrase = Phrase(
    "no instrument of the library carries {} from {} to {}",
    "kein Instrument der Bibliothek trägt {} von {} nach {}",
    "aucun instrument de la bibliothèque ne porte {} de {} vers {}",
);
pub(super) fn prevails_over_it(approach: &Approach<'_, '_>, prevailing: &Instrument) -> String {
    let title = approach.words(&prevailing.module.title);
    PREVAILS_OVER_IT.with(approach.tongue(), &[&title])
}

pub(super) fn prevails_over(approach: &Approach<'_, '_>, other: &Instrument) -> String {
    let title = approach.words(&other.module.title);
    PREVAILS.with(approach.tongue(), &[&title])
}

pub(super) fn preferred(approach: &Approach<'_, '_>, route: &RoutePreference) -> String {
    let tongue = approach.tongue();
    let state = approach.matter.issuing.as_str();
    let measures: Vec<&str> = route.measures.iter().map(|measure| &**measure).collect();
    if measures.is_empty() {
        PREFERRED.with(tongue, &[state, ALL_MEASURES.in_words(tongue)])
    } else {
        PREFERRED.with(tongue, &[state, &measures.join(", ")])
    }
}

pub(super) fn rank(approach: &Approach<'_, '_>, rank: i64) -> String {
    RANK.with(approach.tongue(), &[&rank.to_string()])
}

pub(super) fn nothing_permits(approach: &Approach<'_, '_>, title: &str) -> String {
    NOTHING_PERMITS.with(approach.tongue(), &[title])
}

/// A ground that holds, with the instruments that it suggests.
pub(super) fn ground(approach: &Approach<'_, '_>, rule: &RuleRef, reroute: &[Arc<str>]) -> String {
    if reroute.is_empty() {
        return rule.text.to_string();
    }
    INSTEAD.with(approach.tongue(), &[&rule.text, &reroute.join(", ")])
}

pub(super) fn no_instrument(approach: &Approach<'_, '_>, measure: &Named) -> String {
    let (issuing, executing) = (approach.matter.issuing, approach.matter.executing);
    let gaps = [&*measure.title, issuing.as_str(), executing.as_str()];
    NO_INSTRUMENT.with(approach.tongue(), &gaps)
}
