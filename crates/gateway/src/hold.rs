//! Holds: while a time limit runs during which the law lets no data pass, what
//! came back is recorded and stays sealed.
//!
//! It stands beside the case until then, not in it, so that whatever shows a case
//! cannot show it. The event `released` puts it in its place.

use comity::v1::{self, ClockState, HoldState, ResultKind};
use comity_domain::{CaseClock, CaseState, RunsOut};
use comity_ledger::Leaf;
use comity_policy::{LIFTED, REMEDIED};
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};

use crate::{
    cases::CaseAt,
    clocks::{self, Happened},
    conditions,
    happen::Event,
    wire::encoded::{self, merge},
};

/// A ground is raised.
pub(crate) const OBJECTED: &str = "objected";
/// Events of the vocabulary after which what is held never passes.
const FOREVER: [&str; 3] = [OBJECTED, LIFTED, REMEDIED];

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
        .filter(|hold| !before.contains(hold) && !is_forever(before, &hold.clock_id))
        .collect();
    let mut holds = before.to_vec();
    merge(&mut holds, adds.holds.clone(), |hold| &hold.clock_id);
    if keeps(&holds) && adds.result.as_ref().is_some_and(tells) {
        adds.kept.get_or_insert_default().held = adds.result.take();
        // What binds whoever has the data binds once they are released.
        adds.conditions.clear();
    }
}

/// What a hold kept never passes.
pub(crate) fn is_forever(holds: &[v1::Hold], clock: &str) -> bool {
    let mut forever = holds
        .iter()
        .filter(|hold| hold.state() == HoldState::Objected);
    forever.any(|hold| hold.clock_id == clock)
}

/// Whether data of a case begin to be held by an event, as its clocks stand: it is
/// within the time that the law has for it, and there is something yet to hold.
pub(crate) fn begins(case: &CaseAt, clocks: &[CaseClock], event: &str) -> bool {
    let lapse = |clock: &&CaseClock| clock.terms.runs_out == RunsOut::Lapse && clock.ends_by(event);
    let mut limits = clocks.iter().filter(lapse).peekable();
    let in_time = limits.peek().is_none() || limits.any(CaseClock::is_open);
    let would = |clock: &CaseClock| {
        let closed = !clock.is_open() && clock.state != comity_domain::ClockState::Lapsed;
        let terms = &clock.terms;
        terms.holds_release
            && *terms.starts == *event
            && closed
            && !is_forever(&case.snapshot.holds, clock.rule.as_str())
    };
    let yet = case.row.state.is_under_way() || is_held(&case.snapshot);
    yet && in_time && clocks.iter().any(would)
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
    let result = case.snapshot.kept().held.clone();
    let shown = result.clone().map(v1::Result::decode).and_then(Result::ok);
    let obligations = shown.unwrap_or_default().obligations;
    let mut conditions = conditions::added(&case.snapshot.conditions, &obligations);
    if case.row.state == CaseState::Concluded {
        // With what is released, before anybody was bound by what came with it.
        conditions::happened(&mut conditions, "concluded", at);
    }
    let adds = encoded::Case {
        conditions,
        result,
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
    v1::Result::decode(result.clone()).map_or(true, |result| {
        result.kind() != ResultKind::NotExecuted || result.data.is_some()
    })
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
