//! Reading cases: one, many, and as they change.

mod events;
mod list;
mod withheld;

use std::sync::OnceLock;

use comity::v1;
use comity_domain::{CaseId, CaseState, Digest};
use comity_store::{CaseChange, CaseRow, Expected};
use prost::Message as _;

pub(crate) use self::{
    events::{event, of_version, watch},
    list::{Bounds, PAGE_BYTES, Place, fill, list, page},
    withheld::Withheld,
};
use crate::{
    admit, audit,
    gateway::Gateway,
    identity::{Caller, Role},
    outbox, record,
    refusal::Refusal,
    wire::{
        encoded::{self, Asked},
        from_proto, to_proto,
    },
};

/// Roles of those who take part in cases.
const PARTIES: [Role; 3] = [Role::Issuing, Role::Executing, Role::Backend];

/// A case at one of its versions.
#[derive(Debug, Clone)]
pub(crate) struct CaseAt {
    pub(crate) snapshot: encoded::Case,
    /// SHA-256 of the request, once somebody asked for it.
    pub(crate) digest: OnceLock<Digest>,
    /// The conditions of the decision, where they are at hand already.
    pub(crate) obligations: Option<Vec<v1::Obligation>>,
    pub(crate) version: u64,
    /// The stored row, from which the next version is made.
    pub(crate) row: CaseChange,
}

impl CaseAt {
    /// SHA-256 of the request; zeros where there is none.
    pub(crate) fn request_digest(&self) -> Digest {
        *self.digest.get_or_init(|| self.snapshot.request_digest())
    }
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
    let snapshot = match records.is_empty() {
        false => encoded::Case::add_up(records).map_err(damaged)?,
        // Of an erased case the row is left, which holds no personal data.
        true => encoded::Case {
            name: format!("cases/{id}"),
            request_id: request_id.to_string(),
            state: to_proto::case_state(state).into(),
            received_at: Some(to_proto::timestamp(opened_at)),
            updated_at: Some(to_proto::timestamp(changed_at)),
            exercise,
            ..encoded::Case::default()
        },
    };
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
        digest: OnceLock::new(),
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
    // Whoever may not see it learns nothing, not even that it exists.
    match known_in(gateway, caller, (field, name)).await? {
        (case, true) => Ok(case),
        (case, false) => Err(no_case(&case.row.id)),
    }
}

/// Reads the case of a name for somebody who may see it, or to whom it was handed before it
/// went back into the hands of those who decide; with whether it may be seen. What is
/// answered to whoever may not see it is for the caller to bound.
pub(crate) async fn known(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
) -> Result<(CaseAt, bool), Refusal> {
    known_in(gateway, caller, ("name", name)).await
}

async fn known_in(
    gateway: &Gateway,
    caller: &Caller,
    (field, name): (&'static str, &str),
) -> Result<(CaseAt, bool), Refusal> {
    admit::role(caller, &PARTIES, "issuing, executing and backend")?;
    let id = from_proto::case_named(field, name).map_err(Refusal::Malformed)?;
    in_directory(gateway, caller)?;
    let case = load(gateway, &id).await?;
    match may_see(gateway, caller, &case) {
        true => Ok((case, true)),
        false if was_handed(gateway, caller, &case) => Ok((case, false)),
        false => Err(no_case(&id)),
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

/// Its owner sees a case, and the State to which it is handed: the national system that
/// receives it, the authority to which it is addressed, and those that execute such things.
/// They see it from when it is on its way: a system may report of it before what it answers
/// to the delivery is on record.
fn may_see(gateway: &Gateway, caller: &Caller, case: &CaseAt) -> bool {
    match caller.role {
        Role::Issuing => case.row.owner == caller.to_string(),
        Role::Backend | Role::Executing => {
            is_or_was_delivered(case) && was_handed(gateway, caller, case)
        }
        Role::Gateway | Role::Auditor | Role::Reviewer | Role::Legal => false,
    }
}

/// The caller is of the State, system or authority, to which a case goes, and something of
/// it has left once.
fn was_handed(gateway: &Gateway, caller: &Caller, case: &CaseAt) -> bool {
    let own = case.row.executing.0 == caller.jurisdiction;
    own && case.snapshot.kept().step > 0
        && match caller.role {
            Role::Backend => true,
            Role::Executing => executes(gateway, caller, case),
            Role::Issuing | Role::Gateway | Role::Auditor | Role::Reviewer | Role::Legal => false,
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
    let withheld = Withheld::from(caller, &case);
    let mut shown = whole(gateway, case).await?;
    withheld.take_out(&mut shown);
    Ok(shown)
}

/// A case with its events and the newest proof.
pub(crate) async fn whole(gateway: &Gateway, case: CaseAt) -> Result<v1::Case, Refusal> {
    let events = events::latest(gateway, &case).await?;
    let mut snapshot = with_receipt(gateway, case).await?;
    snapshot.events = events;
    open(&snapshot)
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

/// A case with the receipt of one of its entries.
pub(crate) async fn proved(
    gateway: &Gateway,
    mut case: CaseAt,
    entry: u64,
) -> Result<CaseAt, Refusal> {
    let receipt = audit::receipt(gateway, entry, case.request_digest()).await?;
    case.snapshot.receipt = Some(receipt);
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
    let request = case.request_digest();
    audit::receipt(gateway, index, request).await.map(Some)
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

/// The executing side has seen the request, or it is approved and on its way to it.
pub(crate) fn is_or_was_delivered(case: &CaseAt) -> bool {
    let is_leaving = case.row.state == CaseState::Approved && case.snapshot.kept().is_handed_over();
    is_leaving || was_delivered(case)
}

pub(crate) fn no_case(id: &CaseId) -> Refusal {
    Refusal::NotFound {
        kind: "case",
        name: format!("cases/{id}"),
    }
}
