//! Taking back what was handed over: the delivery that is still to be made is
//! cancelled, the one that was or may have been made is recalled.

use comity::v1::RecallRequest;
use comity_ledger::Leaf;
use comity_store::{Durable, Job, Lease, NewJob};

use crate::{
    backends::Outgoing,
    cases::CaseAt,
    deliver,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    record,
    refusal::Refusal,
    wire::encoded::{self, Kept, Recall},
};

/// What has to be done so that nothing stands that was handed over.
#[derive(Debug, Default)]
pub(crate) struct TakenBack {
    /// The delivery that is not made any more.
    pub(crate) cancel: Option<Lease>,
    /// The recall of one that was, or may have been.
    pub(crate) recall: Option<(NewJob, Recall)>,
}

/// Finds out what has to be taken back. It holds as long as nobody takes up the
/// delivery meanwhile, which the cancelling itself finds out.
pub(crate) async fn take_back(
    gateway: &Gateway,
    case: &CaseAt,
    reason: &str,
) -> Result<TakenBack, Refusal> {
    if !case.snapshot.kept().is_handed_over() {
        return Ok(TakenBack::default());
    }
    let jobs = gateway.store().jobs(&case.row.id).await;
    let jobs = jobs.map_err(record::unavailable)?;
    let pending = jobs.iter().find(|job| job.step == record::DELIVER);
    Ok(TakenBack {
        cancel: pending.map(|job| job.lease),
        // Who enqueues a delivery makes it: it was tried, and may have had its effect.
        recall: Some(of(gateway, case, reason)),
    })
}

/// The recall of what a case has handed over so far.
pub(crate) fn of(gateway: &Gateway, case: &CaseAt, reason: &str) -> (NewJob, Recall) {
    let step = case.snapshot.kept().step + 1;
    let recall = Recall {
        step,
        reason: reason.to_owned(),
        ended: false,
    };
    (record::recall(&case.row, step, gateway.now()), recall)
}

/// Recalls, and files what came of it.
pub(crate) async fn attempt(
    gateway: &Gateway,
    job: &Durable<Job>,
    case: CaseAt,
) -> Result<CaseAt, Unfiled> {
    let step = deliver::step(job);
    let message = RecallRequest {
        case: case.snapshot.name.clone(),
        step,
        reason: known(&case, step).map_or_else(String::new, |recall| recall.reason.clone()),
    };
    let message = Outgoing::of(&case.snapshot, message);
    let ended = match gateway.backends().recall(&job.target, message).await {
        Ok(_) => ("recalled", "what was handed over is taken back".to_owned()),
        Err(why) if deliver::is_final(why) => {
            tracing::error!(case.id = %job.case, %why, "a recall was refused");
            let note = format!("the executing system does not take back what it has ({why})");
            ("recall-refused", note)
        }
        Err(why) => {
            tracing::info!(case.id = %job.case, state.executing = %job.target, %why, job.attempts, "recall postponed");
            deliver::retry(gateway, job, &why.to_string()).await?;
            return Ok(case);
        }
    };
    file(gateway, case, ended, job).await
}

/// The recall of a step, where a later one has not taken its place.
fn known(case: &CaseAt, step: u32) -> Option<&Recall> {
    let recall = case.snapshot.kept().recall.as_ref();
    recall.filter(|recall| recall.step == step)
}

/// Files that a recall has come to its end; the case stays where it stands.
async fn file(
    gateway: &Gateway,
    case: CaseAt,
    (kind, note): (&str, String),
    job: &Durable<Job>,
) -> Result<CaseAt, Unfiled> {
    let state = case.row.state;
    let adds = encoded::Case {
        kept: Some(Kept {
            recall: known(&case, deliver::step(job)).map(|recall| Recall {
                ended: true,
                ..recall.clone()
            }),
            ..Kept::default()
        }),
        ..encoded::Case::default()
    };
    let leaf = Leaf {
        note: Some(note),
        ..Leaf::new(gateway.now(), kind, "gateway")
    };
    let event = Event::new(leaf, state, adds);
    let (case, _) = happen::file(gateway, case, event, Some(job)).await?;
    Ok(case)
}
