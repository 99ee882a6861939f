//! Names in scenarios that no register has.

use super::Subject;
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place},
    scenario::unknown_names,
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
            for name in unknown.into_iter().flatten() {
                let place = Place {
                    document,
                    pointer: format!("{}{}", scenario.pointer, name.place),
                };
                found.push(
                    place
                        .wrong(Code::ScenarioUnknownName, name.message)
                        .why("the scenario would be about nothing")
                        .remedy_if(name.remedy),
                );
            }
        }
    }
}
