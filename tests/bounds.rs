//! What one caller, or whoever names nobody, can take of the gateway has an end, and
//! leaves room for the others.

use std::time::Duration;

use comity::v1::{self, CaseState};
use tokio::task::JoinSet;
use tonic::{Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

use crate::world::{Cooperation, Scene, approvable, reason, submit, violations};

/// Begins a call whose message never ends; returns with how it was refused.
async fn hang(channel: Channel) -> Status {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = ProstCodec::<v1::GetCaseRequest, v1::GetCaseResponse>::default();
    let path = PathAndQuery::from_static("/comity.v1.CooperationService/GetCase");
    let endless = Request::new(tokio_stream::pending());
    let answer = client.client_streaming(endless, path, codec).await;
    answer.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_name_nobody_have_the_places_of_one_caller() {
    let scene = Scene::start_with(&["DE"], |config| {
        config.limits.in_flight = 4;
        config.limits.per_caller = 2;
    })
    .await;
    let mut calls = JoinSet::new();
    for authority in ["one", "other"] {
        let nobody = scene.connect("DE", authority, "nobody").await;
        for _ in 0..3 {
            calls.spawn(hang(nobody.clone()));
        }
    }
    let status = calls.join_next().await.unwrap().unwrap();
    assert_eq!(reason(&status), "OVERLOADED");
    let mut client = scene.issuing("DE", "sta-berlin").await;
    let listed = client.list_cases(v1::ListCasesRequest::default()).await;
    assert!(listed.unwrap().into_inner().cases.is_empty());
    calls.shutdown().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_end_gives_its_place_back() {
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.limits.handshake_timeout = Duration::from_secs(1);
        config.limits.per_caller = 2;
    })
    .await;
    scene.backend("DE").set_up(false);
    let story = approvable("slow");
    let (state, authority) = (story.jurisdiction, story.authority);
    let channel = scene.connect(state, authority, "issuing").await;
    let mut client = Cooperation::new(channel.clone());
    // What was read may take as long as it likes.
    let answer = submit(&mut client, &story.request, 4);
    let (hung, answer) = tokio::join!(hang(channel), answer);
    assert_eq!(reason(&hung), "MALFORMED");
    assert!(violations(&hung)[""].contains("within 3 seconds"));
    let actor = (state, authority, "issuing");
    scene.assert_recorded(actor, "malformed", "MALFORMED").await;
    let case = answer.unwrap().case.unwrap();
    assert_eq!(case.state(), CaseState::Delivering);
    scene.stop().await;
}
