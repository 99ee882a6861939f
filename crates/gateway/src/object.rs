//! A notified or executing authority raises a ground, or the issuing State lifts an
//! order to which the law of a third country was objected, or a legal remedy succeeds:
//! what is under way ends, what is held is never released, and what was released is
//! recalled.

use std::{collections::BTreeMap, convert::identity};

use comity::v1::{self, ConditionState, ObligationKind, ResultKind, Stage};
use comity_domain::{BoundParty, CaseState, ModuleId, RuleId};
use comity_ledger::Leaf;
use comity_policy::{LIFTED, REMEDIED};
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};

use crate::{
    admit, anew,
    cases::{self, CaseAt},
    clocks::{self, Happened},
    evidence,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    hold::{self, OBJECTED},
    identity::{Caller, Role},
    once::Call,
    recall::{self, TakenBack},
    record,
    refusal::Refusal,
    report::REPORT,
    wire::{
        answer::EVENT,
        encoded::{self, Kept},
        from_proto,
    },
};

/// What ends a request for good, and why.
#[derive(Debug, Clone, Copy)]
struct Raised<'a> {
    /// By its name in the vocabulary.
    event: &'static str,
    rule: &'a RuleId,
    reasons: &'a str,
}

/// See `ExecutionService.Object`.
pub(crate) async fn object(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ObjectRequest,
) -> Result<v1::ObjectResponse, Refusal> {
    let objected = carry_out(gateway, caller, &message).await;
    let case = record::attempted(gateway, caller, objected).await?;
    Ok(v1::ObjectResponse {
        state: case.snapshot.state,
    })
}

async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    message: &v1::ObjectRequest,
) -> Result<CaseAt, Refusal> {
    let v1::ObjectRequest {
        name,
        rule_id,
        reasons,
        request_id: _,
    } = message;
    let roles = [Role::Executing, Role::Backend];
    admit::role(caller, &roles, "executing and backend")?;
    let reasons = from_proto::note("reasons", reasons).map_err(Refusal::Malformed)?;
    if reasons.trim().is_empty() {
        return Err(admit::malformed("reasons", "are missing: say why"));
    }
    let call = Call::new(caller, "object", message)?;
    let object = || async {
        let case = cases::visible(gateway, caller, name).await?;
        let rule = ground(gateway, &case, rule_id)?;
        let raised = Raised {
            event: OBJECTED,
            rule: &rule,
            reasons: &reasons,
        };
        file(gateway, &call, case, raised).await
    };
    call.carry_out(gateway, object, identity).await
}

/// A side reports the end of a review that ends the request for good: [`LIFTED`] or
/// [`REMEDIED`]. It may while a clock runs that this ends.
pub(crate) async fn end(
    gateway: &Gateway,
    call: &Call<'_>,
    event: &'static str,
    note: &str,
) -> Result<CaseAt, Refusal> {
    let ended = async {
        let reasons = from_proto::note("note", note).map_err(Refusal::Malformed)?;
        if reasons.trim().is_empty() {
            return Err(admit::malformed(
                "note",
                "is missing: say what the court found",
            ));
        }
        let end = || async {
            let case = cases::visible(gateway, call.caller, &call.name).await?;
            let Some(clock) = clocks::ended_by(&case, event, gateway.now())? else {
                let none = format!(
                    "no clock of the case runs that `{event}` ends; `Case.clocks` says which there are"
                );
                return Err(Refusal::NotNow(none).into());
            };
            let raised = Raised {
                event,
                rule: &clock.rule,
                reasons: &reasons,
            };
            file(gateway, call, case, raised).await
        };
        call.carry_out(gateway, end, identity).await
    };
    record::attempted(gateway, call.caller, ended.await).await
}

async fn file(
    gateway: &Gateway,
    call: &Call<'_>,
    case: CaseAt,
    raised: Raised<'_>,
) -> Result<CaseAt, Unfiled> {
    // What passes is on record before, or not at all.
    let _nothing = gateway.evidence().none_handed_over().await;
    let event = Event {
        key: call.key(),
        ..event(gateway, call.caller, &case, raised).await?
    };
    let (case, _) = happen::file(gateway, case, event, None).await?;
    Ok(case)
}

/// The ground of that id, among those of the modules by which the case was decided;
/// the issuing State's own are not for the other side to raise.
fn ground(gateway: &Gateway, case: &CaseAt, id: &str) -> Result<RuleId, Refusal> {
    let decision = cases::decision(&case.snapshot)?;
    let spoke = decision.modules.iter();
    let spoke = spoke.filter(|module| module.stage() != Stage::Outbound);
    let modules: Vec<ModuleId> = spoke.filter_map(|one| one.module.parse().ok()).collect();
    let policies = gateway.policies();
    let measure = anew::request(case)?.measure.parse().ok();
    let grounds = measure
        .iter()
        .flat_map(|measure| policies.grounds(&modules, measure));
    let grounds: Vec<_> = grounds.collect();
    if let Some(ground) = grounds.iter().find(|ground| ground.as_str() == id) {
        return Ok((*ground).clone());
    }
    let known: Vec<_> = grounds.iter().map(|ground| format!("`{ground}`")).collect();
    let known = known.join(", ");
    let wrong = format!("names no ground of the law that decided the case; those are {known}");
    Err(admit::malformed("rule_id", &wrong))
}

async fn event(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    raised: Raised<'_>,
) -> Result<Event, Refusal> {
    let to = after(case, raised.event, gateway.now())?;
    let shown = case.snapshot.result.as_ref().is_some_and(hold::tells);
    let released = shown || evidence::has_passed(gateway, case, BoundParty::Issuing).await?;
    let said = match raised.event {
        LIFTED => "the order is lifted",
        REMEDIED => "a legal remedy has succeeded",
        _ => "a ground is raised",
    };
    let follows = match (to, released) {
        (CaseState::NotExecuted, _) => "the request is not executed",
        (_, true) => "what was released is recalled",
        (_, false) => "what is held is never released",
    };
    let TakenBack { cancel, recall } = recall::take_back(gateway, case, raised.reasons).await?;
    let (job, recall) = recall.unzip();
    let kept = Kept {
        step: recall.as_ref().map_or(0, |recall| recall.step),
        recall,
        ..Kept::default()
    };
    let adds = encoded::Case {
        result: Some(not_executed(raised)),
        conditions: deletion(case, raised, released),
        remark: raised.reasons.to_owned(),
        kept: Some(kept),
        ..encoded::Case::default()
    };
    let leaf = Leaf {
        note: Some(format!("{said}: {follows}")),
        rules: vec![raised.rule.to_string()],
        ..Leaf::new(gateway.now(), raised.event, &caller.to_string())
    };
    let ends = (to == CaseState::NotExecuted).then(|| Happened::Event("not-executed".into()));
    let raised = Happened::Event(raised.event.into());
    Ok(Event {
        enqueue: job.into_iter().collect(),
        clocks: [raised].into_iter().chain(ends).collect(),
        cancel,
        ..Event::new(leaf, to, adds)
    })
}

/// Where an event that ends a request for good leaves its case.
fn after(case: &CaseAt, event: &str, now: Timestamp) -> Result<CaseState, Refusal> {
    let state = case.row.state;
    if state.is_under_way() && state.step(CaseState::NotExecuted).is_ok() {
        return Ok(CaseState::NotExecuted);
    }
    if state != CaseState::Concluded {
        let mut allowed = happen::leading_to(CaseState::NotExecuted);
        allowed.push(CaseState::Concluded);
        return Err(Refusal::NotAllowedNow {
            call: if event == OBJECTED { "object" } else { REPORT },
            state,
            allowed,
        });
    }
    if clocks::ended_by(case, event, now)?.is_some() {
        return Ok(state);
    }
    Err(Refusal::NotNow(
        "the case is executed and no time limit runs in which a ground can be raised: turn to the issuing authority".to_owned(),
    ))
}

/// What the issuing side is told in the place of what was or would be found.
fn not_executed(raised: Raised<'_>) -> Bytes {
    let result = v1::Result {
        kind: ResultKind::NotExecuted.into(),
        reason: raised.reasons.to_owned(),
        ground: raised.rule.to_string(),
        ..v1::Result::default()
    };
    Bytes::from(result.encode_to_vec())
}

/// What was released must be deleted, also where no rule of the decision has said
/// so before.
fn deletion(case: &CaseAt, raised: Raised<'_>, released: bool) -> Vec<v1::Condition> {
    if !released {
        return Vec::new();
    }
    let of_event = |one: &&v1::Condition| {
        let event = one.parameters.get(EVENT);
        one.kind() == ObligationKind::DeleteAfter && event.is_some_and(|one| one == raised.event)
    };
    if let Some(said) = case.snapshot.conditions.iter().find(of_event) {
        // It may have waited for a result, and evidence passed.
        let waits = said.state() == ConditionState::Waiting;
        let open = v1::Condition {
            state: ConditionState::Open.into(),
            ..said.clone()
        };
        return waits.then_some(open).into_iter().collect();
    }
    vec![v1::Condition {
        obligation_id: format!("{}-delete", raised.rule),
        kind: ObligationKind::DeleteAfter.into(),
        bound_party: "issuing".to_owned(),
        state: ConditionState::Open.into(),
        parameters: BTreeMap::from([(EVENT.to_owned(), raised.event.to_owned())]),
        ..v1::Condition::default()
    }]
}
