//! The time limits of the shipped instruments, with real dates: over New Year,
//! Easter, the changes of clocks and the leap day, by the calendars of Germany,
//! France, England and the United States.
//!
//! Dates were counted by hand. Each row is a story in local times, and the local
//! instant at which the limit runs out.

use std::sync::Arc;

use comity_domain::{
    CaseClock, ClockState, Executing, FactSource, FactValue, Facts, Issuing, Offence, Request,
    Stated, Urgency,
};
use comity_policy::{Arrival, FormCheck, Question, Turn, bring};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::LIBRARY;

/// Rule; States, measure and urgency; what happens; when it runs out.
type Row = (&'static str, &'static str, &'static str, &'static str);

const EIO: &[Row] = &[
    // One week would end on New Year's Day, a Friday: Monday takes its place.
    (
        "eio-16-1",
        "DE FR eio search.premises routine",
        "2026-12-25T09:00+01:00 received",
        "2027-01-05T00:00+01:00[Europe/Paris]",
    ),
    // 30 days end on Good Friday: free in Germany, with Easter Monday after it,
    // and on summer time by then; a working day in France.
    (
        "eio-12-3",
        "FR DE eio search.premises routine",
        "2027-02-24T10:00+01:00 received",
        "2027-03-31T00:00+02:00[Europe/Berlin]",
    ),
    (
        "eio-12-3",
        "DE FR eio search.premises routine",
        "2027-02-24T10:00+01:00 received",
        "2027-03-27T00:00+01:00[Europe/Paris]",
    ),
    // The leap day is a day.
    (
        "eio-12-3",
        "FR DE eio search.premises routine",
        "2028-01-30T10:00+01:00 received",
        "2028-03-01T00:00+01:00[Europe/Berlin]",
    ),
    // 30 days, then 30 more: the 60th is a Saturday, not the Monday after the 30th.
    (
        "eio-12-3",
        "DE FR eio search.premises routine",
        "2026-12-01T10:00+01:00 received",
        "2027-01-01T00:00+01:00[Europe/Paris]",
    ),
    (
        "eio-12-3",
        "DE FR eio search.premises routine",
        "2026-12-01T10:00+01:00 received, 2026-12-20T10:00+01:00 +30",
        "2027-02-02T00:00+01:00[Europe/Paris]",
    ),
    // 90 days from recognition, over the end of summer time.
    (
        "eio-12-4",
        "FR DE eio search.premises routine",
        "2026-09-20T10:00+02:00 received, 2026-10-01T15:00+02:00 recognised",
        "2026-12-31T00:00+01:00[Europe/Berlin]",
    ),
    // Postponed on the 32nd day, with 58 left when it goes on.
    (
        "eio-12-4",
        "FR DE eio search.premises routine",
        "2026-10-01T15:00+02:00 recognised, 2026-11-02T09:00+01:00 postponed, \
         2027-01-11T09:00+01:00 progress",
        "2027-03-11T00:00+01:00[Europe/Berlin]",
    ),
    // 24 hours are 24 hours when the clocks change.
    (
        "eio-32-2",
        "FR DE eio seizure.freeze-evidence routine",
        "2027-03-27T14:00+01:00 received",
        "2027-03-28T15:00+02:00[Europe/Berlin]",
    ),
    (
        "eio-32-2",
        "FR DE eio seizure.freeze-evidence routine",
        "2026-10-24T14:00+02:00 received",
        "2026-10-25T13:00+01:00[Europe/Berlin]",
    ),
    (
        "eio-31-3-clock",
        "DE FR eio interception.without-assistance routine",
        "2026-12-31T18:00+01:00 received",
        "2027-01-04T18:00+01:00[Europe/Paris]",
    ),
];

const EVIDENCE: &[Row] = &[
    // Ten days end on New Year's Day.
    (
        "epoc-10-2",
        "DE FR epoc data.content routine",
        "2026-12-22T10:00+01:00 received",
        "2027-01-05T00:00+01:00[Europe/Paris]",
    ),
    (
        "epoc-12-1-clock",
        "DE FR epoc data.content routine",
        "2026-12-22T10:00+01:00 received",
        "2027-01-05T00:00+01:00[Europe/Paris]",
    ),
    // Eight hours through the night in which an hour comes twice.
    (
        "epoc-10-4",
        "DE FR epoc data.content emergency",
        "2026-10-24T20:00+02:00 received",
        "2026-10-25T03:00+01:00[Europe/Paris]",
    ),
    (
        "epoc-12-1-clock-emergency",
        "DE FR epoc data.content emergency",
        "2027-03-26T20:00+01:00 received",
        "2027-03-30T21:00+02:00[Europe/Paris]",
    ),
    // 48 hours through the night in which an hour is missing.
    (
        "epoc-4-5-clock",
        "FR DE epoc data.subscriber emergency",
        "2027-03-27T01:30+01:00 received",
        "2027-03-29T02:30+02:00[Europe/Berlin]",
    ),
    // Five days for the issuing State end on Easter Monday.
    (
        "epoc-10-6-clock",
        "DE FR epoc data.content routine",
        "2027-03-22T10:00+01:00 received, 2027-03-24T10:00+01:00 clarification-requested",
        "2027-03-31T00:00+02:00[Europe/Berlin]",
    ),
    // Meanwhile the addressee's ten days stand still: two are used, eight left.
    (
        "epoc-10-2",
        "DE FR epoc data.content routine",
        "2027-03-22T10:00+01:00 received, 2027-03-24T10:00+01:00 clarification-requested, \
         2027-03-30T16:00+02:00 clarified",
        "2027-04-08T00:00+02:00[Europe/Paris]",
    ),
    // Of eight hours four and a half are left the next morning.
    (
        "epoc-10-4",
        "DE FR epoc data.content emergency",
        "2026-11-23T10:00+01:00 received, 2026-11-23T13:30+01:00 clarification-requested, \
         2026-11-24T09:00+01:00 clarified",
        "2026-11-24T13:30+01:00[Europe/Paris]",
    ),
    // 60 days end on a Saturday; with 30 more the 90th is a Monday.
    (
        "epoc-11-1",
        "DE FR epoc preserve.data routine",
        "2026-12-01T10:00+01:00 received",
        "2027-02-02T00:00+01:00[Europe/Paris]",
    ),
    (
        "epoc-11-1",
        "DE FR epoc preserve.data routine",
        "2026-12-01T10:00+01:00 received, 2027-01-15T10:00+01:00 +30",
        "2027-03-02T00:00+01:00[Europe/Paris]",
    ),
    // Ends on a Saturday that is Victory Day too.
    (
        "epoc-17-2",
        "DE FR epoc data.subscriber routine",
        "2027-04-28T10:00+02:00 received",
        "2027-05-11T00:00+02:00[Europe/Paris]",
    ),
    // Working days over Ascension Day.
    (
        "epoc-16-2",
        "DE FR epoc data.content routine",
        "2027-05-05T10:00+02:00 enforcement-requested",
        "2027-05-14T00:00+02:00[Europe/Paris]",
    ),
    // Working days of the issuing State over Christmas.
    (
        "epoc-16-7-clock",
        "DE FR epoc data.content routine",
        "2026-12-18T10:00+01:00 denial-intended",
        "2026-12-29T00:00+01:00[Europe/Berlin]",
    ),
];

const POLICE_AND_TREATIES: &[Row] = &[
    (
        "dir-2023-977-5-1-a",
        "DE FR dir-2023-977 police.information urgent direct",
        "2026-12-31T20:00+01:00 received",
        "2027-01-01T04:00+01:00[Europe/Paris]",
    ),
    // The third day is the second day of Christmas, a Saturday.
    (
        "dir-2023-977-5-1-b",
        "FR DE dir-2023-977 police.information urgent indirect",
        "2026-12-23T10:00+01:00 received",
        "2026-12-29T00:00+01:00[Europe/Berlin]",
    ),
    // The seventh day is Ascension Day.
    (
        "dir-2023-977-5-1-c",
        "DE FR dir-2023-977 police.information routine",
        "2026-05-07T10:00+02:00 received",
        "2026-05-16T00:00+02:00[Europe/Paris]",
    ),
    // Stands still over a weekend while clarification is sought.
    (
        "dir-2023-977-5-1-c",
        "DE FR dir-2023-977 police.information routine",
        "2026-11-23T10:00+01:00 received, 2026-11-26T10:00+01:00 clarification-requested, \
         2026-12-01T10:00+01:00 clarified",
        "2026-12-08T00:00+01:00[Europe/Paris]",
    ),
    // 45 days end on Good Friday, in England free like Easter Monday.
    (
        "tca-640-decide",
        "DE GB tca search.premises routine",
        "2027-02-09T10:00+00:00 received",
        "2027-03-31T00:00+01:00[Europe/London]",
    ),
    // 90 days end on the early May bank holiday.
    (
        "tca-640-execute",
        "DE GB tca search.premises routine",
        "2027-02-02T10:00+00:00 recognised",
        "2027-05-05T00:00+01:00[Europe/London]",
    ),
    // 60 days end on Martin Luther King Day, and on Thanksgiving.
    (
        "budapest-29-7-clock",
        "DE US budapest preserve.data routine",
        "2026-11-19T10:00-05:00 concluded",
        "2027-01-20T00:00-05:00[America/New_York]",
    ),
    (
        "budapest-29-7-clock",
        "DE US budapest preserve.data routine",
        "2026-09-27T10:00-04:00 concluded",
        "2026-11-28T00:00-05:00[America/New_York]",
    ),
];

#[test]
fn investigation_orders_run_out_when_the_directive_says() {
    EIO.iter().for_each(check);
}

#[test]
fn evidence_orders_run_out_when_the_regulation_says() {
    EVIDENCE.iter().for_each(check);
}

#[test]
fn police_requests_and_treaties_run_out_when_they_say() {
    POLICE_AND_TREATIES.iter().for_each(check);
}

#[track_caller]
fn check(row: &Row) {
    let (rule, asked, story, due) = *row;
    let mut clocks = clocks(asked, story);
    for happened in story.split(", ").map(str::trim) {
        let (at, what) = happened.split_once(' ').unwrap();
        let rule = rule.parse().unwrap();
        let turn = match what.strip_prefix('+') {
            None => Turn::Event(what),
            Some(length) => Turn::Extended {
                rule: &rule,
                length: length.parse().unwrap(),
                reason: "",
            },
        };
        let calendars = LIBRARY.calendars();
        calendars.turn(&mut clocks, turn, instant(at));
    }
    let due: ZonedDateTime = due.parse().unwrap();
    let clock = clocks.iter().find(|clock| clock.rule.as_str() == rule);
    let clock = clock.unwrap_or_else(|| panic!("{rule} is none of {asked}"));
    let found = clock
        .due_at
        .map(|at| at.to_zoned_datetime(due.time_zone().clone()));
    assert_eq!(found, Some(due.clone()), "{rule}: {story}");
    runs_out(clock, due.timestamp());
}

/// Not an instant early, and then once.
#[track_caller]
fn runs_out(clock: &CaseClock, due: Timestamp) {
    let mut clocks = [clock.clone()];
    let before = due - SignedDuration::from_nanos(1);
    while bring(&mut clocks, before).is_some() {}
    assert_eq!(clocks[0].state, ClockState::Running, "{}", clock.rule);
    assert!(bring(&mut clocks, due).is_some(), "{}", clock.rule);
    assert_ne!(clocks[0].state, ClockState::Running, "{}", clock.rule);
    assert_eq!(bring(&mut clocks, due), None, "{}", clock.rule);
}

/// The clocks of a case as it opens.
fn clocks(asked: &str, story: &str) -> Vec<CaseClock> {
    let words: Vec<&str> = asked.split(' ').collect();
    let [issuing, executing, instrument, measure, urgency, ..] = words[..] else {
        panic!("{asked}");
    };
    let received = instant(story.split(' ').next().unwrap());
    let request = Request {
        id: "any".parse().unwrap(),
        issuing: Issuing(issuing.parse().unwrap()),
        issuing_authority: "ofac".parse().unwrap(),
        executing: Executing(executing.parse().unwrap()),
        executing_authority: None,
        instrument: Some(instrument.parse().unwrap()),
        measure: measure.parse().unwrap(),
        offences: vec![Offence::default()],
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: match urgency {
            "routine" => Urgency::Routine,
            "urgent" => Urgency::Urgent,
            _ => Urgency::Emergency,
        },
        purpose_stated: true,
        language: None,
        validation: None,
        assurances: Vec::new(),
        facts: facts(words.get(5).copied()),
        issued_at: received,
        exercise: false,
        information: Vec::new(),
        source: None,
    };
    let question = Question {
        request: &request,
        form: FormCheck::Presumed,
        language: "en",
        now: received,
        rulings: &[],
    };
    let decision = LIBRARY.decide(&question).decision;
    let mut clocks = Vec::new();
    let decided = Turn::Decided {
        clocks: &decision.clocks,
        arrival: match story.contains(" received") {
            true => Arrival::Now,
            false => Arrival::Outstanding,
        },
    };
    LIBRARY.calendars().turn(&mut clocks, decided, received);
    clocks
}

fn facts(access: Option<&str>) -> Facts {
    let stated = |direct| Stated {
        value: FactValue::Truth(direct),
        source: FactSource::Executing,
    };
    let name = || Arc::from("police.directly_accessible");
    let fact = access.map(|access| (name(), stated(access == "direct")));
    fact.into_iter().collect()
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}
