//! The side that an obligation binds says that it was met; or either side, that it
//! was broken.

use std::convert::identity;

use comity::v1::{self, ConditionState};
use comity_domain::BoundParty;
use comity_ledger::Leaf;

use crate::{
    adding::{Adding, Side},
    admit,
    cases::{self, CaseAt},
    clocks::Happened,
    conditions, deliver, evidence,
    gateway::Gateway,
    happen::{self, Event},
    hold,
    identity::Caller,
    once::Call,
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
    if message.broken && note.trim().is_empty() {
        return Err(admit::malformed(
            "note",
            "is missing: say how it was broken",
        ));
    }
    let call = Call::new(caller, "confirm an obligation", message)?.proving();
    let confirm = || async {
        let mut case = cases::visible(gateway, caller, &message.name).await?;
        let condition = condition(&case, &message.obligation_id)?;
        if message.broken && is_said(&condition, caller, &note) {
            case.snapshot.receipt = cases::receipt(gateway, &case).await?;
            return Ok(case);
        }
        let event = if message.broken {
            broken(gateway, caller, &case, (condition, note.clone()))?
        } else {
            something_received(gateway, &case, &condition).await?;
            confirmed(gateway, caller, &case, (condition, note.clone()))?
        };
        let event = Event {
            key: call.key(),
            ..event
        };
        let (case, _) = happen::file(gateway, case, event, None).await?;
        Ok(case)
    };
    call.carry_out(gateway, confirm, identity).await
}

/// The condition of an id.
fn condition(case: &CaseAt, id: &str) -> Result<v1::Condition, Refusal> {
    let conditions = &case.snapshot.conditions;
    if let Some(condition) = conditions::find(conditions, id) {
        return Ok(condition.clone());
    }
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
    Err(admit::malformed("obligation_id", &wrong))
}

/// Refuses what is said of a condition while it does not stand so.
fn not_now(condition: &v1::Condition, what: &str) -> Refusal {
    let why = match condition.state() {
        ConditionState::Confirmed => "it was confirmed before, and nothing is left to do",
        ConditionState::Lifted => "it does not bind any more",
        ConditionState::Waiting
        | ConditionState::Unspecified
        | ConditionState::Open
        | ConditionState::Breached => {
            "what it is about has not happened yet: come back once it has"
        }
    };
    let id = &condition.obligation_id;
    Refusal::NotNow(format!("`{id}` is not {what} now: {why}"))
}

/// Refuses to take for met what is about data before any were received: it would count for
/// those that come.
async fn something_received(
    gateway: &Gateway,
    case: &CaseAt,
    condition: &v1::Condition,
) -> Result<(), Refusal> {
    let result = case.snapshot.result.as_ref();
    if !conditions::is_about_data(condition)
        || result.is_some_and(hold::tells)
        // None will come, and the condition would stand open for ever.
        || deliver::is_void(case.row.state)
        || evidence::has_passed(gateway, case, BoundParty::Issuing).await?
    {
        return Ok(());
    }
    let id = &condition.obligation_id;
    Err(Refusal::NotNow(format!(
        "`{id}` is not confirmed now: nothing was received yet that it is about"
    )))
}

/// The event by which the bound side confirms.
fn confirmed(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    (condition, note): (v1::Condition, String),
) -> Result<Event, Refusal> {
    match (condition.bound_party.as_str(), caller.role.side()) {
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
    if !matches!(
        condition.state(),
        ConditionState::Open | ConditionState::Breached
    ) {
        return Err(not_now(&condition, "confirmed"));
    }
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
    Ok(Event {
        clocks: vec![Happened::Event(conditions::confirmed(&id).into())],
        ..said(case, leaf, confirmed)
    })
}

/// The same was said before, by the same authority.
fn is_said(condition: &v1::Condition, caller: &Caller, note: &str) -> bool {
    condition.state() == ConditionState::Breached
        && condition.broken_by == caller.to_string()
        && condition.note == note
}

/// The event by which either side says that a condition was broken.
fn broken(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    (condition, note): (v1::Condition, String),
) -> Result<Event, Refusal> {
    if !matches!(
        condition.state(),
        ConditionState::Open | ConditionState::Breached | ConditionState::Confirmed
    ) {
        return Err(not_now(&condition, "broken"));
    }
    let now = gateway.now();
    let leaf = Leaf {
        note: Some(format!(
            "a condition that binds the {} side was broken",
            condition.bound_party
        )),
        rules: vec![condition.obligation_id.clone()],
        ..Leaf::new(now, "obligation-broken", &caller.to_string())
    };
    let adding = match condition.broken_at {
        None => Adding::Always,
        Some(_) => Adding::Again(Side::of(caller)),
    };
    let at = Some(to_proto::timestamp(now));
    let broken = v1::Condition {
        state: ConditionState::Breached.into(),
        breached_at: condition.breached_at.or(at),
        broken_at: at,
        broken_by: caller.to_string(),
        note,
        ..condition
    };
    Ok(Event {
        told: true,
        adding,
        ..said(case, leaf, broken)
    })
}

/// The event by which a condition comes to stand otherwise.
fn said(case: &CaseAt, leaf: Leaf, condition: v1::Condition) -> Event {
    let remark = condition.note.clone();
    let adds = encoded::Case {
        conditions: vec![condition],
        remark,
        ..encoded::Case::default()
    };
    Event::new(leaf, case.row.state, adds)
}
