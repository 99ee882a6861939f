//! A party shares inside its team: a case with each recipient, decided by what the
//! agreement has to do with it.

use comity::v1::{self, TeamMemberState, TeamState};
use comity_domain::CaseId;
use jiff::Timestamp;

use super::{Team, dispatch, member, of};
use crate::{
    admit,
    gateway::Gateway,
    identity::{Caller, Role},
    origin,
    places::Marked,
    record,
    refusal::Refusal,
    wire::{
        Violation,
        from_proto::{self, Inside, Outgoing},
    },
};

/// See `TeamService.Share`.
pub(crate) async fn share(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ShareRequest,
    marked: Marked,
) -> Result<v1::ShareResponse, Refusal> {
    let listed = message.recipients.clone();
    let read = read(gateway, caller, message).await;
    let (team, outgoing, recipients) = record::attempted(gateway, caller, read).await?;
    let errand = dispatch::Errand {
        outgoing: &outgoing,
        parties: &recipients,
        renamed: &|violations, party| {
            let place = listed.iter().position(|one| *one == party.jurisdiction);
            from_proto::of_team_share(violations, place)
        },
        marked,
    };
    let offences = &outgoing.request.offences;
    let within_purpose = origin::all_of(offences, &team.agreement.offences);
    let own = caller.jurisdiction.to_string();
    let now = gateway.now();
    let known = |party: &v1::TeamParty, _: Option<&CaseId>| v1::TeamContext {
        name: team.name(),
        in_force: Some(is_in_force(
            &team,
            &[own.clone(), party.jurisdiction.clone()],
            now,
        )),
        within_purpose: Some(within_purpose),
        ..v1::TeamContext::default()
    };
    let sent = dispatch::send(gateway, caller, errand, known).await?;
    Ok(v1::ShareResponse {
        cases: sent.cases,
        replayed: sent.replayed,
    })
}

/// The agreement is in force, and these parties have not left.
pub(super) fn is_in_force(team: &Team, sides: &[String], now: Timestamp) -> bool {
    let joined = |side: &String| {
        let mut members = team.members.iter();
        let member = members.find(|one| one.party().jurisdiction == *side);
        member.is_some_and(|one| one.state() == TeamMemberState::Joined)
    };
    team.state(now) == TeamState::InForce && sides.iter().all(joined)
}

async fn read(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ShareRequest,
) -> Result<(Team, Outgoing, Vec<v1::TeamParty>), Refusal> {
    admit::role(caller, &[Role::Issuing], "issuing")?;
    let (team, seat) = of(gateway, caller, &message.name).await?;
    let own = member(&team, seat)?;
    let inside = Inside {
        party: own.party(),
        conditions: own.conditions(),
        instrument: &team.agreement.instrument,
        exercise: team.exercise,
    };
    let read = from_proto::team_share(message, inside).map_err(Refusal::Malformed)?;
    let (outgoing, named) = read;
    let recipients = recipients(&team, own.party(), &named)?;
    Ok((team, outgoing, recipients))
}

/// The parties named, in the order of the agreement; all others that have not left,
/// where none is.
fn recipients(
    team: &Team,
    own: &v1::TeamParty,
    named: &[String],
) -> Result<Vec<v1::TeamParty>, Refusal> {
    let others = team.members.iter().filter(|one| one.party() != own);
    let others: Vec<_> = others.collect();
    let unknown = named.iter().enumerate().filter(|(_, name)| {
        let mut others = others.iter();
        !others.any(|one| one.party().jurisdiction == **name)
    });
    let violations: Vec<_> = unknown
        .map(|(index, _)| Violation {
            field: format!("recipients[{index}]"),
            description: "names no other party to the team, by its jurisdiction: see `GetTeam`"
                .to_owned(),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Refusal::Malformed(violations));
    }
    let meant = others.iter().filter(|one| match named.is_empty() {
        true => one.left_at().is_none(),
        false => named.contains(&one.party().jurisdiction),
    });
    let meant: Vec<_> = meant.map(|one| one.party().clone()).collect();
    if meant.is_empty() {
        let why = "nobody is left in the team to share with: use `ShareInformation`";
        return Err(Refusal::NotNow(why.to_owned()));
    }
    Ok(meant)
}
