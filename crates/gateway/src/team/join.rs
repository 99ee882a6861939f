//! A party signs the agreement, declines to, or leaves the team.

use comity::v1::{self, TeamMemberState, TeamState};
use comity_ledger::Leaf;

use super::{OPEN_TO, PARTIES, Team, member, of, show, standing::Member};
use crate::{
    admit,
    answer::{self, Answer},
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::Caller,
    once::Call,
    record,
    refusal::Refusal,
    wire::{
        encoded::{self, Kept, TeamAct},
        from_proto, to_proto,
    },
};

/// See `TeamService.Join`.
pub(crate) async fn joining(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::JoinRequest,
) -> Result<v1::JoinResponse, Refusal> {
    let joined = async {
        admit::role(caller, &PARTIES, OPEN_TO)?;
        let call = Call::new(caller, "join", &message)?;
        let v1::JoinRequest {
            name: _,
            conditions,
            request_id: _,
        } = message;
        let conditions = from_proto::joining(conditions).map_err(Refusal::Malformed)?;
        carry_out(gateway, &call, &Act::Join(conditions)).await
    };
    let (team, receipt) = record::attempted(gateway, caller, joined.await).await?;
    Ok(v1::JoinResponse {
        team: Some(team),
        receipt,
    })
}

/// See `TeamService.Leave`.
pub(crate) async fn leave(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::LeaveRequest,
) -> Result<v1::LeaveResponse, Refusal> {
    let left = async {
        admit::role(caller, &PARTIES, OPEN_TO)?;
        let call = Call::new(caller, "leave", &message)?;
        let reason = from_proto::note("reason", &message.reason).map_err(Refusal::Malformed)?;
        if reason.trim().is_empty() {
            return Err(admit::malformed("reason", "is missing: say why"));
        }
        carry_out(gateway, &call, &Act::Leave(reason)).await
    };
    let (team, receipt) = record::attempted(gateway, caller, left.await).await?;
    Ok(v1::LeaveResponse {
        team: Some(team),
        receipt,
    })
}

/// What a party does.
#[derive(Debug)]
enum Act {
    /// It signs, with conditions on all that it shares.
    Join(Vec<v1::Obligation>),
    /// It leaves or declines, for a reason.
    Leave(String),
}

/// The team after the act, and the proof that the act is on record.
async fn carry_out(
    gateway: &Gateway,
    call: &Call<'_>,
    act: &Act,
) -> Result<(v1::Team, Option<v1::Receipt>), Refusal> {
    let stands = async |entry| {
        let (team, seat) = of(gateway, call.caller, &call.name).await?;
        let case = own_case(&team, member(&team, seat)?);
        cases::proved(gateway, case, entry).await
    };
    let act = || file(gateway, call, act);
    let filed = call.carry_out_or(gateway, act, stands).await?;
    let (team, _) = of(gateway, call.caller, &call.name).await?;
    let receipt = match filed.snapshot.receipt {
        Some(receipt) => Some(receipt),
        // Nothing was left to be done.
        None => cases::receipt(gateway, &filed).await?,
    };
    Ok((show::team(&team, gateway.now()), receipt))
}

/// The case of the party after the act.
async fn file(gateway: &Gateway, call: &Call<'_>, act: &Act) -> Result<CaseAt, Unfiled> {
    let (team, seat) = of(gateway, call.caller, &call.name).await?;
    let own = member(&team, seat)?;
    let case = own_case(&team, own);
    match act {
        Act::Join(conditions) if is_to_join(gateway, &team, own, conditions)? => {
            let act = TeamAct {
                conditions: conditions.clone(),
                ..done(gateway, own, false)
            };
            let answer = Answer::joined(act).in_call(call);
            answer::file(gateway, case, answer, None).await
        }
        Act::Leave(reason) if own.state() == TeamMemberState::Invited => {
            let answer = Answer::declined(reason.clone()).in_call(call);
            answer::file(gateway, case, answer, None).await
        }
        Act::Leave(reason) if own.state() == TeamMemberState::Joined => {
            let event = left(gateway, call, (&case, own), reason);
            let (case, _) = happen::file(gateway, case, event, None).await?;
            Ok(case)
        }
        // It has been done before.
        Act::Join(_) | Act::Leave(_) => Ok(case),
    }
}

/// The case in which a party acts: its own, or for whoever proposed the first.
fn own_case(team: &Team, own: &Member) -> CaseAt {
    own.case().unwrap_or(&team.first).clone()
}

/// A party is to be recorded as joining, rather than having joined with the same
/// conditions before.
///
/// # Errors
/// It cannot join, or joined with others.
fn is_to_join(
    gateway: &Gateway,
    team: &Team,
    own: &Member,
    conditions: &[v1::Obligation],
) -> Result<bool, Refusal> {
    let not = |why: &str| Err(Refusal::NotNow(format!("joining is not possible: {why}")));
    match own.state() {
        TeamMemberState::Joined if own.conditions() == conditions => Ok(false),
        TeamMemberState::Joined => not(
            "this party has joined with other conditions, which stand; set more on what it shares",
        ),
        TeamMemberState::Left => not("this party has left the team; propose another"),
        TeamMemberState::Declined => {
            not("the request to this party has come to its end; have the team proposed again")
        }
        TeamMemberState::Unspecified | TeamMemberState::Invited => {
            match team.state(gateway.now()) {
                TeamState::Ended => not("the team has ended; have it proposed again"),
                TeamState::Unspecified | TeamState::Proposed | TeamState::InForce => Ok(true),
            }
        }
    }
}

fn done(gateway: &Gateway, own: &Member, left: bool) -> TeamAct {
    TeamAct {
        jurisdiction: own.party().jurisdiction.clone(),
        left,
        at: Some(to_proto::timestamp(gateway.now())),
        conditions: Vec::new(),
    }
}

/// The event by which a party leaves.
fn left(
    gateway: &Gateway,
    call: &Call<'_>,
    (case, own): (&CaseAt, &Member),
    reason: &str,
) -> Event {
    let now = gateway.now();
    let leaf = Leaf {
        note: Some("a party has left the team".to_owned()),
        ..Leaf::new(now, "team-left", &call.caller.to_string())
    };
    let adds = encoded::Case {
        remark: reason.to_owned(),
        kept: Some(Kept {
            team_acts: vec![done(gateway, own, true)],
            ..Kept::default()
        }),
        ..encoded::Case::default()
    };
    Event {
        told: true,
        key: call.key(),
        ..Event::new(leaf, case.row.state, adds)
    }
}
