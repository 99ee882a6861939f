//! Holds: while a time limit runs during which the law lets no data pass, what
//! came back is recorded and stays sealed.
//!
//! It stands beside the case until then, not in it, so that whatever shows a case
//! cannot show it. The event `released` puts it in its place.

use comity::v1::{self, ClockState, HoldState, ResultKind};
use comity_domain::CaseState;
use comity_ledger::Leaf;
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};

use crate::{
    cases::CaseAt,
    clocks::{self, Happened},
    happen::Event,
    wire::encoded::{self, merge},
};

/// Events of the vocabulary: a ground is raised; the court of the issuing State
/// lifts an order to which the law of a third country was objected.
pub(crate) const OBJECTED: &str = "objected";
pub(crate) const LIFTED: &str = "order-lifted";
/// Events after which what is held never passes.
const FOREVER: [&str; 2] = [OBJECTED, LIFTED];

/// Whether the law keeps data of a case from the issuing side: the one place that
/// says so, for results and for whatever else holds data.
pub(crate) fn keeps(holds: &[v1::Hold]) -> bool {
    let mut states = holds.iter().map(v1::Hold::state);
    states.any(|state| matches!(state, HoldState::On | HoldState::Objected))
}

/// Lets an event take effect by which a case comes to stand at `to`: what its time
/// limits mean for the holds, and what it would show while one is on.
pub(crate) fn take_effect(
    before: &[v1::Hold],
    changed: &[v1::CaseClock],
    (happened, to): (&[Happened], CaseState),
    adds: &mut encoded::Case,
) {
    let forever = |happened: &Happened| matches!(happened, Happened::Event(event) if FOREVER.contains(&&**event));
    // A hold is not lifted by the end of the case that it held.
    let forever = clocks::is_over(to) || happened.iter().any(forever);
    let holding = changed.iter().filter(|clock| clock.holds_release);
    adds.holds = holding
        .filter_map(|clock| hold(clock, forever))
        .filter(|hold| !before.contains(hold))
        .collect();
    let mut holds = before.to_vec();
    merge(&mut holds, adds.holds.clone(), |hold| &hold.clock_id);
    if keeps(&holds) && adds.result.as_ref().is_some_and(tells) {
        adds.kept.get_or_insert_default().held = adds.result.take();
    }
}

/// The result of a case is sealed and nothing keeps it any more.
pub(crate) fn is_ripe(case: &encoded::Case) -> bool {
    is_held(case) && !keeps(&case.holds)
}

/// The result of a case is sealed.
pub(crate) fn is_held(case: &encoded::Case) -> bool {
    let kept = case.kept.as_ref();
    case.result.is_none() && kept.is_some_and(|kept| kept.held.is_some())
}

/// The event by which a result that is ripe is released.
pub(crate) fn release(case: &CaseAt, at: Timestamp) -> Event {
    let leaf = Leaf {
        note: Some("nothing holds the result any more: it is released".to_owned()),
        ..Leaf::new(at, "released", "gateway")
    };
    let adds = encoded::Case {
        result: case.snapshot.kept().held,
        ..encoded::Case::default()
    };
    Event {
        told: true,
        ..Event::new(leaf, case.row.state, adds)
    }
}

/// A result tells something of what was found, be it that nothing was.
pub(crate) fn tells(result: &Bytes) -> bool {
    // What cannot be read is kept.
    v1::Result::decode(result.clone())
        .map_or(true, |result| result.kind() != ResultKind::NotExecuted)
}

/// The hold that a clock is, unless it has never run.
fn hold(clock: &v1::CaseClock, forever: bool) -> Option<v1::Hold> {
    clock.started_at?;
    let ended = clock.ended_at.is_some();
    let state = match clock.state() {
        ClockState::Unspecified | ClockState::Waiting => return None,
        ClockState::Running | ClockState::Paused => HoldState::On,
        ClockState::Breached if !ended => HoldState::On,
        ClockState::Met | ClockState::Breached | ClockState::Lapsed if forever => {
            HoldState::Objected
        }
        ClockState::Met | ClockState::Breached => HoldState::Lifted,
        ClockState::Lapsed => HoldState::Lapsed,
    };
    Some(v1::Hold {
        clock_id: clock.clock_id.clone(),
        state: state.into(),
        since: clock.started_at,
        until: clock.due_at,
        ended_at: clock.ended_at,
    })
}
