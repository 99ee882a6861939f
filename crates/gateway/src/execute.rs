//! What executing national systems report of a delivered request.

use comity::v1::{self, conclude_request::Conclusion};

use crate::{
    admit,
    answer::{self, Answer},
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::Unfiled,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    wire,
};

/// How often a report is tried again when another one came in between.
const ATTEMPTS: usize = 5;

/// See `ExecutionService.Acknowledge`.
pub(crate) async fn acknowledge(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::AcknowledgeRequest,
) -> Result<v1::AcknowledgeResponse, Refusal> {
    let v1::AcknowledgeRequest { name, reference: _ } = message;
    let case = report(gateway, caller, &name, "acknowledge", Answer::acknowledged).await?;
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
    let v1::ReportProgressRequest { name, note: _ } = message;
    let case = report(gateway, caller, &name, "report progress", Answer::progress).await?;
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
    let v1::ConcludeRequest { name, conclusion } = message;
    entitled(gateway, caller).await?;
    let case = match conclusion {
        Some(Conclusion::Result(result)) => {
            let result = match wire::answer::read(result) {
                Ok(result) => result,
                Err(violations) => {
                    let refusal = Refusal::Malformed(violations);
                    return Err(record::attempt(gateway, Some(caller), refusal).await);
                }
            };
            report(gateway, caller, &name, "conclude", || {
                Answer::result(result.clone())
            })
            .await?
        }
        Some(Conclusion::Postponement(_)) => {
            report(gateway, caller, &name, "postpone", Answer::postponed).await?
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

/// Files a report of the executing State, which alone may make it.
async fn report(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
    call: &'static str,
    answer: impl Fn() -> Answer,
) -> Result<CaseAt, Refusal> {
    entitled(gateway, caller).await?;
    for _ in 0..ATTEMPTS {
        let case = match cases::visible(gateway, caller, name).await {
            Ok(case) => case,
            Err(refusal) => return Err(record::attempt(gateway, Some(caller), refusal).await),
        };
        match answer::file(gateway, case, answer().by(caller), None).await {
            Ok(case) => return Ok(case),
            Err(Unfiled::Conflict) => {}
            Err(unfiled @ Unfiled::NotAllowed(_)) => {
                return Err(record::attempt(gateway, Some(caller), unfiled.refusal(call)).await);
            }
            Err(unfiled) => return Err(unfiled.refusal(call)),
        }
    }
    Err(Refusal::Conflict("the case"))
}

/// Lets only the executing side in.
async fn entitled(gateway: &Gateway, caller: &Caller) -> Result<(), Refusal> {
    let roles = [Role::Executing, Role::Backend];
    let allowed = admit::role(caller, &roles, "executing and backend");
    record::attempted(gateway, caller, allowed).await
}
