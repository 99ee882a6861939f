//! States without a calendar: their time limits end by no clock of theirs.

use super::{Home, Subject};
use crate::diagnostic::{Code, Diagnostic};

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
}
