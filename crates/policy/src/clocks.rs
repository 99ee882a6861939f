//! The life of a case's time limits: what happens to them when something
//! happens in the case, and what the mere passing of time brings.
//!
//! Nothing here looks at a clock or keeps anything: the time is passed in, and
//! the limits are what they were told to be.

mod count;
mod moment;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::BTreeMap;

use comity_domain::{BoundParty, CaseClock, Clock, ClockState, JurisdictionCode, RuleId};

pub use self::moment::{Brought, Moment, bring, next_moment};
use crate::model::Calendar;

/// The calendars by which time limits in days are counted.
#[derive(Debug, Clone, Copy)]
pub struct Calendars<'a>(pub(crate) &'a BTreeMap<JurisdictionCode, Calendar>);

/// No calendars: only Saturdays and Sundays are free, and days are those of UTC.
impl Default for Calendars<'_> {
    fn default() -> Self {
        static NONE: BTreeMap<JurisdictionCode, Calendar> = BTreeMap::new();
        Self(&NONE)
    }
}

/// When the executing side got a request that is decided, be it to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It does not have it, or not any more.
    Outstanding,
    /// By this decision: for the first time, or anew after it was taken back.
    Now,
    /// Before; it still has it.
    Before,
}

/// Something that bears on the time limits of a case.
#[derive(Debug, Clone, Copy)]
pub enum Turn<'a> {
    /// Something happened, by its name in the vocabulary.
    Event(&'a str),
    /// A decision takes effect, in the place of the one before if there was one.
    Decided {
        /// The time limits that it names.
        clocks: &'a [Clock],
        /// Whether the executing side has the request.
        arrival: Arrival,
    },
    /// A side extends a limit that runs or stands still.
    Extended {
        /// Which one.
        rule: &'a RuleId,
        /// By how many units; no further than the law allows.
        length: u32,
        /// Why.
        reason: &'a str,
    },
    /// A condition has to be met in time from now on; one that was set aside goes
    /// on.
    Obliged(&'a CaseClock),
    /// What a limit was set for has fallen away.
    Lifted(&'a RuleId),
    /// The case is over, and with it whatever was to be done in time.
    Over,
}

/// By how many units a side may extend a clock now; 0 where it may not.
#[must_use]
pub fn allowance(clock: &CaseClock, by: BoundParty) -> u32 {
    let runs = matches!(clock.state, ClockState::Running | ClockState::Paused);
    let extension = clock.terms.extension.filter(|law| runs && law.by == by);
    extension.map_or(0, |law| law.length.saturating_sub(clock.extended))
}
