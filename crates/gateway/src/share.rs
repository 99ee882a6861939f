//! Information without request: a submission that carries what it tells, and what
//! follows where the recipient rejects it.

use std::sync::Arc;

use comity::v1::{self, ConditionState};
use comity_store::NewJob;

use crate::{
    admit, anew,
    cases::{self, CaseAt},
    exchange,
    gateway::Gateway,
    identity::{Caller, Role},
    places::Marked,
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
    let submission = admit::role(caller, &[Role::Issuing], "issuing")
        .and_then(|()| from_proto::share(message).map_err(Refusal::Malformed));
    let submission = record::attempted(gateway, caller, submission).await?;
    let answer = match exchange::submit(gateway, caller, submission, marked).await {
        Err(Refusal::Malformed(violations)) => {
            return Err(Refusal::Malformed(from_proto::of_share(violations)));
        }
        answer => answer?,
    };
    let v1::SubmitResponse { case, replayed } = answer.open().map_err(cases::damaged)?;
    Ok(v1::ShareInformationResponse { case, replayed })
}

/// What follows from rejecting what was shared.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// Takes back what the recipient was given.
    pub(crate) recall: NewJob,
    /// The same, beside the case.
    pub(crate) kept: Kept,
    /// Conditions that would have bound from acceptance, and bind nobody.
    pub(crate) conditions: Vec<v1::Condition>,
}

/// What follows where the recipient rejects a case; nothing where it shared
/// nothing.
///
/// # Errors
/// The case's record cannot be read.
pub(crate) fn rejected(
    gateway: &Gateway,
    case: &CaseAt,
    reason: &str,
) -> Result<Option<Rejected>, Refusal> {
    if anew::request(case)?.information.is_none() {
        return Ok(None);
    }
    let step = case.snapshot.kept().step + 1;
    // What binds whoever has seen it binds on.
    let conditions = case.snapshot.conditions.iter();
    let waiting = conditions.filter(|one| one.state() == ConditionState::Waiting);
    let lifted = waiting.map(|one| v1::Condition {
        state: ConditionState::Lifted.into(),
        ..one.clone()
    });
    Ok(Some(Rejected {
        recall: record::recall(&case.row, step, gateway.now()),
        kept: Kept {
            step,
            recall: Some(Recall {
                step,
                reason: reason.to_owned(),
                ended: false,
            }),
            ..Kept::default()
        },
        conditions: lifted.collect(),
    }))
}
