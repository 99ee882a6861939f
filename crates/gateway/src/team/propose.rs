//! An authority proposes an agreement and thereby signs it; every other party is asked
//! to set up the team.

use comity::v1;
use comity_domain::CaseId;

use super::{dispatch, load, name, show};
use crate::{
    admit,
    gateway::Gateway,
    identity::{Caller, Role},
    places::Marked,
    record,
    refusal::Refusal,
    wire::from_proto,
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
    let errand = dispatch::Errand {
        outgoing: &outgoing,
        parties: &parties,
        renamed: from_proto::of_proposal,
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
