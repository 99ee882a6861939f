//! Reading cases: one, many, and as they change.

use std::sync::Arc;

use comity::v1::{self, ListCasesRequest, ListCasesResponse, WatchCaseResponse};
use comity_domain::{CaseId, CaseState};
use comity_store::{CaseChange, CaseFilter, CaseRow, Event, Expected, state_name};
use futures::Stream;
use prost::{Message as _, bytes::Bytes};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    admit, answer, audit,
    gateway::Gateway,
    identity::{Caller, Role},
    outbox,
    record::{self, RETRY_AFTER},
    refusal::Refusal,
    wire::{
        self,
        encoded::{self, Asked},
        from_proto, to_proto,
    },
};

/// Events read from the store at once.
const EVENTS: usize = 256;
/// Events that wait for a slow watcher before the stream pauses.
const WATCH_BUFFER: usize = 64;

/// Cases read at once for a list: each comes with its request and all that became of it.
const AT_ONCE: usize = 16;
/// Bytes of cases after which a page ends early; clients usually take 4 MiB.
const PAGE_BYTES: usize = 3 << 20;

/// Bytes of events with which a case is shown.
const EVENTS_BYTES: usize = 1 << 20;

/// Roles of those who take part in cases.
const PARTIES: [Role; 3] = [Role::Issuing, Role::Executing, Role::Backend];

/// A case at one of its versions.
#[derive(Debug, Clone)]
pub(crate) struct CaseAt {
    pub(crate) snapshot: encoded::Case,
    /// The conditions of the decision, where they are at hand already.
    pub(crate) obligations: Option<Vec<v1::Obligation>>,
    pub(crate) version: u64,
    /// The stored row, from which the next version is made.
    pub(crate) row: CaseChange,
}

/// Reads a case as it stands, whoever asks.
pub(crate) async fn load(gateway: &Gateway, id: &CaseId) -> Result<CaseAt, Refusal> {
    let row = gateway
        .store()
        .case(id)
        .await
        .map_err(record::unavailable)?;
    read(row.ok_or_else(|| no_case(id))?)
}

/// Takes a stored case apart, field by field.
pub(crate) fn read(row: CaseRow) -> Result<CaseAt, Refusal> {
    let CaseRow {
        id,
        opened: _,
        version,
        state,
        issuing,
        executing,
        instrument,
        outcome,
        exercise,
        urgency,
        owner,
        request_id,
        opened_at,
        changed_at,
        wake_at,
        reviewers,
        team,
        records,
    } = row;
    let events = records
        .into_iter()
        .map(|record| encoded::Case::decode(Bytes::from(record)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(damaged)?;
    let snapshot = events.into_iter().reduce(encoded::Case::then);
    // Of an erased case the row is left, which holds no personal data.
    let snapshot = snapshot.unwrap_or_else(|| encoded::Case {
        name: format!("cases/{id}"),
        request_id: request_id.to_string(),
        state: to_proto::case_state(state).into(),
        received_at: Some(to_proto::timestamp(opened_at)),
        updated_at: Some(to_proto::timestamp(changed_at)),
        exercise,
        ..encoded::Case::default()
    });
    let expected = Expected::Version(version);
    let row = CaseChange {
        id,
        expected,
        state,
        issuing,
        executing,
        instrument,
        outcome,
        exercise,
        urgency,
        owner,
        request_id,
        wake_at,
        reviewers,
        team,
        owes: outbox::owes(state, &snapshot),
    };
    Ok(CaseAt {
        snapshot,
        obligations: None,
        version,
        row,
    })
}

/// Reads a case for somebody who may see it.
pub(crate) async fn visible(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
) -> Result<CaseAt, Refusal> {
    visible_in(gateway, caller, ("name", name)).await
}

/// Reads the case that a field names for somebody who may see it.
pub(crate) async fn visible_in(
    gateway: &Gateway,
    caller: &Caller,
    (field, name): (&'static str, &str),
) -> Result<CaseAt, Refusal> {
    admit::role(caller, &PARTIES, "issuing, executing and backend")?;
    let id = from_proto::case_named(field, name).map_err(Refusal::Malformed)?;
    in_directory(gateway, caller)?;
    let case = load(gateway, &id).await?;
    // Whoever may not see it learns nothing, not even that it exists.
    if may_see(gateway, caller, &case) {
        Ok(case)
    } else {
        Err(no_case(&id))
    }
}

/// Refuses an executing authority that its State's directory does not know: nobody can
/// say what it executes.
fn in_directory(gateway: &Gateway, caller: &Caller) -> Result<(), Refusal> {
    let Caller {
        jurisdiction,
        authority,
        ..
    } = caller;
    let known = || gateway.policies().has_authority(jurisdiction, authority);
    if caller.role != Role::Executing || known() {
        return Ok(());
    }
    Err(Refusal::NotCompetent(
        "the State's directory of authorities does not know this one: have it entered there with \
         what it may execute",
    ))
}

/// Its owner sees a case, and the State to which it was handed: the national system that
/// received it, the authority to which it is addressed, and those that execute such things.
fn may_see(gateway: &Gateway, caller: &Caller, case: &CaseAt) -> bool {
    let handed = || case.row.executing.0 == caller.jurisdiction && was_delivered(case);
    match caller.role {
        Role::Issuing => case.row.owner == caller.to_string(),
        Role::Backend => handed(),
        Role::Executing => handed() && executes(gateway, caller, case),
        Role::Gateway | Role::Auditor | Role::Reviewer | Role::Legal => false,
    }
}

/// Whether a case is addressed to the caller's authority, or is of what the directory has
/// it execute. What a team is told is for its parties alone.
fn executes(gateway: &Gateway, caller: &Caller, case: &CaseAt) -> bool {
    let Some(Asked { executing, measure }) = case.snapshot.asked() else {
        return false;
    };
    let authority = caller.authority.as_str();
    let addressee = executing.unwrap_or_default().authority;
    let team = measure.starts_with("team.") && !addressee.is_empty();
    if team || addressee == authority {
        return addressee == authority;
    }
    let policies = gateway.policies();
    let able = measure
        .parse()
        .map(|measure| policies.addressees(&caller.jurisdiction, &measure));
    able.is_ok_and(|able| able.iter().any(|one| **one.id == *authority))
}

/// Reads a case with its events and the newest proof.
pub(crate) async fn get(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
) -> Result<v1::Case, Refusal> {
    let case = visible(gateway, caller, name).await?;
    let taken_back = is_taken_back(caller, &case);
    let mut shown = whole(gateway, case).await?;
    if taken_back {
        withhold(&mut shown);
    }
    Ok(shown)
}

/// Whether what was handed to the caller's side is not left to it.
fn is_taken_back(caller: &Caller, case: &CaseAt) -> bool {
    caller.role != Role::Issuing && !case.snapshot.kept().is_handed_over()
}

/// Takes out what is the other side's only while it is left to it: what was shared, and
/// all of a request that was never approved as it stands. It was changed after it was
/// taken back, and then broken off.
pub(crate) fn withhold(case: &mut v1::Case) {
    let decision = case.decision.as_ref();
    if decision.is_none_or(|decision| decision.outcome() != v1::Outcome::Approved) {
        case.request = None;
        case.decision = None;
        case.consultations.clear();
        for event in &mut case.events {
            event.remark.clear();
            event.form = None;
        }
    }
    if let Some(request) = &mut case.request {
        request.information = None;
    }
}

/// A case with its events and the newest proof.
pub(crate) async fn whole(gateway: &Gateway, case: CaseAt) -> Result<v1::Case, Refusal> {
    let mut events = events(gateway, &case.row.id, 0).await?;
    // What happened since the case was read is told with what it made of the case.
    events.truncate(usize::try_from(case.version).unwrap_or(usize::MAX));
    let events = latest(events);
    let mut snapshot = with_receipt(gateway, case).await?;
    snapshot.events = events;
    open(&snapshot)
}

/// As many of the latest events as a case is shown with, and the last whatever its size.
fn latest(mut events: Vec<v1::CaseEvent>) -> Vec<v1::CaseEvent> {
    let mut bytes = 0;
    let fit = events.iter().rev().take_while(|event| {
        bytes += event.encoded_len();
        bytes <= EVENTS_BYTES
    });
    let fit = fit.count().max(1);
    events.drain(..events.len().saturating_sub(fit));
    events
}

/// A case with every part taken apart.
pub(crate) fn open(case: &encoded::Case) -> Result<v1::Case, Refusal> {
    case.open().map_err(damaged)
}

/// The decision in force.
pub(crate) fn decision(case: &encoded::Case) -> Result<v1::Decision, Refusal> {
    let decision = case.decision.clone().unwrap_or_default();
    v1::Decision::decode(decision).map_err(damaged)
}

/// What a case's conditions are, where they are not at hand.
pub(crate) fn obligations(case: &encoded::Case) -> Result<Vec<v1::Obligation>, Refusal> {
    Ok(decision(case)?.obligations)
}

/// A record that is none of ours.
pub(crate) fn damaged(error: prost::DecodeError) -> Refusal {
    Refusal::Internal(Box::new(error))
}

/// A case with the receipt of its last event, proved as soon as it is published.
pub(crate) async fn with_receipt(
    gateway: &Gateway,
    case: CaseAt,
) -> Result<encoded::Case, Refusal> {
    let receipt = receipt(gateway, &case).await?;
    Ok(encoded::Case {
        receipt,
        ..case.snapshot
    })
}

/// A case as it stands, whoever asks, with the proof that it is on record.
pub(crate) async fn recorded(gateway: &Gateway, id: &CaseId) -> Result<CaseAt, Refusal> {
    let mut case = load(gateway, id).await?;
    case.snapshot.receipt = receipt(gateway, &case).await?;
    Ok(case)
}

/// The receipt of the event by which a case came to stand as it does.
pub(crate) async fn receipt(
    gateway: &Gateway,
    case: &CaseAt,
) -> Result<Option<v1::Receipt>, Refusal> {
    let index = gateway.store().index_of(&case.row.id, case.version).await;
    let Some(index) = index.map_err(record::unavailable)? else {
        return Ok(None);
    };
    let request = case.snapshot.request_digest();
    audit::receipt(gateway, index, request).await.map(Some)
}

/// Lists the caller's cases, newest first, without requests and events. Of those
/// that a side was never handed it sees none, and large ones end a page early, so that
/// it may be short.
pub(crate) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    message: ListCasesRequest,
) -> Result<ListCasesResponse, Refusal> {
    let ListCasesRequest {
        page_size,
        page_token,
        filter,
    } = message;
    admit::role(caller, &PARTIES, "issuing, executing and backend")?;
    in_directory(gateway, caller)?;
    let asked = from_proto::case_filter(&filter)?;
    let mut found = CaseFilter {
        state: asked.state,
        executing: asked.executing,
        instrument: asked.instrument,
        ..CaseFilter::default()
    };
    match caller.role {
        Role::Issuing => found.owner = Some(caller.to_string()),
        Role::Executing | Role::Backend => found.executing = Some(caller.jurisdiction.clone()),
        Role::Gateway | Role::Auditor | Role::Reviewer | Role::Legal => {}
    }
    let mut left = from_proto::page_size(page_size)?;
    let list = format!("cases of {} by {filter}", caller.role);
    let mut before = from_proto::place(&page_token, &list)?;
    let mut cases = Vec::new();
    let mut bytes = 0;
    let full = 'page: loop {
        let few = AT_ONCE.min(left);
        let rows = gateway.store().list(found.clone(), before, few).await;
        let rows = rows.map_err(record::unavailable)?;
        let no_more = rows.len() < few;
        left -= rows.len();
        for row in rows {
            if bytes >= PAGE_BYTES {
                break 'page true;
            }
            before = Some(row.opened);
            if let Some(case) = listed(gateway, caller, read(row)?)? {
                bytes += case.encoded_len();
                cases.push(case);
            }
        }
        if no_more || left == 0 {
            break !no_more;
        }
    };
    let next = before.filter(|_| full);
    Ok(ListCasesResponse {
        cases,
        next_page_token: next
            .map_or_else(String::new, |opened| from_proto::place_token(opened, &list)),
    })
}

/// A case as its list shows it; nothing where the caller may not see it.
fn listed(gateway: &Gateway, caller: &Caller, case: CaseAt) -> Result<Option<v1::Case>, Refusal> {
    if !may_see(gateway, caller, &case) {
        return Ok(None);
    }
    let taken_back = is_taken_back(caller, &case);
    let mut shown = open(&encoded::Case {
        request: None,
        ..case.snapshot
    })?;
    if taken_back {
        withhold(&mut shown);
    }
    Ok(Some(shown))
}

/// The cases of a page, and the token of the next, empty after the last.
pub(crate) async fn page(
    gateway: &Gateway,
    filter: CaseFilter,
    (list, size, token): (&str, i32, &str),
) -> Result<(Vec<CaseRow>, String), Refusal> {
    let limit = from_proto::page_size(size)?;
    let before = from_proto::place(token, list)?;
    let rows = gateway.store().list(filter, before, limit).await;
    let rows = rows.map_err(record::unavailable)?;
    let last = rows.last().filter(|_| rows.len() == limit);
    let token = |row: &CaseRow| from_proto::place_token(row.opened, list);
    let next = last.map_or_else(String::new, token);
    Ok((rows, next))
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
    let (events, stream) = mpsc::channel(WATCH_BUFFER);
    let (gateway, caller, name) = (gateway.clone(), Arc::clone(caller), name.to_owned());
    tokio::spawn(async move {
        let who = (&*caller, &*name);
        if let Err(refusal) = follow(&gateway, who, after_sequence, &events).await {
            // Fails only when the watcher has left.
            let _ = events.send(Err(refusal.into())).await;
        }
    });
    Ok(ReceiverStream::new(stream))
}

async fn follow(
    gateway: &Gateway,
    (caller, name): (&Caller, &str),
    mut after: u32,
    events_to: &mpsc::Sender<Result<WatchCaseResponse, Status>>,
) -> Result<(), Refusal> {
    let mut changes = gateway.changes();
    loop {
        // Read before its events, so that none is left out when it is over; and those
        // alone are shown that made it what the caller may see.
        let case = visible(gateway, caller, name).await?;
        let id = &case.row.id;
        // Not every entry of a case brings it to another version.
        let newest = gateway.store().index_of(id, case.version).await;
        let newest = newest.map_err(record::unavailable)?;
        for event in events(gateway, id, after).await? {
            if newest.is_some_and(|newest| event.ledger_index > newest) {
                break;
            }
            after = event.sequence;
            if events_to
                .send(Ok(WatchCaseResponse { event: Some(event) }))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
        // Some time limits run on beyond the end, and a recall may be under way.
        let over = case.row.state.is_final() && case.row.wake_at.is_none();
        if over && !case.snapshot.kept().is_recalling() {
            return Ok(());
        }
        tokio::select! {
            () = answer::changed(&mut changes, id) => {}
            () = events_to.closed() => return Ok(()),
            () = gateway.stopped() => {
                return Err(Refusal::Unavailable {
                    what: "the gateway stops and",
                    retry_after: RETRY_AFTER,
                });
            }
        }
    }
}

pub(crate) async fn events(
    gateway: &Gateway,
    id: &CaseId,
    after: u32,
) -> Result<Vec<v1::CaseEvent>, Refusal> {
    let mut found = Vec::new();
    let mut after = u64::from(after);
    loop {
        let rows = gateway.store().events(id, after, EVENTS).await;
        let rows = rows.map_err(record::unavailable)?;
        after = rows.last().map_or(after, |row| row.sequence);
        let more = rows.len() == EVENTS;
        found.extend(rows.iter().filter_map(event));
        if !more {
            return Ok(found);
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

/// The executing side has seen the request: it was handed over, and is not back in
/// the hands of those who decide.
pub(crate) fn was_delivered(case: &CaseAt) -> bool {
    let kept = case.snapshot.kept.as_ref();
    // Whatever ended may have ended before anything left.
    if kept.is_none_or(|kept| kept.step == 0) {
        return false;
    }
    match case.row.state {
        CaseState::Received
        | CaseState::Incomplete
        | CaseState::UnderReview
        | CaseState::Refused
        | CaseState::Approved => false,
        CaseState::Delivering
        | CaseState::Acknowledged
        | CaseState::Executing
        | CaseState::Postponed
        | CaseState::Concluded
        | CaseState::NotExecuted
        | CaseState::Withdrawn
        | CaseState::Expired => true,
    }
}

pub(crate) fn no_case(id: &CaseId) -> Refusal {
    Refusal::NotFound {
        kind: "case",
        name: format!("cases/{id}"),
    }
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
            let latest = latest(events.to_vec());
            latest.iter().map(|event| event.sequence).collect()
        };
        let half = EVENTS_BYTES / 2;
        assert!(shown(&[]).is_empty());
        assert_eq!(shown(&[event(1, 1), event(2, half)]), [1, 2]);
        assert_eq!(
            shown(&[event(1, half), event(2, half), event(3, 1)]),
            [2, 3]
        );
        assert_eq!(shown(&[event(1, 1), event(2, EVENTS_BYTES)]), [2]);
    }
}
