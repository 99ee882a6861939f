//! Words that rules choose freely, roles and what clocks measure: one that stands in a
//! single place and is nearly another is mostly that other, misspelt.

use std::collections::BTreeMap;

use super::Subject;
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place, rule_places},
};

/// Letters by which a misspelt word differs from the one that is meant.
const SLIPS: usize = 2;
/// Shorter words are alike by chance.
const LONG: usize = 6;

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let roles = roles(subject);
    let roles = misspelt(&roles, std::iter::empty());
    found.extend(roles.map(|(place, word, meant)| wrong(place, &format!("role `{word}`"), meant)));
    let (clocks, expected) = (clocks(subject), expected(subject));
    let clocks = misspelt(&clocks, expected.into_iter());
    found.extend(clocks.map(|(place, word, meant)| wrong(place, &format!("word `{word}`"), meant)));
}

/// A scenario that expects a clock of this word is not to blame: the clock is.
pub(super) fn is_meant_by_clock(subject: &Subject<'_>, word: &str) -> bool {
    let (clocks, expected) = (clocks(subject), expected(subject));
    misspelt(&clocks, expected.into_iter()).any(|(_, _, meant)| meant == word)
}

fn wrong(place: &Place<'_>, what: &str, meant: &str) -> Diagnostic {
    place
        .wrong(
            Code::WordNearlyAnother,
            format!("the {what} stands here alone"),
        )
        .why(format!("it is nearly `{meant}`"))
        .remedy(format!("did you mean `{meant}`?"))
}

type Words<'a> = Vec<(Place<'a>, &'a str)>;

/// The words of rules that stand once and are nearly another one, with that. Words that
/// `besides` has are known, too.
fn misspelt<'w, 'a>(
    words: &'w Words<'a>,
    besides: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (&'w Place<'a>, &'a str, &'a str)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().map(|(_, word)| *word).chain(besides) {
        *counts.entry(word).or_default() += 1;
    }
    words.iter().filter_map(move |(place, word)| {
        let once = word.len() >= LONG && counts.get(word) == Some(&1);
        let others = counts.keys().filter(|other| *other != word);
        let near = others.map(|other| (strsim::damerau_levenshtein(word, other), *other));
        let near = near.filter(|(distance, _)| once && *distance <= SLIPS);
        let (_, meant) = near.min()?;
        Some((place, *word, meant))
    })
}

/// Every role that a rule or a fact names.
fn roles<'a>(subject: &Subject<'a>) -> Words<'a> {
    let rules = rules(subject);
    let of_rules = rules.flat_map(|rule| [rule.at("role"), rule.at("obligation").at("confirmer")]);
    let facts = subject.file(Kind::Vocabulary);
    let facts = facts.into_iter().flat_map(|file| {
        let facts = file.at("facts");
        let names = facts.json().and_then(|facts| facts.as_object());
        let names = names.into_iter().flat_map(|facts| facts.keys());
        names.map(move |name| facts.at(name).at("role"))
    });
    texts(of_rules.chain(facts))
}

/// What every clock measures.
fn clocks<'a>(subject: &Subject<'a>) -> Words<'a> {
    texts(rules(subject).map(|rule| rule.at("clock").at("measures")))
}

/// What scenarios expect clocks to measure.
fn expected<'a>(subject: &Subject<'a>) -> Vec<&'a str> {
    let documents = subject.documents.iter();
    let scenarios = documents.filter(|document| document.file.kind == Kind::Tests);
    let scenarios = scenarios.filter_map(|document| document.json.get("tests")?.as_array());
    let clocks = scenarios
        .flatten()
        .filter_map(|scenario| scenario.pointer("/expect/clocks")?.as_object());
    clocks
        .flat_map(|clocks| clocks.keys().map(String::as_str))
        .collect()
}

fn rules<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Place<'a>> + use<'a> {
    let documents = subject.documents.iter();
    let modules = documents
        .filter(|document| matches!(document.file.kind, Kind::Instrument | Kind::Jurisdiction));
    modules.flat_map(rule_places)
}

fn texts<'a>(places: impl Iterator<Item = Place<'a>>) -> Words<'a> {
    places
        .filter_map(|place| Some((place.json()?.as_str()?, place)))
        .map(|(word, place)| (place, word))
        .collect()
}
