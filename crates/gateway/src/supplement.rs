//! Supplements: what the issuing authority adds to its request, and the decision
//! anew that follows.

use comity::v1;
use comity_domain::{CaseState, FactSource};

use crate::{
    adding::{Adding, Side},
    admit,
    anew::{self, Done, Occasion},
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::Event,
    identity::{Caller, Role},
    once::Call,
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
    let id = from_proto::supplement(&mut v1::CooperationRequest::default(), message.clone())
        .map_err(Refusal::Malformed)?;
    let call = Call::new(caller, CALL, &message)?;
    let supply = || async {
        let mut case = owned(gateway, caller, &id).await?;
        let event = event(gateway, caller, &mut case, &message).await?;
        let event = Event {
            key: call.key(),
            ..event
        };
        Ok((anew::file(gateway, case, event, CALL).await?, false))
    };
    let stands = |case| (Done::nothing_more(case), true);
    call.carry_out(gateway, supply, stands).await
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
    if case.row.state != CaseState::Incomplete {
        remains_itself(message)?;
    }
    let mut request = anew::request(case)?;
    not_taken_back(gateway, &request, message)?;
    from_proto::supplement(&mut request, message.clone()).map_err(Refusal::Malformed)?;
    let tasks = case.snapshot.kept().tasks.clone();
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
    let event = anew::event(gateway, case, decided, occasion, adds).await?;
    // What rebuts an approval takes back what was handed over.
    let corrects = case.row.state.is_under_way() && !event.to.is_under_way();
    let adding = match corrects {
        true => Adding::Always,
        false => Adding::Again(Side::Issuing),
    };
    // Who executes it by what was handed over has to know.
    let told = !corrects;
    Ok(Event {
        adding,
        told,
        ..event
    })
}

/// What was handed over is not made another request.
fn remains_itself(message: &v1::SupplementRequest) -> Result<(), Refusal> {
    let changed = [
        ("language", !message.language.is_empty()),
        ("offences", !message.offences.is_empty()),
        ("persons", !message.persons.is_empty()),
    ];
    let changed = changed.into_iter().filter(|(_, changed)| *changed);
    let violations: Vec<_> = changed
        .map(|(field, _)| Violation {
            field: field.to_owned(),
            description:
                "is supplied only while the case is incomplete: this one was handed over; \
                          leave it out, or withdraw and send another request"
                    .to_owned(),
        })
        .collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Malformed(violations)),
    }
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
