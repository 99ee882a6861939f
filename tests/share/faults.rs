//! What is shared does not stay with who will not have it, whatever goes wrong on the
//! way: answers that are lost, deliveries that are refused. No answer is lost that cannot be
//! read at first, or that comes before the delivery is answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use comity::v1::{
    self, CaseState, ConditionState, ResultKind,
    execution_service_client::ExecutionServiceClient,
    national_backend_service_server::{NationalBackendService as _, NationalBackendServiceServer},
};
use comity_sandbox::backend::Backend;
use tonic::{Request, Response, Status, transport::Channel};

use super::{concluding, conditions, information, share, tip};
use crate::world::{Cooperation, Delivers, Scene, Served, eventually, get};

/// A backend that works, and tells the gateway otherwise: what of, its request's id
/// says.
#[derive(Clone)]
struct Wayward {
    backend: Backend,
    /// The receipts that came with deliveries, by case.
    receipts: Arc<Mutex<HashMap<String, Vec<v1::Receipt>>>>,
    /// The calls that came, by case.
    calls: Arc<Mutex<HashMap<String, Vec<&'static str>>>>,
    /// How it calls the gateway.
    gateway: Arc<OnceLock<ExecutionServiceClient<Channel>>>,
}

impl Wayward {
    fn note(&self, case: &str, call: &'static str) {
        let mut calls = self.calls.lock().unwrap();
        calls.entry(case.to_owned()).or_default().push(call);
    }

    fn keep(&self, message: &v1::DeliverRequest) {
        let mut receipts = self.receipts.lock().unwrap();
        let of_case = receipts.entry(message.case.clone()).or_default();
        of_case.push(message.receipt.clone().unwrap());
    }

    fn calls(&self, case: &str) -> Vec<&'static str> {
        let calls = self.calls.lock().unwrap();
        calls.get(case).cloned().unwrap_or_default()
    }
}

#[tonic::async_trait]
impl Delivers for Wayward {
    fn backend(&self) -> &Backend {
        &self.backend
    }

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverResponse>, Status> {
        let message = request.get_ref();
        self.note(&message.case, "deliver");
        self.keep(message);
        let id = message.request.as_ref().unwrap().request_id.clone();
        if id == "refused" {
            return Err(Status::failed_precondition("never"));
        }
        let case = message.case.clone();
        let mut answer = self.backend.deliver(request).await?;
        match id.as_str() {
            "lost" => return Err(Status::unavailable("the answer got lost")),
            // Mended after it was asked once.
            "unreadable" if self.calls(&case) == ["deliver"] => {
                answer.get_mut().result = Some(v1::Result::default());
            }
            "unreadable" => answer.get_mut().result = Some(accepted()),
            // The authority has it before the system has an answer that can be read.
            "acknowledged" => {
                let calls = self.calls(&case).len();
                if calls == 1 {
                    let mut gateway = self.gateway.get().unwrap().clone();
                    let name = case.clone();
                    let message = v1::AcknowledgeRequest {
                        name,
                        ..v1::AcknowledgeRequest::default()
                    };
                    gateway.acknowledge(message).await?;
                }
                let unreadable = v1::Result::default();
                let result = if calls < 3 { unreadable } else { accepted() };
                answer.get_mut().result = Some(result);
            }
            "beforehand" => {
                let mut gateway = self.gateway.get().unwrap().clone();
                gateway.conclude(concluding(&case, accepted())).await?;
            }
            _ => {}
        }
        Ok(answer)
    }

    fn recalled(&self, case: &str) {
        self.note(case, "recall");
    }
}

/// What is shared is accepted.
fn accepted() -> v1::Result {
    v1::Result {
        kind: ResultKind::Complete.into(),
        ..v1::Result::default()
    }
}

/// A scene in which the German backend is wayward.
async fn scene() -> (Scene, Wayward) {
    let mut wayward = None;
    let scene = Scene::start_beside(&["DE", "GB"], "DE", |backend| {
        let backend = backend.clone();
        let one = wayward.insert(Wayward {
            backend,
            receipts: Arc::default(),
            calls: Arc::default(),
            gateway: Arc::default(),
        });
        NationalBackendServiceServer::new(Served(one.clone()))
    })
    .await;
    let wayward = wayward.unwrap();
    let itself = scene.connect("DE", "backend", "backend").await;
    let itself = ExecutionServiceClient::new(itself);
    wayward.gateway.set(itself).unwrap();
    (scene, wayward)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_rejected_is_left_with_the_recipient() {
    let (scene, wayward) = scene().await;
    let mut sender = scene.issuing("GB", "nca").await;
    let mut recipient = scene.executing("DE", "bfj").await;
    let mut reader = Cooperation::new(scene.connect("DE", "bfj", "executing").await);
    let mut names = Vec::new();
    for id in ["lost", "refused"] {
        let mut message = tip(id);
        message.wait = None;
        let case = share(&mut sender, &message).await.unwrap().case.unwrap();
        names.push(case.name);
    }

    // Its answer is lost and it is to be delivered again, when somebody says no.
    eventually("it is on its way", async || {
        let case = get(&mut sender, &names[0]).await.unwrap();
        (case.state() == CaseState::Delivering).then_some(())
    })
    .await;
    let rejected = v1::Result {
        kind: ResultKind::NotExecuted.into(),
        reason: "we cannot bind ourselves to that".to_owned(),
        ground: "ets-182 art 11".to_owned(),
        ..v1::Result::default()
    };
    let rejected = concluding(&names[0], rejected);
    recipient.conclude(rejected).await.unwrap();

    for name in &names {
        let case = eventually("it is at its end", async || {
            let case = get(&mut sender, name).await.unwrap();
            let recalled = case.events.iter().any(|event| event.kind == "recalled");
            let over = case.state() == CaseState::NotExecuted;
            (over && (recalled || *name == names[1])).then_some(case)
        })
        .await;
        assert!(
            conditions(&case)
                .values()
                .all(|state| *state == ConditionState::Lifted),
            "{name} binds nobody: {case:?}"
        );
        let read = get(&mut reader, name).await.unwrap();
        assert_eq!(information(&read), None);
        assert_eq!(scene.backend("DE").standing(name).unwrap(), 0);
    }
    // Long enough for what was put off to be tried again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = |name: &String| {
        let calls = wayward.calls(name).into_iter();
        calls.skip_while(|call| *call == "deliver").collect()
    };
    let after: Vec<Vec<_>> = names.iter().map(after).collect();
    assert_eq!(after, [vec!["recall"], vec![]]);
    scene.stop().await;
}

/// Shares a tip of this id, and waits until it is accepted.
async fn concluded(sender: &mut Cooperation, id: &str) -> v1::Case {
    let case = share(sender, &tip(id)).await.unwrap().case.unwrap();
    eventually("it is concluded", async || {
        let case = get(sender, &case.name).await.unwrap();
        (case.state() == CaseState::Concluded).then_some(case)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let (scene, wayward) = scene().await;
    let mut sender = scene.issuing("GB", "nca").await;
    let case = concluded(&mut sender, "unreadable").await;
    let postponed = case.events.iter().map(|event| &*event.note);
    let told = "the executing system's answer cannot be read (`result.kind`); delivery goes on until it can";
    assert!(postponed.clone().any(|note| note == told), "{postponed:?}");
    assert_eq!(wayward.calls(&case.name), ["deliver"; 2]);
    // Each time with where the decision is on record, not what was recorded since.
    let receipts = wayward.receipts.lock().unwrap()[&case.name].clone();
    let first = case.events.iter().find(|event| event.kind == "decision");
    let first = (first.unwrap().ledger_index, &receipts[0].request_sha256);
    assert!(
        receipts
            .iter()
            .all(|receipt| (receipt.index, &receipt.request_sha256) == first)
    );
    assert_eq!(scene.backend("DE").standing(&case.name).unwrap(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_for_again_also_once_the_authority_has_the_request() {
    let (scene, wayward) = scene().await;
    let mut sender = scene.issuing("GB", "nca").await;
    let case = concluded(&mut sender, "acknowledged").await;
    let kinds: Vec<_> = case.events.iter().map(|event| &*event.kind).collect();
    assert_eq!(kinds, ["decision", "acknowledged", "concluded"]);
    assert_eq!(wayward.calls(&case.name), ["deliver"; 3]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_may_come_before_the_delivery_is_answered() {
    let (scene, wayward) = scene().await;
    let mut sender = scene.issuing("GB", "nca").await;
    let case = share(&mut sender, &tip("beforehand")).await.unwrap();
    let case = case.case.unwrap();
    assert_eq!(case.state(), CaseState::Concluded, "{case:?}");
    assert!(case.receipt.is_some());
    // Long enough for what was not ended to be tried again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(wayward.calls(&case.name), ["deliver"]);
    let report = scene.stop().await;
    assert_eq!(report.jobs, 0);
}
