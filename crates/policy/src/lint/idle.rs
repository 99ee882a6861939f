//! What is written and does nothing: authorities without powers, grounds that send a
//! request back to where it came from, exceptions to permits, days that nobody means.

use comity_domain::RuleId;
use jiff::civil::Date;
use serde_json::Value;

use super::{
    Home, Law, Subject,
    search::{Found, Goal, Search},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    findings::lines,
    load::{Document, Kind, Place},
    model::{Condition, Effect},
};

/// Before this year no law of the library was made, and no State was bound.
const FIRST_YEAR: i16 = 1900;
/// Keys whose values are days.
const DAYS: [&str; 6] = ["since", "until", "checked", "applies", "in_force", "ended"];

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for law in subject.laws() {
        let Some(place) = subject.place(&law.rule.id) else {
            continue;
        };
        found.extend(rerouted(law, place));
        found.extend(exception(subject, law, place));
    }
    for document in subject.documents {
        if document.file.kind == Kind::Authorities {
            found.extend(powerless(document));
        } else if document.file.kind == Kind::Calendar {
            found.extend(twice(document));
        }
        found.extend(early(document));
    }
}

/// A ground that sends a request on to the instrument on which it travels.
fn rerouted(law: Law<'_>, place: &Place<'_>) -> Option<Diagnostic> {
    let Effect::Refuse { reroute, .. } = &law.rule.effect else {
        return None;
    };
    let own = match law.home {
        Home::Instrument(instrument) => &instrument.id,
        Home::State(_) => law.rule.only_instrument()?,
    };
    let index = reroute.iter().position(|to| **to == *own.as_str())?;
    Some(
        place
            .at("reroute")
            .at(index)
            .wrong(
                Code::FilterWithoutEffect,
                format!("`{own}` sends the request back to where it came from"),
            )
            .why("it is the instrument under which the ground is asked")
            .remedy("name another instrument, or remove it"),
    )
}

/// An exception to a permit, or one that holds only where its rule does not.
fn exception(subject: &Subject<'_>, law: Law<'_>, place: &Place<'_>) -> Option<Diagnostic> {
    let lifted = law.rule.exception_to.as_ref()?;
    let target = subject.laws().find(|other| other.rule.id == *lifted)?;
    let place = place.at("exception_to");
    if target.rule.effect == Effect::Permit {
        return Some(
            place
                .wrong(
                    Code::ExceptionToPermit,
                    format!("`{lifted}` permits: there is nothing to lift"),
                )
                .why("whatever refuses or refers is stronger than a permit, without being an exception")
                .remedy("remove `exception_to`, or name the ground that is meant"),
        );
    }
    never_beside(subject, law, target).then(|| never_holds(&place, lifted))
}

/// The two rules hold on no facts together, while each may hold by itself.
fn never_beside(subject: &Subject<'_>, law: Law<'_>, target: Law<'_>) -> bool {
    // Forms of two modules may differ: what one reads the other cannot.
    let declared = law.declarations(subject.model);
    let mut facts = lines(target.rule).flat_map(|line| &line.facts);
    if !facts.all(|fact| declared.get(fact).is_some()) {
        return false;
    }
    let all: Vec<&Condition> = lines(law.rule).chain(lines(target.rule)).collect();
    let Some(search) = Search::new(subject, law, &all) else {
        return false;
    };
    let never = |laws: &[Law<'_>]| {
        let yes = laws.iter().flat_map(|law| &law.rule.when);
        let no = laws.iter().flat_map(|law| &law.rule.unless);
        let goal = Goal {
            yes: yes.collect(),
            no: no.collect(),
            fails: None,
        };
        search.reach(&goal) == Found::No
    };
    !never(&[law]) && !never(&[target]) && never(&[law, target])
}

fn never_holds(place: &Place<'_>, lifted: &RuleId) -> Diagnostic {
    place
        .wrong(
            Code::ExceptionNeverMeets,
            format!("the exception holds only where `{lifted}` does not"),
        )
        .why("their conditions contradict each other")
        .remedy("name the rule that is meant, or correct the conditions of one of them")
}

/// Authorities that may do nothing at all.
fn powerless(document: &Document<'_>) -> Vec<Diagnostic> {
    let list = Place::root(document).at("authorities");
    let count = list.json().and_then(Value::as_array).map_or(0, Vec::len);
    let powers = ["may_issue", "may_execute", "may_search_persons"];
    let has = |place: &Place<'_>| {
        powers.iter().any(|key| match place.at(key).json() {
            Some(Value::Array(measures)) => !measures.is_empty(),
            Some(value) => value.as_bool() == Some(true),
            None => false,
        })
    };
    let places = (0..count).map(|index| list.at(index));
    let idle = places.filter(|place| !has(place));
    idle.map(|place| {
        place
            .at("id")
            .wrong(Code::AuthorityIdle, "this authority may do nothing")
            .why("it may issue no measure and execute none")
            .remedy("add `may_issue` or `may_execute`, or remove it")
    })
    .collect()
}

/// Holidays that stand twice for the same years.
fn twice(document: &Document<'_>) -> Vec<Diagnostic> {
    let list = Place::root(document).at("holidays");
    let days = list.json().and_then(Value::as_array);
    let days: Vec<&Value> = days.into_iter().flatten().collect();
    let falls =
        |day: &Value| ["day", "easter", "nth", "weekday", "month"].map(|key| day.get(key).cloned());
    let year =
        |day: &Value, key, otherwise| day.get(key).and_then(Value::as_i64).unwrap_or(otherwise);
    let meet = |one: &Value, other: &Value| {
        let begins = |day| year(day, "since", i64::MIN);
        let ends = |day| year(day, "until", i64::MAX);
        begins(one) < ends(other) && begins(other) < ends(one)
    };
    let again = days.iter().enumerate().filter_map(|(index, day)| {
        let before = days.iter().take(index);
        let is_same = |other: &&&Value| falls(other) == falls(day) && meet(other, day);
        before.into_iter().find(is_same)?;
        Some(
            list.at(index)
                .wrong(Code::HolidayTwice, "this day is a holiday already")
                .why("it stands further up, for the same years")
                .remedy("remove one of the two, or correct the day"),
        )
    });
    again.collect()
}

/// Days of a century that is hardly meant.
fn early(document: &Document<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut left = vec![Place::root(document)];
    while let Some(place) = left.pop() {
        match place.json() {
            Some(Value::Object(fields)) => left.extend(fields.keys().map(|key| place.at(key))),
            Some(Value::Array(items)) => left.extend((0..items.len()).map(|at| place.at(at))),
            Some(value) => found.extend(too_early(&place, value)),
            None => {}
        }
    }
    found
}

fn too_early(place: &Place<'_>, value: &Value) -> Option<Diagnostic> {
    let key = place.pointer.rsplit('/').next()?;
    DAYS.contains(&key).then_some(())?;
    let day = value.as_str().and_then(|day| day.parse::<Date>().ok());
    let year = day.map(Date::year);
    let year = year.or_else(|| i16::try_from(value.as_i64()?).ok())?;
    (year < FIRST_YEAR).then(|| {
        place
            .wrong(
                Code::DayUnlikely,
                format!("the year {year} can hardly be meant"),
            )
            .why("no law of a library is so old")
            .remedy("correct the year")
    })
}
