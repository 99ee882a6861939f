//! What the mere passing of time brings: reminders, and limits that run out.

use comity_domain::{CaseClock, ClockState, RunsOut};
use jiff::{SignedDuration, Timestamp};

/// A reminder comes when this share of the time has passed: (of, all).
const REMINDED_AFTER: (i32, i32) = (3, 4);
/// And at least so long before the end; shorter limits have none.
const LEAST_NOTICE: SignedDuration = SignedDuration::from_hours(1);

/// Something that time brought to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// What it is.
    pub moment: Moment,
    /// The clock as it is after it.
    pub clock: CaseClock,
}

/// What time can bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A limit will run out soon.
    Reminder,
    /// A limit ran out before what it demands was done.
    Breach,
    /// The time for something is over.
    Lapse,
    /// The case is over with a limit.
    Expiry,
}

/// When time next brings something to a case; `None` if it will not.
#[must_use]
pub fn next_moment(clocks: &[CaseClock]) -> Option<Timestamp> {
    clocks.iter().filter_map(next).min()
}

/// Lets the first thing take effect that time has brought by `now`; `None` where
/// there is none. What has run out is no longer reminded of.
pub fn bring(clocks: &mut [CaseClock], now: Timestamp) -> Option<Brought> {
    let due = |clock: &CaseClock| next(clock).filter(|at| *at <= now);
    let clock = clocks.iter_mut().filter(|clock| due(clock).is_some());
    let clock = clock.min_by_key(|clock| next(clock))?;
    let moment = run_out(clock, now).unwrap_or_else(|| {
        clock.reminded_at = Some(now);
        Moment::Reminder
    });
    Some(Brought {
        moment,
        clock: clock.clone(),
    })
}

/// A clock that has run out by `now` is what the law makes of it.
pub(super) fn run_out(clock: &mut CaseClock, now: Timestamp) -> Option<Moment> {
    let due = clock.due_at.filter(|due| *due <= now)?;
    if clock.state != ClockState::Running {
        return None;
    }
    let moment = match clock.terms.runs_out {
        RunsOut::Breach => Moment::Breach,
        RunsOut::Lapse => Moment::Lapse,
        RunsOut::Expire => Moment::Expiry,
    };
    if moment == Moment::Breach {
        clock.state = ClockState::Breached;
        clock.breached_at = Some(due);
    } else {
        clock.state = ClockState::Lapsed;
        clock.ended_at = Some(due);
    }
    Some(moment)
}

/// When time next brings something to a clock.
fn next(clock: &CaseClock) -> Option<Timestamp> {
    let due = clock
        .due_at
        .filter(|_| clock.state == ClockState::Running)?;
    let reminder = remind_at(clock, due);
    let outstanding = reminder.filter(|at| clock.reminded_at.is_none_or(|last| last < *at));
    Some(outstanding.unwrap_or(due))
}

/// When to remind of a clock. An extension or a pause puts it off, so that there
/// may be another one then.
fn remind_at(clock: &CaseClock, due: Timestamp) -> Option<Timestamp> {
    let since = clock.resumed_at.or(clock.started_at)?;
    let (of, all) = REMINDED_AFTER;
    let share = due
        .duration_since(since)
        .checked_mul(of)?
        .checked_div(all)?;
    let at = since.checked_add(share).ok()?;
    let latest = due.checked_sub(LEAST_NOTICE).ok()?;
    Some(at.min(latest)).filter(|at| *at > since)
}
