//! What one caller, or whoever names nobody, can take of the gateway has an end, and
//! leaves room for the others.

use std::time::Duration;

use comity::v1::{self, CaseState, ResultKind, ReviewVerdict, conclude_request::Conclusion};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tonic::{
    Code, Request, Status, Streaming, client::Grpc, codegen::http::uri::PathAndQuery,
    transport::Channel,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_prost::ProstCodec;

use crate::{
    api::tls,
    world::{Cooperation, Scene, approvable, eventually, get, reason, search, submit, violations},
};

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

async fn lists(client: &mut Cooperation) -> Result<(), Status> {
    let listed = client.list_cases(v1::ListCasesRequest::default()).await;
    listed.map(drop)
}

async fn watch(
    client: &mut Cooperation,
    name: &str,
) -> Result<Streaming<v1::WatchCaseResponse>, Status> {
    let message = v1::WatchCaseRequest {
        name: name.to_owned(),
        after_sequence: 0,
    };
    let watched = client.watch_case(message).await;
    watched.map(tonic::Response::into_inner)
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
    lists(&mut client).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_watches_as_much_as_it_may_call() {
    let scene = Scene::start_with(&["DE", "FR"], |config| config.limits.per_caller = 2).await;
    let story = search("watched");
    let case = scene.tell(&story).await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let mut one = watch(&mut client, &case.name).await.unwrap();
    let other = watch(&mut client, &case.name).await.unwrap();
    let status = watch(&mut client, &case.name).await.unwrap_err();
    assert_eq!(reason(&status), "OVERLOADED");
    assert!(get(&mut client, &case.name).await.is_ok());
    // Streams of others are none of its own.
    let mut executing = Cooperation::new(scene.connect("FR", "tj-paris-ji", "executing").await);
    watch(&mut executing, &case.name).await.unwrap();
    drop(other);
    eventually("one may be watched again", async || {
        watch(&mut client, &case.name).await.ok()
    })
    .await;
    assert!(one.message().await.unwrap().is_some());
    scene.stop().await;
}

/// A gateway that stops waits for nobody who only watches.
#[tokio::test(flavor = "multi_thread")]
async fn who_watches_health_hears_that_the_gateway_stops() {
    let scene = Scene::start(&["DE"]).await;
    let channel = scene.connect("DE", "health", "issuing").await;
    let question = HealthCheckRequest::default();
    let watched = HealthClient::new(channel).watch(question).await.unwrap();
    let mut watched = watched.into_inner();
    assert!(watched.message().await.unwrap().is_some());
    let stop = tokio::spawn(scene.stop());
    let ended = loop {
        match watched.message().await {
            Ok(Some(_)) => {}
            ended => break ended.unwrap_err(),
        }
    };
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(ended.message().contains("the gateway stops"), "{ended:?}");
    stop.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_has_a_share_of_the_connections() {
    let scene = Scene::start_with(&["DE"], |config| config.limits.connections = 32).await;
    let connect = async |authority: &str| {
        let channel = scene
            .world
            .connect(scene.address(), "DE", authority, "issuing");
        let mut client = Cooperation::new(channel.await.ok()?);
        lists(&mut client).await.ok()?;
        Some(client)
    };
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(connect("sta-berlin").await.unwrap());
    }
    assert!(connect("sta-berlin").await.is_none(), "one more was let in");
    assert!(connect("sta-muenchen-1").await.is_some());
    open.pop();
    eventually("there is room again", async || connect("sta-berlin").await).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_so_many_streams_and_ends_where_nobody_is_there() {
    let scene = Scene::start_with(&["DE"], |config| {
        config.limits.handshake_timeout = Duration::from_secs(1);
    })
    .await;
    let issued = scene.world.issue("DE", "gone", "issuing", &[]).unwrap();
    let mut stream = tls(scene.address(), &issued, "h2").await.unwrap();
    let nothing_set = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let greeting = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &nothing_set].concat();
    stream.write_all(&greeting).await.unwrap();
    let mut said = Vec::new();
    let ended = stream.read_to_end(&mut said);
    // A peer that closes without a farewell has closed.
    let _ = tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .expect("who does not answer is kept");
    let (mut most, mut asked) = (None, false);
    let mut rest = &said[..];
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (body, after) = after.split_at(length.try_into().unwrap());
        // SETTINGS and PING; one setting is MAX_CONCURRENT_STREAMS.
        match head[3] {
            4 => {
                let mut settings = body.chunks(6);
                let streams = settings.find_map(|one| one.strip_prefix(&[0, 3]));
                most = streams.or(most);
            }
            6 => asked = true,
            _ => {}
        }
        rest = after;
    }
    assert_eq!(most, Some(&512_u32.to_be_bytes()[..]));
    assert!(asked, "nobody asked whether it is there");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_without_end_leave_few_entries() {
    let scene = Scene::start(&["DE"]).await;
    let noise = async || {
        let mut stream = TcpStream::connect(scene.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        // An alert, and the end.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    for _ in 0..20 {
        noise().await;
    }
    // The first is on record at once, and what came after it once the gateway stops.
    let notes = async |scene: &Scene| {
        let entries = scene.entries("kind=unauthorised").await;
        let notes = entries.into_iter().map(|leaf| leaf.note.unwrap());
        notes.collect::<Vec<_>>()
    };
    eventually("the first is recorded", async || {
        (notes(&scene).await == ["not-tls"]).then_some(())
    })
    .await;
    let scene = scene.restart().await;
    assert_eq!(notes(&scene).await, ["not-tls", "not-tls, 19 more"]);
    scene.stop().await;
}

/// What a side may add to a case, in the tests below.
const EVENTS: u32 = 2;

#[track_caller]
fn assert_full(status: &Status) {
    assert_eq!(reason(status), "NOT_ALLOWED_NOW", "{status:?}");
    let said = status.message();
    assert!(
        said.contains("of which it may add 2 and 16777216"),
        "{said}"
    );
    assert!(said.contains("still goes through"), "{said}");
}

async fn narrow() -> Scene {
    Scene::start_with(&["DE", "FR"], |config| {
        config.limits.events_per_side = EVENTS;
    })
    .await
}

fn clarified(name: &str) -> v1::ReportEventRequest {
    v1::ReportEventRequest {
        name: name.to_owned(),
        event: "clarified".to_owned(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_adds_so_much_to_a_case_and_can_still_end_it() {
    let scene = narrow().await;
    let story = search("full");
    let name = scene.tell(&story).await.name;
    let mut executing = scene.executing("FR", "parquet-paris").await;
    let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;
    let progress = v1::ReportProgressRequest {
        name: name.clone(),
        note: "on the way".to_owned(),
        ..Default::default()
    };
    let conclude = |conclusion| v1::ConcludeRequest {
        name: name.clone(),
        conclusion: Some(conclusion),
        ..Default::default()
    };
    let postpone = conclude(Conclusion::Postponement(v1::Postponement {
        reason: "it might prejudice an investigation".to_owned(),
        until: None,
    }));
    executing.report_progress(progress.clone()).await.unwrap();
    executing.conclude(postpone.clone()).await.unwrap();
    // A time limit stands still: what makes it go on is never refused, what only says so
    // once more is.
    executing.report_progress(progress.clone()).await.unwrap();
    assert_full(&executing.report_progress(progress).await.unwrap_err());
    assert_full(&executing.conclude(postpone).await.unwrap_err());
    // The other side has its own.
    for _ in 0..EVENTS {
        issuing.report_event(clarified(&name)).await.unwrap();
    }
    assert_full(&issuing.report_event(clarified(&name)).await.unwrap_err());
    let supplement = v1::SupplementRequest {
        name: name.clone(),
        request_id: "full/supplement".to_owned(),
        answer: "once more".to_owned(),
        ..Default::default()
    };
    assert_full(&issuing.supplement(supplement).await.unwrap_err());
    let nothing = conclude(Conclusion::Result(v1::Result {
        kind: ResultKind::NothingFound.into(),
        reason: "nothing was there".to_owned(),
        ..Default::default()
    }));
    executing.conclude(nothing).await.unwrap();
    let case = get(&mut issuing, &name).await.unwrap();
    assert_eq!(case.state(), CaseState::Concluded);
    let added = |kind: &str| case.events.iter().filter(|one| one.kind == kind).count();
    let counts = ["progress", "postponed", "clarified", "supplement"].map(added);
    assert_eq!(counts, [2, 1, 2, 0]);

    // Another case has room of its own, and is withdrawn when it is full.
    let name = scene.tell(&search("full-too")).await.name;
    for _ in 0..EVENTS {
        issuing.report_event(clarified(&name)).await.unwrap();
    }
    assert_full(&issuing.report_event(clarified(&name)).await.unwrap_err());
    let withdraw = v1::WithdrawRequest {
        name,
        reason: "no need any more".to_owned(),
        ..Default::default()
    };
    issuing.withdraw(withdraw).await.unwrap();
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_ask_so_often_and_can_still_answer() {
    let scene = narrow().await;
    let mut story = search("asked");
    let doubted = v1::FactValue {
        value: Some(v1::fact_value::Value::Truth(true)),
    };
    let facts = &mut story.request.facts;
    facts.insert("ground.disproportionate".to_owned(), doubted);
    let name = scene.tell(&story).await.name;
    let mut reviewer = scene.reviewer("FR", "parquet-paris", "A. Durand").await;
    let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;
    let consult = v1::DecideRequest {
        name: format!("{}-1", name.replace("cases/", "tasks/")),
        verdict: ReviewVerdict::Consult.into(),
        reasons: "it is not clear".to_owned(),
        question: "is there no milder means?".to_owned(),
        ..Default::default()
    };
    for round in 0..EVENTS {
        reviewer.decide(consult.clone()).await.unwrap();
        let supplement = v1::SupplementRequest {
            name: name.clone(),
            request_id: format!("asked/{round}"),
            answer: "there is none".to_owned(),
            ..Default::default()
        };
        issuing.supplement(supplement).await.unwrap();
    }
    assert_full(&reviewer.decide(consult.clone()).await.unwrap_err());
    let release = v1::DecideRequest {
        verdict: ReviewVerdict::Release.into(),
        question: String::new(),
        ..consult
    };
    let answer = reviewer.decide(release).await.unwrap().into_inner();
    let decision = answer.case.unwrap().decision.unwrap();
    assert_eq!(decision.outcome(), v1::Outcome::Approved);
    scene.stop().await;
}
