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
    once::Call,
    record,
    refusal::Refusal,
    report::{self, Report},
    team,
    wire::{self, Violation, from_proto},
};

/// See `ExecutionService.Acknowledge`.
pub(crate) async fn acknowledge(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::AcknowledgeRequest,
) -> Result<v1::AcknowledgeResponse, Refusal> {
    entitled(gateway, caller).await?;
    let call = Call::new(caller, "acknowledge", &message);
    let call = record::attempted(gateway, caller, call).await?;
    let v1::AcknowledgeRequest {
        reference, form, ..
    } = message;
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
    let case = report::file(gateway, &call, form, answer).await?;
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
    entitled(gateway, caller).await?;
    let call = Call::new(caller, "report progress", &message);
    let call = record::attempted(gateway, caller, call).await?;
    let v1::ReportProgressRequest {
        name: _,
        note,
        event,
        extension,
        form,
        request_id: _,
    } = message;
    let report = Report {
        side: BoundParty::Executing,
        event,
        note,
        extension,
        on_form: form.is_some(),
    };
    if report.event == REMEDIED {
        let case = report.end(gateway, &call, REMEDIED).await?;
        return Ok(v1::ReportProgressResponse {
            state: case.snapshot.state,
        });
    }
    let answer = |case: &CaseAt| report.read(gateway, case);
    let case = report::file(gateway, &call, form, answer).await?;
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
    entitled(gateway, caller).await?;
    let what = match &message.conclusion {
        Some(Conclusion::Postponement(_)) => "postpone",
        Some(Conclusion::Result(_)) | None => "conclude",
    };
    let call = Call::new(caller, what, &message).map(Call::proving);
    let call = record::attempted(gateway, caller, call).await?;
    let v1::ConcludeRequest {
        form, conclusion, ..
    } = message;
    let case = match conclusion {
        Some(Conclusion::Result(result)) => {
            let result = readable(gateway, result).map_err(Refusal::Malformed);
            let result = record::attempted(gateway, caller, result).await?;
            let answer = |case: &CaseAt| {
                team::leaves_joining_to_parties(case, &result)?;
                Ok(Answer::result(result.clone()))
            };
            report::file(gateway, &call, form, answer).await?
        }
        Some(Conclusion::Postponement(postponement)) => {
            let postponement =
                from_proto::postponement(postponement, gateway.now()).map_err(Refusal::Malformed);
            let (reason, until) = record::attempted(gateway, caller, postponement).await?;
            let answer = |_: &CaseAt| Ok(Answer::postponed(reason.clone(), until));
            report::file(gateway, &call, form, answer).await?
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

/// What came of it, where nothing in it is wrong or hangs on what cannot happen.
pub(crate) fn readable(
    gateway: &Gateway,
    result: v1::Result,
) -> Result<wire::answer::Answer, Vec<Violation>> {
    let answer = wire::answer::read(result).map_err(|mut violations| {
        for Violation { field, .. } in &mut violations {
            field.insert_str(0, "result.");
        }
        violations
    })?;
    let unknown = wire::words::unknown_events(&gateway.policies(), &answer);
    match unknown.is_empty() {
        true => Ok(answer),
        false => Err(unknown),
    }
}

/// Lets only the executing side in.
async fn entitled(gateway: &Gateway, caller: &Caller) -> Result<(), Refusal> {
    let roles = [Role::Executing, Role::Backend];
    let allowed = admit::role(caller, &roles, "executing and backend");
    record::attempted(gateway, caller, allowed).await
}
