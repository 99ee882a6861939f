//! Names in scenarios that no register has, and what they say that contradicts itself.

use super::{Subject, words};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place},
    scenario::{EXPECTED, unknown_names},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let documents = subject.documents.iter();
    for document in documents.filter(|document| document.file.kind == Kind::Tests) {
        let list = Place::root(document).at("tests");
        let count = list.json().and_then(|tests| tests.as_array());
        for index in 0..count.map_or(0, Vec::len) {
            let scenario = list.at(index);
            found.extend(contradictions(&scenario));
            let unknown = scenario.json();
            let unknown = unknown.map(|scenario| unknown_names(subject.model, scenario));
            let unknown = unknown.into_iter().flatten();
            for name in unknown.filter(|name| !is_of_clock(subject, &name.place)) {
                let place = Place {
                    document,
                    pointer: format!("{}{}", scenario.pointer, name.place),
                };
                let wrong = if name.is_key {
                    Place::wrong_key
                } else {
                    Place::wrong
                };
                let why = if name.place.starts_with(EXPECTED) {
                    "no decision could be as expected, or every one would be"
                } else {
                    "the scenario would be about nothing"
                };
                found.push(
                    wrong(&place, Code::ScenarioUnknownName, name.message)
                        .why(why)
                        .remedy_if(name.remedy),
                );
            }
        }
    }
}

/// It is the right word, and a clock has it misspelt.
fn is_of_clock(subject: &Subject<'_>, place: &str) -> bool {
    let word = place.strip_prefix("/expect/clocks/");
    word.is_some_and(|word| words::is_meant_by_clock(subject, word))
}

/// What a scenario says that cannot be true together.
fn contradictions(scenario: &Place<'_>) -> Vec<Diagnostic> {
    let wrong = |place: &Place<'_>, message: String, why: &str| {
        place
            .wrong(Code::ScenarioContradiction, message)
            .why(why)
            .remedy("correct one of the two")
    };
    let texts = |list: &Place<'_>| -> Vec<String> {
        let list = list.json().and_then(|list| list.as_array());
        let texts = list.into_iter().flatten().filter_map(|text| text.as_str());
        texts.map(str::to_owned).collect()
    };
    let expect = scenario.at("expect");
    let (rules, absent) = (texts(&expect.at("rules")), expect.at("absent"));
    let both = texts(&absent).into_iter().enumerate();
    let both = both
        .filter(|(_, id)| rules.contains(id))
        .map(|(index, id)| {
            let message = format!("`{id}` is expected and expected to be absent");
            wrong(
                &absent.at(index),
                message,
                "no decision could be as expected",
            )
        });
    let binds = scenario.at("suppose").at("binds");
    let states = values(&binds)
        .into_iter()
        .flat_map(|instrument| values(&instrument));
    let periods = states.filter_map(|binding| {
        let day = |key| binding.at(key).json()?.as_str().map(str::to_owned);
        let (since, until) = (day("since")?, day("until")?);
        // Days as the schema has them are in order as texts.
        (until <= since).then(|| {
            let message = "`until` must lie after `since`".to_owned();
            wrong(&binding.at("until"), message, "nobody is bound meanwhile")
        })
    });
    both.chain(periods).collect()
}

/// The values of a map.
fn values<'a>(map: &Place<'a>) -> Vec<Place<'a>> {
    let keys = map.json().and_then(|map| map.as_object());
    let keys = keys.into_iter().flat_map(|map| map.keys());
    keys.map(|key| map.at(key)).collect()
}
