//! Release: the one place where it is asked whether data of a case may be handed
//! to the other side now.

use comity_domain::{BoundParty, CaseState};

use crate::{cases::CaseAt, hold, refusal::Refusal};

/// The right to hand over what one side stored. Only [`ask`] gives it, and nothing
/// is sent without it.
#[derive(Debug)]
pub(super) struct Released(());

/// Asks whether what `from` stored may be handed to `to`, as the case stands now.
///
/// What a side stored itself it may have back. What the law holds, such as in the
/// objection period of a notified authority, does not reach the issuing side.
pub(super) fn ask(case: &CaseAt, from: BoundParty, to: BoundParty) -> Result<Released, Refusal> {
    let state = case.row.state;
    if from == to {
        return Ok(Released(()));
    }
    if to == BoundParty::Issuing && hold::keeps(&case.snapshot.holds) {
        let held = "data of this case are held; `Case.holds` says by which rule, and until when";
        return Err(Refusal::NotNow(held.to_owned()));
    }
    if is_open(state) {
        return Ok(Released(()));
    }
    Err(Refusal::NotAllowedNow {
        call: "download",
        state,
        allowed: CaseState::ALL
            .into_iter()
            .filter(|state| is_open(*state))
            .collect(),
    })
}

/// Whether the sides of a case work together: nothing is handed over in a case that
/// was refused or broken off, whatever was stored for it before.
fn is_open(state: CaseState) -> bool {
    match state {
        // While it is on its way, too: what comes with a request may be read as it arrives.
        CaseState::Approved
        | CaseState::Delivering
        | CaseState::Acknowledged
        | CaseState::Executing
        | CaseState::Postponed
        | CaseState::Concluded => true,
        CaseState::Received
        | CaseState::Incomplete
        | CaseState::UnderReview
        | CaseState::Refused
        | CaseState::NotExecuted
        | CaseState::Withdrawn
        | CaseState::Expired => false,
    }
}
