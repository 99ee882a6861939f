//! Joint investigation teams. A team is what its cases add up to: one with each party
//! that is asked to set it up, by the first of which it is known, and one for each
//! recipient of what is shared in it.

mod dispatch;
mod join;
mod list;
mod propose;
mod share;
mod show;
mod standing;

use comity::v1;
use comity_domain::CaseId;
use comity_store::CaseRow;
use jiff::Timestamp;

use crate::{
    admit, anew,
    cases::{self, CaseAt},
    gateway::Gateway,
    identity::{Caller, Role},
    origin, record,
    refusal::Refusal,
    wire::{self, answer::Execution, encoded::TeamAct, from_proto},
};

use self::standing::Member;
pub(crate) use self::{
    join::{joining as join, leave},
    list::{shared as list_shared, teams as list_teams},
    propose::propose,
    share::share,
};

/// Roles of those who act for a party.
const PARTIES: [Role; 2] = [Role::Issuing, Role::Executing];
/// The same in words.
const OPEN_TO: &str = "issuing and executing";
/// Fact by which a requester invokes a use that nobody has to agree to.
const USE: &str = "team.use";
/// Its value.
const THREAT: &str = "immediate-threat";

/// A team as it stands.
#[derive(Debug)]
pub(crate) struct Team {
    id: CaseId,
    agreement: v1::TeamAgreement,
    ends_at: Timestamp,
    exercise: bool,
    /// In the order of the agreement.
    members: Vec<Member>,
    /// The case by which it is known.
    first: CaseAt,
}

impl Team {
    fn name(&self) -> String {
        name(&self.id)
    }

    fn state(&self, now: Timestamp) -> v1::TeamState {
        standing::state(&self.members, self.ends_at, now)
    }
}

/// See `TeamService.GetTeam`.
pub(crate) async fn get(
    gateway: &Gateway,
    caller: &Caller,
    name: &str,
) -> Result<v1::Team, Refusal> {
    let (team, _) = of(gateway, caller, name).await?;
    Ok(show::team(&team, gateway.now()))
}

/// The agreement on the team in which a case shares something, if it does.
pub(crate) async fn agreement(
    gateway: &Gateway,
    case: &CaseAt,
) -> Result<Option<v1::TeamAgreement>, Refusal> {
    let Some(id) = case.row.team.as_ref().filter(|id| **id != case.row.id) else {
        return Ok(None);
    };
    Ok(load(gateway, id).await?.map(|team| team.agreement))
}

/// What the agreement under which data were shared, if any, says of a use of them.
///
/// # Errors
/// The request is not one for such data, or says of it what is not so.
pub(crate) fn use_of(
    agreement: Option<&v1::TeamAgreement>,
    request: &v1::CooperationRequest,
) -> Result<v1::TeamUse, Refusal> {
    let own = request.measure == from_proto::USE_OF_TEAM;
    let Some(agreement) = agreement else {
        let wrong = "expected a measure of `use`: what the case holds was not shared in a team";
        return match own {
            true => Err(admit::malformed("measure", wrong)),
            false => Ok(v1::TeamUse::Unspecified),
        };
    };
    if !own {
        let wrong = "expected `team.use-of-evidence`: what the case holds was shared in a team";
        return match from_proto::is_use(&request.measure) {
            true => Err(admit::malformed("measure", wrong)),
            false => Ok(v1::TeamUse::Unspecified),
        };
    }
    if let Some(said) = request.facts.get(USE) {
        let threat = v1::fact_value::Value::Text(THREAT.to_owned());
        return match said.value == Some(threat) {
            true => Ok(v1::TeamUse::Unspecified),
            false => Err(admit::malformed(
                "facts[\"team.use\"]",
                "is known from the agreement: leave it out, or state `immediate-threat`",
            )),
        };
    }
    let mut agreed = agreement.offences.clone();
    if origin::all_of(&request.offences, &agreed) {
        return Ok(v1::TeamUse::TeamPurpose);
    }
    agreed.extend(agreement.other_offences.iter().cloned());
    Ok(match origin::all_of(&request.offences, &agreed) {
        true => v1::TeamUse::Agreed,
        false => v1::TeamUse::OtherOffence,
    })
}

/// Refuses an answer by which a State's system would join a team in the place of the
/// authority that is a party.
///
/// # Errors
/// See above.
pub(crate) fn leaves_joining_to_parties(
    case: &CaseAt,
    result: &wire::answer::Answer,
) -> Result<(), Refusal> {
    let sets_up = case.row.team.as_ref() == Some(&case.row.id);
    if !sets_up || result.execution == Execution::NotExecuted {
        return Ok(());
    }
    let wrong = "the party signs a team's agreement by `TeamService.Join`: conclude with \
                 non-execution only";
    Err(admit::malformed("result.kind", wrong))
}

/// A request on record, about to be decided again, with what the gateway knows of its
/// team by now.
///
/// # Errors
/// The team cannot be read.
pub(crate) async fn known_again(
    gateway: &Gateway,
    mut request: v1::CooperationRequest,
) -> Result<v1::CooperationRequest, Refusal> {
    let shares = request.measure == from_proto::SHARED_IN_TEAM;
    let Some(context) = request.team.as_mut().filter(|_| shares) else {
        return Ok(request);
    };
    let id = from_proto::team_name(&context.name).map_err(Refusal::Malformed)?;
    let team = load(gateway, &id).await?;
    let state = |one: Option<&String>| one.map_or("", String::as_str).to_owned();
    let sides = [
        state(request.issuing.as_ref().map(|one| &one.jurisdiction)),
        state(request.executing.as_ref().map(|one| &one.jurisdiction)),
    ];
    let in_force = team.is_some_and(|team| share::is_in_force(&team, &sides, gateway.now()));
    context.in_force = Some(in_force);
    Ok(request)
}

/// A team of the caller, and which of its members the caller is.
async fn of(gateway: &Gateway, caller: &Caller, name: &str) -> Result<(Team, usize), Refusal> {
    admit::role(caller, &PARTIES, OPEN_TO)?;
    let id = from_proto::team_name(name).map_err(Refusal::Malformed)?;
    let team = load(gateway, &id).await?;
    let team = team.and_then(|team| Some((seat(&team, caller)?, team)));
    // Whoever is no party learns nothing, not even that it exists.
    let (seat, team) = team.ok_or_else(|| Refusal::NotFound {
        kind: "team",
        name: self::name(&id),
    })?;
    Ok((team, seat))
}

/// Which member a caller is, once it has been asked.
fn seat(team: &Team, caller: &Caller) -> Option<usize> {
    let is_it = |member: &Member| {
        let party = member.party();
        party.jurisdiction == caller.jurisdiction.as_str()
            && party.authority == caller.authority.as_str()
    };
    let mut members = team.members.iter();
    let seat = members.position(is_it)?;
    team.members.get(seat)?.was_asked().then_some(seat)
}

/// A member by its place.
fn member(team: &Team, seat: usize) -> Result<&Member, Refusal> {
    team.members.get(seat).ok_or(Refusal::Conflict("the team"))
}

/// The team that a case names; none where it names none.
async fn load(gateway: &Gateway, id: &CaseId) -> Result<Option<Team>, Refusal> {
    let row = gateway.store().case(id).await;
    let row = row.map_err(record::unavailable)?;
    match row.filter(|row| row.team.as_ref() == Some(&row.id)) {
        Some(row) => begun_by(gateway, row).await,
        None => Ok(None),
    }
}

/// The team that a set-up case names; none where another of its cases does.
async fn begun_by(gateway: &Gateway, row: CaseRow) -> Result<Option<Team>, Refusal> {
    let first = cases::read(row)?;
    let request = anew::request(&first)?;
    let context = request.team.unwrap_or_default();
    let Some(agreement) = context.agreement.filter(|_| context.name.is_empty()) else {
        return Ok(None);
    };
    let issuing = request.issuing.unwrap_or_default();
    let proposing = v1::TeamParty {
        jurisdiction: issuing.jurisdiction,
        authority: issuing.authority,
    };
    let signed = TeamAct {
        jurisdiction: proposing.jurisdiction.clone(),
        at: first.snapshot.received_at,
        conditions: context.conditions,
        left: false,
    };
    let mut acts = vec![signed];
    let mut members = Vec::new();
    for party in &agreement.parties {
        let case = match *party == proposing {
            true => None,
            false => asked(gateway, &first, party).await?,
        };
        let done = case.iter().flat_map(|case| &case.snapshot.kept().team_acts);
        acts.extend(done.cloned());
        members.push(Member::new(party.clone(), case, *party == proposing));
    }
    for act in acts {
        let mut members = members.iter_mut();
        let member = members.find(|one| one.party().jurisdiction == act.jurisdiction);
        member.into_iter().for_each(|one| one.take_in(&act));
    }
    Ok(Some(Team {
        id: first.row.id.clone(),
        ends_at: agreement
            .ends_at
            .and_then(from_proto::timestamp)
            .unwrap_or(Timestamp::MIN),
        agreement,
        exercise: first.row.exercise,
        members,
        first,
    }))
}

/// The case in which a party is asked to join.
async fn asked(
    gateway: &Gateway,
    first: &CaseAt,
    party: &v1::TeamParty,
) -> Result<Option<CaseAt>, Refusal> {
    let id = first.row.request_id.as_str();
    let Some(id) = id.strip_suffix(first.row.executing.0.as_str()) else {
        return Ok(None);
    };
    let Ok(id) = format!("{id}{}", party.jurisdiction).parse() else {
        return Ok(None);
    };
    let case = gateway.store().case_by_key(&first.row.owner, &id).await;
    let case = case.map_err(record::unavailable)?;
    let Some(case) = case.map(cases::read).transpose()? else {
        return Ok(None);
    };
    // The id may be another proposal's.
    let is_of_it = case.row.id == first.row.id || asks_for(&case)? == name(&first.row.id);
    Ok(is_of_it.then_some(case))
}

/// The name of the team that a set-up case asks its party to join; empty of the case by
/// which a team is known, and of any other.
fn asks_for(case: &CaseAt) -> Result<String, Refusal> {
    let context = anew::request(case)?.team.unwrap_or_default();
    Ok(match context.agreement {
        Some(_) => context.name,
        None => String::new(),
    })
}

fn name(id: &CaseId) -> String {
    format!("teams/{id}")
}
