//! What happens to clocks, one by one, and what holds of all of them.

mod holds;

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{
    BoundParty, CaseClock, Citation, Clock, ClockState, ClockUnit, Confidence, Digest, Extension,
    JurisdictionCode, RuleRef, RunsOut,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::{Arrival, Calendars, Moment, Turn, allowance, bring, next_moment};
use crate::model::{Calendar, Falls, Holiday};

/// A Monday morning.
const MONDAY: i64 = 1_795_424_400;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(MONDAY + seconds).unwrap()
}

/// France with Christmas and Easter.
fn france() -> BTreeMap<JurisdictionCode, Calendar> {
    let calendar = Calendar {
        time_zone: TimeZone::get("Europe/Paris").unwrap(),
        holidays: [
            Falls::Fixed { month: 12, day: 25 },
            Falls::Fixed { month: 1, day: 1 },
            Falls::Easter(1),
        ]
        .map(|falls| Holiday {
            falls,
            since: None,
            until: None,
        })
        .into(),
    };
    BTreeMap::from([("FR".parse().unwrap(), calendar)])
}

fn names(events: &[&str]) -> Vec<Arc<str>> {
    events.iter().map(|event| Arc::from(*event)).collect()
}

/// A clock that runs from receipt to the answer, stands still while something is
/// asked, and can be extended by its own length.
fn clock(length: u32, unit: ClockUnit) -> Clock {
    Clock {
        rule: RuleRef {
            rule: "act-1".parse().unwrap(),
            module: "instrument/act".parse().unwrap(),
            module_digest: Digest([0; 32]),
            citation: Citation {
                source: "act".into(),
                provision: "art 1".into(),
                title: "The Act".into(),
                url: None,
            },
            text: "Answer in time".into(),
            language: "en".into(),
            facts_used: Vec::new(),
            facts_missing: Vec::new(),
            confidence: Confidence::High,
        },
        measures: "answer".into(),
        length,
        unit,
        starts: "received".into(),
        stops: names(&["answered", "withdrawn"]),
        suspends: names(&["asked"]),
        resumes: names(&["told"]),
        calendar: unit.counts_days().then(|| "FR".parse().unwrap()),
        extension: Some(Extension {
            length,
            by: BoundParty::Executing,
        }),
        runs_out: RunsOut::Breach,
        holds_release: false,
        bound: BoundParty::Executing,
        started_at: None,
        due_at: None,
    }
}

/// A case with one clock, to which things happen.
struct Life {
    calendars: BTreeMap<JurisdictionCode, Calendar>,
    clocks: Vec<CaseClock>,
}

impl Life {
    fn of(clock: &Clock) -> Self {
        let mut life = Self {
            calendars: france(),
            clocks: Vec::new(),
        };
        life.decided(std::slice::from_ref(clock), Arrival::Now, at(0));
        life
    }

    /// The same, received on Monday morning.
    fn running(clock: &Clock) -> Self {
        let mut life = Self::of(clock);
        life.event("received", at(0));
        life
    }

    fn decided(&mut self, clocks: &[Clock], arrival: Arrival, at: Timestamp) {
        self.turn(Turn::Decided { clocks, arrival }, at);
    }

    fn event(&mut self, event: &str, at: Timestamp) {
        self.turn(Turn::Event(event), at);
    }

    fn extend(&mut self, length: u32, at: Timestamp) {
        let rule = "act-1".parse().unwrap();
        let extended = Turn::Extended {
            rule: &rule,
            length,
            reason: "an expert is awaited",
        };
        self.turn(extended, at);
    }

    fn turn(&mut self, turn: Turn<'_>, at: Timestamp) {
        Calendars(&self.calendars).turn(&mut self.clocks, turn, at);
    }

    fn bring(&mut self, now: Timestamp) -> Vec<Moment> {
        std::iter::from_fn(|| bring(&mut self.clocks, now))
            .map(|brought| brought.moment)
            .collect()
    }

    fn clock(&self) -> &CaseClock {
        &self.clocks[0]
    }

    fn due(&self) -> Timestamp {
        self.clock().due_at.unwrap()
    }
}

#[test]
fn a_clock_waits_for_its_event() {
    let mut life = Life::of(&clock(8, ClockUnit::Hours));
    assert_eq!(life.clock().state, ClockState::Waiting);
    assert_eq!(next_moment(&life.clocks), None);
    life.event("received", at(5));
    assert_eq!(life.clock().started_at, Some(at(5)));
    assert_eq!(life.due(), at(5 + 8 * HOUR));
}

#[test]
fn an_open_clock_runs_until_an_event_ends_it() {
    let open = Clock {
        extension: None,
        suspends: Vec::new(),
        resumes: Vec::new(),
        ..clock(0, ClockUnit::Open)
    };
    let mut life = Life::running(&open);
    assert_eq!((life.clock().due_at, life.clock().last_day), (None, None));
    assert_eq!(next_moment(&life.clocks), None);
    assert!(life.bring(at(10_000 * DAY)).is_empty());
    // Set aside by one decision, and named by the next.
    life.decided(&[], Arrival::Before, at(DAY));
    assert_eq!(life.clock().state, ClockState::Lapsed);
    life.decided(&[open], Arrival::Before, at(2 * DAY));
    assert_eq!(life.clock().state, ClockState::Running);
    assert_eq!(life.clock().started_at, Some(at(0)));
    life.event("answered", at(3 * DAY));
    assert_eq!(life.clock().state, ClockState::Met);
    assert_eq!(life.clock().ended_at, Some(at(3 * DAY)));
}

#[test]
fn a_decision_that_is_not_with_the_executing_side_starts_nothing_there() {
    let received = Clock {
        started_at: Some(at(0)),
        due_at: Some(at(8 * HOUR)),
        ..clock(8, ClockUnit::Hours)
    };
    let mut life = Life {
        calendars: france(),
        clocks: Vec::new(),
    };
    life.decided(std::slice::from_ref(&received), Arrival::Outstanding, at(0));
    assert_eq!(life.clock().state, ClockState::Waiting);
    let later = Clock {
        started_at: Some(at(DAY)),
        due_at: Some(at(DAY + 8 * HOUR)),
        ..received
    };
    life.decided(std::slice::from_ref(&later), Arrival::Now, at(DAY));
    assert_eq!(life.clock().state, ClockState::Running);
    assert_eq!(life.due(), at(DAY + 8 * HOUR));
    // Taken back, and handed over anew: the time is counted anew, for what was done too.
    life.decided(
        std::slice::from_ref(&later),
        Arrival::Outstanding,
        at(DAY + HOUR),
    );
    assert_eq!(life.clock().state, ClockState::Lapsed);
    assert_eq!(next_moment(&life.clocks), None);
    let again = Clock {
        started_at: Some(at(3 * DAY)),
        due_at: Some(at(3 * DAY + 8 * HOUR)),
        ..later.clone()
    };
    life.decided(&[again], Arrival::Now, at(3 * DAY));
    assert_eq!(life.clock().state, ClockState::Running);
    assert_eq!(life.due(), at(3 * DAY + 8 * HOUR));
    // One that is decided again where it is goes on.
    life.decided(&[later], Arrival::Before, at(3 * DAY + HOUR));
    assert_eq!(life.due(), at(3 * DAY + 8 * HOUR));
}

#[test]
fn a_new_decision_goes_on_with_what_runs_and_sets_the_rest_aside() {
    let law = clock(8, ClockUnit::Hours);
    let mut life = Life::running(&law);
    life.decided(std::slice::from_ref(&law), Arrival::Before, at(HOUR));
    assert_eq!(life.due(), at(8 * HOUR), "it runs as it did");
    life.decided(&[], Arrival::Before, at(2 * HOUR));
    let aside = life.clock();
    assert_eq!(aside.state, ClockState::Lapsed);
    assert_eq!(aside.ended_at, Some(at(2 * HOUR)));
    assert_eq!(life.bring(at(DAY)), [], "nothing is to be done any more");
    life.decided(&[law], Arrival::Before, at(3 * HOUR));
    assert_eq!(life.clock().state, ClockState::Running, "taken up again");
    assert_eq!(life.bring(at(DAY)), [Moment::Breach]);
}

#[test]
fn a_new_decision_leaves_what_conditions_set_and_its_end_is_its_own() {
    let of_condition = Clock {
        starts: "".into(),
        stops: names(&["act-1-confirmed"]),
        suspends: Vec::new(),
        resumes: Vec::new(),
        extension: None,
        ..clock(8, ClockUnit::Hours)
    };
    let obliged = CaseClock::waiting(&of_condition);
    let mut life = Life {
        calendars: france(),
        clocks: Vec::new(),
    };
    life.turn(Turn::Obliged(&obliged), at(0));
    life.decided(&[], Arrival::Before, at(HOUR));
    assert_eq!(life.clock().state, ClockState::Running);
    life.turn(Turn::Lifted(&obliged.rule), at(2 * HOUR));
    assert_eq!(life.clock().state, ClockState::Lapsed);
    assert_eq!(life.bring(at(DAY)), []);
    // One whose last day is named runs to the end of that day there.
    let until = CaseClock {
        last_day: Some("2027-03-01".parse().unwrap()),
        terms: comity_domain::ClockTerms {
            length: 0,
            unit: ClockUnit::Days,
            calendar: Some("FR".parse().unwrap()),
            ..obliged.terms.clone()
        },
        ..obliged
    };
    life.clocks.clear();
    life.turn(Turn::Obliged(&until), at(0));
    assert_eq!(life.due(), "2027-03-01T23:00:00Z".parse().unwrap());
    assert_eq!(life.clock().last_day, until.last_day);
}

#[test]
fn time_reminds_once_and_then_breaches() {
    let mut life = Life::running(&clock(8, ClockUnit::Hours));
    assert_eq!(next_moment(&life.clocks), Some(at(6 * HOUR)));
    assert_eq!(life.bring(at(6 * HOUR - 1)), []);
    assert_eq!(life.bring(at(6 * HOUR)), [Moment::Reminder]);
    assert_eq!(
        life.bring(at(6 * HOUR - 1)),
        [],
        "a clock set back repeats nothing"
    );
    assert_eq!(next_moment(&life.clocks), Some(at(8 * HOUR)));
    assert_eq!(life.bring(at(8 * HOUR)), [Moment::Breach]);
    assert_eq!(life.clock().breached_at, Some(at(8 * HOUR)));
    assert!(life.clock().is_open(), "it is still to be done");
    life.event("answered", at(9 * HOUR));
    let done = life.clock();
    assert_eq!(
        (done.state, done.ended_at),
        (ClockState::Breached, Some(at(9 * HOUR)))
    );
}

#[test]
fn who_looks_late_is_told_of_the_end_alone() {
    let mut life = Life::running(&clock(8, ClockUnit::Hours));
    assert_eq!(life.bring(at(DAY)), [Moment::Breach]);
    assert_eq!(life.clock().reminded_at, None);
}

#[test]
fn short_limits_have_an_hours_notice_or_none() {
    for (hours, notice) in [
        (1, None),
        (2, Some(HOUR)),
        (3, Some(2 * HOUR)),
        (4, Some(3 * HOUR)),
    ] {
        let life = Life::running(&clock(hours, ClockUnit::Hours));
        let due = at(i64::from(hours) * HOUR);
        assert_eq!(next_moment(&life.clocks), Some(notice.map_or(due, at)));
    }
}

#[test]
fn what_was_done_may_have_to_be_done_again() {
    let mut life = Life::running(&clock(8, ClockUnit::Hours));
    life.event("answered", at(9 * HOUR));
    life.event("received", at(10 * HOUR));
    let again = life.clock();
    assert_eq!(again.state, ClockState::Running);
    assert_eq!(again.due_at, Some(at(18 * HOUR)));
    assert_eq!(again.breached_at, Some(at(8 * HOUR)), "it is not forgotten");
    life.event("answered", at(11 * HOUR));
    assert_eq!(life.clock().state, ClockState::Met);
}

#[test]
fn what_would_end_a_clock_before_it_begins_sets_it_aside() {
    let mut life = Life::of(&clock(8, ClockUnit::Hours));
    life.event("withdrawn", at(0));
    life.event("received", at(1));
    assert_eq!(life.clock().state, ClockState::Lapsed);
}

#[test]
fn ends_are_what_the_law_makes_of_them() {
    for (runs_out, moment, state) in [
        (RunsOut::Breach, Moment::Breach, ClockState::Breached),
        (RunsOut::Lapse, Moment::Lapse, ClockState::Lapsed),
        (RunsOut::Expire, Moment::Expiry, ClockState::Lapsed),
    ] {
        let law = Clock {
            runs_out,
            ..clock(8, ClockUnit::Hours)
        };
        let mut life = Life::running(&law);
        assert_eq!(life.bring(at(DAY)), [moment]);
        assert_eq!(life.clock().state, state);
    }
}

#[test]
fn a_case_that_is_over_leaves_nothing_to_do() {
    for end in [6 * HOUR, 9 * HOUR] {
        let mut life = Life::running(&clock(8, ClockUnit::Hours));
        life.turn(Turn::Over, at(end));
        assert!(!life.clock().is_open());
        assert_eq!(life.clock().breached_at.is_some(), end > 8 * HOUR);
        assert_eq!(life.bring(at(DAY)), []);
    }
}

#[test]
fn only_the_side_that_the_law_names_extends_and_not_too_far() {
    let mut life = Life::running(&clock(10, ClockUnit::Days));
    assert_eq!(allowance(life.clock(), BoundParty::Issuing), 0);
    assert_eq!(allowance(life.clock(), BoundParty::Executing), 10);
    life.extend(4, at(DAY));
    assert_eq!(allowance(life.clock(), BoundParty::Executing), 6);
    life.extend(9, at(DAY));
    assert_eq!(life.clock().extended, 10, "six, and no more");
    assert_eq!(life.bring(at(60 * DAY)), [Moment::Breach]);
    assert_eq!(
        allowance(life.clock(), BoundParty::Executing),
        0,
        "too late"
    );
}

#[test]
fn an_extension_brings_another_reminder() {
    let mut life = Life::running(&clock(8, ClockUnit::Hours));
    assert_eq!(life.bring(at(6 * HOUR)), [Moment::Reminder]);
    life.extend(8, at(7 * HOUR));
    assert_eq!(life.due(), at(16 * HOUR));
    assert_eq!(life.bring(at(12 * HOUR)), [Moment::Reminder]);
    assert_eq!(life.bring(at(16 * HOUR)), [Moment::Breach]);
}

/// Friday to Tuesday by Art. 3(5); stopped on Saturday, both working days are
/// still to come.
#[test]
fn a_pause_keeps_the_two_working_days_that_every_period_has() {
    let mut life = Life::of(&clock(2, ClockUnit::Days));
    life.event("received", at(4 * DAY));
    let due = life.due();
    assert_eq!(due, "2026-12-01T23:00:00Z".parse().unwrap());
    life.event("asked", at(5 * DAY));
    life.event("told", at(5 * DAY + HOUR));
    assert_eq!(life.due(), due);
    life.event("asked", at(5 * DAY + 2 * HOUR));
    life.event("told", at(12 * DAY));
    assert_eq!(life.due(), due + SignedDuration::from_hours(7 * 24));
}

/// Of two months from Monday, 23 November, 51 days are left on 3 December; another
/// month from 14 February, when they would end, has 28.
#[test]
fn what_is_left_of_months_is_counted_in_days() {
    let mut life = Life::running(&clock(2, ClockUnit::Months));
    assert_eq!(life.clock().last_day, Some(jiff::civil::date(2027, 1, 25)));
    life.event("asked", at(10 * DAY));
    assert_eq!(life.clock().left, Some(51));
    life.event("told", at(32 * DAY));
    assert_eq!(life.clock().last_day, Some(jiff::civil::date(2027, 2, 15)));
    life.event("asked", at(33 * DAY));
    assert_eq!(life.clock().left, Some(50));
    life.event("told", at(33 * DAY));
    life.extend(1, at(33 * DAY));
    assert_eq!(life.clock().left, Some(78));
    assert_eq!(life.clock().last_day, Some(jiff::civil::date(2027, 3, 15)));
}

#[test]
fn time_that_goes_back_takes_nothing() {
    let mut life = Life::running(&clock(10, ClockUnit::Days));
    let due = life.due();
    life.event("asked", at(-40 * DAY));
    assert_eq!(life.clock().left, Some(10));
    life.event("told", at(-50 * DAY));
    assert!(life.due() >= due);
}

fn unit() -> impl Strategy<Value = ClockUnit> {
    prop_oneof![
        Just(ClockUnit::Hours),
        Just(ClockUnit::Days),
        Just(ClockUnit::WorkingDays)
    ]
}

proptest! {
    /// Nothing runs out, and nothing is reminded of, before its time; and it runs
    /// out once, at that time.
    #[test]
    fn never_early_and_once(
        length in 1..120_u32,
        unit in unit(),
        start in 0..700 * DAY,
        looks in prop::collection::vec(0..400 * DAY, 0..6),
    ) {
        let mut life = Life::of(&clock(length, unit));
        life.event("received", at(start));
        let due = life.due();
        prop_assert!(due > at(start));
        let mut looks: Vec<_> = looks.into_iter().map(|look| at(start + look)).collect();
        looks.sort_unstable();
        for look in looks {
            let next = next_moment(&life.clocks);
            let brought = life.bring(look);
            prop_assert_eq!(brought.is_empty(), next.is_none_or(|next| look < next));
            prop_assert!(!brought.contains(&Moment::Breach) || due <= look);
        }
        life.bring(due);
        prop_assert_eq!(life.clock().breached_at, Some(due));
        prop_assert_eq!(life.bring(due + SignedDuration::from_hours(99_999)), []);
    }

    /// A pause keeps what was left, and adds what it took: in hours to the
    /// instant, in days by whole weeks to the day.
    #[test]
    fn a_pause_keeps_the_remainder(
        length in 1..60_u32,
        unit in unit(),
        used in 0..100_u32,
        weeks in 0..9_i64,
        exact in 0..100 * HOUR,
    ) {
        // Without holidays one week is like another.
        let mut life = Life::of(&clock(length, unit));
        life.calendars.values_mut().for_each(|calendar| {
            calendar.holidays.clear();
            calendar.time_zone = TimeZone::UTC;
        });
        life.event("received", at(0));
        let due = life.due();
        let asked = due.duration_since(at(0)).as_secs() * i64::from(used) / 100;
        life.event("asked", at(asked));
        let paused = if unit == ClockUnit::Hours { exact } else { weeks * 7 * DAY };
        life.event("told", at(asked + paused));
        prop_assert_eq!(life.due(), due + SignedDuration::from_secs(paused));
        prop_assert_eq!(life.clock().started_at, Some(at(0)));
    }

    /// Over holidays and changes of clocks too, neither pauses nor extensions ever
    /// bring the end forward, and a longer extension never ends earlier.
    #[test]
    fn the_end_only_moves_away(
        length in 1..60_u32,
        unit in unit(),
        start in 0..700 * DAY,
        steps in prop::collection::vec((0..3_u8, 0..20 * DAY, 1..40_u32), 0..8),
    ) {
        let mut life = Life::of(&clock(length, unit));
        life.event("received", at(start));
        let (mut now, mut due) = (start, life.due());
        for (step, after, longer) in steps {
            now += after;
            if life.clock().state == ClockState::Running && at(now) >= due {
                break;
            }
            match step {
                0 => life.event("asked", at(now)),
                1 => life.event("told", at(now)),
                _ => {
                    let before = life.clocks.clone();
                    life.extend(longer.min(length), at(now));
                    let far = life.due();
                    life.clocks = before;
                    life.extend(longer.min(length).div_ceil(2), at(now));
                    prop_assert!(life.due() <= far);
                }
            }
            prop_assert!(life.due() >= due, "{:?}", life.clock());
            due = life.due();
        }
    }

    /// Whether or not anybody looked in between, and in whatever order things are
    /// noticed: a limit that ran out before the answer is breached.
    #[test]
    fn no_order_of_events_loses_a_breach(
        length in 1..30_u32,
        unit in unit(),
        answered in 0..90 * DAY,
        look in prop::option::of(0..90 * DAY),
    ) {
        let mut life = Life::running(&clock(length, unit));
        let due = life.due();
        if let Some(look) = look.filter(|look| *look <= answered) {
            life.bring(at(look));
        }
        life.event("answered", at(answered));
        if let Some(look) = look.filter(|look| *look > answered) {
            prop_assert_eq!(life.bring(at(look)), []);
        }
        let late = due <= at(answered);
        prop_assert_eq!(life.clock().breached_at, late.then_some(due));
        prop_assert_eq!(life.clock().ended_at, Some(at(answered)));
    }
}

/// Limits far beyond any law end beyond time, and nowhere else.
#[test]
fn no_length_is_too_long_to_be_counted() {
    use ClockUnit::{Days, Hours, Months, WorkingDays};
    for length in [100_000, u32::MAX] {
        for unit in [Hours, Days, WorkingDays, Months] {
            let mut life = Life::running(&clock(length, unit));
            life.event("asked", at(DAY));
            life.extend(length, at(2 * DAY));
            life.event("told", at(3 * DAY));
            life.extend(length, at(4 * DAY));
            assert!(life.clock().due_at.is_none_or(|due| due > at(DAY)));
        }
    }
}
