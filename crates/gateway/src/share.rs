//! Information without request: a submission that carries what it tells, and what
//! follows where the recipient rejects it.

use std::sync::Arc;

use comity::v1::{self, ConditionState};
use comity_domain::BoundParty;
use comity_store::{Job, Lease, NewJob};

use crate::{
    admit, anew,
    cases::{self, CaseAt},
    evidence, exchange,
    gateway::Gateway,
    identity::{Caller, Role},
    places::Marked,
    recall::{self, TakenBack},
    record,
    refusal::Refusal,
    wire::{
        encoded::{Kept, Recall},
        from_proto,
    },
};

/// See `CooperationService.ShareInformation`.
pub(crate) async fn information(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    message: v1::ShareInformationRequest,
    marked: Marked,
) -> Result<v1::ShareInformationResponse, Refusal> {
    let allowed = admit::role(caller, &[Role::Issuing], "issuing");
    record::attempted(gateway, caller, allowed).await?;
    let submission = from_proto::share(message);
    let answer = match exchange::submit(gateway, caller, submission, marked).await {
        Err(Refusal::Malformed(violations)) => {
            return Err(Refusal::Malformed(from_proto::of_share(violations)));
        }
        answer => answer?,
    };
    let v1::SubmitResponse { case, replayed } = answer.open().map_err(cases::damaged)?;
    Ok(v1::ShareInformationResponse { case, replayed })
}

/// What the executing system has of what it will not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing: it refused the first delivery, which was the only one.
    Nothing,
    /// All that was delivered, or that may have been.
    Something,
}

/// What follows from rejecting what was shared.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// The delivery that is not made any more.
    pub(crate) cancel: Option<Lease>,
    /// Takes back what the recipient was given.
    pub(crate) recall: Option<NewJob>,
    /// The same, beside the case.
    pub(crate) kept: Kept,
    /// Conditions that would have bound from acceptance, and bind nobody.
    pub(crate) conditions: Vec<v1::Condition>,
}

/// What follows where the recipient rejects a case, by the answer to the delivery
/// `job` or by itself; nothing where it shared nothing.
///
/// # Errors
/// The case's record cannot be read.
pub(crate) async fn rejected(
    gateway: &Gateway,
    (case, job): (&CaseAt, Option<&Job>),
    (reason, left): (&str, Left),
) -> Result<Option<Rejected>, Refusal> {
    if anew::request(case)?.information.is_none() {
        return Ok(None);
    }
    let TakenBack { cancel, recall } = match job {
        None => recall::take_back(gateway, case, reason).await?,
        Some(_) => {
            let is_left = left == Left::Something
                || evidence::has_passed(gateway, case, BoundParty::Executing).await?;
            TakenBack {
                cancel: None,
                recall: is_left.then(|| recall::of(gateway, case, reason)),
            }
        }
    };
    let (job, recall) = recall.unzip();
    // Where there is nothing to take back, the recipient has nothing either.
    let recall = recall.unwrap_or_else(|| Recall {
        step: case.snapshot.kept().step,
        reason: reason.to_owned(),
        ended: true,
    });
    // What binds whoever has seen it binds on.
    let conditions = case.snapshot.conditions.iter();
    let waiting = conditions.filter(|one| one.state() == ConditionState::Waiting);
    let lifted = waiting.map(|one| v1::Condition {
        state: ConditionState::Lifted.into(),
        ..one.clone()
    });
    Ok(Some(Rejected {
        cancel,
        recall: job,
        kept: Kept {
            step: recall.step,
            recall: Some(recall),
            ..Kept::default()
        },
        conditions: lifted.collect(),
    }))
}
