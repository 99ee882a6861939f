//! What a side may add to a case by itself. A case keeps all that was said of it, and is
//! read whole with every change: what could be said without end would make it too large to
//! be moved.
//!
//! Whatever ends, protects or corrects a case is not counted here. It comes as often as
//! there is something to end, protect or correct, which only what is counted brings about.

use comity::v1::{CaseState, ClockState, ConditionState};
use comity_domain::BoundParty;

use crate::{
    clocks::POSTPONEMENT,
    conditions,
    identity::{Caller, Role},
    refusal::Refusal,
    wire::encoded::{Added, Case, Kept},
};

/// Most bytes of records that a side may add: as much as a single record may have.
const BYTES: u64 = comity_store::MAX_BLOB_BYTES as u64;

/// Who adds to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Issuing,
    Executing,
    /// Who asks on behalf of those who decide.
    Reviewing,
}

/// What an event is for the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adding {
    /// It goes through whatever was added before: it ends, protects or corrects.
    Always,
    /// A report. Beyond the limit it goes through where something hangs on it.
    Report(Side),
    /// What a side may do again and again, and need not.
    Again(Side),
}

impl Side {
    pub(crate) fn of(caller: &Caller) -> Self {
        match (caller.role, caller.role.side()) {
            (Role::Reviewer, _) => Self::Reviewing,
            (_, BoundParty::Issuing) => Self::Issuing,
            (_, BoundParty::Executing) => Self::Executing,
        }
    }

    fn added(self, kept: &Kept) -> Option<Added> {
        match self {
            Self::Issuing => kept.issuing_added,
            Self::Executing => kept.executing_added,
            Self::Reviewing => kept.reviewing_added,
        }
    }

    fn set(self, kept: &mut Kept, added: Added) {
        let of_side = match self {
            Self::Issuing => &mut kept.issuing_added,
            Self::Executing => &mut kept.executing_added,
            Self::Reviewing => &mut kept.reviewing_added,
        };
        *of_side = Some(added);
    }
}

/// Counts what an event adds, by a record of so many `bytes`.
///
/// # Errors
/// The side has reached the limit of so many events, or of bytes.
pub(crate) fn count(
    (adding, limit): (Adding, u32),
    before: &Case,
    adds: &mut Case,
    bytes: usize,
) -> Result<(), Refusal> {
    let (side, may_matter) = match adding {
        Adding::Always => return Ok(()),
        Adding::Report(side) => (side, true),
        Adding::Again(side) => (side, false),
    };
    let Added { events, bytes: sum } = side.added(before.kept()).unwrap_or_default();
    let added = Added {
        events: events.saturating_add(1),
        bytes: sum.saturating_add(bytes as u64),
    };
    let full = added.events > limit || added.bytes > BYTES;
    if full && !(may_matter && matters(before, adds)) {
        return Err(Refusal::NotNow(format!(
            "this side has added {events} events and {sum} bytes to the case, of which it may add \
             {limit} and {BYTES}: what ends, protects or corrects the case still goes through; say \
             what else there is with the result, or in a request of its own"
        )));
    }
    side.set(adds.kept.get_or_insert_default(), added);
    Ok(())
}

/// Something hangs on what an event brings with it: the case moves on, a time limit begins,
/// goes on or ends, or a condition comes to bind. Each happens once for each time that it
/// was brought about; what makes a case or its limits wait is not among them.
fn matters(before: &Case, adds: &Case) -> bool {
    let moves = adds.state != before.state && adds.state() != CaseState::Postponed;
    let mut limits = adds.clocks.iter();
    let limits =
        limits.any(|one| one.clock_id != POSTPONEMENT && one.state() != ClockState::Paused);
    let mut conditions = adds.conditions.iter();
    let binds = conditions.any(|one| {
        let known = conditions::find(&before.conditions, &one.obligation_id);
        known.is_none_or(|known| known.state() == ConditionState::Waiting)
    });
    moves || limits || binds
}

#[cfg(test)]
mod tests {
    use comity::v1::{CaseClock, Condition};

    use super::*;

    const LIMIT: u32 = 2;
    const REPORT: Adding = Adding::Report(Side::Issuing);
    const AGAIN: Adding = Adding::Again(Side::Issuing);

    fn clock(id: &str, state: ClockState) -> Case {
        Case {
            clocks: vec![CaseClock {
                clock_id: id.to_owned(),
                state: state.into(),
                ..CaseClock::default()
            }],
            ..Case::default()
        }
    }

    fn condition(state: ConditionState) -> Case {
        Case {
            conditions: vec![Condition {
                obligation_id: "act-1".to_owned(),
                state: state.into(),
                ..Condition::default()
            }],
            ..Case::default()
        }
    }

    fn moved(state: CaseState) -> Case {
        Case {
            state: state.into(),
            ..Case::default()
        }
    }

    /// A case after as many reports, each with a record of so many bytes.
    fn after(reports: u32, bytes: usize) -> Case {
        (0..reports).fold(Case::default(), |case, _| {
            let mut adds = Case::default();
            count((REPORT, LIMIT), &case, &mut adds, bytes).unwrap();
            case.then(adds)
        })
    }

    #[track_caller]
    fn check(adding: Adding, before: &Case, mut adds: Case, goes_through: bool) {
        let counted = count((adding, LIMIT), before, &mut adds, 1);
        assert_eq!(counted.is_ok(), goes_through, "{counted:?}");
    }

    #[test]
    fn a_side_has_its_own_number_and_bytes() {
        let full = after(LIMIT, 1);
        check(REPORT, &full, Case::default(), false);
        check(AGAIN, &full, Case::default(), false);
        check(Adding::Always, &full, Case::default(), true);
        for other in [Side::Executing, Side::Reviewing] {
            check(Adding::Again(other), &full, Case::default(), true);
        }
        let most = usize::try_from(BYTES).unwrap();
        check(REPORT, &after(1, most - 1), Case::default(), true);
        check(REPORT, &after(1, most), Case::default(), false);
    }

    #[test]
    fn a_report_on_which_something_hangs_goes_through() {
        let full = after(LIMIT, 1);
        for state in [ClockState::Running, ClockState::Met] {
            check(REPORT, &full, clock("eio-12-4", state), true);
            check(AGAIN, &full, clock("eio-12-4", state), false);
            check(REPORT, &full, clock(POSTPONEMENT, state), false);
        }
        check(REPORT, &full, clock("eio-12-4", ClockState::Paused), false);
        check(REPORT, &full, moved(CaseState::Executing), true);
        check(REPORT, &full, moved(CaseState::Postponed), false);
        let open = || condition(ConditionState::Open);
        check(REPORT, &full, open(), true);
        let waits = full.clone().then(condition(ConditionState::Waiting));
        check(REPORT, &waits, open(), true);
        let binds = full.then(open());
        check(REPORT, &binds, condition(ConditionState::Breached), false);
    }
}
