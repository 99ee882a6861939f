//! States without a calendar, whose time limits end by no clock of theirs, and calendars
//! without a State.

use super::{Home, Subject};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let states = subject.model.jurisdictions.values();
    for state in states.filter(|state| !subject.model.calendars.contains_key(&state.code)) {
        let Some(module) = subject.module(Home::State(state)) else {
            continue;
        };
        let code = &state.code;
        found.push(
            module
                .at("module")
                .wrong(Code::CalendarMissing, format!("{code} has no calendar"))
                .why("its time limits know no holiday and end at midnight in Greenwich")
                .remedy(format!(
                    "add calendars/{code}.yaml: copy another State's and change it"
                )),
        );
    }
    let calendars = subject.documents.iter();
    let calendars = calendars.filter(|document| document.file.kind == Kind::Calendar);
    for place in calendars.map(|document| Place::root(document).at("calendar")) {
        let code = place.json().and_then(|code| code.as_str());
        let mut states = subject.model.jurisdictions.keys();
        if let Some(code) = code.filter(|code| !states.any(|state| state.as_str() == *code)) {
            let folder = code.to_ascii_lowercase();
            found.push(
                place
                    .wrong(Code::CalendarNeverUsed, format!("{code} has no module"))
                    .why("no time limit is counted by this calendar")
                    .remedy(format!(
                        "add jurisdictions/{folder}, or remove the calendar"
                    )),
            );
        }
    }
}
