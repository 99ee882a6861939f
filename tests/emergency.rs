//! Where every place is taken, a life at risk still has one; and whether there was one
//! is asked afterwards.

mod afterwards;

use comity::v1::{self, CaseState, UrgencyLevel};
use tonic::{Code, Response, Status};

use crate::{
    timestamps::figure,
    world::{Cooperation, Scene, eventually, reason, story, submit, violations},
};

/// Submits, saying in the metadata that it is an emergency.
async fn marked(
    client: &mut Cooperation,
    request: &v1::CooperationRequest,
) -> Result<v1::SubmitResponse, Status> {
    let message = v1::SubmitRequest {
        request: Some(request.clone()),
        wait: None,
        text_language: "en".to_owned(),
    };
    let message = comity::marked(message, Some(at_risk()), false);
    client.submit(message).await.map(Response::into_inner)
}

fn at_risk() -> v1::Urgency {
    v1::Urgency {
        level: UrgencyLevel::Emergency.into(),
        reason: "a life is at risk".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_has_a_place_where_all_are_taken() {
    let scene = Scene::start_with(&["DE", "NL"], |config| {
        config.limits.in_flight = 2;
        config.limits.per_caller = 1;
    })
    .await;
    // Who waits for a backend that is down keeps the one place of its authority.
    let backend = scene.backend("DE");
    backend.set_up(false);
    let waits = story("waits", "Accounts of a person, backend down");
    let mut first = scene.issuing(waits.jurisdiction, waits.authority).await;
    let request = waits.request.clone();
    let waiting = tokio::spawn(async move { submit(&mut first, &request, 60).await });
    let waits_on_record = || async { scene.entries("kind=decision").await.len() == 1 };
    eventually("the first is decided", async || {
        waits_on_record().await.then_some(())
    })
    .await;

    let mut client = scene.issuing(waits.jurisdiction, waits.authority).await;
    let mut other = story("other", "Accounts of a person, backend down").request;
    let status = submit(&mut client, &other, 0).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "OVERLOADED");

    let status = marked(&mut client, &other).await.unwrap_err();
    assert!(violations(&status).contains_key("urgency.level"));

    other.urgency = Some(at_risk());
    let answer = marked(&mut client, &other).await.unwrap();
    assert_ne!(answer.case.unwrap().decision, None);

    backend.set_up(true);
    let first = waiting.await.unwrap().unwrap();
    assert_eq!(first.case.unwrap().state(), CaseState::Concluded);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gives_way_to_exercises_repetitions_and_what_cannot_be_admitted() {
    let scene = Scene::start_with(&["DE", "NL"], |config| {
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let heard = || figure(&scene, "comity_emergencies_total");
    let told = story("told", "Accounts of a person, backend down");
    let mut client = scene.issuing(told.jurisdiction, told.authority).await;
    let mut request = told.request;
    request.urgency = Some(at_risk());

    let mut exercise = request.clone();
    exercise.exercise = true;
    exercise.request_id = "told/exercise".to_owned();
    let status = marked(&mut client, &exercise).await.unwrap_err();
    assert!(violations(&status)["urgency.level"].contains("as no exercise is"));
    submit(&mut client, &exercise, 0).await.unwrap();
    let mut unknown = request.clone();
    unknown.measure = "no.such.measure".to_owned();
    let status = marked(&mut client, &unknown).await.unwrap_err();
    assert!(violations(&status).contains_key("measure"));
    assert_eq!(heard().await, Some(0));

    assert!(!marked(&mut client, &request).await.unwrap().replayed);
    assert_eq!(heard().await, Some(1));
    assert!(marked(&mut client, &request).await.unwrap().replayed);
    request.purpose.push_str(", and more");
    let status = marked(&mut client, &request).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    assert_eq!(heard().await, Some(1));
    scene.stop().await;
}
