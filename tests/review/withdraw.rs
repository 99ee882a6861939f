//! Withdrawal, before and after anything was handed over.

use comity::v1::{self, CaseState};
use comity_sandbox::stories::Story;
use tonic::Code;

use super::{doubted, kinds, list, reaches, referred};
use crate::world::{
    Scene, approvable, eventually, get, on_shared, reason, search, submit, violations,
};

fn withdrawal(name: &str) -> v1::WithdrawRequest {
    v1::WithdrawRequest {
        name: name.to_owned(),
        reason: "the proceedings against Max Muster were discontinued".to_owned(),
        request_id: String::new(),
    }
}

/// The case once its recall has come to an end.
async fn recalled(scene: &Scene, story: &Story, name: &str) -> v1::Case {
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    eventually("it is recalled", async || {
        let case = get(&mut client, name).await.unwrap();
        kinds(&case).contains(&"recalled").then_some(case)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_review_ends_nothing_is_recalled() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = doubted("early");
    let case = referred(&scene, &story).await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = client.withdraw(withdrawal(&case.name)).await.unwrap();
    let case = answer.into_inner().case.unwrap();
    assert_eq!(case.state(), CaseState::Withdrawn);
    let (state, authority) = super::AUTHORITY;
    let mut reviewer = scene.reviewer(state, authority, "A. Durand").await;
    assert!(list(&mut reviewer).await.is_empty());
    let release = super::opinion(&super::task_name(&case, 1), v1::ReviewVerdict::Release);
    let status = super::decide(&mut reviewer, release).await.unwrap_err();
    assert_eq!(reason(&status), "TASK_NOT_OPEN");
    let [leaf] = &scene.entries("kind=withdraw").await[..] else {
        panic!("one withdrawal");
    };
    assert_eq!(leaf.outcome.as_deref(), Some("REFERRED"));
    assert!(leaf.bundle.is_some() && !leaf.rules.is_empty());
    assert!(
        !format!("{leaf:?}").contains("Muster"),
        "the reason is sealed"
    );
    assert_eq!(scene.backend("FR").recalls().unwrap(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_is_cancelled_and_recalled_in_any_case() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let backend = scene.backend("DE");
    backend.set_up(false);
    let story = approvable("cancelled");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut client, &story.request, 0).await.unwrap();
    let name = answer.case.unwrap().name;
    reaches(&scene, &story, &name, CaseState::Delivering).await;
    client.withdraw(withdrawal(&name)).await.unwrap();
    // Over a restart the recall is not forgotten.
    let scene = scene.restart().await;
    let backend = scene.backend("DE");
    backend.set_up(true);
    let case = recalled(&scene, &story, &name).await;
    assert_eq!(
        kinds(&case),
        ["decision", "delivery-postponed", "withdraw", "recalled"]
    );
    assert_eq!(backend.effects().unwrap(), 0);
    assert_eq!(backend.recalls().unwrap(), 1);
    let report = scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_recalled_and_a_watcher_sees_it() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("late");
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Acknowledged);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let watch = v1::WatchCaseRequest {
        name: case.name.clone(),
        after_sequence: 0,
    };
    let mut events = client.watch_case(watch).await.unwrap().into_inner();
    client.withdraw(withdrawal(&case.name)).await.unwrap();
    let mut seen = Vec::new();
    while let Some(answer) = events.message().await.unwrap() {
        seen.push(answer.event.unwrap().kind);
    }
    assert_eq!(seen, ["decision", "acknowledged", "withdraw", "recalled"]);
    let backend = scene.backend("FR");
    assert_eq!(backend.standing(&case.name).unwrap(), 0);

    let status = client.withdraw(withdrawal(&case.name)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let message = status.message();
    assert!(message.starts_with("withdraw is not possible while the case is WITHDRAWN"));
    assert!(message.contains("INCOMPLETE or UNDER_REVIEW"), "{message}");
    scene.stop().await;
}

#[test]
fn only_the_owner_withdraws_and_says_why() {
    on_shared(async |scene| {
        let story = search("not-owner");
        let case = scene.tell(&story).await;
        for (state, authority) in [("FR", "parquet-paris"), ("DE", "sta-muenchen-1")] {
            let mut other = scene.issuing(state, authority).await;
            let status = other.withdraw(withdrawal(&case.name)).await.unwrap_err();
            assert_eq!(status.code(), Code::NotFound, "{state} {authority}");
        }
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let silent = v1::WithdrawRequest {
            reason: " ".to_owned(),
            ..withdrawal(&case.name)
        };
        let status = client.withdraw(silent).await.unwrap_err();
        assert!(violations(&status).contains_key("reason"));
        client.withdraw(withdrawal(&case.name)).await.unwrap();
        recalled(scene, &story, &case.name).await;
    });
}

#[test]
fn a_concluded_case_is_not_withdrawn() {
    on_shared(async |scene| {
        let story = approvable("too-late");
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Concluded);
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let status = client.withdraw(withdrawal(&case.name)).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    });
}
