//! Telling the parties of a case that its data are to be used further or passed on: a
//! job of the same transaction as the decision on that, so that no decision stays
//! unknown to who sent the data.

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
    happen::{self, Event, Unfiled},
    identity::Caller,
    record,
    refusal::Refusal,
    wire::{encoded, from_proto},
};

/// The job that tells the parties of the source of a request that is decided; none
/// where it names none.
pub(crate) fn told(asking: &CaseChange, admission: &Admission, now: Timestamp) -> Option<NewJob> {
    let source = admission.source.clone()?;
    Some(record::onward(asking, source, now))
}

/// Works off such a job.
pub(crate) async fn tell(gateway: &Gateway, job: Durable<Job>) {
    let told = happen::carry_out("tell of an onward use", || attempt(gateway, &job));
    if let Err(error) = told.await {
        // The lease runs out, and the outbox comes back to it.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an onward use could not be told of"
        );
    }
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
    let asking = from_proto::case_name(&name).map_err(Refusal::Malformed)?;
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
    Ok(Event {
        told: answered,
        ..Event::new(leaf, source.row.state, encoded::Case::default())
    })
}
