//! Telling the executing system of an event that needs no answer: through the
//! outbox, until it has been told.

use comity::v1;
use comity_domain::CaseState;
use comity_ledger::Leaf;
use comity_store::{CommitError, Durable, Entry, Job, Transaction};
use prost::Message as _;
use tonic::Code;

use crate::{
    backends::{NoAnswer, Outgoing},
    cases::{self, Withheld},
    deliver,
    gateway::Gateway,
    happen::Unfiled,
    outbox,
    refusal::Refusal,
};

/// Works off a notice: made once, and tried again until the backend has it.
pub(crate) async fn send(gateway: &Gateway, job: Durable<Job>) {
    let (state, message) = match message(gateway, &job).await {
        Ok(notice) => notice,
        Err(error) => {
            tracing::warn!(%error, "an event to tell of cannot be read");
            return;
        }
    };
    let filed = match gateway.backends().notify(&job.target, message).await {
        Ok(v1::NotifyResponse {}) => finish(gateway, &job, "the executing system knows")
            .await
            .map_err(Unfiled::from),
        Err(why) if deliver::is_final(why) || is_none_of_its(why, state) => {
            let note = format!("the executing system does not take the notice ({why})");
            finish(gateway, &job, &note).await.map_err(Unfiled::from)
        }
        Err(why) => deliver::retry(gateway, &job, &why.to_string()).await,
    };
    if let Err(error) = filed {
        // The lease runs out, and the outbox comes back to it.
        tracing::warn!(%error, "a notice could not be filed");
    }
}

/// Whoever has nothing to do with notices, or with a case, need not take any. Of a case that
/// is still on its way to it, it is told once it has that.
fn is_none_of_its(why: NoAnswer, state: CaseState) -> bool {
    match why {
        NoAnswer::Failed(Code::Unimplemented) => true,
        NoAnswer::Failed(Code::NotFound) => !outbox::needs_delivery(state),
        NoAnswer::Failed(_) | NoAnswer::NotConfigured(_) | NoAnswer::Stopping => false,
    }
}

/// Where the case stands, and the notice with the event as it is in the ledger.
async fn message(
    gateway: &Gateway,
    job: &Job,
) -> Result<(CaseState, Outgoing<v1::NotifyRequest>), Refusal> {
    let damaged = |error| Refusal::Internal(Box::new(error));
    let mut message = v1::NotifyRequest::decode(job.body.as_slice()).map_err(damaged)?;
    let case = cases::load(gateway, &job.case).await?;
    let version = u64::from(message.step);
    let mut event = cases::of_version(gateway, &job.case, version).await?;
    if let Some(event) = &mut event {
        Withheld::from_executing(&case).take_out_of(event);
    }
    message.event = event;
    Ok((case.row.state, Outgoing::of(&case.snapshot, message)))
}

async fn finish(gateway: &Gateway, job: &Durable<Job>, note: &str) -> Result<(), CommitError> {
    let leaf = Leaf {
        case: Some(job.case.to_string()),
        note: Some(note.to_owned()),
        ..Leaf::new(gateway.now(), "notice", "gateway")
    };
    let transaction = Transaction {
        entries: vec![Entry {
            leaf,
            record: Vec::new(),
        }],
        finish: Some(job.lease),
        ..Transaction::default()
    };
    gateway.store().commit(transaction).await.map(drop)
}
