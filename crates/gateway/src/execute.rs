//! What executing national systems report of a delivered request.

use comity::v1::{self, conclude_request::Conclusion};
use comity_domain::BoundParty;
use comity_policy::REMEDIED;

use crate::{
    admit,
    answer::{Answer, is_acknowledged},
    cases::CaseAt,
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    report::{self, Report},
    team,
    wire::{self, from_proto},
};

/// See `ExecutionService.Acknowledge`.
pub(crate) async fn acknowledge(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::AcknowledgeRequest,
) -> Result<v1::AcknowledgeResponse, Refusal> {
    let v1::AcknowledgeRequest {
        name,
        reference,
        form,
    } = message;
    entitled(gateway, caller).await?;
    let reference = from_proto::line("reference", &reference).map_err(Refusal::Malformed);
    let reference = record::attempted(gateway, caller, reference).await?;
    let formal = form.is_some();
    let answer = |case: &CaseAt| {
        let reference = reference.clone();
        // An executing system answers at once, its authority on paper later.
        if !formal || !is_acknowledged(case.row.state) {
            return Ok(Answer::acknowledged(reference));
        }
        report::open(case.row.state).map(|()| Answer::confirmed(reference))
    };
    let case = report::file(gateway, caller, (&name, "acknowledge"), form, answer).await?;
    Ok(v1::AcknowledgeResponse {
        state: case.snapshot.state,
    })
}

/// See `ExecutionService.ReportProgress`.
pub(crate) async fn report_progress(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ReportProgressRequest,
) -> Result<v1::ReportProgressResponse, Refusal> {
    let v1::ReportProgressRequest {
        name,
        note,
        event,
        extension,
        form,
    } = message;
    entitled(gateway, caller).await?;
    let report = Report {
        side: BoundParty::Executing,
        event,
        note,
        extension,
        on_form: form.is_some(),
    };
    if report.event == REMEDIED {
        let case = report.end(gateway, caller, (&name, REMEDIED)).await?;
        return Ok(v1::ReportProgressResponse {
            state: case.snapshot.state,
        });
    }
    let answer = |case: &CaseAt| report.read(gateway, case);
    let case = report::file(gateway, caller, (&name, "report progress"), form, answer).await?;
    Ok(v1::ReportProgressResponse {
        state: case.snapshot.state,
    })
}

/// See `ExecutionService.Conclude`.
pub(crate) async fn conclude(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ConcludeRequest,
) -> Result<v1::ConcludeResponse, Refusal> {
    let v1::ConcludeRequest {
        name,
        form,
        conclusion,
    } = message;
    entitled(gateway, caller).await?;
    let case = match conclusion {
        Some(Conclusion::Result(result)) => {
            let result = wire::answer::read(result).map_err(Refusal::Malformed);
            let result = record::attempted(gateway, caller, result).await?;
            let answer = |case: &CaseAt| {
                team::leaves_joining_to_parties(case, &result)?;
                Ok(Answer::result(result.clone()))
            };
            report::file(gateway, caller, (&name, "conclude"), form, answer).await?
        }
        Some(Conclusion::Postponement(postponement)) => {
            let postponement = from_proto::postponement(postponement).map_err(Refusal::Malformed);
            let (reason, until) = record::attempted(gateway, caller, postponement).await?;
            let answer = |_: &CaseAt| Ok(Answer::postponed(reason.clone(), until));
            report::file(gateway, caller, (&name, "postpone"), form, answer).await?
        }
        None => {
            let refusal =
                admit::malformed("conclusion", "is missing: send a result or a postponement");
            return Err(record::attempt(gateway, Some(caller), refusal).await);
        }
    };
    let CaseAt { snapshot, .. } = case;
    Ok(v1::ConcludeResponse {
        state: snapshot.state,
        receipt: snapshot.receipt,
    })
}

/// Lets only the executing side in.
async fn entitled(gateway: &Gateway, caller: &Caller) -> Result<(), Refusal> {
    let roles = [Role::Executing, Role::Backend];
    let allowed = admit::role(caller, &roles, "executing and backend");
    record::attempted(gateway, caller, allowed).await
}
