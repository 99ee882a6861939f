//! One opinion: whether it can be taken, and what is recorded of it.

use comity::v1::{self, DecideRequest, ReviewTaskState, ReviewVerdict};
use jiff::Timestamp;
use prost::bytes::Bytes;

use crate::{
    admit,
    cases::CaseAt,
    gateway::Gateway,
    holder::Holder,
    refusal::Refusal,
    wire::{self, encoded::Task, to_proto},
};

use super::{consult, entitle::Reviewer, show, tasks};

/// Refuses what the task does not take, or not any more.
pub(super) fn check(
    gateway: &Gateway,
    holder: &Holder,
    (case, task): (&CaseAt, &Task),
    message: &DecideRequest,
) -> Result<(), Refusal> {
    if let Some(why) = closed(holder, (case, task), message) {
        return Err(Refusal::NotOpen {
            task: message.name.clone(),
            why,
        });
    }
    if !message.etag.is_empty() && message.etag != show::etag(case, task) {
        return Err(Refusal::Conflict("the task"));
    }
    if message.signature.is_empty() {
        return if gateway.demands_signed_opinions() {
            Err(admit::malformed(
                "signature",
                "is missing: this gateway takes signed opinions only",
            ))
        } else {
            Ok(())
        };
    }
    let statement = wire::statement::of(message, tasks::basis(task));
    if holder.has_signed(statement.as_bytes(), &message.signature) {
        Ok(())
    } else {
        Err(admit::malformed(
            "signature",
            "is not by the certificate's key over this opinion: sign the lines that the contract describes",
        ))
    }
}

/// Why the task takes no such answer of this person, if so.
fn closed(
    holder: &Holder,
    (case, task): (&CaseAt, &Task),
    message: &DecideRequest,
) -> Option<&'static str> {
    match task.state() {
        ReviewTaskState::Answered => return Some("it is answered"),
        ReviewTaskState::Lapsed => return Some("its question does not arise any more"),
        ReviewTaskState::Unspecified
        | ReviewTaskState::Open
        | ReviewTaskState::Consulting
        | ReviewTaskState::Conflict => {}
    }
    if case.row.state.is_final() {
        return Some("the case is at its end");
    }
    if message.verdict() == ReviewVerdict::Consult {
        let asked = consult::is_open(&case.snapshot.consultations, &message.name);
        return asked.then_some("the issuing authority is asked already; wait for its answer");
    }
    let given = tasks::opinions(task).any(|given| is_by(given, holder));
    given.then_some("the same person has answered it, finally; another person has to")
}

/// An opinion is that of this person. One whose author cannot be told any more
/// could be anybody's.
fn is_by(given: &v1::ReviewOpinion, holder: &Holder) -> bool {
    match Holder::read(given.certificate.to_vec().into()) {
        Ok(author) => author.is_one_with(holder),
        Err(_) => true,
    }
}

/// What must be the same where an answer is repeated: the task changes by the first, and
/// some keys sign otherwise each time.
pub(super) fn content(message: &DecideRequest) -> DecideRequest {
    DecideRequest {
        etag: String::new(),
        signature: Bytes::new(),
        ..message.clone()
    }
}

/// An opinion as it is recorded.
pub(super) fn recorded(
    Reviewer { caller, holder }: Reviewer<'_>,
    message: &DecideRequest,
    basis: &str,
    now: Timestamp,
) -> v1::ReviewOpinion {
    v1::ReviewOpinion {
        reviewer: caller.to_string(),
        verdict: message.verdict,
        reasons: message.reasons.clone(),
        subject: holder.subject.clone(),
        given_at: Some(to_proto::timestamp(now)),
        basis_sha256: basis.to_owned(),
        signature: message.signature.clone(),
        certificate: Bytes::copy_from_slice(&holder.certificate),
    }
}
