//! Names in scenarios that no register has.

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
