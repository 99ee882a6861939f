//! One State's service refers a victim to another's: with the victim's consent, with
//! what helps the victim and nothing more, and with no trace of the victim but sealed.

use std::{fs, path::Path};

use comity::v1::{self, CaseState, ConditionState, Outcome, PersonRole};
use comity_gateway::wire::{json, to_proto};
use jiff::Timestamp;
use prost_types::{ListValue, Struct, Value, value::Kind};

use super::{accepted, concluding, conditions, information, share};
use crate::{
    log::Log,
    world::{Cooperation, Scene, get},
};

/// The victim.
const NAME: &str = "Zenobia Opferhausen";
const CONTACT: &str = "+353 1 555 01 83";

fn referral(id: &str) -> v1::ShareInformationRequest {
    let message = serde_json::json!({
        "request_id": id,
        "sender": {"jurisdiction": "DE", "authority": "lka-berlin"},
        "recipient": {"jurisdiction": "IE"},
        "measure": "victim.support",
        "information": {
            "name": NAME, "contact": CONTACT, "language": "de", "needs": "counselling",
        },
        "offences": [{"provision": "StGB 263", "category": "D20", "max_penalty_months": 60}],
        "persons": [{"role": "PERSON_ROLE_VICTIM", "name": NAME, "residence": "IE"}],
        "facts": {"persons.consent": {"truth": true}},
        "wait": "20s",
    });
    v1::ShareInformationRequest {
        issued_at: Some(to_proto::timestamp(Timestamp::now())),
        ..json::parse(&message.to_string()).unwrap()
    }
}

fn outcome(case: &v1::Case) -> (Outcome, Vec<&str>) {
    let decision = case.decision.as_ref().unwrap();
    let grounds = decision.grounds.iter().map(|ground| &ground.rule);
    let required = decision.requirements.iter().map(|one| &one.rule);
    let rules = grounds.chain(required).flatten();
    let rules = rules.map(|rule| rule.rule_id.as_str()).collect();
    (decision.outcome(), rules)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_victim_is_referred_who_agrees_and_with_the_least_data() {
    let log = Log::of_all();
    let scene = Scene::start(&["DE", "IE"]).await;
    let mut service = scene.issuing("DE", "lka-berlin").await;
    let check = async |id: &str, change: fn(&mut v1::ShareInformationRequest)| {
        let mut message = referral(id);
        change(&mut message);
        let answer = share(&mut service.clone(), &message).await.unwrap();
        answer.case.unwrap()
    };

    // Without consent there is no referral, and silence is none.
    let case = check("refuses", |m| {
        let no = v1::fact_value::Value::Truth(false);
        let no = v1::FactValue { value: Some(no) };
        m.facts.insert("persons.consent".to_owned(), no);
    })
    .await;
    assert_eq!(
        outcome(&case),
        (Outcome::Incomplete, vec!["victims-consent"])
    );
    let case = check("silent", |m| m.facts.clear()).await;
    assert_eq!(
        outcome(&case),
        (Outcome::Incomplete, vec!["victims-consent"])
    );
    // More than the service needs is not sent.
    let case = check("too-much", |m| {
        let fields = &mut m.information.as_mut().unwrap().fields;
        fields.insert("medical_report".to_owned(), Value::from("fractures"));
    })
    .await;
    assert_eq!(outcome(&case), (Outcome::Refused, vec!["victims-parts"]));
    let case = check("hidden", |m| {
        let report = Struct {
            fields: [("medical_report".to_owned(), Value::from("fractures"))].into(),
        };
        let needs = Kind::ListValue(ListValue {
            values: vec![
                Value::from("counselling"),
                Value {
                    kind: Some(Kind::StructValue(report)),
                },
            ],
        });
        let fields = &mut m.information.as_mut().unwrap().fields;
        fields.insert("needs".to_owned(), Value { kind: Some(needs) });
    })
    .await;
    assert_eq!(outcome(&case), (Outcome::Refused, vec!["victims-parts"]));
    let case = check("suspect", |m| {
        m.persons.push(v1::Person {
            role: PersonRole::Suspect.into(),
            ..v1::Person::default()
        });
    })
    .await;
    assert_eq!(outcome(&case), (Outcome::Refused, vec!["victims-others"]));
    assert_eq!(scene.backend("IE").received(), 0);

    let case = check("agrees", |_| ()).await;
    assert_eq!(outcome(&case), (Outcome::Approved, vec![]));
    assert_eq!(case.decision.as_ref().unwrap().instrument, "dir-2012-29");
    assert_eq!(case.state(), CaseState::Acknowledged);
    let consent = case.decision.as_ref().unwrap().facts.iter();
    let consent = consent.filter(|fact| fact.name == "persons.consent");
    assert_eq!(consent.count(), 1, "the consent is on record");
    // It binds the service once that takes the victim up; the sender to no more than
    // what it sends.
    assert_eq!(conditions(&case)["victims-8"], ConditionState::Waiting);
    assert_eq!(conditions(&case)["victims-21"], ConditionState::Open);
    let of_sender = case.conditions.iter();
    let of_sender = of_sender.filter(|one| one.bound_party == "issuing");
    let of_sender: Vec<_> = of_sender.map(|one| one.obligation_id.as_str()).collect();
    assert_eq!(of_sender, ["victims-minimal"]);

    // The other State's service has what it needs, and says that it took it up.
    let channel = scene.connect("IE", "garda-dublin", "executing").await;
    let received = get(&mut Cooperation::new(channel), &case.name).await;
    assert_eq!(information(&received.unwrap()), information(&case));
    let mut other = scene.executing("IE", "garda-dublin").await;
    let taken_up = concluding(&case.name, accepted());
    other.conclude(taken_up).await.unwrap();
    let case = get(&mut service, &case.name).await.unwrap();
    assert_eq!(case.state(), CaseState::Concluded);
    assert_eq!(conditions(&case)["victims-8"], ConditionState::Open);

    let leaves = format!("{:?}", scene.entries("").await);
    let data = scene.world.data();
    assert_silent(leaves.as_bytes());
    assert_no_trace(&data);
    scene.stop().await;
    let log = log.text();
    assert!(!log.is_empty(), "something was logged");
    assert_silent(log.as_bytes());
}

/// Nothing that the gateway keeps tells of the victim: neither ledger nor records.
fn assert_no_trace(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_trace(&path);
        } else {
            assert_silent(&fs::read(path).unwrap());
        }
    }
}

#[track_caller]
fn assert_silent(bytes: &[u8]) {
    for secret in [NAME, CONTACT] {
        let mut at = bytes.windows(secret.len());
        assert!(
            !at.any(|bytes| bytes == secret.as_bytes()),
            "{secret} got out"
        );
    }
}
