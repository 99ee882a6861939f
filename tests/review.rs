//! What humans answer, end to end over mutual TLS.

mod cli;
mod consult;
mod eyes;
mod story;
mod supplement;
mod told;
mod withdraw;

use comity::v1::{
    self, CaseState, Outcome, ReviewTask, ReviewTaskState, ReviewVerdict, fact_value::Value,
};
use comity_sandbox::stories::Story;
use prost::Message as _;
use tonic::{Code, Status};

use crate::world::{Reviewer, Scene, eventually, get, on_shared, reason, search, submit};

/// A reviewer who may decide what a house search in France refers to an
/// executing authority.
const AUTHORITY: (&str, &str) = ("FR", "parquet-paris");
/// One who may decide what it refers to a judge.
const JUDGE: (&str, &str) = ("FR", "tj-paris-ji");

fn truth(truth: bool) -> v1::FactValue {
    v1::FactValue {
        value: Some(Value::Truth(truth)),
    }
}

/// A house search in France of which somebody has raised something.
fn raising(run: &str, facts: &[&str]) -> Story {
    let mut story = search(run);
    story.request.request_id = format!("{run}/review");
    for fact in facts {
        let facts = &mut story.request.facts;
        facts.insert((*fact).to_owned(), truth(true));
    }
    story
}

/// Proportionality is doubted: one person of the executing authority decides.
fn doubted(run: &str) -> Story {
    raising(run, &["ground.disproportionate"])
}

/// A fundamental right is at stake: two judges decide.
fn fundamental(run: &str) -> Story {
    raising(run, &["ground.fundamental_rights"])
}

/// The case that a story leads to, which must be under review.
async fn referred(scene: &Scene, story: &Story) -> v1::Case {
    let case = scene.tell(story).await;
    let decision = case.decision.as_ref().unwrap();
    assert_eq!(decision.outcome(), Outcome::Referred, "{decision:#?}");
    assert_eq!(case.state(), CaseState::UnderReview);
    case
}

async fn list(reviewer: &mut Reviewer) -> Vec<ReviewTask> {
    let answer = reviewer.list_tasks(v1::ListTasksRequest::default()).await;
    answer.unwrap().into_inner().tasks
}

/// The reviewer's tasks of one case.
async fn tasks_of(reviewer: &mut Reviewer, case: &v1::Case) -> Vec<ReviewTask> {
    let mut tasks = list(reviewer).await;
    tasks.retain(|task| task.case == case.name);
    tasks
}

fn opinion(task: &str, verdict: ReviewVerdict) -> v1::DecideRequest {
    v1::DecideRequest {
        name: task.to_owned(),
        verdict: verdict.into(),
        reasons: "as the file shows, for reasons that stay sealed".to_owned(),
        ..v1::DecideRequest::default()
    }
}

async fn decide(
    reviewer: &mut Reviewer,
    message: v1::DecideRequest,
) -> Result<(ReviewTask, v1::Case), Status> {
    let answer = reviewer.decide(message).await?.into_inner();
    Ok((answer.task.unwrap(), answer.case.unwrap()))
}

fn kinds(case: &v1::Case) -> Vec<&str> {
    case.events
        .iter()
        .map(|event| event.kind.as_str())
        .collect()
}

/// The name of a case's task.
fn task_name(case: &v1::Case, number: u32) -> String {
    format!("{}-{number}", case.name.replace("cases/", "tasks/"))
}

/// The case once it stands so.
async fn reaches(scene: &Scene, story: &Story, name: &str, state: CaseState) -> v1::Case {
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    eventually("the case moves on", async || {
        let case = get(&mut client, name).await.unwrap();
        (case.state() == state).then_some(case)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referred_case_is_released_and_delivered() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = doubted("release");
    let case = referred(&scene, &story).await;
    assert_eq!(scene.backend("FR").received(), 0);
    let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
    let [task] = &tasks_of(&mut reviewer, &case).await[..] else {
        panic!("one task");
    };
    assert_eq!(task.name, task_name(&case, 1));
    assert_eq!(task.state(), ReviewTaskState::Open);
    let referral = task.referral.as_ref().unwrap();
    let rule = referral.rule.as_ref().unwrap();
    assert_eq!(rule.rule_id, "eio-6-1-a");
    assert_eq!(rule.citation.as_ref().unwrap().provision, "art 6(1)(a)");
    assert_eq!(referral.role, "executing-authority");
    assert!(referral.question.contains("proportionate"));
    assert_eq!(task.facts[0].name, "ground.disproportionate");
    assert!(!task.in_favour.is_empty() && task.against.is_empty());
    assert!(!task.clocks.is_empty(), "clocks run meanwhile");

    let read = v1::GetTaskRequest {
        name: task.name.clone(),
    };
    let read = reviewer.get_task(read).await.unwrap().into_inner();
    assert_eq!(read.task.as_ref(), Some(task));
    assert_eq!(read.case.unwrap().request, case.request);

    let message = opinion(&task.name, ReviewVerdict::Release);
    let (task, decided) = decide(&mut reviewer, message).await.unwrap();
    assert_eq!(task.state(), ReviewTaskState::Answered);
    let decision = decided.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Approved);
    assert!(decision.rulings[0].released);
    assert_eq!(decision.rulings[0].task, task.name);
    let case = reaches(&scene, &story, &case.name, CaseState::Acknowledged).await;
    assert_eq!(kinds(&case), ["decision", "review", "acknowledged"]);
    assert_eq!(scene.backend("FR").effects().unwrap(), 1);
    assert!(list(&mut reviewer).await.is_empty());
    let [leaf] = &scene.entries("kind=review").await[..] else {
        panic!("one opinion");
    };
    assert_eq!(leaf.outcome.as_deref(), Some("APPROVED"));
    assert!(
        leaf.rules
            .iter()
            .any(|rule| rule == "eio-permit" || rule.starts_with("eio"))
    );
    assert!(leaf.bundle.is_some() && leaf.request.is_some());
    assert!(
        !format!("{leaf:?}").contains("sealed"),
        "reasons stay sealed"
    );
    let report = scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[test]
fn a_ground_that_a_human_upholds_refuses() {
    on_shared(async |scene| {
        let story = doubted("uphold");
        let case = referred(scene, &story).await;
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        let message = opinion(&task_name(&case, 1), ReviewVerdict::Refuse);
        let (_, case) = decide(&mut reviewer, message.clone()).await.unwrap();
        assert_eq!(case.state(), CaseState::Refused);
        let ground = &case.decision.as_ref().unwrap().grounds[0];
        assert_eq!(ground.rule.as_ref().unwrap().rule_id, "eio-6-1-a");
        let status = decide(&mut reviewer, message).await.unwrap_err();
        assert_eq!(reason(&status), "TASK_NOT_OPEN");
        assert_eq!(status.code(), Code::FailedPrecondition);
    });
}

#[test]
fn every_question_is_answered_before_the_case_is_decided_anew() {
    on_shared(async |scene| {
        let facts = [
            "ground.disproportionate",
            "ground.similar_domestic_case_denied",
        ];
        let story = raising("two", &facts);
        let case = referred(scene, &story).await;
        let referrals = case.decision.as_ref().unwrap().referrals.len();
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        let tasks = tasks_of(&mut reviewer, &case).await;
        assert_eq!(tasks.len(), referrals);
        assert!(tasks.len() > 1);
        for (left, task) in (0..tasks.len()).rev().zip(&tasks) {
            let message = opinion(&task.name, ReviewVerdict::Release);
            let (_, case) = decide(&mut reviewer, message).await.unwrap();
            let done = left == 0;
            assert_eq!(case.state() == CaseState::UnderReview, !done, "{case:#?}");
            assert_eq!(tasks_of(&mut reviewer, &case).await.len(), left);
        }
        reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
    });
}

#[test]
fn tasks_are_for_reviewers_of_the_state_and_role_and_not_for_the_author() {
    on_shared(async |scene| {
        let mut story = fundamental("who");
        let issuing = story.request.issuing.as_mut().unwrap();
        issuing.responsible.as_mut().unwrap().name = "C. Petit".to_owned();
        let case = referred(scene, &story).await;
        let name = task_name(&case, 1);
        for (state, authority, person, expected) in [
            ("FR", "tj-paris-ji", "A. Durand", None),
            // No judge.
            ("FR", "parquet-paris", "A. Durand", Some("NOT_COMPETENT")),
            ("FR", "nowhere", "A. Durand", Some("NOT_COMPETENT")),
            // Named in the request as responsible for it.
            ("FR", "tj-paris-jld", "c. petit", Some("NOT_COMPETENT")),
            // Of another State, the author's own included.
            ("DE", "sta-berlin", "A. Durand", Some("NOT_FOUND")),
            ("IE", "ie-circuit-court", "A. Durand", Some("NOT_FOUND")),
        ] {
            let who = format!("{state} {authority} {person}");
            let mut reviewer = scene.reviewer(state, authority, person).await;
            let listed = tasks_of(&mut reviewer, &case).await;
            assert_eq!(listed.is_empty(), expected.is_some(), "{who}");
            let read = v1::GetTaskRequest { name: name.clone() };
            let read = reviewer.get_task(read).await;
            let found = read.as_ref().err().map(reason);
            assert_eq!(found.as_deref(), expected, "{who}");
            if expected.is_some() {
                let message = opinion(&name, ReviewVerdict::Release);
                let status = decide(&mut reviewer, message).await.unwrap_err();
                assert_eq!(Some(&*reason(&status)), expected, "{who}");
            }
        }
        let channel = scene.connect("FR", "tj-paris-ji", "issuing").await;
        let mut other_role = Reviewer::new(channel);
        let message = opinion(&name, ReviewVerdict::Release);
        let status = decide(&mut other_role, message).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
    });
}

#[test]
fn no_authority_answers_the_questions_of_its_own_request() {
    on_shared(async |scene| {
        // Whether the form is complete is a question to the issuing side.
        let story = raising("author", &["ground.form_incomplete"]);
        let case = referred(scene, &story).await;
        let name = task_name(&case, 1);
        let mut author = scene.reviewer("DE", story.authority, "B. Schulz").await;
        assert!(tasks_of(&mut author, &case).await.is_empty());
        let message = opinion(&name, ReviewVerdict::Release);
        let status = decide(&mut author, message.clone()).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_COMPETENT");
        assert!(status.message().contains("own request"), "{status:?}");
        let mut other = scene.reviewer("DE", "sta-muenchen-1", "B. Schulz").await;
        decide(&mut other, message).await.unwrap();
        reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
    });
}

#[test]
fn the_requester_sees_the_outcome_and_no_opinion() {
    on_shared(async |scene| {
        let story = doubted("seen");
        let case = referred(scene, &story).await;
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "Z. Geheim").await;
        let message = opinion(&task_name(&case, 1), ReviewVerdict::Release);
        decide(&mut reviewer, message).await.unwrap();
        let case = reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let again = submit(&mut client, &story.request, 0).await.unwrap();
        assert!(again.replayed);
        let page = client.list_cases(v1::ListCasesRequest::default()).await;
        let page = page.unwrap().into_inner();
        for bytes in [
            case.encode_to_vec(),
            again.encode_to_vec(),
            page.encode_to_vec(),
        ] {
            for secret in ["sealed", "Geheim"] {
                let found = bytes
                    .windows(secret.len())
                    .any(|at| at == secret.as_bytes());
                assert!(!found, "{secret}");
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn monitoring_sees_what_waits() {
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
    });
    let scene = scene.await;
    let address = scene.running.metrics_address().unwrap();
    let waiting = async || {
        let figures = crate::reload::metrics(address).await;
        let lines = figures.lines().filter(|line| !line.starts_with('#'));
        let found = lines.filter(|line| line.contains("_review_"));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(waiting().await.is_empty());
    let case = referred(&scene, &doubted("monitored")).await;
    let opened = case.received_at.unwrap().seconds;
    let oldest = format!("comity_review_oldest_timestamp_seconds{{state=\"FR\"}} {opened}");
    let cases = "comity_review_waiting_cases{state=\"FR\"} 1";
    assert_eq!(waiting().await, [cases, &oldest]);
    let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
    let message = opinion(&task_name(&case, 1), ReviewVerdict::Release);
    decide(&mut reviewer, message).await.unwrap();
    assert!(waiting().await.is_empty());
    let figures = crate::reload::metrics(address).await;
    let decided = "comity_decisions_total{call=\"review\",outcome=\"APPROVED\"} 1";
    assert!(figures.contains(decided), "{figures}");
    scene.stop().await;
}

#[test]
fn pages_of_tasks_begin_with_emergencies_and_miss_none() {
    let scene = tokio::runtime::Runtime::new().unwrap();
    scene.block_on(async {
        let scene = Scene::start(&["DE", "FR"]).await;
        let mut expected = Vec::new();
        for n in 0..5 {
            let facts = [
                "ground.disproportionate",
                "ground.similar_domestic_case_denied",
            ];
            let mut story = raising(&format!("page-{n}"), &facts);
            if n == 3 {
                story.request.urgency = Some(v1::Urgency {
                    level: v1::UrgencyLevel::Emergency.into(),
                    reason: "a life is at risk".to_owned(),
                });
            }
            let case = referred(&scene, &story).await;
            expected.push(case.name);
        }
        let emergency = expected.remove(3);
        expected.insert(0, emergency);
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        let mut message = v1::ListTasksRequest {
            page_size: 3,
            page_token: String::new(),
        };
        let mut tasks = Vec::new();
        loop {
            let page = reviewer.list_tasks(message.clone()).await.unwrap();
            let page = page.into_inner();
            assert!(page.tasks.len() <= 3);
            tasks.extend(page.tasks);
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(tasks[0].urgency(), v1::UrgencyLevel::Emergency);
        let names: std::collections::BTreeSet<_> = tasks.iter().map(|t| &t.name).collect();
        assert_eq!(names.len(), tasks.len());
        let mut cases: Vec<_> = tasks.iter().map(|task| task.case.clone()).collect();
        cases.dedup();
        assert_eq!(cases, expected);
        message.page_token = "x".to_owned();
        let status = reviewer.list_tasks(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        scene.stop().await;
    });
}
