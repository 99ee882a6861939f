//! The side that an obligation binds says that it was met.

use comity::v1::{self, ConditionState};
use comity_domain::BoundParty;
use comity_ledger::Leaf;

use crate::{
    admit,
    cases::{self, CaseAt},
    clocks::Happened,
    conditions,
    gateway::Gateway,
    happen::{self, ATTEMPTS, Event, Unfiled},
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    wire::{encoded, from_proto, to_proto},
};

/// See `ExecutionService.ConfirmObligation`.
pub(crate) async fn obligation(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ConfirmObligationRequest,
) -> Result<v1::ConfirmObligationResponse, Refusal> {
    let confirmed = carry_out(gateway, caller, &message).await;
    let case = record::attempted(gateway, caller, confirmed).await?;
    Ok(v1::ConfirmObligationResponse {
        receipt: case.snapshot.receipt,
    })
}

async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    message: &v1::ConfirmObligationRequest,
) -> Result<CaseAt, Refusal> {
    let note = from_proto::note("note", &message.note).map_err(Refusal::Malformed)?;
    for _ in 0..ATTEMPTS {
        let case = cases::visible(gateway, caller, &message.name).await?;
        let condition = condition(&case, caller, &message.obligation_id)?;
        let event = event(gateway, caller, &case, condition, note.clone());
        match happen::file(gateway, case, event, None).await {
            Ok((case, _)) => return Ok(case),
            Err(Unfiled::Conflict) => {}
            Err(unfiled) => return Err(unfiled.refusal("confirm an obligation")),
        }
    }
    Err(Refusal::Conflict("the case"))
}

/// The condition, if the caller may confirm it now.
fn condition(case: &CaseAt, caller: &Caller, id: &str) -> Result<v1::Condition, Refusal> {
    let conditions = &case.snapshot.conditions;
    let Some(condition) = conditions::find(conditions, id) else {
        let known = conditions
            .iter()
            .map(|one| format!("`{}`", one.obligation_id));
        let known: Vec<_> = known.collect();
        let wrong = if known.is_empty() {
            "names no obligation of the case; there is none".to_owned()
        } else {
            format!(
                "names no obligation of the case; those are {}",
                known.join(", ")
            )
        };
        return Err(admit::malformed("obligation_id", &wrong));
    };
    match (condition.bound_party.as_str(), side(caller)) {
        ("issuing", BoundParty::Issuing) | ("executing", BoundParty::Executing) => {}
        ("issuing", BoundParty::Executing) => {
            return Err(Refusal::NotCompetent(
                "the obligation binds the issuing side, which alone confirms that it was met",
            ));
        }
        _ => {
            return Err(Refusal::NotCompetent(
                "the obligation binds the executing side, which alone confirms that it was met",
            ));
        }
    }
    let why = match condition.state() {
        ConditionState::Open | ConditionState::Breached => return Ok(condition.clone()),
        ConditionState::Confirmed => "it was confirmed before, and nothing is left to do",
        ConditionState::Lifted => "the decision that set it does not hold any more",
        ConditionState::Waiting | ConditionState::Unspecified => {
            "what it is about has not happened yet: confirm it once it has"
        }
    };
    Err(Refusal::NotNow(format!(
        "`{id}` is not confirmed now: {why}"
    )))
}

fn side(caller: &Caller) -> BoundParty {
    match caller.role {
        Role::Issuing => BoundParty::Issuing,
        Role::Executing
        | Role::Backend
        | Role::Gateway
        | Role::Auditor
        | Role::Reviewer
        | Role::Legal => BoundParty::Executing,
    }
}

fn event(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    condition: v1::Condition,
    note: String,
) -> Event {
    let now = gateway.now();
    let id = condition.obligation_id.clone();
    let leaf = Leaf {
        note: Some(format!(
            "the {} side has met a condition",
            condition.bound_party
        )),
        rules: vec![id.clone()],
        ..Leaf::new(now, "obligation-confirmed", &caller.to_string())
    };
    let confirmed = v1::Condition {
        state: ConditionState::Confirmed.into(),
        confirmed_at: Some(to_proto::timestamp(now)),
        confirmed_by: caller.to_string(),
        note: note.clone(),
        ..condition
    };
    let adds = encoded::Case {
        conditions: vec![confirmed],
        remark: note,
        ..encoded::Case::default()
    };
    Event {
        clocks: vec![Happened::Event(conditions::confirmed(&id).into())],
        ..Event::new(leaf, case.row.state, adds)
    }
}
