//! A task as reviewers see it.

use comity::v1::{self, ReviewTaskState, ReviewVerdict};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{
    anew,
    cases::{self, CaseAt},
    refusal::Refusal,
    wire::encoded::Task,
};

use super::{consult, tasks};

/// A task with what was found so far.
pub(super) fn task(case: &CaseAt, task: &Task) -> Result<v1::ReviewTask, Refusal> {
    let decision = cases::decision(&case.snapshot)?;
    let request = anew::request(case)?;
    let name = tasks::name(&case.row.id, task.number);
    let referral = task.referral.clone().unwrap_or_default();
    let rule = referral.rule.clone().unwrap_or_default();
    let mut facts = decision.facts;
    facts.retain(|fact| rule.facts_used.contains(&fact.name));
    let mut clocks = decision.clocks;
    clocks.retain(|clock| clock.due_at.is_some());
    let all = case.snapshot.consultations.iter();
    let of_task = all.filter(|consultation| consultation.task == name);
    Ok(v1::ReviewTask {
        case: case.snapshot.name.clone(),
        referral: Some(referral),
        opinions: task.opinions.clone(),
        state: state(case, task, &name).into(),
        urgency: request.urgency.unwrap_or_default().level,
        exercise: case.snapshot.exercise,
        measure: request.measure,
        opened_at: task.opened_at,
        facts,
        against: decision.grounds,
        in_favour: decision.permits,
        clocks,
        limits: case.snapshot.clocks.clone(),
        consultations: of_task.cloned().collect(),
        etag: etag(case, task),
        name,
    })
}

/// Whom a task waits for.
fn state(case: &CaseAt, task: &Task, name: &str) -> ReviewTaskState {
    if task.state() != ReviewTaskState::Open {
        return task.state();
    }
    if case.row.state.is_final() {
        return ReviewTaskState::Lapsed;
    }
    if consult::is_open(&case.snapshot.consultations, name) {
        return ReviewTaskState::Consulting;
    }
    let said =
        |verdict: ReviewVerdict| tasks::opinions(task).any(|opinion| opinion.verdict() == verdict);
    if said(ReviewVerdict::Release) && said(ReviewVerdict::Refuse) {
        ReviewTaskState::Conflict
    } else {
        ReviewTaskState::Open
    }
}

/// Changes whenever something of the task does.
pub(super) fn etag(case: &CaseAt, task: &Task) -> String {
    let name = tasks::name(&case.row.id, task.number);
    let mut hash = Sha256::new();
    hash.update(task.encode_to_vec());
    for consultation in &case.snapshot.consultations {
        if consultation.task == name {
            hash.update(consultation.encode_to_vec());
        }
    }
    let [first, second, third, fourth, ..]: [u8; 32] = hash.finalize().into();
    hex::encode([first, second, third, fourth])
}
