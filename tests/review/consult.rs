//! Consultation: the issuing authority is asked, and its answer comes back to the
//! same task.

use comity::v1::{self, CaseState, ReviewTaskState, ReviewVerdict};

use super::{AUTHORITY, decide, doubted, kinds, opinion, reaches, referred, task_name, tasks_of};
use crate::world::{Scene, get, on_shared, reason};

pub(super) fn question(task: &str) -> v1::DecideRequest {
    v1::DecideRequest {
        question: "Is there a milder means?".to_owned(),
        ..opinion(task, ReviewVerdict::Consult)
    }
}

pub(super) fn answer(case: &v1::Case, id: &str) -> v1::SupplementRequest {
    v1::SupplementRequest {
        name: case.name.clone(),
        request_id: id.to_owned(),
        answer: "There is none: the records are on paper.".to_owned(),
        ..v1::SupplementRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_consultation_returns_to_the_same_task() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = doubted("consult");
    let case = referred(&scene, &story).await;
    let name = task_name(&case, 1);
    let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
    let (task, case) = decide(&mut reviewer, question(&name)).await.unwrap();
    assert_eq!(task.state(), ReviewTaskState::Consulting);
    assert_eq!(case.state(), CaseState::Incomplete);
    let status = decide(&mut reviewer, question(&name)).await.unwrap_err();
    assert!(status.message().contains("asked already"), "{status:?}");

    let scene = scene.restart().await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let seen = get(&mut client, &case.name).await.unwrap();
    let asked = &seen.consultations[0];
    assert_eq!(asked.question, "Is there a milder means?");
    assert_eq!(asked.task, name);
    assert_eq!(asked.rule.as_ref().unwrap().rule_id, "eio-6-1-a");
    assert!(!format!("{seen:?}").contains("stay sealed"), "reasons stay");
    let supplemented = client.supplement(answer(&case, "consult/answer")).await;
    let supplemented = supplemented.unwrap().into_inner().case.unwrap();
    assert_eq!(supplemented.state(), CaseState::UnderReview);
    assert!(supplemented.consultations[0].answered_at.is_some());

    let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
    let task = tasks_of(&mut reviewer, &case).await.remove(0);
    assert_eq!(
        (task.name.as_str(), task.state()),
        (&*name, ReviewTaskState::Open)
    );
    assert!(task.consultations[0].answer.contains("on paper"));
    let release = opinion(&name, ReviewVerdict::Release);
    decide(&mut reviewer, release).await.unwrap();
    let case = reaches(&scene, &story, &case.name, CaseState::Acknowledged).await;
    assert_eq!(
        kinds(&case),
        [
            "decision",
            "consult",
            "supplement",
            "review",
            "acknowledged"
        ]
    );
    let [leaf] = &scene.entries("kind=consult").await[..] else {
        panic!("one question");
    };
    assert_eq!(leaf.rules, ["eio-6-1-a"]);
    assert_eq!(leaf.outcome.as_deref(), Some("REFERRED"));
    assert!(leaf.bundle.is_some());
    scene.stop().await;
}

#[test]
fn a_reviewer_may_decide_without_waiting_for_the_answer() {
    on_shared(async |scene| {
        let story = doubted("impatient");
        let case = referred(scene, &story).await;
        let name = task_name(&case, 1);
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        decide(&mut reviewer, question(&name)).await.unwrap();
        let refuse = opinion(&name, ReviewVerdict::Refuse);
        let (_, case) = decide(&mut reviewer, refuse).await.unwrap();
        assert_eq!(case.state(), CaseState::Refused);
        assert!(case.consultations[0].answered_at.is_some());
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let late = client.supplement(answer(&case, "impatient/late")).await;
        assert_eq!(reason(&late.unwrap_err()), "NOT_ALLOWED_NOW");
    });
}

#[test]
fn what_was_raised_is_not_taken_back_in_an_answer() {
    on_shared(async |scene| {
        let story = doubted("back");
        let case = referred(scene, &story).await;
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        let name = task_name(&case, 1);
        decide(&mut reviewer, question(&name)).await.unwrap();
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let mut message = answer(&case, "back/1");
        let fact = "ground.disproportionate".to_owned();
        message.facts.insert(fact, super::truth(false));
        let status = client.supplement(message).await.unwrap_err();
        let field = "facts[\"ground.disproportionate\"]";
        assert!(crate::world::violations(&status).contains_key(field));
        let case = get(&mut client, &case.name).await.unwrap();
        assert_eq!(case.state(), CaseState::Incomplete);
    });
}
