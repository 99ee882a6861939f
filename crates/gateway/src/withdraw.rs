//! Withdrawal: the issuing authority ends a case that is not at its end yet.

use std::convert::identity;

use comity::v1;
use comity_domain::{CaseId, CaseState};
use comity_ledger::Leaf;

use crate::{
    admit,
    anew::file,
    cases::{self, CaseAt},
    clocks::Happened,
    gateway::Gateway,
    happen::{self, Event},
    identity::{Caller, Role},
    once::Call,
    recall::{self, TakenBack},
    record,
    refusal::Refusal,
    wire::{
        encoded::{self, Kept},
        from_proto,
    },
};

/// See `CooperationService.Withdraw`.
pub(crate) async fn withdraw(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::WithdrawRequest,
) -> Result<v1::WithdrawResponse, Refusal> {
    let withdrawn = carry_out(gateway, caller, message).await;
    let case = record::attempted(gateway, caller, withdrawn).await?;
    Ok(v1::WithdrawResponse {
        case: Some(cases::open(&case.snapshot)?),
    })
}

pub(crate) async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::WithdrawRequest,
) -> Result<CaseAt, Refusal> {
    admit::role(caller, &[Role::Issuing], "issuing")?;
    let (id, reason) = from_proto::withdrawal(&message).map_err(Refusal::Malformed)?;
    let call = Call::new(caller, "withdraw", &message)?;
    let withdraw = || async {
        let case = owned(gateway, caller, &id).await?;
        if case.row.state.step(CaseState::Withdrawn).is_err() {
            let refusal = Refusal::NotAllowedNow {
                call: call.what,
                state: case.row.state,
                allowed: happen::leading_to(CaseState::Withdrawn),
            };
            return Err(refusal.into());
        }
        let event = Event {
            key: call.key(),
            ..event(gateway, caller, &case, &reason).await?
        };
        Ok(file(gateway, case, event, call.what).await?.case)
    };
    call.carry_out(gateway, withdraw, identity).await
}

/// A case of the caller's own; of others it learns nothing.
pub(crate) async fn owned(
    gateway: &Gateway,
    caller: &Caller,
    id: &CaseId,
) -> Result<CaseAt, Refusal> {
    let case = cases::load(gateway, id).await?;
    if case.row.owner == caller.to_string() {
        Ok(case)
    } else {
        Err(cases::no_case(id))
    }
}

async fn event(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    reason: &str,
) -> Result<Event, Refusal> {
    let TakenBack { cancel, recall } = recall::take_back(gateway, case, reason).await?;
    let note = match &recall {
        Some(_) => "withdrawn by the issuing authority; what was handed over is recalled",
        None => "withdrawn by the issuing authority",
    };
    let (job, recall) = recall.unzip();
    let kept = Kept {
        step: recall.as_ref().map_or(0, |recall| recall.step),
        recall,
        reason: reason.to_owned(),
        ..Kept::default()
    };
    let leaf = record::standing_leaf(gateway.now(), "withdraw", caller, case)?;
    let leaf = Leaf {
        note: Some(note.to_owned()),
        ..leaf
    };
    let adds = encoded::Case {
        kept: Some(kept),
        ..encoded::Case::default()
    };
    Ok(Event {
        enqueue: job.into_iter().collect(),
        clocks: vec![Happened::Event("withdrawn".into())],
        cancel,
        ..Event::new(leaf, CaseState::Withdrawn, adds)
    })
}
