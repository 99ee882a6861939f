//! Who may answer a task: a reviewer of the State it is for, of an authority that
//! has the role it names, and not the author of the request.

use comity_domain::{CaseId, MeasureId};
use comity_policy::Competent;

use crate::{
    anew,
    cases::{self, CaseAt},
    gateway::Gateway,
    holder::Holder,
    identity::Caller,
    refusal::Refusal,
    wire::{encoded::Task, from_proto},
};

use super::tasks;

/// Who answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reviewer<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) holder: &'a Holder,
}

/// A task with the case behind it, of a State's own reviewers; others learn
/// nothing of it.
pub(super) async fn task(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
) -> Result<(CaseAt, Task), Refusal> {
    let (id, number) = from_proto::task_name(name).map_err(Refusal::Malformed)?;
    let not_found = || no_task(&id, number);
    let case = match cases::load(gateway, &id).await {
        Err(Refusal::NotFound { .. }) => return Err(not_found()),
        loaded => loaded?,
    };
    let mut tasks = case.snapshot.kept().tasks.iter();
    let task = tasks.find(|task| task.number == number);
    let task = task.filter(|task| is_of_state(task, caller)).cloned();
    Ok((case, task.ok_or_else(not_found)?))
}

/// The task is for reviewers of the caller's State.
pub(super) fn is_of_state(task: &Task, caller: &Caller) -> bool {
    let referral = task.referral.as_ref();
    referral.is_some_and(|referral| referral.jurisdiction == caller.jurisdiction.as_str())
}

/// Refuses an authority or a person that may not answer a task of its State.
pub(super) fn check(
    gateway: &Gateway,
    Reviewer { caller, holder }: Reviewer<'_>,
    (case, task): (&CaseAt, &Task),
) -> Result<(), Refusal> {
    let request = anew::request(case)?;
    let issuing = request.issuing.unwrap_or_default();
    let measure = request.measure.parse().ok();
    let author = issuing.jurisdiction == caller.jurisdiction.as_str()
        && issuing.authority == caller.authority.as_str();
    if author {
        return Err(Refusal::NotCompetent(
            "no authority answers the questions of its own request",
        ));
    }
    if holder.is_called(&issuing.responsible.unwrap_or_default().name) {
        return Err(Refusal::NotCompetent(
            "nobody answers the questions of a request that names them as responsible",
        ));
    }
    match measure.map(|measure| competent(gateway, caller, (task, &measure))) {
        Some(Competent::Yes) => Ok(()),
        Some(Competent::No) | None => Err(Refusal::NotCompetent(
            "the State's directory does not give its authority the role that decides",
        )),
        Some(Competent::Unsaid) => Err(Refusal::NotCompetent(
            "the State's directory does not say who has the role that decides",
        )),
    }
}

/// Whether the caller's authority has the role that a task names.
pub(super) fn competent(
    gateway: &Gateway,
    caller: &Caller,
    (task, measure): (&Task, &MeasureId),
) -> Competent {
    let role = task.referral.as_ref().map_or("", |referral| &referral.role);
    let policies = gateway.policies();
    policies.competent(&caller.jurisdiction, &caller.authority, (role, measure))
}

pub(super) fn no_task(case: &CaseId, number: u32) -> Refusal {
    Refusal::NotFound {
        kind: "task",
        name: tasks::name(case, number),
    }
}
