//! What the outbox has to hold follows from the cases: compared when a folder is verified,
//! and mended as a gateway starts. A job is made again only as the entry that enqueued it
//! commits to it; notices, of which a case does not say whether they were sent, are not.

use std::path::Path;

use comity_domain::{CaseId, CaseState};
use comity_ledger::Flaw;
use comity_store::{Archive, CaseRow, KeyToken, OpenError, Owed, Period, ReadError};
use jiff::Timestamp;
use prost::Message as _;
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    cases::{self, CaseAt},
    deliver,
    gateway::Gateway,
    record,
    wire::encoded::{self, Errand},
};

/// Cases read at once.
const CHUNK: usize = 200;
/// Pauses that a job may be put off by: one, and as much for a clock that differs.
const PAUSES: u32 = 2;

const LOST: &str = "what was to be done stays undone until the gateway starts next: it makes the \
     row again";
const DENIED: &str = "were its row in the outbox lost, it would not be made again";
const LATE: &str = "it is not tried before the gateway starts next";
const UNREADABLE: &str = "the database cannot be relied on";

/// Why the outbox could not be looked at.
#[derive(Debug, Error)]
enum OutboxError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Verifies that the outbox holds each delivery and recall that a case needs, and puts none
/// off for longer than any is.
///
/// # Errors
/// The first [`Flaw`] found; also where the folder cannot be opened.
pub fn verify_outbox(
    (data, token): (&Path, Option<&KeyToken>),
    now: Timestamp,
) -> Result<(), Flaw> {
    let unread =
        |error: OutboxError| Flaw::of("comity.db", format!("cannot be read: {error}"), UNREADABLE);
    let archive = Archive::open(data, token, Period::default());
    let mut archive = archive.map_err(|error| unread(error.into()))?;
    let late = archive.postponed_beyond(latest(now));
    if let Some((case, entry)) = late.map_err(|error| unread(error.into()))? {
        let what = format!("table `job`, cases/{case}: column `ready_at` puts it off for too long");
        return Err(Flaw::of("comity.db", what, LATE).entry(entry));
    }
    match first_wrong(archive).map_err(unread)? {
        None => Ok(()),
        Some(Wrong::Denied(case)) => {
            let what = format!("table `cases`, cases/{case}: column `owes` denies what it owes");
            Err(Flaw::of("comity.db", what, DENIED))
        }
        Some(Wrong::Lost(Owed { case, step, .. }, entry)) => {
            let what =
                format!("table `job`, cases/{case}: the row is missing by which it is to `{step}`");
            Err(Flaw::of("comity.db", what, LOST).entry(entry))
        }
    }
}

/// Makes again what the outbox lacks, and says so in the log.
pub(crate) async fn mend(gateway: Gateway, stop: watch::Receiver<bool>) {
    let mut after = None;
    while !*stop.borrow() {
        let cases = match gateway.store().owing(after, CHUNK).await {
            Ok(cases) => cases,
            Err(error) => {
                return tracing::error!(%error, "the outbox is not compared with cases");
            }
        };
        let Some(last) = cases.last() else { return };
        after = Some(last.opened);
        let owed = cases.into_iter().flat_map(owed).collect();
        match gateway.store().mend_outbox(owed).await {
            Ok(made) => made.iter().for_each(tell),
            Err(error) => return tracing::error!(%error, "the outbox is not mended"),
        }
    }
}

fn tell(made: &Owed) {
    tracing::error!(
        case.id = %made.case, made.step,
        "a job that the case needs was not in the outbox: it is made again"
    );
}

/// What is wrong with the outbox.
enum Wrong {
    /// A case's row says that it owes nothing.
    Denied(CaseId),
    /// The job is missing that this entry enqueued.
    Lost(Owed, u64),
}

fn first_wrong(mut archive: Archive) -> Result<Option<Wrong>, OutboxError> {
    loop {
        let cases = archive.next(CHUNK)?;
        if cases.is_empty() {
            return Ok(None);
        }
        for owed in cases.into_iter().flat_map(owed) {
            if archive.is_denied(&owed)? {
                return Ok(Some(Wrong::Denied(owed.case)));
            }
            if let Some(entry) = archive.lost(&owed)? {
                return Ok(Some(Wrong::Lost(owed, entry)));
            }
        }
    }
}

/// Whether a case that stands so needs a job.
pub(crate) fn owes(state: CaseState, snapshot: &encoded::Case) -> bool {
    needs_delivery(state) || snapshot.kept().is_recalling()
}

/// Whether a case that stands so is to be handed over.
pub(crate) fn needs_delivery(state: CaseState) -> bool {
    matches!(state, CaseState::Approved | CaseState::Delivering)
}

/// The jobs that a case needs. One that cannot be read is verification's to find.
fn owed(row: CaseRow) -> Vec<Owed> {
    let Ok(CaseAt {
        snapshot,
        version,
        row,
        ..
    }) = cases::read(row)
    else {
        return Vec::new();
    };
    let kept = snapshot.kept();
    let delivery = needs_delivery(row.state).then_some((record::DELIVER, kept.step));
    let recall = kept.recall.as_ref().filter(|recall| !recall.ended);
    let recall = recall.map(|recall| (record::RECALL, recall.step));
    let jobs = delivery.into_iter().chain(recall);
    let job = |(step, number)| Owed {
        case: row.id.clone(),
        version,
        step,
        target: row.executing.0.clone(),
        urgency: row.precedence(),
        body: Errand { step: number }.encode_to_vec(),
    };
    jobs.map(job).collect()
}

/// No job is put off until later.
fn latest(now: Timestamp) -> Timestamp {
    now + deliver::BACKOFF_MAX * PAUSES
}
