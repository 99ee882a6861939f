//! The events of cases: page by page, since each comes with a record of its own.

use std::sync::Arc;

use comity::v1::{self, ClockState, WatchCaseResponse};
use comity_domain::{CaseId, CaseState};
use comity_store::{Event, state_name};
use futures::Stream;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{CaseAt, Withheld, visible};
use crate::{
    answer,
    gateway::Gateway,
    identity::Caller,
    record::{self, RETRY_AFTER},
    refusal::Refusal,
    wire::{self, to_proto},
};

/// Entries read from the store at once.
const EVENTS: usize = 64;
/// Events that wait for a slow watcher before the stream pauses.
const WATCH_BUFFER: usize = 64;
/// Bytes of events with which a case is shown.
const BYTES: usize = 1 << 20;

/// Where the events go that somebody watches.
type Watcher = mpsc::Sender<Result<WatchCaseResponse, Status>>;

/// The event by which a case came to a version.
pub(crate) async fn of_version(
    gateway: &Gateway,
    id: &CaseId,
    version: u64,
) -> Result<Option<v1::CaseEvent>, Refusal> {
    let row = gateway.store().event_of(id, version).await;
    Ok(row.map_err(record::unavailable)?.as_ref().and_then(event))
}

/// As many of the latest events of a case, as it was read, as it is shown with.
pub(super) async fn latest(
    gateway: &Gateway,
    case: &CaseAt,
) -> Result<Vec<v1::CaseEvent>, Refusal> {
    let id = &case.row.id;
    // What happened since the case was read is told with what it made of the case.
    let newest = gateway.store().event_of(id, case.version).await;
    let newest = newest.map_err(record::unavailable)?;
    let mut shown = Latest::default();
    let mut more = newest.iter().filter_map(event).all(|one| shown.take(one));
    let mut before = newest.map_or(0, |newest| newest.index);
    while more {
        let rows = gateway.store().events_before(id, before, EVENTS).await;
        let rows = rows.map_err(record::unavailable)?;
        before = rows.last().map_or(before, |last| last.index);
        let fits = rows.iter().filter_map(event).all(|one| shown.take(one));
        more = fits && rows.len() == EVENTS;
    }
    shown.events.reverse();
    Ok(shown.events)
}

/// The events with which a case is shown, from the last, which is among them whatever its
/// size.
#[derive(Debug, Default)]
struct Latest {
    events: Vec<v1::CaseEvent>,
    bytes: usize,
}

impl Latest {
    /// Takes in one more, unless there is no room for it.
    fn take(&mut self, event: v1::CaseEvent) -> bool {
        self.bytes += event.encoded_len();
        let fits = self.events.is_empty() || self.bytes <= BYTES;
        if fits {
            self.events.push(event);
        }
        fits
    }
}

/// Streams a case's events: those after `after_sequence`, then each as it
/// comes, until the case is at its end and no time limit runs any more.
pub(crate) async fn watch(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    name: &str,
    after_sequence: u32,
) -> Result<impl Stream<Item = Result<WatchCaseResponse, Status>> + use<>, Refusal> {
    visible(gateway, caller, name).await?;
    let (watcher, stream) = mpsc::channel(WATCH_BUFFER);
    let (gateway, caller, name) = (gateway.clone(), Arc::clone(caller), name.to_owned());
    tokio::spawn(async move {
        let who = (&*caller, &*name);
        if let Err(refusal) = follow(&gateway, who, after_sequence, &watcher).await {
            // Fails only when the watcher has left.
            let _ = watcher.send(Err(refusal.into())).await;
        }
    });
    Ok(ReceiverStream::new(stream))
}

async fn follow(
    gateway: &Gateway,
    (caller, name): (&Caller, &str),
    after: u32,
    watcher: &Watcher,
) -> Result<(), Refusal> {
    let mut changes = gateway.changes();
    let mut after = u64::from(after);
    loop {
        // Read before its events, so that none is left out when it is over.
        let case = visible(gateway, caller, name).await?;
        after = tell(
            gateway,
            (&case, Withheld::from(caller, &case)),
            after,
            watcher,
        )
        .await?;
        // Some time limits run on beyond the end, also such as nobody is woken by, and a
        // recall may be under way.
        let mut clocks = case.snapshot.clocks.iter();
        let runs =
            clocks.any(|one| matches!(one.state(), ClockState::Running | ClockState::Paused));
        let over = case.row.state.is_final() && case.row.wake_at.is_none() && !runs;
        if over && !case.snapshot.kept().is_recalling() {
            return Ok(());
        }
        tokio::select! {
            () = answer::changed(&mut changes, &case.row.id) => {}
            () = watcher.closed() => return Ok(()),
            () = gateway.stopped() => {
                return Err(Refusal::Unavailable {
                    what: "the gateway stops and",
                    retry_after: RETRY_AFTER,
                });
            }
        }
    }
}

/// Tells of the events after a place, and answers the place of the last: of those alone
/// that made the case what the watcher may see.
async fn tell(
    gateway: &Gateway,
    (case, withheld): (&CaseAt, Withheld),
    mut after: u64,
    watcher: &Watcher,
) -> Result<u64, Refusal> {
    let id = &case.row.id;
    // Not every entry of a case brings it to another version.
    let newest = gateway.store().index_of(id, case.version).await;
    let newest = newest.map_err(record::unavailable)?;
    loop {
        let rows = gateway.store().events(id, after, EVENTS).await;
        let rows = rows.map_err(record::unavailable)?;
        let more = rows.len() == EVENTS;
        for row in rows {
            if newest.is_some_and(|newest| row.index > newest) {
                return Ok(after);
            }
            after = row.sequence;
            let Some(mut event) = event(&row) else {
                continue;
            };
            withheld.take_out_of(&mut event);
            let told = WatchCaseResponse { event: Some(event) };
            if watcher.send(Ok(told)).await.is_err() {
                return Ok(after);
            }
        }
        if !more {
            return Ok(after);
        }
    }
}

/// An entry that moved the case, as the contract shows it.
pub(crate) fn event(row: &Event) -> Option<v1::CaseEvent> {
    let state = row.leaf.state.as_deref()?;
    let state = CaseState::ALL
        .into_iter()
        .find(|known| state_name(*known) == state)?;
    let (remark, form) = wire::said(&row.record)?;
    Some(to_proto::event(to_proto::Event {
        sequence: u32::try_from(row.sequence).ok()?,
        kind: &row.leaf.kind,
        state,
        at: row.leaf.at,
        actor: &row.leaf.actor,
        note: row.leaf.note.as_deref().unwrap_or_default(),
        ledger_index: row.index,
        remark,
        form,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_shown_with_the_latest_of_its_events() {
        let event = |sequence, bytes: usize| v1::CaseEvent {
            sequence,
            remark: "x".repeat(bytes),
            ..v1::CaseEvent::default()
        };
        let shown = |events: &[v1::CaseEvent]| -> Vec<u32> {
            let mut latest = Latest::default();
            let newest_first = events.iter().rev().cloned();
            let _ = newest_first
                .take_while(|one| latest.take(one.clone()))
                .count();
            let events = latest.events.iter().rev();
            events.map(|event| event.sequence).collect()
        };
        let half = BYTES / 2;
        assert!(shown(&[]).is_empty());
        assert_eq!(shown(&[event(1, 1), event(2, half)]), [1, 2]);
        assert_eq!(
            shown(&[event(1, half), event(2, half), event(3, 1)]),
            [2, 3]
        );
        assert_eq!(shown(&[event(1, 1), event(2, BYTES)]), [2]);
    }
}
