//! Onward use: where data come from that are to be used further or passed on. What
//! the gateway knows of it goes into the request, so that no caller is taken at its
//! word and the decision can be made again from the record.

use comity::v1::{self, ConditionState, ObligationKind, Outcome};
use comity_domain::{CaseState, JurisdictionCode};
use comity_ledger::Leaf;
use jiff::tz::TimeZone;
use prost::Message as _;

use crate::{
    admit, anew,
    cases::{self, CaseAt},
    conditions,
    gateway::Gateway,
    happen::{self, ATTEMPTS, Event, Unfiled},
    hold,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    team,
    wire::{encoded, from_proto},
};

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
    if request.source_case.is_empty() || !from_proto::is_further(&request.measure) {
        // What does not go together is found when the request is read.
        return Ok(Some(request));
    }
    admit::role(caller, &[Role::Issuing], "issuing")?;
    let source = from_proto::case_named("source_case", &request.source_case);
    let source = source.map_err(Refusal::Malformed)?;
    if is_known(gateway, caller, &request).await? {
        // A repetition has the answer of the first, whatever became of the source.
        return Ok(Some(request));
    }
    let case = cases::load(gateway, &source).await?;
    let held = held(&case, caller)?.ok_or_else(|| cases::no_case(&source))?;
    if from_proto::is_use(&request.measure) {
        asks_the_sender(&request, &held.sender)?;
    }
    let agreement = Box::pin(team::agreement(gateway, &case)).await?;
    let team_use = team::use_of(agreement.as_ref(), &request)?;
    let sent_for = agreement.map_or_else(|| held.offences.clone(), |one| one.offences);
    let instrument = instrument(gateway, &case, &request)?;
    request.origin = Some(v1::Origin {
        instrument,
        team_use: team_use.into(),
        other_offence: is_for_another(&sent_for, &request.offences),
        ..origin(&case, &held)
    });
    Ok(Some(request))
}

/// Tells the parties of the source that its data were asked for and are not, or
/// not yet, given free. The request is on record whether or not that succeeds.
pub(crate) async fn tell(gateway: &Gateway, caller: &Caller, asking: &CaseAt) {
    let told = async {
        let request = anew::request(asking)?;
        let outcome = cases::decision(&asking.snapshot)?.outcome();
        if request.origin.is_none() || outcome == Outcome::Approved {
            return Ok(());
        }
        let source = from_proto::case_named("source_case", &request.source_case);
        let source = source.map_err(Refusal::Malformed)?;
        for _ in 0..ATTEMPTS {
            let case = cases::load(gateway, &source).await?;
            let leaf = record::standing_leaf(gateway.now(), "onward-use-asked", caller, asking)?;
            let note = if outcome == Outcome::Refused {
                "another use of the data was asked for, and is refused"
            } else {
                "another use of the data was asked for, and is not allowed as yet"
            };
            let leaf = Leaf {
                note: Some(note.to_owned()),
                ..leaf
            };
            let event = Event::new(leaf, case.row.state, encoded::Case::default());
            match happen::file(gateway, case, event, None).await {
                Err(Unfiled::Conflict) => {}
                Ok(_) => return Ok(()),
                Err(unfiled) => return Err(unfiled.refusal("tell of an onward use")),
            }
        }
        Err(Refusal::Conflict("the case"))
    };
    if let Err(refusal) = told.await {
        tracing::warn!(error = %refusal, "an onward use could not be told of");
    }
}

/// The caller has used the id of a request before.
async fn is_known(
    gateway: &Gateway,
    caller: &Caller,
    request: &v1::CooperationRequest,
) -> Result<bool, Refusal> {
    let Ok(id) = request.request_id.parse() else {
        return Ok(false);
    };
    let caller = caller.to_string();
    let used = gateway.store().request_key(&caller, &id).await;
    Ok(used.map_err(record::unavailable)?.is_some())
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
        Some(_) => cases::was_delivered(row.state),
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
    let day = TimeZone::UTC.to_datetime(gateway.now()).date();
    let policies = gateway.policies();
    let carriers = policies.carriers(&issuing, &executing, &measure, day);
    carriers.iter().any(|one| one.as_str() == instrument)
}
