//! What follows when time alone brings something to a case: the one place that
//! says so.

use comity_domain::{BoundParty, CaseClock, CaseState};
use comity_ledger::Leaf;
use comity_policy::{Brought, Moment, bring};
use jiff::Timestamp;

use super::{Happened, of};
use crate::{
    cases::{CaseAt, was_delivered},
    happen::Event,
    record,
    refusal::Refusal,
    wire::encoded,
};

/// The first thing that time has brought to a case by an instant, as an event to
/// be filed; `None` where there is none.
///
/// # Errors
/// The case's record cannot be read.
pub(crate) fn brought(case: &CaseAt, at: Timestamp) -> Result<Option<(Moment, Event)>, Refusal> {
    if case.row.wake_at.is_none_or(|wake_at| at < wake_at) {
        return Ok(None);
    }
    let mut clocks = of(&case.snapshot.clocks)?;
    let brought = bring(&mut clocks, at);
    Ok(brought.map(|brought| (brought.moment, event(case, &brought, at))))
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
    let told = is_told(*moment, clock) && was_delivered(case.row.state);
    let notice = told.then(|| record::notice(&case.row, case.version + 1, at));
    Event {
        enqueue: notice.into_iter().collect(),
        clocks: vec![Happened::Time],
        ..Event::new(leaf, to, encoded::Case::default())
    }
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
        Moment::Breach => "clock-breached",
        Moment::Lapse => "clock-lapsed",
        Moment::Expiry => "expired",
    }
}

fn note(moment: Moment, clock: &CaseClock) -> String {
    let limit = format!("`{}` ({})", clock.terms.measures, clock.citation);
    let due = clock.due_at.unwrap_or_default();
    match moment {
        Moment::Reminder => format!("{limit} runs out at {due}"),
        Moment::Breach => format!("{limit} ran out at {due} and what it demands is not done"),
        Moment::Lapse => format!("{limit} ran out at {due}"),
        Moment::Expiry => format!("{limit} ran out at {due} and the case with it"),
    }
}
