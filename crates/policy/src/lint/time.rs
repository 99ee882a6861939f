//! Rules that no request can ever be asked about, and exceptions that never
//! meet their rule: because of what they are for, or of when they are law.

use super::{
    Home, Law, Subject,
    meeting::{Meeting, meeting},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::Place,
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for law in subject.laws() {
        let Some(place) = subject.place(&law.rule.id) else {
            continue;
        };
        let alone = meeting(subject, &[law]);
        found.extend(never_asked(law, place, alone));
        if alone == Meeting::Possible {
            found.extend(exception(subject, law, place));
        }
    }
}

fn never_asked(law: Law<'_>, rule: &Place<'_>, meeting: Meeting) -> Option<Diagnostic> {
    let never = |keys: &[&str], why: &str| {
        limit(rule, keys)
            .wrong(Code::RuleNeverAsked, "no request meets this rule")
            .why(why)
            .remedy("correct its scope, or remove the rule")
    };
    match meeting {
        Meeting::Possible => None,
        Meeting::NoInstrument => Some(never(
            &["instruments"],
            match law.home {
                Home::Instrument(_) => "a rule of an instrument is asked under that one alone",
                Home::State(_) => "none of these binds the State",
            },
        )),
        Meeting::NoMeasure => Some(never(
            &["measures"],
            "no instrument under which it is asked carries such a measure",
        )),
        Meeting::NoParties => Some(never(
            &["counterparts", "instruments"],
            "no instrument under which it is asked binds both sides",
        )),
        Meeting::NoDay => Some(
            limit(rule, &["until", "since"])
                .wrong(Code::RuleNeverLaw, "the rule is law while nobody is bound")
                .why("no instrument under which it is asked binds two States at that time")
                .remedy("correct the period of the rule, or those of the bindings"),
        ),
    }
}

/// The first of these keys that the rule has, else its id.
fn limit<'a>(rule: &Place<'a>, keys: &[&str]) -> Place<'a> {
    let mut places = keys.iter().map(|key| rule.at(key));
    places
        .find(|place| place.json().is_some())
        .unwrap_or_else(|| rule.at("id"))
}

/// An exception that is never asked together with the rule it lifts.
fn exception(subject: &Subject<'_>, law: Law<'_>, place: &Place<'_>) -> Option<Diagnostic> {
    let lifted = law.rule.exception_to.as_ref()?;
    let target = subject.laws().find(|other| other.rule.id == *lifted)?;
    let why = match meeting(subject, &[law, target]) {
        Meeting::Possible => return None,
        Meeting::NoInstrument => "the two are never asked under the same instrument",
        Meeting::NoMeasure => "the two are for different measures",
        Meeting::NoParties => "the two are for different States",
        Meeting::NoDay => "the two are never law on the same day",
    };
    Some(
        place
            .at("exception_to")
            .wrong(
                Code::ExceptionNeverMeets,
                format!("the exception never meets `{lifted}`"),
            )
            .why(why)
            .remedy("name the rule that is meant, or correct scope or period of one of them"),
    )
}
