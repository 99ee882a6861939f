//! Forms that no request meets: for measures that the instrument does not
//! carry, or that an earlier form is for already.

use std::collections::BTreeSet;

use super::{Home, Subject};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{Form, Instrument},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let measures = &subject.model.measures;
    if measures.kinds.is_empty() {
        return;
    }
    for instrument in subject.model.instruments.values() {
        let Some(module) = subject.module(Home::Instrument(instrument)) else {
            continue;
        };
        let used = used(subject, instrument);
        for (index, form) in instrument.forms.iter().enumerate() {
            if used.contains(&*form.name) {
                continue;
            }
            let list = module.at("forms");
            let place = match list.json() {
                Some(_) => list.at(index),
                None => module.at("form"),
            };
            let named = place.at("for");
            let place = named.json().map_or(place, |_| named);
            found.push(
                place
                    .wrong_key(Code::FormNeverAsked, "no request meets this form")
                    .why("it is for no measure that the instrument carries, or an earlier form is")
                    .remedy("correct `for`, or put the form for fewer measures first"),
            );
        }
    }
}

/// The forms of the measures that an instrument carries, by name.
fn used<'a>(subject: &Subject<'_>, instrument: &'a Instrument) -> BTreeSet<&'a str> {
    let carried = subject.carried.get(&instrument.id).into_iter().flatten();
    let events: BTreeSet<_> = instrument.forms.iter().flat_map(|f| &f.events).collect();
    carried
        .flat_map(|measure| {
            let events = events.iter();
            let reports =
                events.filter_map(|event| subject.model.report_form(instrument, measure, event));
            reports.chain(subject.model.form(instrument, measure))
        })
        .map(|form: &Form| &*form.name)
        .collect()
}
