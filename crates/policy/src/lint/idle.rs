//! What is written and does nothing, or not what it seems to: authorities without powers,
//! grounds that send a request back to where it came from, exceptions to permits, days
//! that nobody means.

use std::collections::HashMap;

use comity_domain::RuleId;
use jiff::civil::Date;
use serde_json::Value;

use super::{
    Home, Law, Subject, leaves,
    search::{Found, Goal, Search},
};
use crate::{
    competence,
    diagnostic::{Code, Diagnostic},
    findings::lines,
    load::{Document, Kind, Place},
    model::{Condition, Effect},
};

/// Keys whose values are days, with the year before which none can be meant: acts of the
/// nineteenth century are in force today, but no State was bound in it, and nothing was
/// looked at.
const DAYS: [(&str, i16); 6] = [
    ("in_force", 1700),
    ("applies", 1700),
    ("since", 1900),
    ("until", 1900),
    ("ended", 1900),
    ("checked", 1900),
];

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
            found.extend(powerless(subject, document));
        } else if document.file.kind == Kind::Calendar {
            found.extend(twice(document));
        }
        found.extend(leaves(document).iter().filter_map(too_early));
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
                    format!("`{lifted}` permits: this lifts the permit"),
                )
                .why("where nothing else permits, the request is then refused outright")
                .remedy(
                    "if it is to be refused, write `effect: refuse` and remove `exception_to`; if a ground \
                     is to be lifted, name that one",
                ),
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
fn powerless(subject: &Subject<'_>, document: &Document<'_>) -> Vec<Diagnostic> {
    let folder = document.file.folder_name();
    let mut states = subject.model.jurisdictions.values();
    let Some(state) = states.find(|state| state.code.as_str().eq_ignore_ascii_case(folder)) else {
        return Vec::new();
    };
    let list = Place::root(document).at("authorities");
    let count = list.json().and_then(Value::as_array).map_or(0, Vec::len);
    let places = (0..count).map(|index| list.at(index).at("id"));
    let idle = places.filter(|place| {
        let id = place.json().and_then(Value::as_str);
        let found = id.and_then(|id| state.authorities.get_key_value(id));
        found.is_some_and(|(id, record)| !competence::has_powers(state, id, record))
    });
    idle.map(|place| {
        place
            .wrong(Code::AuthorityIdle, "this authority may do nothing")
            .why("it may issue no measure and execute none, and what it is gives it no role")
            .remedy("add `may_issue` or `may_execute`, or remove it")
    })
    .collect()
}

/// Holidays that stand twice for the same years.
fn twice(document: &Document<'_>) -> Vec<Diagnostic> {
    let list = Place::root(document).at("holidays");
    let days = list.json().and_then(Value::as_array);
    let falls = |day: &Value| {
        ["day", "easter", "nth", "weekday", "month"].map(|key| day.get(key).map(Value::to_string))
    };
    // From when until when the holidays further up are, by the day on which they fall.
    let mut before: HashMap<_, Vec<(i64, i64)>> = HashMap::new();
    let days = days.into_iter().flatten().enumerate();
    let again = days.filter_map(|(index, day)| {
        let year = |key, otherwise| day.get(key).and_then(Value::as_i64).unwrap_or(otherwise);
        let (begins, ends) = (year("since", i64::MIN), year("until", i64::MAX));
        let others = before.entry(falls(day)).or_default();
        let mut own = others.iter();
        let meets = own.any(|(since, until)| begins < *until && *since < ends);
        others.push((begins, ends));
        meets.then(|| {
            list.at(index)
                .wrong(Code::HolidayTwice, "this day is a holiday already")
                .why("it stands further up, for the same years")
                .remedy("remove one of the two, or correct the day")
        })
    });
    again.collect()
}

/// A day of a century that is hardly meant.
fn too_early(place: &Place<'_>) -> Option<Diagnostic> {
    let key = place.pointer.rsplit('/').next()?;
    let (_, first) = DAYS.iter().find(|(known, _)| *known == key)?;
    let value = place.json()?;
    let day = value.as_str().and_then(|day| day.parse::<Date>().ok());
    let year = day.map(Date::year);
    let year = year.or_else(|| i16::try_from(value.as_i64()?).ok())?;
    (year < *first).then(|| {
        place
            .wrong(
                Code::DayUnlikely,
                format!("the year {year} can hardly be meant"),
            )
            .why("no law of a library is so old")
            .remedy("correct the year")
    })
}
