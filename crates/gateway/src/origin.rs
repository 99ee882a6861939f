//! Onward use: where data come from that are to be used further or passed on. What
//! the gateway knows of it goes into the request, so that no caller is taken at its
//! word and the decision can be made again from the record.

mod tell;

use comity::v1::{self, ConditionState, ObligationKind};
use comity_domain::{CaseId, CaseState, Digest, JurisdictionCode, RequestId};
use prost::Message as _;

use crate::{
    admit::{self, Admission, NotAdmitted},
    anew,
    cases::{self, CaseAt},
    clocks::day,
    conditions,
    gateway::Gateway,
    hold,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    team,
    wire::from_proto,
};

pub(crate) use self::tell::{tell, told};

/// Data of a case that somebody holds.
struct Held {
    /// The State that sent them.
    sender: JurisdictionCode,
    /// The side that holds them, as conditions name it.
    side: &'static str,
    /// What was set with them beside the law.
    set: Vec<v1::Obligation>,
    /// For what they were sent.
    offences: Vec<v1::Offence>,
}

/// Refuses a request whose sender says of it what the gateway alone does.
pub(crate) fn said_by_nobody(request: Option<&v1::CooperationRequest>) -> Result<(), Refusal> {
    let Some(request) = request else {
        return Ok(());
    };
    if request.origin.is_some() {
        let wrong = "is set by the gateway: leave it out, and name `source_case`";
        return Err(admit::malformed("origin", wrong));
    }
    if request.team.is_some() {
        let wrong = "is set by the gateway: leave it out, and call `TeamService`";
        return Err(admit::malformed("team", wrong));
    }
    if request.measure == from_proto::SHARED_IN_TEAM {
        let wrong = "is for `TeamService.Share`, which knows the agreement";
        return Err(admit::malformed("measure", wrong));
    }
    Ok(())
}

/// A request with what the gateway knows of the case that it names as its source.
///
/// # Errors
/// The caller holds no data of that case, or says of it what is not so.
pub(crate) async fn trace(
    gateway: &Gateway,
    caller: &Caller,
    request: Option<v1::CooperationRequest>,
) -> Result<Option<v1::CooperationRequest>, Refusal> {
    let Some(mut request) = request else {
        return Ok(None);
    };
    if !has_source(&request) {
        // What does not go together is found when the request is read.
        return Ok(Some(request));
    }
    admit::role(caller, &[Role::Issuing], "issuing")?;
    let source = source(&request)?;
    let Some((case, held)) = look_up(gateway, caller, &source).await? else {
        return Err(cases::no_case(&source));
    };
    if request.exercise != case.snapshot.exercise {
        let wrong = "is an exercise and the request is none, or the other way round: neither gives data to the other";
        return Err(admit::malformed("source_case", wrong));
    }
    if from_proto::is_use(&request.measure) {
        asks_the_sender(&request, &held.sender)?;
    }
    let instrument = instrument(gateway, &case, &request)?;
    request.origin = Some(v1::Origin {
        instrument,
        ..known(gateway, (&case, held), &request).await?
    });
    Ok(Some(request))
}

/// What the gateway knows of a source, given what is asked of it.
async fn known(
    gateway: &Gateway,
    (case, held): (&CaseAt, Held),
    request: &v1::CooperationRequest,
) -> Result<v1::Origin, Refusal> {
    let agreement = Box::pin(team::agreement(gateway, case)).await?;
    let team_use = team::use_of(agreement.as_ref(), request)?;
    let origin = origin(case, &held);
    let sent_for = agreement.map_or(held.offences, |agreement| agreement.offences);
    Ok(v1::Origin {
        team_use: team_use.into(),
        other_offence: is_for_another(&sent_for, &request.offences),
        ..origin
    })
}

/// The request of a case with what the gateway knows now of its source, which may
/// have been deleted, recalled or put under conditions since; nothing where its
/// owner holds no data of it any more.
pub(crate) async fn renew(
    gateway: &Gateway,
    asking: &CaseAt,
    mut request: v1::CooperationRequest,
) -> Result<v1::CooperationRequest, Refusal> {
    if !has_source(&request) {
        return Ok(request);
    }
    let owner = Caller::recorded(&asking.row.owner)?;
    let found = look_up(gateway, &owner, &source(&request)?).await?;
    let before = request.origin.take().unwrap_or_default();
    if let Some((case, held)) = found {
        request.origin = Some(v1::Origin {
            instrument: before.instrument,
            ..known(gateway, (&case, held), &request).await?
        });
    }
    Ok(request)
}

/// A request, renewed, is about data that its owner does not hold any more.
pub(crate) fn is_lost(request: &v1::CooperationRequest) -> bool {
    has_source(request) && request.origin.is_none()
}

/// A submission repeats one that named a source too: it has the answer of the
/// first, whatever became of the source.
pub(crate) async fn is_repeated(
    gateway: &Gateway,
    caller: &Caller,
    request: Option<&v1::CooperationRequest>,
) -> Result<bool, Refusal> {
    let request = request.filter(|request| has_source(request) && request.origin.is_none());
    is_on_record(gateway, caller, request).await
}

/// The caller has used the id of a request before.
pub(crate) async fn is_on_record(
    gateway: &Gateway,
    caller: &Caller,
    request: Option<&v1::CooperationRequest>,
) -> Result<bool, Refusal> {
    let Some(Ok(id)) = request.map(|request| request.request_id.parse()) else {
        return Ok(false);
    };
    Ok(used(gateway, caller, &id).await?.is_some())
}

/// The case of a request that the caller has sent before.
///
/// # Errors
/// [`Refusal::IdReused`] where it has used the id for another.
pub(crate) async fn case_before(
    gateway: &Gateway,
    caller: &Caller,
    admission: &Admission,
) -> Result<Option<CaseId>, Refusal> {
    match used(gateway, caller, &admission.request.id).await? {
        Some((sent, _)) if sent != admission.sent => Err(Refusal::IdReused),
        used => Ok(used.map(|(_, case)| case)),
    }
}

/// The case of a request that the caller has sent before and that would not be admitted any
/// more.
///
/// # Errors
/// Why it is not admitted, where it was not sent before.
pub(crate) async fn case_of(
    gateway: &Gateway,
    caller: &Caller,
    NotAdmitted { refusal, sent }: NotAdmitted,
) -> Result<CaseId, Refusal> {
    let Some((id, sent)) = sent else {
        return Err(refusal);
    };
    match used(gateway, caller, &id).await? {
        Some((known, case)) if known == sent => Ok(case),
        Some(_) | None => Err(refusal),
    }
}

async fn used(
    gateway: &Gateway,
    caller: &Caller,
    id: &RequestId,
) -> Result<Option<(Digest, CaseId)>, Refusal> {
    let used = gateway.store().request_key(&caller.to_string(), id).await;
    let used = used.map_err(record::unavailable)?;
    Ok(used.map(|(sent, case, _)| (sent, case)))
}

/// It names the case that its data come from, and what is to be done with them.
fn has_source(request: &v1::CooperationRequest) -> bool {
    !request.source_case.is_empty() && from_proto::is_further(&request.measure)
}

/// The case that the data of a request come from, where it names one.
pub(crate) fn named(request: &v1::CooperationRequest) -> Option<CaseId> {
    has_source(request).then(|| source(request).ok())?
}

fn source(request: &v1::CooperationRequest) -> Result<CaseId, Refusal> {
    let source = from_proto::case_named("source_case", &request.source_case);
    source.map_err(Refusal::Malformed)
}

/// A source with what a caller holds of it; nothing where it holds nothing.
async fn look_up(
    gateway: &Gateway,
    caller: &Caller,
    source: &CaseId,
) -> Result<Option<(CaseAt, Held)>, Refusal> {
    let case = match cases::load(gateway, source).await {
        Err(Refusal::NotFound { .. }) => return Ok(None),
        loaded => loaded?,
    };
    let held = held(&case, caller)?;
    Ok(held.map(|held| (case, held)))
}

/// What a caller holds of a case, if it does.
fn held(case: &CaseAt, caller: &Caller) -> Result<Option<Held>, Refusal> {
    let request = anew::request(case)?;
    let row = &case.row;
    let shared = request.information.is_some();
    let side = if shared { "executing" } else { "issuing" };
    if !case.snapshot.kept().is_handed_over() || is_deleted(&case.snapshot.conditions, side) {
        return Ok(None);
    }
    let executing = request.executing.unwrap_or_default();
    let is_recipient = caller.jurisdiction == row.executing.0
        && (executing.authority.is_empty() || executing.authority == caller.authority.as_str());
    // A party to a team has accepted before what it is given in it.
    let accepted = match request.team {
        Some(_) => cases::was_delivered(case),
        None => row.state == CaseState::Concluded,
    };
    if shared && is_recipient && accepted {
        return Ok(Some(Held {
            sender: row.issuing.0.clone(),
            side,
            set: request.conditions,
            offences: request.offences,
        }));
    }
    let result = case.snapshot.result.clone().filter(hold::tells);
    let Some(result) = result.filter(|_| !shared && row.owner == caller.to_string()) else {
        return Ok(None);
    };
    let result = v1::Result::decode(result).map_err(cases::damaged)?;
    let set = result.obligations.into_iter();
    Ok(Some(Held {
        sender: row.executing.0.clone(),
        side,
        // What the law sets names its rule.
        set: set.filter(|one| one.rule.is_none()).collect(),
        offences: request.offences,
    }))
}

/// Who held the data has confirmed that they are deleted.
fn is_deleted(conditions: &[v1::Condition], side: &str) -> bool {
    conditions.iter().any(|one| {
        one.kind() == ObligationKind::DeleteAfter
            && one.bound_party == side
            && one.state() == ConditionState::Confirmed
    })
}

/// The State that sent data is the one that may consent.
fn asks_the_sender(
    request: &v1::CooperationRequest,
    sender: &JurisdictionCode,
) -> Result<(), Refusal> {
    let asked = request.executing.as_ref();
    let asked = asked.map_or("", |asked| asked.jurisdiction.as_str());
    if asked == sender.as_str() {
        return Ok(());
    }
    let wrong = format!("expected `{sender}`, which sent the data: it alone consents to their use");
    Err(admit::malformed("executing.jurisdiction", &wrong))
}

fn origin(case: &CaseAt, held: &Held) -> v1::Origin {
    let binds = |one: &&v1::Obligation| {
        let condition = conditions::find(&case.snapshot.conditions, &one.obligation_id);
        condition.is_none_or(|one| match one.state() {
            ConditionState::Lifted | ConditionState::Waiting => false,
            ConditionState::Unspecified
            | ConditionState::Open
            | ConditionState::Confirmed
            | ConditionState::Breached => true,
        })
    };
    let set = held.set.iter().filter(|one| one.bound_party == held.side);
    let mut kinds: Vec<_> = set.filter(binds).map(|one| one.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    v1::Origin {
        jurisdiction: held.sender.to_string(),
        conditions: kinds,
        ..v1::Origin::default()
    }
}

/// Some offence of those used is none of those sent; unknown where either are not
/// named.
fn is_for_another(sent: &[v1::Offence], used: &[v1::Offence]) -> Option<bool> {
    (!sent.is_empty() && !used.is_empty()).then(|| !all_of(used, sent))
}

/// Every offence is among those known.
pub(crate) fn all_of(offences: &[v1::Offence], known: &[v1::Offence]) -> bool {
    let is_known = |one: &v1::Offence| known.iter().any(|known| is_same(known, one));
    offences.iter().all(is_known)
}

/// Two offences are one: by provision, or by a code that both carry. Every doubt
/// makes them two.
fn is_same(sent: &v1::Offence, used: &v1::Offence) -> bool {
    let both = |sent: &Option<String>, used: &Option<String>| sent.is_some() && sent == used;
    sent.provision == used.provision
        || both(&sent.iccs, &used.iccs)
        || both(&sent.category, &used.category)
}

/// The instrument on which the data were sent, where it carries the request; empty
/// where what carries it is to be resolved.
fn instrument(
    gateway: &Gateway,
    case: &CaseAt,
    request: &v1::CooperationRequest,
) -> Result<String, Refusal> {
    let named = &request.instrument;
    let sent = case.row.instrument.as_ref().map(ToString::to_string);
    let sent = sent.unwrap_or_default();
    if !carries(gateway, request, &sent) || !from_proto::is_use(&request.measure) {
        return Ok(String::new());
    }
    if named.is_empty() || *named == sent {
        return Ok(sent);
    }
    let wrong = format!("expected `{sent}`, on which the data were sent, or nothing");
    Err(admit::malformed("instrument", &wrong))
}

fn carries(gateway: &Gateway, request: &v1::CooperationRequest, instrument: &str) -> bool {
    let state = |code: Option<&String>| code?.parse::<JurisdictionCode>().ok();
    let issuing = state(request.issuing.as_ref().map(|one| &one.jurisdiction));
    let executing = state(request.executing.as_ref().map(|one| &one.jurisdiction));
    let (Some((issuing, executing)), Ok(measure)) =
        (issuing.zip(executing), request.measure.parse())
    else {
        return false;
    };
    let day = day(gateway.now());
    let policies = gateway.policies();
    let carriers = policies.carriers(&issuing, &executing, &measure, day);
    carriers.iter().any(|one| one.as_str() == instrument)
}
