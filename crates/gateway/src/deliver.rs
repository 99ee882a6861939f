//! Delivery: at least once on the wire, exactly once in effect.
//!
//! A job is on disk before the first attempt. The backend deduplicates on
//! case and step, so that an attempt whose answer was lost may be repeated.

use std::{collections::BTreeSet, error::Error, time::Duration};

use comity::v1;
use comity_domain::CaseState;
use comity_store::{Durable, Job, Transaction};
use prost::{Message as _, bytes::Bytes};
use tokio::sync::watch;
use tonic::Code;

use crate::{
    answer::{self, Answer},
    audit,
    backends::{NoAnswer, Outgoing},
    cases::{self, CaseAt},
    execute,
    gateway::Gateway,
    happen::Unfiled,
    notify, origin, recall, record,
    refusal::Refusal,
    room,
    share::Left,
    wire::{
        Violation,
        answer::of_contract,
        digest_of,
        encoded::{self, Errand},
    },
};

/// How often the outbox is asked for what has become due.
const POLL: Duration = Duration::from_millis(250);
/// First pause after a failure; doubles up to [`BACKOFF_MAX`].
const BACKOFF: Duration = Duration::from_millis(250);
/// Longest pause between two attempts.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// Most fields of an answer that are named as unreadable.
const FIELDS_MAX: usize = 8;

/// Makes the first attempt for a case just recorded, and files what came of it. Where the
/// State has no room for it, the outbox has the job.
///
/// Returns the case as it stands afterwards, where that could be filed; a
/// backend that cannot be reached leaves it `DELIVERING`.
pub(crate) async fn first(gateway: Gateway, job: Durable<Job>, case: CaseAt) -> Option<CaseAt> {
    let _under_way = gateway.deliveries().token();
    let Some(_place) = gateway.attempts().first(&job.target, job.urgency) else {
        hand_on(&gateway, &job, "no room for a first attempt").await;
        return None;
    };
    attempt_and_file(&gateway, &job, case).await
}

async fn attempt_and_file(gateway: &Gateway, job: &Durable<Job>, case: CaseAt) -> Option<CaseAt> {
    match attempt(gateway, job, case).await {
        Ok(case) => Some(case),
        Err(Unfiled::NotAllowed(_)) => {
            Box::pin(overtaken(gateway, job)).await;
            None
        }
        Err(Unfiled::Conflict) => {
            // With the case as it stands: the answer stays the same.
            hand_on(gateway, job, "the case changed").await;
            None
        }
        // The lease runs out, and the outbox takes over.
        Err(Unfiled::Unavailable(error)) if room::refusal(&error).is_some() => None,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a delivery could not be filed"
            );
            None
        }
    }
}

/// Gives a job to the outbox, to be taken up at once.
async fn hand_on(gateway: &Gateway, job: &Job, why: &str) {
    let again = gateway.store().retry_at(job.lease, gateway.now(), why);
    // Lost where the delivery was cancelled, or somebody else has it.
    let _ = again.await;
}

/// Works off the outbox until told to stop.
pub(crate) async fn run(gateway: Gateway, mut stop: watch::Receiver<bool>) {
    loop {
        match claim(&gateway).await {
            Ok(jobs) => {
                for job in jobs {
                    let gateway = gateway.clone();
                    tokio::spawn(async move { resume(&gateway, job).await });
                }
            }
            Err(error) => tracing::warn!(error, "the outbox cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = gateway.store().jobs_changed() => {}
            () = gateway.attempts().left() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Takes what is ready out of the outbox, as far as there is room to attempt it. Nothing is
/// written where that is nothing.
async fn claim(gateway: &Gateway) -> Result<Vec<Durable<Job>>, Box<dyn Error + Send + Sync>> {
    let now = gateway.now();
    let ready = gateway.store().ready(now).await?;
    let wanted = gateway.attempts().wanted(ready);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    Ok(gateway.store().claim(wanted, now, record::LEASE).await?)
}

/// Takes up a job whose exchange is gone, after a failure or a restart, or that
/// none ever made.
pub(crate) async fn resume(gateway: &Gateway, job: Durable<Job>) {
    let _under_way = gateway.deliveries().token();
    let Some(_place) = gateway.attempts().again(&job.target, job.urgency) else {
        return hand_on(gateway, &job, "no room for an attempt").await;
    };
    if job.step == record::NOTIFY {
        return notify::send(gateway, job).await;
    }
    if job.step == record::ONWARD {
        return origin::tell(gateway, job).await;
    }
    match with_receipt(gateway, &job).await {
        Ok(case) if job.step == record::DELIVER && is_void(case.row.state) => {
            overtaken(gateway, &job).await;
        }
        Ok(case) => drop(attempt_and_file(gateway, &job, case).await),
        Err(error) => tracing::warn!(%error, "a case to deliver cannot be read"),
    }
}

/// Nothing of a case that stands so is to be handed over any more. What was concluded
/// still is, since it stays approved.
pub(crate) fn is_void(state: CaseState) -> bool {
    state.is_final() && state != CaseState::Concluded
}

/// Ends a job that the case has no use for any more: the executing side has reported
/// its answer by itself, or the case is over and nothing leaves any more.
pub(crate) async fn overtaken(gateway: &Gateway, job: &Durable<Job>) {
    let transaction = Transaction {
        finish: Some(job.lease),
        ..Transaction::default()
    };
    if let Err(error) = gateway.store().commit(transaction).await {
        tracing::warn!(%error, "an overtaken delivery could not be ended");
    }
}

/// The step that a job is for.
pub(crate) fn step(job: &Job) -> u32 {
    // What cannot be read is for no step, and so does nothing that another did.
    Errand::decode(job.body.as_slice()).map_or(0, |errand| errand.step)
}

/// Request and decision that a step hands over: what was approved, whatever was supplemented
/// since.
fn handed_over(case: &encoded::Case, step: u32) -> (Option<&Bytes>, Option<&Bytes>) {
    let handover = case.kept().handover.as_ref();
    let (request, decision) = match handover.filter(|handover| handover.step == step) {
        Some(handover) => (&handover.request, &handover.decision),
        None => (&case.request, &case.decision),
    };
    (request.as_ref(), decision.as_ref())
}

/// A job's case, with the receipt of the entry that enqueued the job: what followed says
/// nothing of what is handed over.
async fn with_receipt(gateway: &Gateway, job: &Job) -> Result<CaseAt, Refusal> {
    let mut case = cases::load(gateway, &job.case).await?;
    let (request, _) = handed_over(&case.snapshot, step(job));
    let request = digest_of(request.map_or(&[], |request| &**request));
    case.snapshot.receipt = Some(audit::receipt(gateway, job.entry(), request).await?);
    Ok(case)
}

async fn attempt(gateway: &Gateway, job: &Durable<Job>, case: CaseAt) -> Result<CaseAt, Unfiled> {
    if job.step == record::RECALL {
        return Box::pin(recall::attempt(gateway, job, case)).await;
    }
    let step = step(job);
    let (request, decision) = handed_over(&case.snapshot, step);
    let message = encoded::DeliverRequest {
        case: case.snapshot.name.clone(),
        step,
        request: request.cloned(),
        decision: decision.cloned(),
        receipt: case.snapshot.receipt.clone(),
    };
    let message = Outgoing::of(&case.snapshot, message);
    let delivery = Box::pin(gateway.backends().deliver(&job.target, message));
    let delivered = delivery.await;
    let taken = delivered.is_ok();
    let answer = match delivered {
        Ok(v1::DeliverResponse { reference, result }) => {
            let result = result.map(|result| execute::readable(gateway, result));
            let answer = match result.transpose() {
                Ok(None) => Answer::acknowledged(String::new()),
                Ok(Some(result)) => Answer::result(result),
                // Its end was reported otherwise meanwhile.
                Err(_) if case.row.state.is_final() => {
                    Box::pin(overtaken(gateway, job)).await;
                    return Ok(case);
                }
                Err(wrong) => {
                    let fields = fields(&wrong);
                    tracing::warn!(
                        case.id = %job.case, state.executing = %job.target, fields,
                        "the executing system's answer cannot be read: it is asked again"
                    );
                    let told = Answer::unreadable(&fields);
                    let why = "the answer cannot be read";
                    return Box::pin(postpone(gateway, job, case, (why, told))).await;
                }
            };
            answer.referenced_by_system(&job.case, &reference)
        }
        Err(why) if is_final(why) && answer::is_acknowledged(case.row.state) => {
            // Whoever has it said so meanwhile: that one more copy of it is refused ends nothing.
            Box::pin(overtaken(gateway, job)).await;
            return Ok(case);
        }
        Err(why) if is_final(why) => {
            tracing::warn!(
                case.id = %job.case, state.executing = %job.target, %why,
                "the executing system rejects a request: it is not executed"
            );
            Answer::rejected(why, left(job))
        }
        Err(why) => {
            let told = Answer::delivering(&job.target, why);
            let why = why.to_string();
            return Box::pin(postpone(gateway, job, case, (&why, told))).await;
        }
    };
    match Box::pin(answer::file(gateway, case, answer, Some(job))).await {
        Err(Unfiled::Conflict) if taken => Box::pin(over(gateway, job)).await,
        filed => filed,
    }
}

/// The case as it stands, where the executing system took it and has brought it to its end
/// meanwhile: nothing is left to file.
async fn over(gateway: &Gateway, job: &Durable<Job>) -> Result<CaseAt, Unfiled> {
    let case = cases::recorded(gateway, &job.case).await;
    let case = case.ok().filter(|case| case.row.state.is_final());
    let case = case.ok_or(Unfiled::Conflict)?;
    overtaken(gateway, job).await;
    Ok(case)
}

/// Where an answer is not as the contract demands: paths as the contract has them, and
/// nothing that the answer says.
fn fields(wrong: &[Violation]) -> String {
    let paths = wrong
        .iter()
        .map(|wrong| format!("`{}`", of_contract(&wrong.field)));
    let paths: BTreeSet<_> = paths.collect();
    let few: Vec<_> = paths.into_iter().take(FIELDS_MAX).collect();
    few.join(", ")
}

/// What the executing system has where it refuses an attempt: an earlier one, whose
/// answer was lost, may have had its effect.
fn left(job: &Job) -> Left {
    match job.attempts {
        0 | 1 => Left::Nothing,
        _ => Left::Something,
    }
}

/// Files the first failure of a delivery and sets the time of the next attempt.
async fn postpone(
    gateway: &Gateway,
    job: &Durable<Job>,
    case: CaseAt,
    (why, told): (&str, Answer),
) -> Result<CaseAt, Unfiled> {
    tracing::info!(case.id = %job.case, state.executing = %job.target, why, job.attempts, "delivery postponed");
    let case = if case.row.state == CaseState::Approved {
        answer::file(gateway, case, told, None).await?
    } else {
        case
    };
    retry(gateway, job, why).await?;
    Ok(case)
}

/// Sets the time of a job's next attempt.
pub(crate) async fn retry(gateway: &Gateway, job: &Job, why: &str) -> Result<(), Unfiled> {
    let when = gateway.now() + backoff(job.attempts, gateway.jitter());
    Ok(gateway.store().retry_at(job.lease, when, why).await?)
}

/// A refusal by the backend that no repetition will change. That something is not there is
/// none: something on the way says so too, as while a system is exchanged.
pub(crate) fn is_final(why: NoAnswer) -> bool {
    let NoAnswer::Failed(code) = why else {
        return false;
    };
    match code {
        Code::InvalidArgument | Code::AlreadyExists | Code::FailedPrecondition => true,
        // Of an answer that is too long to be taken, too.
        Code::OutOfRange
        | Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated
        | Code::NotFound
        | Code::Unimplemented => false,
    }
}

/// The pause before the next attempt: doubled each time, with up to half of it
/// taken off by `jitter` (0 to 255) so that many jobs do not return at once.
fn backoff(attempts: u32, jitter: u8) -> Duration {
    let full = BACKOFF
        .saturating_mul(1 << attempts.min(16))
        .min(BACKOFF_MAX);
    full - full / 2 * u32::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_without_the_names_that_an_answer_gives() {
        let wrong = [
            "result.data.subscribers.erika_mustermann.since",
            "result.data.491701234567[2]",
            "result.data",
            "result.database",
            "result.obligations[0].parameters[\"period\"]",
        ];
        let wrong = wrong.map(|field| Violation {
            field: field.to_owned(),
            description: String::new(),
        });
        assert_eq!(
            fields(&wrong),
            "`result.data`, `result.database`, `result.obligations[0].parameters`"
        );
    }

    #[test]
    fn what_a_proxy_says_while_a_system_is_exchanged_ends_no_case() {
        let codes = [Code::Unimplemented, Code::NotFound, Code::PermissionDenied];
        for code in codes {
            assert!(!is_final(NoAnswer::Failed(code)), "{code:?}");
        }
        assert!(is_final(NoAnswer::Failed(Code::InvalidArgument)));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(backoff(0, 0), BACKOFF);
        assert_eq!(backoff(1, 0), BACKOFF * 2);
        assert_eq!(backoff(60, 0), BACKOFF_MAX);
        for attempts in 0..70 {
            assert!(backoff(attempts, 255) >= backoff(attempts, 0) / 2);
        }
    }
}
