//! Names in the filters of rules and routes that change nothing.

use comity_domain::{InstrumentId, JurisdictionCode};

use super::{Home, Law, Subject};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::Place,
    model::{Instrument, Jurisdiction},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for law in subject.laws() {
        let Some(place) = subject.place(&law.rule.id) else {
            continue;
        };
        let keys = ["measures", "counterparts", "instruments", "when", "unless"];
        found.extend(empty(place, &keys));
        match law.home {
            Home::Instrument(instrument) => {
                found.extend(measures(subject, law, instrument, place));
                found.extend(counterparts(instrument, place));
            }
            Home::State(state) => {
                let binds = |id: &InstrumentId| binds(subject, id, &state.code);
                found.extend(instruments(&place.at("instruments"), &state.code, binds));
            }
        }
    }
    for state in subject.model.jurisdictions.values() {
        routes(subject, state, found);
    }
}

/// Filters and conditions that name nothing: left out or empty, they let everything
/// through.
fn empty(place: &Place<'_>, keys: &[&str]) -> Vec<Diagnostic> {
    let lists = keys.iter().map(|key| (key, place.at(key)));
    let is_empty = |list: &Place<'_>| {
        let names = list.json().and_then(|list| list.as_array());
        names.is_some_and(Vec::is_empty)
    };
    let empty = lists.filter(|(_, list)| is_empty(list));
    let found = empty.map(|(key, list)| {
        list.wrong_key(
            Code::FilterWithoutEffect,
            format!("`{key}` is empty, and limits nothing"),
        )
        .why("it is read as if the key were not there")
        .remedy("name what it is for, or when it holds, or remove the key")
    });
    found.collect()
}

/// Names of a list, with their places; one name alone is the rule's whole
/// scope, and said of the rule where it changes nothing.
fn names<'a>(list: &Place<'a>) -> Vec<(Place<'a>, &'a str)> {
    let names = list.json().and_then(|list| list.as_array());
    let names = names.filter(|names| names.len() > 1).into_iter().flatten();
    let names = names.enumerate();
    names
        .filter_map(|(index, name)| Some((list.at(index), name.as_str()?)))
        .collect()
}

/// Measures that the instrument does not carry.
fn measures(
    subject: &Subject<'_>,
    law: Law<'_>,
    instrument: &Instrument,
    rule: &Place<'_>,
) -> Vec<Diagnostic> {
    let kinds = &subject.model.measures.kinds;
    let carried = subject.carried.get(&instrument.id);
    let is_carried = |name: &str| {
        let mut carried = carried.into_iter().flatten();
        carried.any(|measure| {
            kinds
                .get(*measure)
                .is_some_and(|kinds| kinds.contains(name))
        })
    };
    // A rule that is never asked at all is said to be so.
    let asked = law.rule.measures.iter().any(|name| is_carried(name));
    let names = names(&rule.at("measures"));
    let idle = names
        .into_iter()
        .filter(|(_, name)| asked && !is_carried(name));
    idle.map(|(place, name)| {
        let why = format!("`{}` carries no such measure", instrument.id);
        without_effect(&place, name, &why)
    })
    .collect()
}

/// States that the instrument does not bind.
fn counterparts(instrument: &Instrument, rule: &Place<'_>) -> Vec<Diagnostic> {
    let is_bound = |name: &str| {
        let code = name.parse::<JurisdictionCode>();
        code.is_ok_and(|code| instrument.binds.contains_key(&code))
    };
    let names = names(&rule.at("counterparts"));
    let asked = names.iter().any(|(_, name)| is_bound(name));
    let idle = names
        .into_iter()
        .filter(|(_, name)| asked && !is_bound(name));
    idle.map(|(place, name)| {
        let why = format!("`{}` does not bind it", instrument.id);
        without_effect(&place, name, &why)
    })
    .collect()
}

/// Instruments that do not bind the State.
fn instruments(
    list: &Place<'_>,
    state: &JurisdictionCode,
    binds: impl Fn(&InstrumentId) -> bool,
) -> Vec<Diagnostic> {
    let is_bound = |name: &str| name.parse().is_ok_and(|id| binds(&id));
    let names = names(list);
    let asked = names.iter().any(|(_, name)| is_bound(name));
    let idle = names
        .into_iter()
        .filter(|(_, name)| asked && !is_bound(name));
    idle.map(|(place, name)| without_effect(&place, name, &format!("it does not bind {state}")))
        .collect()
}

/// Preferences for instruments that do not bind the State.
fn routes(subject: &Subject<'_>, state: &Jurisdiction, found: &mut Vec<Diagnostic>) {
    let Some(module) = subject.module(Home::State(state)) else {
        return;
    };
    for (index, route) in state.routes.iter().enumerate() {
        let route_at = module.at("routes").at(index);
        found.extend(empty(&route_at, &["measures", "counterparts"]));
        let list = route_at.at("prefer");
        for (index, id) in route.prefer.iter().enumerate() {
            if !binds(subject, id, &state.code) {
                let why = format!("it does not bind {}", state.code);
                found.push(without_effect(&list.at(index), id.as_str(), &why));
            }
        }
    }
}

fn binds(subject: &Subject<'_>, id: &InstrumentId, state: &JurisdictionCode) -> bool {
    let all = subject.model.instruments.values();
    let mut of_kind = all
        .filter(|instrument| instrument.kinds.contains(id.as_str()))
        .peekable();
    if of_kind.peek().is_some() {
        return of_kind.any(|instrument| instrument.binds.contains_key(state));
    }
    let instrument = subject.model.instruments.get(id);
    // What could not be read may bind anybody.
    instrument.is_none_or(|instrument| instrument.binds.contains_key(state))
}

fn without_effect(place: &Place<'_>, name: &str, why: &str) -> Diagnostic {
    place
        .wrong(
            Code::FilterWithoutEffect,
            format!("`{name}` changes nothing here"),
        )
        .why(why)
        .remedy("correct or remove the name")
}
