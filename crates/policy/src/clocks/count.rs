//! When a clock is due: as it begins, as it runs again, as it is extended.
//!
//! A limit in hours keeps to the instant what is left of it, one in days its
//! days: the day on which it stops counts as used, that on which it runs again
//! does not count, as the day of the event does not (Regulation 1182/71 Art.
//! 3(1)). Neither a pause nor an extension ever brings the end forward.

use comity_domain::{CaseClock, ClockState, ClockTerms, ClockUnit};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::Calendars;
use crate::{model::Calendar, periods};

impl<'a> Calendars<'a> {
    fn of(&self, terms: &ClockTerms) -> Option<&'a Calendar> {
        self.0.get(terms.calendar.as_ref()?)
    }

    /// Sets a clock going from the beginning.
    pub(super) fn start(&self, clock: &mut CaseClock, at: Timestamp) {
        let terms = &clock.terms;
        let due = periods::due(at, terms.length, terms.unit, self.of(terms));
        self.begin(clock, at, due);
    }

    /// The same where its last day is known.
    pub(super) fn begin_until(&self, clock: &mut CaseClock, at: Timestamp, day: Date) {
        let due = periods::end_of(day, self.of(&clock.terms));
        self.begin(clock, at, due);
    }

    /// The same where it is known when it is due.
    pub(super) fn begin(&self, clock: &mut CaseClock, at: Timestamp, due: Option<Timestamp>) {
        *clock = CaseClock {
            state: ClockState::Running,
            started_at: Some(at),
            paused_since: None,
            resumed_at: None,
            left: None,
            extended: 0,
            reminded_at: None,
            ended_at: None,
            ..clock.clone()
        };
        self.set_due(clock, due);
    }

    pub(super) fn pause(&self, clock: &mut CaseClock, at: Timestamp) {
        let Some((since, length)) = period(clock) else {
            return;
        };
        // A wall clock that was set back takes nothing from what was left.
        let at = at.max(since);
        let terms = &clock.terms;
        clock.left = Some(match (terms.unit, clock.due_at) {
            (ClockUnit::Hours, Some(due)) => whole_hours(due.duration_since(at)),
            _ => periods::left((since, length), counted_in(clock), at, self.of(terms)),
        });
        clock.paused_since = Some(at);
        clock.state = ClockState::Paused;
    }

    pub(super) fn resume(&self, clock: &mut CaseClock, at: Timestamp) {
        let Some(paused) = clock.paused_since.take() else {
            return;
        };
        let at = at.max(paused);
        clock.resumed_at = Some(at);
        clock.state = ClockState::Running;
        let (terms, calendar) = (&clock.terms, self.of(&clock.terms));
        let due = match (terms.unit, clock.due_at) {
            (ClockUnit::Hours, Some(due)) => at.checked_add(due.duration_since(paused)).ok(),
            _ => {
                let stopped = periods::day_of(paused, calendar);
                let promised = clock.last_day.map_or(0, |last| {
                    periods::working_days_between(stopped, last, calendar)
                });
                let left = clock.left.unwrap_or(0);
                periods::due_again(at, left, terms.unit, promised, calendar)
            }
        };
        self.set_due(clock, due.max(clock.due_at));
    }

    /// Adds units to a clock that runs or stands still.
    pub(super) fn extend(&self, clock: &mut CaseClock, length: u32) {
        let (terms, calendar) = (&clock.terms, self.of(&clock.terms));
        let more = |left| match (terms.unit, clock.paused_since.or(clock.resumed_at)) {
            (ClockUnit::Months, Some(since)) => {
                periods::days_of_months(since, left, length, calendar)
            }
            _ => length,
        };
        clock.left = clock.left.map(|left| left.saturating_add(more(left)));
        clock.extended = clock.extended.saturating_add(length);
        let due = match (terms.unit, clock.due_at) {
            (ClockUnit::Hours, Some(due)) => {
                let hours = SignedDuration::from_hours(i64::from(length));
                due.checked_add(hours).ok()
            }
            // What stands still is counted when it runs again.
            _ if clock.state == ClockState::Paused => return,
            _ => period(clock).and_then(|(since, length)| match clock.resumed_at {
                Some(_) => periods::due_again(since, length, terms.unit, 0, calendar),
                None => periods::due(since, length, terms.unit, calendar),
            }),
        };
        self.set_due(clock, due.max(clock.due_at));
    }

    fn set_due(&self, clock: &mut CaseClock, due: Option<Timestamp>) {
        let calendar = self.of(&clock.terms);
        clock.due_at = due;
        clock.last_day = due
            .filter(|_| clock.terms.unit.counts_days())
            .and_then(|due| due.checked_sub(SignedDuration::from_secs(1)).ok())
            .map(|last| periods::day_of(last, calendar));
    }
}

/// From when on how many units count.
fn period(clock: &CaseClock) -> Option<(Timestamp, u32)> {
    match (clock.resumed_at, clock.left) {
        (Some(resumed), Some(left)) => Some((resumed, left)),
        _ => {
            let length = clock.terms.length.saturating_add(clock.extended);
            Some((clock.started_at?, length))
        }
    }
}

/// The unit in which [`period`] counts: once it has stood still, what is left of a
/// limit in months is days.
fn counted_in(clock: &CaseClock) -> ClockUnit {
    match (clock.terms.unit, clock.left) {
        (ClockUnit::Months, Some(_)) => ClockUnit::Days,
        (unit, _) => unit,
    }
}

fn whole_hours(left: SignedDuration) -> u32 {
    u32::try_from(left.as_hours()).unwrap_or(0)
}
