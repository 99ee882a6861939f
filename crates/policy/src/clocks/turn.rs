//! What happens to the time limits of a case when something happens in it.

use std::sync::Arc;

use comity_domain::{BoundParty, CaseClock, Clock, ClockState};
use jiff::Timestamp;

use super::{Arrival, Calendars, Turn, moment};
use crate::findings::{ISSUED, RECEIVED};

impl Calendars<'_> {
    /// Lets a turn take effect at an instant. A clock that had run out by then
    /// counts as run out, whether or not anybody has noticed.
    pub fn turn(&self, clocks: &mut Vec<CaseClock>, turn: Turn<'_>, at: Timestamp) {
        for clock in clocks.iter_mut() {
            moment::run_out(clock, at);
        }
        match turn {
            Turn::Event(event) => {
                for clock in clocks.iter_mut() {
                    self.event(clock, event, at);
                }
                self.resumed(clocks, event, at);
            }
            Turn::Decided {
                clocks: decided,
                arrival,
            } => self.decided(clocks, decided, arrival, at),
            Turn::Extended {
                rule,
                length,
                reason,
            } => {
                let clock = clocks.iter_mut().find(|clock| clock.rule == *rule);
                if let Some(clock) = clock {
                    self.extended(clock, length, reason);
                }
            }
            Turn::Obliged(clock) => {
                let known = clocks.iter_mut().find(|known| known.rule == clock.rule);
                match known {
                    Some(known) => take_up(known),
                    None => {
                        let mut clock = clock.clone();
                        match clock.last_day {
                            Some(day) => self.begin_until(&mut clock, at, day),
                            None => self.start(&mut clock, at),
                        }
                        clocks.push(clock);
                    }
                }
            }
            Turn::Lifted(rule) => {
                let mut lifted = clocks.iter_mut().filter(|clock| clock.rule == *rule);
                lifted.by_ref().for_each(|clock| set_aside(clock, at));
            }
            Turn::Over => clocks.iter_mut().for_each(|clock| set_aside(clock, at)),
        }
    }

    fn event(&self, clock: &mut CaseClock, event: &str, at: Timestamp) {
        let terms = &clock.terms;
        let [stops, suspends] = [&terms.stops, &terms.suspends].map(|events| names(events, event));
        let starts = *terms.starts == *event;
        match clock.state {
            ClockState::Running | ClockState::Paused if stops => {
                clock.state = ClockState::Met;
                clock.ended_at = Some(at);
            }
            ClockState::Running if suspends => self.pause(clock, at),
            ClockState::Breached if stops && clock.ended_at.is_none() => {
                clock.ended_at = Some(at);
            }
            // What would end it has come before it could begin. What holds data back
            // is not to be disarmed so.
            ClockState::Waiting if stops && !starts && !terms.holds_release => {
                set_aside(clock, at);
            }
            ClockState::Running
            | ClockState::Paused
            | ClockState::Breached
            | ClockState::Waiting
            | ClockState::Met
            | ClockState::Lapsed => {}
        }
        // What was done, in time or late, may have to be done again.
        let again = !clock.is_open() && clock.state != ClockState::Lapsed;
        if starts && again {
            self.start(clock, at);
        }
    }

    /// Lets run again what an event resumes, unless something else for which it
    /// stands still goes on: a clock that began with an event that suspends it.
    fn resumed(&self, clocks: &mut [CaseClock], event: &str, at: Timestamp) {
        let open = clocks.iter().filter(|clock| clock.is_open());
        let begun: Vec<_> = open.map(|clock| Arc::clone(&clock.terms.starts)).collect();
        for clock in clocks {
            let terms = &clock.terms;
            let still = terms.suspends.iter().any(|event| begun.contains(event));
            if clock.state == ClockState::Paused && names(&terms.resumes, event) && !still {
                self.resume(clock, at);
            }
        }
    }

    fn decided(
        &self,
        clocks: &mut Vec<CaseClock>,
        decided: &[Clock],
        arrival: Arrival,
        at: Timestamp,
    ) {
        for clock in clocks.iter_mut() {
            // Those that no event begins are not the law's of the request: what set them
            // ends them.
            let of_decisions = !clock.terms.starts.is_empty();
            if of_decisions && !decided.iter().any(|new| new.rule.rule == clock.rule) {
                set_aside(clock, at);
            }
        }
        for new in decided {
            let known = clocks.iter_mut().find(|known| known.rule == new.rule.rule);
            let of_receiver = new.bound == BoundParty::Executing && *new.starts != *ISSUED;
            match known {
                None => clocks.push(self.opened(new, arrival)),
                Some(known) if known.started_at.is_none() => *known = self.opened(new, arrival),
                // Nobody has to do in time what is not there to be done, and whoever gets it
                // anew has the whole time.
                Some(known) if of_receiver && arrival == Arrival::Outstanding => {
                    set_aside(known, at);
                }
                Some(known) if of_receiver && arrival == Arrival::Now => {
                    let breached_at = known.breached_at;
                    *known = self.opened(new, arrival);
                    known.breached_at = breached_at;
                }
                Some(known) => take_up(known),
            }
        }
    }

    /// A clock that a decision names, as the case opens or is decided again.
    fn opened(&self, new: &Clock, arrival: Arrival) -> CaseClock {
        let mut clock = CaseClock::waiting(new);
        let is_there = arrival != Arrival::Outstanding || *new.starts != *RECEIVED;
        if let Some(at) = new.started_at.filter(|_| is_there) {
            self.begin(&mut clock, at, new.due_at);
        }
        clock
    }

    fn extended(&self, clock: &mut CaseClock, length: u32, reason: &str) {
        let by = clock.terms.extension.map(|law| law.by);
        let allowed = by.map_or(0, |by| super::allowance(clock, by));
        let length = length.min(allowed);
        if length > 0 {
            self.extend(clock, length);
            clock.extension_reason = reason.into();
        }
    }
}

fn names(events: &[Arc<str>], event: &str) -> bool {
    events.iter().any(|name| **name == *event)
}

/// Nothing is to be done any more.
fn set_aside(clock: &mut CaseClock, at: Timestamp) {
    if clock.is_open() || clock.state == ClockState::Waiting {
        clock.ended_at = Some(at);
        if clock.state != ClockState::Breached {
            clock.state = ClockState::Lapsed;
        }
    }
}

/// A clock that was set aside before its time goes on as if it had not been.
fn take_up(clock: &mut CaseClock) {
    let early = clock.due_at.is_none() || clock.ended_at < clock.due_at;
    if clock.state == ClockState::Lapsed && early {
        clock.ended_at = None;
        clock.state = match clock.paused_since {
            Some(_) => ClockState::Paused,
            None => ClockState::Running,
        };
    }
}
