//! Emergencies, judged afterwards: who claimed one, and whether there was one. What
//! goes first in everything must not be had for the asking.

use comity::v1::{
    self, AssessEmergencyRequest, EmergencyFinding, ListEmergenciesRequest, ListEmergenciesResponse,
};
use comity_domain::{CaseId, Urgency};
use comity_ledger::Leaf;
use comity_store::{Claim, Claimant, EntryFilter, JUSTIFIED, Page, UNJUSTIFIED};

use super::access;
use crate::{
    admit, anew, cases,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::{Caller, Role},
    once::Call,
    record,
    refusal::Refusal,
    wire::{encoded, from_proto, to_proto},
};

/// See `AuditService.ListEmergencies`.
pub(crate) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    message: ListEmergenciesRequest,
) -> Result<ListEmergenciesResponse, Refusal> {
    let ListEmergenciesRequest {
        assessed,
        purpose,
        page_size,
        page_token,
    } = message;
    let stated = v1::Access {
        purpose,
        subject: "emergencies".to_owned(),
        ..v1::Access::default()
    };
    let list = if assessed {
        "emergencies"
    } else {
        "emergencies to assess"
    };
    let asked = admit::role(caller, &[Role::Auditor], "auditor").and_then(|()| {
        let access = from_proto::access(access::EMERGENCIES, stated)?;
        let limit = from_proto::page_size(page_size)?;
        Ok((access, limit, from_proto::place(&page_token, list)?))
    });
    let (mut access, limit, after) = record::attempted(gateway, caller, asked).await?;
    let store = gateway.store();
    // One more than asked for tells whether there are more.
    let claims = store.emergencies(assessed, after, limit + 1).await;
    let mut claims = claims.map_err(record::unavailable)?;
    let more = claims.len() > limit;
    claims.truncate(limit);
    let last = claims.last().filter(|_| more);
    let token = |last: &Claim| from_proto::place_token(last.case.opened, list);
    let next_page_token = last.map_or_else(String::new, token);
    // Whose reasons are read is on record before they are.
    for claim in &claims {
        access
            .subject
            .push_str(&format!(" cases/{}", claim.case.id));
    }
    access::on_record(gateway, caller, &access).await?;
    let mut answer = match after {
        None => beside(gateway, assessed).await?,
        Some(_) => ListEmergenciesResponse::default(),
    };
    answer.next_page_token = next_page_token;
    for claim in claims {
        answer.claims.push(show(gateway, caller, claim).await);
    }
    Ok(answer)
}

/// What the first page says beside its claims: of all there are, and of what is left out.
async fn beside(gateway: &Gateway, assessed: bool) -> Result<ListEmergenciesResponse, Refusal> {
    let store = gateway.store();
    let claimants = store.claimants().await.map_err(record::unavailable)?;
    let erased = match assessed {
        true => 0,
        false => store.erased_claims().await.map_err(record::unavailable)?,
    };
    let pruned = store.pruned().await.map_err(record::unavailable)?;
    Ok(ListEmergenciesResponse {
        claimants: claimants.into_iter().map(claimant).collect(),
        erased,
        pruned_below: pruned.map_or(0, |pruned| pruned.below),
        ..ListEmergenciesResponse::default()
    })
}

/// See `AuditService.AssessEmergency`.
pub(crate) async fn assess(
    gateway: &Gateway,
    caller: &Caller,
    message: AssessEmergencyRequest,
) -> Result<v1::AssessEmergencyResponse, Refusal> {
    let assessed = carry_out(gateway, caller, &message).await;
    let case = record::attempted(gateway, caller, assessed).await?;
    Ok(v1::AssessEmergencyResponse {
        receipt: case.snapshot.receipt,
    })
}

async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    message: &AssessEmergencyRequest,
) -> Result<cases::CaseAt, Refusal> {
    admit::role(caller, &[Role::Auditor], "auditor")?;
    let id = from_proto::case_name(&message.name)?;
    let reasons = from_proto::note("reasons", &message.reasons)?;
    if reasons.trim().is_empty() {
        return Err(admit::malformed("reasons", "are missing: say why"));
    }
    let (kind, note) = match message.finding() {
        EmergencyFinding::Justified => (JUSTIFIED, "it was put forward as an emergency rightly"),
        EmergencyFinding::Unjustified => {
            (UNJUSTIFIED, "it was put forward as an emergency wrongly")
        }
        EmergencyFinding::Unspecified => {
            let missing = "is missing or none of the contract's: JUSTIFIED or UNJUSTIFIED";
            return Err(admit::malformed("finding", missing));
        }
    };
    let call = Call::new(caller, "assess an emergency", message)?;
    let assess = || async {
        let case = cases::load(gateway, &id).await?;
        concerned(caller, &case)?;
        assessable(gateway, &id, &case).await?;
        let leaf = Leaf {
            note: Some(note.to_owned()),
            ..Leaf::new(gateway.now(), kind, &caller.to_string())
        };
        let adds = encoded::Case {
            remark: reasons.clone(),
            ..encoded::Case::default()
        };
        let event = Event {
            told: true,
            key: call.key(),
            ..Event::new(leaf, case.row.state, adds)
        };
        let (case, _) = happen::file(gateway, case, event, None).await?;
        Ok::<_, Unfiled>(case)
    };
    let stands = async |entry| {
        let case = cases::load(gateway, &id).await?;
        cases::proved(gateway, case, entry).await
    };
    match call.carry_out_or(gateway, assess, stands).await {
        Err(Refusal::NotFound { kind, name }) => Err(not_found(gateway, (kind, name)).await?),
        assessed => assessed,
    }
}

/// Why a case is not found: that it may have been pruned.
async fn not_found(
    gateway: &Gateway,
    (kind, name): (&'static str, String),
) -> Result<Refusal, Refusal> {
    let pruned = gateway.store().pruned().await;
    Ok(match pruned.map_err(record::unavailable)? {
        None => Refusal::NotFound { kind, name },
        Some(pruned) => Refusal::NotNow(format!(
            "there is no {kind} `{name}`, or none any more: {pruned}, and of a case opened there \
             nothing is left to assess it by"
        )),
    })
}

/// Refuses auditors of the authority that claimed it, and those of a State that has no part
/// in it; the Union's are above both sides.
fn concerned(caller: &Caller, case: &cases::CaseAt) -> Result<(), Refusal> {
    let claimant = Caller::recorded(&case.row.owner)?;
    if claimant.jurisdiction == caller.jurisdiction && claimant.authority == caller.authority {
        return Err(Refusal::NotCompetent(
            "the authority claimed this emergency itself: another assesses it",
        ));
    }
    if !access::concerns(caller, &case.row) {
        return Err(Refusal::NotCompetent(
            "the case is one of other States: their auditors assess it",
        ));
    }
    Ok(())
}

/// Refuses what was no emergency, is not at its end, or was assessed before.
async fn assessable(gateway: &Gateway, id: &CaseId, case: &cases::CaseAt) -> Result<(), Refusal> {
    if case.row.urgency != Urgency::Emergency || case.row.exercise {
        let none = "the case was not put forward as an emergency";
        return Err(Refusal::NotNow(none.to_owned()));
    }
    if !case.row.state.is_final() {
        let early = "the case is not at its end: an emergency is assessed afterwards";
        return Err(Refusal::NotNow(early.to_owned()));
    }
    // Of an erased case there is the row alone.
    if case.snapshot.request.is_none() {
        let gone = "the records of the case are erased: there is nothing left to assess it by";
        return Err(Refusal::NotNow(gone.to_owned()));
    }
    for kind in [JUSTIFIED, UNJUSTIFIED] {
        let done = EntryFilter {
            case: Some(id.clone()),
            kind: Some(kind.to_owned()),
            ..EntryFilter::default()
        };
        let done = gateway.store().entries(Page::From(0), done, 1).await;
        if !done.map_err(record::unavailable)?.is_empty() {
            return Err(Refusal::NotNow("the case was assessed before".to_owned()));
        }
    }
    Ok(())
}

async fn show(gateway: &Gateway, caller: &Caller, claim: Claim) -> v1::EmergencyClaim {
    let Claim {
        case: row,
        justified,
    } = claim;
    // Of an erased case nothing is told but that there was one.
    let case = cases::load(gateway, &row.id).await.ok();
    let case = case.filter(|case| access::concerns(caller, &case.row));
    let request = case.and_then(|case| anew::request(&case).ok());
    let urgency = request.and_then(|request| request.urgency);
    let finding = match justified {
        None => EmergencyFinding::Unspecified,
        Some(true) => EmergencyFinding::Justified,
        Some(false) => EmergencyFinding::Unjustified,
    };
    v1::EmergencyClaim {
        case: format!("cases/{}", row.id),
        claimant: row.owner,
        executing: row.executing.0.to_string(),
        instrument: row.instrument.map_or_else(String::new, |id| id.to_string()),
        state: to_proto::case_state(row.state).into(),
        received_at: Some(to_proto::timestamp(row.opened_at)),
        changed_at: Some(to_proto::timestamp(row.changed_at)),
        reason: urgency.map(|urgency| urgency.reason).unwrap_or_default(),
        finding: finding.into(),
    }
}

fn claimant(claimant: Claimant) -> v1::Claimant {
    let Claimant {
        owner,
        claims,
        assessed,
        unjustified,
    } = claimant;
    v1::Claimant {
        authority: owner,
        claims,
        assessed,
        unjustified,
    }
}
