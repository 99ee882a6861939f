//! A client that hangs up in the middle of everything hurts nobody.

use comity::v1::{self, CaseState};
use tokio::task::JoinSet;

use crate::world::{Cooperation, Scene, approvable, eventually, reason, submit};

const DROPPED: usize = 300;
const STEADY: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn dropped_requests_are_carried_to_their_end_and_others_are_served() {
    // Room for all at once: what is refused for want of room proves nothing here.
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.limits.in_flight = 2 * DROPPED;
        config.limits.per_caller = 2 * DROPPED;
    })
    .await;
    let story = approvable("hangup");
    let leaver = scene.issuing(story.jurisdiction, story.authority).await;
    let mut calls = JoinSet::new();
    for n in 0..DROPPED {
        calls.spawn(send(
            leaver.clone(),
            story.request.clone(),
            format!("drop/{n}"),
        ));
    }
    let stayer = scene.issuing(story.jurisdiction, story.authority).await;
    let mut steady = JoinSet::new();
    for n in 0..STEADY {
        steady.spawn(send(
            stayer.clone(),
            story.request.clone(),
            format!("stay/{n}"),
        ));
    }
    // Some are answered, some are under way, some have not been read.
    calls.join_next().await.unwrap().unwrap();
    drop(leaver);
    calls.shutdown().await;

    while let Some(done) = steady.join_next().await {
        assert_eq!(done.unwrap().state(), CaseState::Concluded);
    }
    let recorded = eventually("every recorded case concludes", async || {
        let cases = list(stayer.clone()).await;
        let done = cases
            .iter()
            .all(|case| case.state() == CaseState::Concluded);
        done.then_some(cases.len())
    })
    .await;
    assert!(
        recorded > STEADY,
        "nothing of the one who left was recorded"
    );
    let backend = scene.backend("DE").clone();
    assert_eq!(backend.effects().unwrap(), recorded as u64);
    assert_eq!(backend.received(), recorded as u64, "nothing is sent twice");
    let report = scene.stop().await;
    assert_eq!((report.cases, report.jobs), (recorded as u64, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_keeps_a_place_until_the_work_is_done() {
    let scene = Scene::start_with(&["DE", "FR"], |config| config.limits.per_caller = 1).await;
    let backend = scene.backend("DE");
    backend.set_up(false);
    let mut story = approvable("left");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let left = tokio::spawn(send(
        client.clone(),
        story.request.clone(),
        "left/1".to_owned(),
    ));
    eventually("the first is decided", async || {
        let decisions = scene.entries("kind=decision").await;
        (decisions.len() == 1).then_some(())
    })
    .await;
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());

    story.request.request_id = "left/2".to_owned();
    let status = submit(&mut client, &story.request, 30).await.unwrap_err();
    assert_eq!(reason(&status), "OVERLOADED");
    assert_eq!(scene.entries("kind=decision").await.len(), 1);
    backend.set_up(true);
    eventually("the place is free again", async || {
        submit(&mut client, &story.request, 30).await.ok()
    })
    .await;
    assert_eq!(backend.effects().unwrap(), 2);
    scene.stop().await;
}

async fn send(
    mut client: Cooperation,
    mut request: v1::CooperationRequest,
    id: String,
) -> v1::Case {
    request.request_id = id;
    submit(&mut client, &request, 30)
        .await
        .unwrap()
        .case
        .unwrap()
}

async fn list(mut client: Cooperation) -> Vec<v1::Case> {
    let mut message = v1::ListCasesRequest {
        page_size: 500,
        ..Default::default()
    };
    let mut cases = Vec::new();
    loop {
        let page = client.list_cases(message.clone()).await.unwrap();
        let page = page.into_inner();
        cases.extend(page.cases);
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            return cases;
        }
    }
}
