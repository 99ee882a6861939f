//! Telling the parties of a case that its data are to be used further or passed on: a
//! job of the same transaction as the decision on that, so that no decision stays
//! unknown to who sent the data.

use comity::v1;
use comity_domain::Outcome;
use comity_ledger::Leaf;
use comity_store::{CaseChange, Durable, Job, NewJob};
use jiff::Timestamp;
use prost::Message as _;

use crate::{
    admit::Admission,
    anew,
    cases::{self, CaseAt},
    deliver,
    gateway::Gateway,
    happen::{self, ATTEMPTS, Event, Unfiled},
    identity::Caller,
    record,
    refusal::Refusal,
    wire::encoded,
};

/// The job that tells the parties of the source of a request that is decided; none
/// where it names none.
pub(crate) fn told(asking: &CaseChange, admission: &Admission, now: Timestamp) -> Option<NewJob> {
    admission.request.source.as_ref()?;
    let request = v1::CooperationRequest::decode(admission.encoded.clone()).ok()?;
    Some(record::onward(asking, super::source(&request).ok()?, now))
}

/// Works off such a job.
pub(crate) async fn tell(gateway: &Gateway, job: Durable<Job>) {
    for _ in 0..ATTEMPTS {
        match attempt(gateway, &job).await {
            Ok(()) => return,
            Err(Unfiled::Conflict) => {}
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an onward use could not be told of"
                );
                break;
            }
        }
    }
    // The lease runs out, and the outbox comes back to it.
}

async fn attempt(gateway: &Gateway, job: &Durable<Job>) -> Result<(), Unfiled> {
    let source = cases::load(gateway, &job.case).await?;
    if source.snapshot.request.is_none() {
        // Erased: there is nobody left to tell.
        deliver::overtaken(gateway, job).await;
        return Ok(());
    }
    let event = event(gateway, job, &source).await?;
    happen::file(gateway, source, event, Some(job)).await?;
    Ok(())
}

/// Who asked, and what the law says of it now.
async fn event(gateway: &Gateway, job: &Job, source: &CaseAt) -> Result<Event, Refusal> {
    let unread = |error| Refusal::Internal(Box::new(error));
    let name = String::decode(job.body.as_slice()).map_err(unread)?;
    let asking = super::source(&v1::CooperationRequest {
        source_case: name,
        ..v1::CooperationRequest::default()
    })?;
    let asking = cases::load(gateway, &asking).await?;
    let by = Caller::recorded(&asking.row.owner)?;
    let now = gateway.now();
    let note = match asking.row.outcome {
        Some(Outcome::Approved) => "another use of the data was asked for, and is allowed",
        Some(Outcome::Refused) => "another use of the data was asked for, and is refused",
        Some(Outcome::Incomplete | Outcome::Referred) | None => {
            "another use of the data was asked for, and is not allowed as yet"
        }
    };
    let leaf = Leaf {
        note: Some(note.to_owned()),
        ..record::standing_leaf(now, "onward-use-asked", &by, &asking)?
    };
    // Who sent what was shared reads its case; who answered a request is told.
    let answered = anew::request(source)?.information.is_none();
    let notice = answered.then(|| record::notice(&source.row, source.version + 1, now));
    Ok(Event {
        enqueue: notice.into_iter().collect(),
        ..Event::new(leaf, source.row.state, encoded::Case::default())
    })
}
