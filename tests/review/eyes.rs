//! Four eyes, disagreement, several reviewers at once, and signatures.

use comity::v1::{CaseState, ReviewTaskState, ReviewVerdict};
use comity_gateway::wire::statement;
use rcgen::{KeyPair, SigningKey as _};
use tonic::Code;

use super::{
    AUTHORITY, JUDGE, decide, doubted, fundamental, kinds, opinion, reaches, referred, task_name,
    tasks_of,
};
use crate::world::{Reviewer, Scene, on_shared, reason, violations};

#[test]
fn two_different_persons_must_agree() {
    on_shared(async |scene| {
        let story = fundamental("four");
        let case = referred(scene, &story).await;
        let name = task_name(&case, 1);
        let release = || opinion(&name, ReviewVerdict::Release);
        let mut durand = scene.reviewer(JUDGE.0, JUDGE.1, "A. Durand").await;
        let (task, case) = decide(&mut durand, release()).await.unwrap();
        assert_eq!(task.state(), ReviewTaskState::Open);
        assert_eq!(task.opinions.len(), 1);
        assert_eq!(task.opinions[0].subject, "CN=A. Durand");
        assert_eq!(case.state(), CaseState::UnderReview);

        // Another certificate, another court, another verdict: the same person.
        let mut again = scene.reviewer("FR", "tj-lyon-ji", "A. Durand").await;
        for verdict in [ReviewVerdict::Release, ReviewVerdict::Refuse] {
            let status = decide(&mut again, opinion(&name, verdict))
                .await
                .unwrap_err();
            assert_eq!(reason(&status), "TASK_NOT_OPEN");
            assert!(status.message().contains("another person"), "{status:?}");
        }
        let mut martin = scene.reviewer(JUDGE.0, JUDGE.1, "B. Martin").await;
        let (task, _) = decide(&mut martin, release()).await.unwrap();
        assert_eq!(task.state(), ReviewTaskState::Answered);
        let case = reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
        assert_eq!(
            kinds(&case),
            ["decision", "review", "review", "acknowledged"]
        );
    });
}

#[test]
fn who_disagrees_leaves_it_to_a_third() {
    on_shared(async |scene| {
        for (third, ends) in [
            (ReviewVerdict::Refuse, CaseState::Refused),
            (ReviewVerdict::Release, CaseState::Acknowledged),
        ] {
            let story = fundamental(&format!("third-{third:?}"));
            let case = referred(scene, &story).await;
            let name = task_name(&case, 1);
            let mut durand = scene.reviewer(JUDGE.0, JUDGE.1, "A. Durand").await;
            let mut martin = scene.reviewer(JUDGE.0, JUDGE.1, "B. Martin").await;
            let release = opinion(&name, ReviewVerdict::Release);
            decide(&mut durand, release).await.unwrap();
            let refuse = opinion(&name, ReviewVerdict::Refuse);
            let (task, case) = decide(&mut martin, refuse).await.unwrap();
            assert_eq!(task.state(), ReviewTaskState::Conflict);
            assert_eq!(case.state(), CaseState::UnderReview, "neither prevails");
            let mut petit = scene.reviewer("FR", "tj-lyon-ji", "C. Petit").await;
            let seen = &tasks_of(&mut petit, &case).await[0];
            assert_eq!(seen.opinions.len(), 2);
            decide(&mut petit, opinion(&name, third)).await.unwrap();
            reaches(scene, &story, &case.name, ends).await;
        }
    });
}

#[test]
fn of_two_who_answer_at_once_one_is_taken_and_the_other_told() {
    on_shared(async |scene| {
        for round in 0..4 {
            let story = doubted(&format!("race-{round}"));
            let case = referred(scene, &story).await;
            let name = task_name(&case, 1);
            let mut durand = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
            let mut martin = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "B. Martin").await;
            let (one, other) = tokio::join!(
                decide(&mut durand, opinion(&name, ReviewVerdict::Release)),
                decide(&mut martin, opinion(&name, ReviewVerdict::Refuse)),
            );
            let (taken, refused) = match (one, other) {
                (Ok(taken), Err(refused)) | (Err(refused), Ok(taken)) => (taken, refused),
                both => panic!("{both:?}"),
            };
            assert_eq!(reason(&refused), "TASK_NOT_OPEN");
            assert!(refused.message().contains("it is answered"));
            assert_eq!(taken.0.opinions.len(), 1);
        }
    });
}

#[test]
fn of_two_pairs_of_eyes_at_once_none_is_lost() {
    on_shared(async |scene| {
        let story = fundamental("pairs");
        let case = referred(scene, &story).await;
        let name = task_name(&case, 1);
        let mut durand = scene.reviewer(JUDGE.0, JUDGE.1, "A. Durand").await;
        let mut martin = scene.reviewer(JUDGE.0, JUDGE.1, "B. Martin").await;
        let release = || opinion(&name, ReviewVerdict::Release);
        let (one, other) = tokio::join!(
            decide(&mut durand, release()),
            decide(&mut martin, release()),
        );
        let counts = [one.unwrap().0, other.unwrap().0].map(|task| task.opinions.len());
        assert!(counts == [1, 2] || counts == [2, 1], "{counts:?}");
        reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
    });
}

#[test]
fn an_opinion_on_a_task_that_changed_since_it_was_read_is_not_taken() {
    on_shared(async |scene| {
        let story = fundamental("etag");
        let case = referred(scene, &story).await;
        let mut durand = scene.reviewer(JUDGE.0, JUDGE.1, "A. Durand").await;
        let mut martin = scene.reviewer(JUDGE.0, JUDGE.1, "B. Martin").await;
        let read = tasks_of(&mut martin, &case).await.remove(0);
        let release = opinion(&read.name, ReviewVerdict::Release);
        decide(&mut durand, release.clone()).await.unwrap();
        let mut message = release;
        message.etag = read.etag;
        let status = decide(&mut martin, message.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::Aborted);
        message.etag = tasks_of(&mut martin, &case).await.remove(0).etag;
        decide(&mut martin, message).await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn opinions_are_signed_where_the_gateway_demands_it() {
    let scene = Scene::start_with(&["DE", "FR"], |config| config.signed_opinions = true).await;
    let story = doubted("signed");
    let case = referred(&scene, &story).await;
    let (state, authority) = AUTHORITY;
    let world = &scene.world;
    let issued = world.issue_reviewer(state, authority, "A. Durand").unwrap();
    let channel = comity_sandbox::world::connect(scene.address(), &issued).await;
    let mut reviewer = Reviewer::new(channel.unwrap());
    let task = tasks_of(&mut reviewer, &case).await.remove(0);
    let basis = task.referral.unwrap().basis_sha256;
    let mut message = opinion(&task.name, ReviewVerdict::Release);
    let status = decide(&mut reviewer, message.clone()).await.unwrap_err();
    assert!(violations(&status)["signature"].contains("missing"));

    let key = KeyPair::from_pem(&issued.key).unwrap();
    let sign = |text: &str| key.sign(text.as_bytes()).unwrap().into();
    message.signature = sign("another statement");
    let status = decide(&mut reviewer, message.clone()).await.unwrap_err();
    assert!(violations(&status).contains_key("signature"));

    message.signature = sign(&statement::of(&message, &basis));
    let mut altered = message.clone();
    altered.verdict = ReviewVerdict::Refuse.into();
    let status = decide(&mut reviewer, altered).await.unwrap_err();
    assert!(violations(&status).contains_key("signature"));
    let (task, _) = decide(&mut reviewer, message.clone()).await.unwrap();
    assert_eq!(task.opinions[0].signature, message.signature);
    assert!(!task.opinions[0].certificate.is_empty());
    scene.stop().await;
}
