//! Information without request, its conditions, and the use of it elsewhere: end to
//! end over mutual TLS.

mod command;
mod faults;
mod onward;
mod victim;

use std::collections::BTreeMap;

use comity::v1::{
    self, CaseState, ConditionState, ObligationKind, ResultKind,
    execution_service_client::ExecutionServiceClient,
};
use comity_gateway::wire::{json, to_proto};
use jiff::Timestamp;
use tonic::{Code, Status, transport::Channel};

use crate::world::{Cooperation, Scene, eventually, get, reason, violations};

/// What is told, and must be told to nobody else.
const SECRET: &str = "Aurelia Beispielmann";

/// What a British agency tells a German authority.
fn tip(id: &str) -> v1::ShareInformationRequest {
    let message = serde_json::json!({
        "request_id": id,
        "sender": {"jurisdiction": "GB", "authority": "nca"},
        "recipient": {"jurisdiction": "DE", "authority": "bfj"},
        "instrument": "ets-30",
        "information": {"account_holder": SECRET, "bank": "Sparkasse"},
        "conditions": [
            {
                "kind": "OBLIGATION_KIND_USE_LIMIT",
                "parameters": {"purpose": "proceedings for fraud, 241 Js 1024/26"},
            },
            {"kind": "OBLIGATION_KIND_DELETE_AFTER", "parameters": {"days": "30"}},
        ],
        "language": "de",
        "offences": [{"provision": "Fraud Act 2006 s 1", "category": "D20"}],
        "purpose": "to open proceedings in Germany",
        "wait": "20s",
    });
    v1::ShareInformationRequest {
        issued_at: Some(to_proto::timestamp(Timestamp::now())),
        ..json::parse(&message.to_string()).unwrap()
    }
}

async fn share(
    client: &mut Cooperation,
    message: &v1::ShareInformationRequest,
) -> Result<v1::ShareInformationResponse, Status> {
    let answer = client.share_information(message.clone()).await?;
    Ok(answer.into_inner())
}

/// A tip on its way, and both sides of it.
struct Tip {
    scene: Scene,
    sender: Cooperation,
    recipient: ExecutionServiceClient<Channel>,
    case: v1::Case,
}

impl Tip {
    async fn given(id: &str) -> Self {
        Self::given_on(id, |_| ()).await
    }

    async fn given_on(id: &str, change: fn(&mut v1::ShareInformationRequest)) -> Self {
        let scene = Scene::start(&["DE", "FR", "GB"]).await;
        let mut sender = scene.issuing("GB", "nca").await;
        let recipient = scene.executing("DE", "bfj").await;
        let mut message = tip(id);
        change(&mut message);
        let answer = share(&mut sender, &message).await.unwrap();
        assert!(!answer.replayed);
        Self {
            scene,
            sender,
            recipient,
            case: answer.case.unwrap(),
        }
    }

    async fn case(&mut self) -> v1::Case {
        get(&mut self.sender, &self.case.name).await.unwrap()
    }

    async fn conclude(&mut self, result: v1::Result) -> v1::Case {
        let message = concluding(&self.case.name, result);
        self.recipient.conclude(message).await.unwrap();
        self.case().await
    }

    async fn accept(&mut self) -> v1::Case {
        self.conclude(accepted()).await
    }

    async fn until(&mut self, kind: &str) -> v1::Case {
        let name = self.case.name.clone();
        eventually(kind, async || {
            let case = get(&mut self.sender, &name).await.unwrap();
            let has = case.events.iter().any(|event| event.kind == kind);
            has.then_some(case)
        })
        .await
    }

    /// What the executing side sees of it.
    async fn received(&self) -> v1::Case {
        let channel = self.scene.connect("DE", "bfj", "executing").await;
        get(&mut Cooperation::new(channel), &self.case.name)
            .await
            .unwrap()
    }
}

fn concluding(name: &str, result: v1::Result) -> v1::ConcludeRequest {
    v1::ConcludeRequest {
        name: name.to_owned(),
        conclusion: Some(v1::conclude_request::Conclusion::Result(result)),
        ..v1::ConcludeRequest::default()
    }
}

fn accepted() -> v1::Result {
    v1::Result {
        kind: ResultKind::Complete.into(),
        ..v1::Result::default()
    }
}

/// Where each condition of the recipient stands, by its id.
fn conditions(case: &v1::Case) -> BTreeMap<&str, ConditionState> {
    let conditions = case.conditions.iter();
    conditions
        .filter(|one| one.bound_party == "executing")
        .map(|one| (one.obligation_id.as_str(), one.state()))
        .collect()
}

fn information(case: &v1::Case) -> Option<&prost_types::Struct> {
    case.request.as_ref().unwrap().information.as_ref()
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_bind_from_acceptance() {
    use ConditionState::{Confirmed, Open, Waiting};
    let mut tip = Tip::given("accept").await;
    assert_eq!(tip.case.state(), CaseState::Acknowledged);
    let request = tip.case.request.clone().unwrap();
    assert_eq!(request.measure, "information.spontaneous");
    assert_eq!(
        conditions(&tip.case),
        [("ets-182-11", Waiting), ("s1", Waiting), ("s2", Waiting)].into()
    );
    assert_eq!(
        information(&tip.received().await),
        request.information.as_ref()
    );
    // Nothing of it binds as yet.
    let early = v1::ConfirmObligationRequest {
        name: tip.case.name.clone(),
        obligation_id: "s2".to_owned(),
        request_id: "confirm/s2".to_owned(),
        ..v1::ConfirmObligationRequest::default()
    };
    let status = tip.recipient.confirm_obligation(early.clone()).await;
    assert_eq!(reason(&status.unwrap_err()), "NOT_ALLOWED_NOW");

    let case = tip.accept().await;
    assert_eq!(case.state(), CaseState::Concluded);
    assert_eq!(
        conditions(&case),
        [("ets-182-11", Open), ("s1", Open), ("s2", Open)].into()
    );
    let s2 = &case.conditions.iter().find(|one| one.obligation_id == "s2");
    assert!(s2.unwrap().due_at.is_some(), "its time runs");
    assert!(case.clocks.iter().any(|clock| clock.clock_id == "s2"));

    // What was refused has not used up its id; what was done is done once under it.
    for _ in 0..2 {
        let again = early.clone();
        tip.recipient.confirm_obligation(again).await.unwrap();
    }
    assert_eq!(conditions(&tip.case().await)["s2"], Confirmed);
    let confirmed = tip.scene.entries("kind=obligation-confirmed").await;
    assert_eq!(confirmed.len(), 1);
    let report = tip.scene.stop().await;
    assert_eq!(report.unpublished, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_is_recalled_and_binds_nobody() {
    let mut tip = Tip::given("reject").await;
    let rejected = v1::Result {
        kind: ResultKind::NotExecuted.into(),
        reason: "we cannot bind ourselves to that".to_owned(),
        ground: "ets-182 art 11".to_owned(),
        ..v1::Result::default()
    };
    let case = tip.conclude(rejected).await;
    assert_eq!(case.state(), CaseState::NotExecuted);
    let lifted = conditions(&case);
    assert_eq!(lifted.len(), 3);
    assert!(
        lifted
            .values()
            .all(|state| *state == ConditionState::Lifted)
    );
    tip.until("recalled").await;
    let backend = tip.scene.backend("DE");
    assert_eq!(backend.recalls().unwrap(), 1);
    assert_eq!(backend.standing(&case.name).unwrap(), 0);
    // The sender has what it sent; the recipient has it no more.
    assert!(information(&case).is_some());
    assert_eq!(information(&tip.received().await), None);
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breach_that_is_admitted_is_on_record() {
    let mut tip = Tip::given("breach").await;
    tip.accept().await;
    let mut broken = v1::ConfirmObligationRequest {
        name: tip.case.name.clone(),
        obligation_id: "s1".to_owned(),
        broken: true,
        ..v1::ConfirmObligationRequest::default()
    };
    let status = tip.recipient.confirm_obligation(broken.clone()).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(violations(&status)["note"].contains("say how"));
    broken.note = "it was read out in a tax case".to_owned();
    // Said twice it is on record once.
    for _ in 0..2 {
        let said = tip.recipient.confirm_obligation(broken.clone()).await;
        assert!(said.unwrap().into_inner().receipt.is_some());
    }
    let case = tip.case().await;
    let s1 = case.conditions.iter().find(|one| one.obligation_id == "s1");
    let s1 = s1.unwrap();
    assert_eq!(s1.state(), ConditionState::Breached);
    assert_eq!(s1.kind(), ObligationKind::UseLimit);
    assert!(s1.breached_at.is_some() && s1.breached_at == s1.broken_at);
    assert!(s1.broken_by.contains("DE/bfj"), "{s1:?}");
    let entries = tip.scene.entries("kind=obligation-broken").await;
    let [entry] = <[_; 1]>::try_from(entries).unwrap();
    assert_eq!(entry.rules, ["s1"]);
    assert!(!format!("{entry:?}").contains("tax case"), "sealed");
    let name = case.name.clone();
    eventually("the recipient's system is told", async || {
        let notices = tip.scene.backend("DE").notices(&name).unwrap();
        notices
            .contains(&"obligation-broken".to_owned())
            .then_some(())
    })
    .await;
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_is_harmless_and_another_content_refused() {
    let mut tip = Tip::given("again").await;
    let again = self::tip("again");
    let again = v1::ShareInformationRequest {
        issued_at: tip.case.request.as_ref().unwrap().issued_at,
        ..again
    };
    let answer = share(&mut tip.sender, &again).await.unwrap();
    assert!(answer.replayed);
    assert_eq!(answer.case.unwrap().name, tip.case.name);
    for change in [
        |message: &mut v1::ShareInformationRequest| message.conditions.truncate(1),
        |message: &mut v1::ShareInformationRequest| {
            message.information.as_mut().unwrap().fields.clear();
            let other = prost_types::Value::from("other");
            let fields = &mut message.information.as_mut().unwrap().fields;
            fields.insert("account_holder".to_owned(), other);
        },
    ] {
        let mut other = again.clone();
        change(&mut other);
        let status = share(&mut tip.sender, &other).await.unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    }
    assert_eq!(tip.scene.backend("DE").effects().unwrap(), 1);
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_of_the_field() {
    let scene = Scene::start(&["DE", "GB"]).await;
    let sender = scene.issuing("GB", "nca").await;
    let check = async |change: fn(&mut v1::ShareInformationRequest), fields: &str| {
        let mut message = tip("wrong");
        change(&mut message);
        let status = share(&mut sender.clone(), &message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{fields}");
        let found: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(found.join(" "), fields);
    };
    check(
        |m| (m.information, m.conditions[0].kind) = (None, 0),
        "conditions[0].kind information",
    )
    .await;
    check(
        |m| m.information.as_mut().unwrap().fields.clear(),
        "information",
    )
    .await;
    check(|m| m.sender = None, "sender").await;
    check(
        |m| m.recipient.as_mut().unwrap().jurisdiction = "XX".to_owned(),
        "recipient.jurisdiction",
    )
    .await;
    check(|m| m.measure = "data.subscriber".to_owned(), "measure").await;
    check(|m| m.conditions[0].kind = 0, "conditions[0].kind").await;
    check(
        |m| m.conditions[1].kind = ObligationKind::Redact.into(),
        "conditions[1].kind",
    )
    .await;
    check(
        |m| m.conditions[1].obligation_id = "s1".to_owned(),
        "conditions[1].obligation_id",
    )
    .await;
    check(
        |m| m.conditions[0].bound_party = "issuing".to_owned(),
        "conditions[0].bound_party",
    )
    .await;
    check(
        |m| {
            let parameters = &mut m.conditions[1].parameters;
            parameters.insert("days".to_owned(), "soon".to_owned());
        },
        "conditions[1].parameters[\"days\"]",
    )
    .await;
    check(|m| m.source_case = "cases/1".to_owned(), "source_case").await;

    // Nobody speaks for another, and executing systems share nothing.
    let mut other = scene.issuing("DE", "sta-berlin").await;
    let status = share(&mut other, &tip("other")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(status.message().contains("`sender`"), "{status:?}");
    let channel = scene.connect("GB", "nca", "executing").await;
    let mut other = Cooperation::new(channel);
    let status = share(&mut other, &tip("other")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(scene.backend("DE").received(), 0);
    scene.stop().await;
}
