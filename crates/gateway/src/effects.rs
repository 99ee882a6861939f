//! What an event means for the time limits of its case, and what these mean for
//! holds and conditions: in this order, since each rests on the one before.

use comity_domain::CaseState;
use comity_policy::Calendars;
use comity_store::CaseChange;
use jiff::Timestamp;

use crate::{
    clocks::{self, Happened},
    conditions, hold,
    refusal::Refusal,
    wire::encoded,
};

/// Lets an event take effect by which a case comes to stand at a state. Answers
/// what it adds to the case, and when the case has to be looked at although nobody
/// asks.
///
/// # Errors
/// The case's record cannot be read.
pub(crate) fn of(
    calendars: Calendars<'_>,
    (before, row): (&encoded::Case, &CaseChange),
    mut adds: encoded::Case,
    mut happened: Vec<Happened>,
    when: (CaseState, Timestamp),
) -> Result<(encoded::Case, Option<Timestamp>), Refusal> {
    let running = clocks::of(&before.clocks)?;
    let mut limits = clocks::after(calendars, &running, &happened, when);
    hold::take_effect(
        &before.holds,
        &limits.changed,
        (&happened, when.0),
        &mut adds,
    );
    let obliged = conditions::take_effect((before, row), &mut adds, &happened, when.1);
    if !obliged.is_empty() {
        happened.extend(obliged);
        limits = clocks::after(calendars, &running, &happened, when);
    }
    conditions::time(&before.conditions, &mut adds, &limits.changed);
    adds.clocks = limits.changed;
    Ok((adds, limits.wake_at))
}
