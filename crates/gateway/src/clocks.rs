//! The time limits of a case: what its events mean for them, and what follows
//! when time alone brings something.
//!
//! Whoever files an event says what it means ([`Happened`]); `happen::file` lets
//! it take effect, and looks first at what time has brought until then.

mod brought;
pub(crate) mod engine;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::Arc};

use comity::v1;
use comity_domain::{
    BoundParty, CaseClock, CaseState, Clock, ClockTerms, ClockUnit, Decision, Executing, RuleId,
    RunsOut,
};
use comity_policy::{Arrival, Calendars, RECEIVED, Turn, bring, next_moment};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

pub(crate) use self::brought::{BREACHED, NOT_VALIDATED, VALIDATED, brought};
use crate::{
    cases::CaseAt,
    refusal::Refusal,
    wire::{self, from_proto, to_proto},
};

/// Id of the clock of a postponement.
pub(crate) const POSTPONEMENT: &str = "postponement";

/// What an event means for the time limits of its case.
#[derive(Debug, Clone)]
pub(crate) enum Happened {
    /// Something of the vocabulary's events.
    Event(Cow<'static, str>),
    /// A decision takes effect; made by [`decided`].
    Decided {
        clocks: Vec<Clock>,
        arrival: Arrival,
    },
    /// A side extends a limit.
    Extended {
        rule: RuleId,
        length: u32,
        reason: String,
    },
    /// A condition has to be met in time from now on.
    Obliged(Box<CaseClock>),
    /// A condition does not have to be met any more, or what was postponed is not to be done.
    Lifted(RuleId),
    /// Recognition or execution is postponed until then.
    PostponedUntil(Timestamp),
    /// The first thing that time has brought.
    Time,
}

/// Time limits after an event.
#[derive(Debug)]
pub(crate) struct After {
    /// Those that changed, for the event's record.
    pub(crate) changed: Vec<v1::CaseClock>,
    /// When the case has to be looked at although nobody asks.
    pub(crate) wake_at: Option<Timestamp>,
}

/// What a decision means for the time limits, be it the first of the case or one
/// that takes the place of another: its own run or wait, those that run already
/// go on, and what it no longer names is set aside.
pub(crate) fn decided(
    before: Option<&v1::Decision>,
    decision: &Decision,
    executing: &Executing,
) -> Happened {
    let referred = decision.referrals.iter();
    let referred = referred.map(|referral| referral.jurisdiction.as_str());
    let is_there = has(executing, to_proto::outcome(decision.outcome), referred);
    let was_there = before.is_some_and(|before| has_by(executing, before));
    Happened::Decided {
        clocks: decision.clocks.clone(),
        arrival: match (is_there, was_there) {
            (false, _) => Arrival::Outstanding,
            (true, false) => Arrival::Now,
            (true, true) => Arrival::Before,
        },
    }
}

/// Whether the executing side has the request once it is so decided: what the
/// requester must mend first, or the issuing State judge, has not reached it.
fn has<'d>(
    executing: &Executing,
    outcome: v1::Outcome,
    mut referred_to: impl Iterator<Item = &'d str>,
) -> bool {
    match outcome {
        v1::Outcome::Approved => true,
        v1::Outcome::Referred => referred_to.any(|state| state == executing.0.as_str()),
        v1::Outcome::Incomplete | v1::Outcome::Refused | v1::Outcome::Unspecified => false,
    }
}

fn has_by(executing: &Executing, decision: &v1::Decision) -> bool {
    let referred = decision.referrals.iter();
    let referred = referred.map(|referral| referral.jurisdiction.as_str());
    has(executing, decision.outcome(), referred)
}

/// Since when the executing side has a request that was so decided, by the time limits that
/// count from then; `None` where it does not have it, or none does.
pub(crate) fn arrived(decision: &v1::Decision, executing: &Executing) -> Option<Timestamp> {
    match has_by(executing, decision) {
        true => counted_from(decision),
        false => None,
    }
}

/// From when the time limits of a decision are counted that count from when the request is
/// received.
pub(crate) fn counted_from(decision: &v1::Decision) -> Option<Timestamp> {
    let mut clocks = decision.clocks.iter();
    let received = clocks.find(|clock| clock.starts == RECEIVED)?;
    received.started_at.and_then(from_proto::timestamp)
}

/// The time limits of a case after an event by which it comes to stand at `to`.
pub(crate) fn after(
    calendars: Calendars<'_>,
    before: &[CaseClock],
    happened: &[Happened],
    (to, at): (CaseState, Timestamp),
) -> After {
    let over = is_over(to);
    let mut over_at = at;
    let mut clocks = before.to_vec();
    for happened in happened {
        let turn = match happened {
            Happened::Event(event) => Turn::Event(event),
            // Of a case that is over nothing new begins to run.
            Happened::Decided { .. } if over => continue,
            Happened::Decided { clocks, arrival } => Turn::Decided {
                clocks,
                arrival: *arrival,
            },
            Happened::Extended {
                rule,
                length,
                reason,
            } => Turn::Extended {
                rule,
                length: *length,
                reason,
            },
            Happened::Obliged(clock) => Turn::Obliged(clock),
            Happened::Lifted(rule) => Turn::Lifted(rule),
            Happened::PostponedUntil(until) => {
                postpone(&mut clocks, *until, at);
                continue;
            }
            Happened::Time => {
                // A case that expired was over then, whenever somebody looks.
                let brought = bring(&mut clocks, at);
                over_at = brought
                    .and_then(|brought| brought.clock.ended_at)
                    .unwrap_or(at);
                continue;
            }
        };
        calendars.turn(&mut clocks, turn, at);
    }
    if over {
        calendars.turn(&mut clocks, Turn::Over, over_at);
    }
    let changed = clocks.iter().filter(|clock| !before.contains(clock));
    After {
        changed: changed.map(wire::clock::show).collect(),
        wake_at: next_moment(&clocks),
    }
}

/// Sets a clock for the time until which execution is postponed: no law sets it,
/// but its end must not be missed.
fn postpone(clocks: &mut Vec<CaseClock>, until: Timestamp, at: Timestamp) {
    let Ok(rule) = POSTPONEMENT.parse::<RuleId>() else {
        return;
    };
    clocks.retain(|clock| clock.rule != rule);
    let events = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
    let terms = ClockTerms {
        measures: Arc::from(POSTPONEMENT),
        length: 0,
        unit: ClockUnit::Hours,
        starts: Arc::from(""),
        stops: events(&[
            "recognised",
            "progress",
            "concluded",
            "not-executed",
            "withdrawn",
        ]),
        suspends: Vec::new(),
        resumes: Vec::new(),
        calendar: None,
        extension: None,
        runs_out: RunsOut::Lapse,
        holds_release: false,
        bound: BoundParty::Executing,
    };
    clocks.push(CaseClock::between(rule, terms, at, until));
}

/// That what was postponed is not to be done any more.
pub(crate) fn not_postponed() -> Option<Happened> {
    POSTPONEMENT.parse().ok().map(Happened::Lifted)
}

/// The day of an instant in UTC.
pub(crate) fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// The time limits of a case as its record has them.
///
/// # Errors
/// A record that no gateway writes.
pub(crate) fn of(clocks: &[v1::CaseClock]) -> Result<Vec<CaseClock>, Refusal> {
    let clocks = clocks.iter().cloned().map(wire::clock::read);
    clocks
        .collect::<Result<_, _>>()
        .map_err(|error| Refusal::Internal(Box::new(error)))
}

/// The time limits of a case at an instant: whether or not anybody has noticed that
/// one has run out.
///
/// # Errors
/// As [`of`].
pub(crate) fn at(case: &CaseAt, at: Timestamp) -> Result<Vec<CaseClock>, Refusal> {
    let mut clocks = of(&case.snapshot.clocks)?;
    while bring(&mut clocks, at).is_some() {}
    Ok(clocks)
}

/// A clock of a case that an event ends at an instant, if any is open then.
///
/// # Errors
/// As [`of`].
pub(crate) fn ended_by(
    case: &CaseAt,
    event: &str,
    at: Timestamp,
) -> Result<Option<CaseClock>, Refusal> {
    let clocks = self::at(case, at)?.into_iter();
    Ok(clocks
        .filter(CaseClock::is_open)
        .find(|clock| clock.ends_by(event)))
}

/// Nothing is to be done in time any more. After execution some limits run on:
/// for objections, for keeping data, for having an order enforced.
pub(crate) fn is_over(state: CaseState) -> bool {
    match state {
        CaseState::Refused | CaseState::Withdrawn | CaseState::Expired => true,
        CaseState::Received
        | CaseState::Incomplete
        | CaseState::UnderReview
        | CaseState::Approved
        | CaseState::Delivering
        | CaseState::Acknowledged
        | CaseState::Executing
        | CaseState::Postponed
        | CaseState::Concluded
        | CaseState::NotExecuted => false,
    }
}
