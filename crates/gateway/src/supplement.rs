//! Supplements: what the issuing authority adds to its request, and the decision
//! anew that follows.

use comity::v1;
use comity_domain::{CaseId, CaseState, Digest, FactSource};
use comity_store::RequestKey;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{
    admit,
    anew::{self, Done, Occasion},
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    review::consult,
    wire::{Violation, encoded, from_proto},
    withdraw::owned,
};

/// The call, as refusals name it.
const CALL: &str = "supplement";

/// See `CooperationService.Supplement`.
pub(crate) async fn supplement(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::SupplementRequest,
) -> Result<v1::SupplementResponse, Refusal> {
    let supplemented = carry_out(gateway, caller, message).await;
    let (done, replayed) = record::attempted(gateway, caller, supplemented).await?;
    let case = done.begin(gateway);
    Ok(v1::SupplementResponse {
        case: Some(cases::open(&case.snapshot)?),
        replayed,
    })
}

/// What came of it, and whether the same call was recorded before.
pub(crate) async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::SupplementRequest,
) -> Result<(Done, bool), Refusal> {
    admit::role(caller, &[Role::Issuing], "issuing")?;
    let (id, request_id) =
        from_proto::supplement(&mut v1::CooperationRequest::default(), message.clone())
            .map_err(Refusal::Malformed)?;
    let key = RequestKey {
        caller: caller.to_string(),
        request_id,
        digest: digest(&message),
    };
    if let Some(case) = before(gateway, caller, &id, &key).await? {
        return Ok((Done::nothing_more(case), true));
    }
    let supply = || async {
        let mut case = owned(gateway, caller, &id).await?;
        let event = event(gateway, caller, &mut case, &message).await?;
        let event = Event {
            key: Some(key.clone()),
            ..event
        };
        match anew::file(gateway, case, event, CALL).await {
            Err(Unfiled::Before(_)) => {
                let case = owned(gateway, caller, &id).await?;
                Ok((Done::nothing_more(case), true))
            }
            done => Ok((done?, false)),
        }
    };
    happen::carry_out(CALL, supply).await
}

/// The case, where the same was supplied under this id before.
async fn before(
    gateway: &Gateway,
    caller: &Caller,
    id: &CaseId,
    key: &RequestKey,
) -> Result<Option<CaseAt>, Refusal> {
    let used = gateway.store().request_key(&key.caller, &key.request_id);
    match used.await.map_err(record::unavailable)? {
        None => Ok(None),
        Some((digest, _)) if digest == key.digest => owned(gateway, caller, id).await.map(Some),
        Some(_) => Err(Refusal::IdReused),
    }
}

/// The event by which a supplement is taken in and the case decided anew.
async fn event(
    gateway: &Gateway,
    caller: &Caller,
    case: &mut CaseAt,
    message: &v1::SupplementRequest,
) -> Result<Event, Refusal> {
    if !takes_supplements(case.row.state) {
        let all = CaseState::ALL.into_iter();
        return Err(Refusal::NotAllowedNow {
            call: CALL,
            state: case.row.state,
            allowed: all.filter(|state| takes_supplements(*state)).collect(),
        });
    }
    let mut request = anew::request(case)?;
    not_taken_back(gateway, &request, message)?;
    from_proto::supplement(&mut request, message.clone()).map_err(Refusal::Malformed)?;
    let tasks = case.snapshot.kept().tasks;
    let decided = anew::decide(gateway, case, request, tasks).await?;
    let answered = consult::answer(&case.snapshot.consultations, &message.answer, gateway.now());
    let occasion = Occasion {
        kind: "supplement",
        by: caller,
        note: "supplemented by the issuing authority, and decided anew".to_owned(),
    };
    let adds = encoded::Case {
        consultations: answered,
        ..encoded::Case::default()
    };
    anew::event(gateway, case, decided, occasion, adds).await
}

/// What was raised for the other side to judge is not taken back: its judge has it
/// in hand.
fn not_taken_back(
    gateway: &Gateway,
    before: &v1::CooperationRequest,
    message: &v1::SupplementRequest,
) -> Result<(), Refusal> {
    let policies = gateway.policies();
    let mut violations = Vec::new();
    for fact in policies.facts() {
        let (name, for_others) = match fact.stated_by {
            FactSource::Executing | FactSource::Judgement => (&**fact.name, true),
            FactSource::Requester | FactSource::Gateway | FactSource::Register => ("", false),
        };
        let raised = before.facts.get(name).zip(message.facts.get(name));
        if for_others && raised.is_some_and(|(before, now)| before != now) {
            violations.push(Violation {
                field: format!("facts[\"{name}\"]"),
                description: "was raised before and is now for the other side to judge: leave it as it is, or withdraw the request".to_owned(),
            });
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Malformed(violations))
    }
}

/// While something of it is asked for, or may still turn out otherwise.
fn takes_supplements(state: CaseState) -> bool {
    state == CaseState::Incomplete || state.is_under_way()
}

/// SHA-256 over the canonical encoding; no request has the same.
fn digest(message: &v1::SupplementRequest) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"supplement\0");
    hash.update(message.encode_to_vec());
    Digest(hash.finalize().into())
}
