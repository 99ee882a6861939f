//! One request to several parties alike: a case with each.

use comity::v1;
use comity_domain::CaseId;

use crate::{
    admit, answer, cases, exchange,
    gateway::Gateway,
    identity::Caller,
    places::Marked,
    record,
    refusal::Refusal,
    wire::{
        Violation,
        from_proto::{self, Outgoing},
    },
};

/// What is sent, to whom, and in whose words it is refused.
pub(super) struct Errand<'a> {
    pub(super) outgoing: &'a Outgoing,
    pub(super) parties: &'a [v1::TeamParty],
    pub(super) renamed: &'a (dyn Fn(Vec<Violation>, &v1::TeamParty) -> Vec<Violation> + Sync),
    pub(super) marked: Marked,
}

/// The cases that came of it, in the order of the parties.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) cases: Vec<v1::Case>,
    /// Every one had been there before.
    pub(super) replayed: bool,
}

/// Has a request decided, recorded and delivered for each party, with what is known
/// of the team once it goes to one, given the first case. What one exchange has
/// recorded stays when the next fails, and a repetition of the call goes on.
///
/// # Errors
/// As [`exchange::submit`], on record.
pub(super) async fn send(
    gateway: &Gateway,
    caller: &Caller,
    errand: Errand<'_>,
    context: impl Fn(&v1::TeamParty, Option<&CaseId>) -> v1::TeamContext,
) -> Result<Sent, Refusal> {
    let Errand {
        outgoing,
        parties,
        renamed,
        marked,
    } = errand;
    let deadline = admit::deadline(outgoing.wait);
    let deadline = record::attempted(gateway, caller, deadline).await?;
    let mut sent: Vec<CaseId> = Vec::with_capacity(parties.len());
    let mut replayed = true;
    for party in parties {
        let message = outgoing.to(party, context(party, sent.first()));
        let answer = exchange::submit_known(gateway, caller, message, marked).await;
        let answer = match answer {
            Err(Refusal::Malformed(violations)) => {
                return Err(Refusal::Malformed(renamed(violations, party)));
            }
            answer => answer?,
        };
        replayed &= answer.replayed;
        let case = answer.case.unwrap_or_default();
        sent.push(from_proto::case_name(&case.name).map_err(Refusal::Malformed)?);
    }
    // All are on their way before any is waited for.
    let mut shown = Vec::with_capacity(sent.len());
    for id in &sent {
        let case = answer::settle(gateway, id, deadline).await?;
        shown.push(cases::open(&case.shown())?);
    }
    Ok(Sent {
        cases: shown,
        replayed,
    })
}
