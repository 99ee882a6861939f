//! What follows when time alone brings something to a case: the one place that
//! says so.

use comity_domain::{BoundParty, CaseClock, CaseState};
use comity_ledger::Leaf;
use comity_policy::{Brought, Moment, bring};
use jiff::Timestamp;

use super::{Happened, of};
use crate::{cases::CaseAt, happen::Event, hold, refusal::Refusal, wire::encoded};

/// Events of the vocabulary.
pub(crate) const VALIDATED: &str = "validated";
pub(crate) const NOT_VALIDATED: &str = "validation-refused";
/// What had to be done by a time limit was not.
pub(crate) const BREACHED: &str = "clock-breached";

/// The first thing that time has brought to a case by an instant, as an event to
/// be filed; `None` where there is none. What nothing holds any more is released
/// before anything else; that is no moment of a time limit.
///
/// # Errors
/// The case's record cannot be read.
pub(crate) fn brought(
    case: &CaseAt,
    at: Timestamp,
) -> Result<Option<(Option<Moment>, Event)>, Refusal> {
    if case.row.wake_at.is_none_or(|wake_at| at < wake_at) {
        return Ok(None);
    }
    if hold::is_ripe(&case.snapshot) {
        return Ok(Some((None, hold::release(case, at))));
    }
    let mut clocks = of(&case.snapshot.clocks)?;
    let brought = bring(&mut clocks, at);
    Ok(brought.map(|brought| (Some(brought.moment), event(case, &brought, at))))
}

/// What is recorded, where the case goes, and who is told. What waits for a limit
/// to lapse, or must end with one that is breached, is moved by the same event.
fn event(case: &CaseAt, brought: &Brought, at: Timestamp) -> Event {
    let Brought { moment, clock } = brought;
    let to = match moment {
        Moment::Expiry if case.row.state.step(CaseState::Expired).is_ok() => CaseState::Expired,
        Moment::Reminder | Moment::Breach | Moment::Lapse | Moment::Expiry => case.row.state,
    };
    let leaf = Leaf {
        note: Some(note(*moment, clock)),
        rules: vec![clock.rule.to_string()],
        ..Leaf::new(at, kind(*moment), "gateway")
    };
    let refused = is_validation(*moment, clock).then(|| Happened::Event(NOT_VALIDATED.into()));
    Event {
        told: is_told(*moment, clock),
        clocks: [Happened::Time].into_iter().chain(refused).collect(),
        ..Event::new(leaf, to, encoded::Case::default())
    }
}

/// A validation that had to follow did not come in time: the law treats it as
/// refused.
fn is_validation(moment: Moment, clock: &CaseClock) -> bool {
    moment == Moment::Breach && clock.ends_by(VALIDATED)
}

/// Whether the executing system is told: of what it must do soon, and of every
/// end.
fn is_told(moment: Moment, clock: &CaseClock) -> bool {
    match moment {
        Moment::Reminder => clock.terms.bound == BoundParty::Executing,
        Moment::Breach | Moment::Lapse | Moment::Expiry => true,
    }
}

fn kind(moment: Moment) -> &'static str {
    match moment {
        Moment::Reminder => "clock-reminder",
        Moment::Breach => BREACHED,
        Moment::Lapse => "clock-lapsed",
        Moment::Expiry => "expired",
    }
}

fn note(moment: Moment, clock: &CaseClock) -> String {
    let citation = clock.citation.to_string();
    let limit = match citation.as_str() {
        "" => format!("`{}`", clock.terms.measures),
        cited => format!("`{}` ({cited})", clock.terms.measures),
    };
    let due = clock.due_at.unwrap_or_default();
    match moment {
        Moment::Reminder => format!("{limit} runs out at {due}"),
        Moment::Breach => format!("{limit} ran out at {due} and what it demands is not done"),
        Moment::Lapse => format!("{limit} ran out at {due}"),
        Moment::Expiry => format!("{limit} ran out at {due} and the case with it"),
    }
}
