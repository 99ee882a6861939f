//! An authority proposes an agreement and thereby signs it; every other party is asked
//! to set up the team.

use comity::v1;
use comity_domain::CaseId;

use super::{asks_for, dispatch, load, name, show};
use crate::{
    admit, cases,
    gateway::Gateway,
    identity::{Caller, Role},
    places::Marked,
    record,
    refusal::Refusal,
    wire::from_proto::{self, Outgoing},
};

/// See `TeamService.Propose`.
pub(crate) async fn propose(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ProposeRequest,
    marked: Marked,
) -> Result<v1::ProposeResponse, Refusal> {
    let proposer = v1::TeamParty {
        jurisdiction: caller.jurisdiction.to_string(),
        authority: caller.authority.to_string(),
    };
    let read = admit::role(caller, &[Role::Issuing], "issuing")
        .and_then(|()| from_proto::proposal(message, proposer.clone()).map_err(Refusal::Malformed));
    let (outgoing, context) = record::attempted(gateway, caller, read).await?;
    let agreement = context.agreement.as_ref();
    let mut parties = agreement.map_or_else(Vec::new, |agreement| agreement.parties.clone());
    parties.retain(|party| *party != proposer);
    let proposed = proposed_before(gateway, caller, (&outgoing, &parties)).await;
    record::attempted(gateway, caller, proposed).await?;
    let renamed = |violations, party: &v1::TeamParty| {
        let all = agreement.map_or(&[][..], |agreement| &agreement.parties);
        let place = all.iter().position(|one| one == party);
        from_proto::of_proposal(violations, place.unwrap_or_default())
    };
    let errand = dispatch::Errand {
        outgoing: &outgoing,
        parties: &parties,
        renamed: &renamed,
        marked,
    };
    let named = |_: &v1::TeamParty, first: Option<&CaseId>| v1::TeamContext {
        name: first.map_or_else(String::new, name),
        ..context.clone()
    };
    let sent = dispatch::send(gateway, caller, errand, named).await?;
    let first = sent.cases.first().map_or("", |case| case.name.as_str());
    let first = from_proto::case_name(first).map_err(Refusal::Malformed)?;
    let team = load(gateway, &first).await?;
    Ok(v1::ProposeResponse {
        team: team.map(|team| show::team(&team, gateway.now())),
        cases: sent.cases,
        replayed: sent.replayed,
    })
}

/// Refuses an id that was used before for other requests than those of one proposal: those
/// to whom they went would seem to have been asked to join this team.
async fn proposed_before(
    gateway: &Gateway,
    caller: &Caller,
    (outgoing, parties): (&Outgoing, &[v1::TeamParty]),
) -> Result<(), Refusal> {
    let mut team = None;
    for (number, party) in parties.iter().enumerate() {
        // What is no id is refused as it is sent.
        let Ok(id) = outgoing.id_of(&party.jurisdiction).parse() else {
            return Ok(());
        };
        let case = gateway.store().case_by_key(&caller.to_string(), &id).await;
        let case = case.map_err(record::unavailable)?;
        let Some(case) = case.map(cases::read).transpose()? else {
            continue;
        };
        if number == 0 {
            team = Some(name(&case.row.id));
        } else if Some(asks_for(&case)?) != team {
            return Err(Refusal::IdReused);
        }
    }
    Ok(())
}
