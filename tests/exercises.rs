//! Exercises for trainees: sent to sandboxes and nowhere else, told from the record.

use std::{fs, time::Duration};

use comity::v1::{CaseState, CooperationRequest, ShareInformationRequest};
use comity_gateway::wire::json;

use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, get, policies, submit},
};

/// What a run of an exercise prints of what became of it.
fn answered(exercise: &str, answers: &str) -> (Option<i32>, String) {
    let folder = format!("tests/exercises/{exercise}/{answers}");
    let ran = comity([
        "demo",
        "--exercise",
        exercise,
        "--answers",
        &folder,
        "--once",
    ]);
    let text = String::from_utf8(ran.stdout).unwrap();
    let from = text.find("EXERCISE: what became").expect("a report");
    (ran.status.code(), text[from..].to_owned())
}

/// Without what differs from run to run.
fn assert_reported(name: &str, report: &str) {
    insta::with_settings!({filters => [
        (r"cases/[0-9a-f-]{36}", "cases/[id]"),
        (r"ledger entry \d+", "ledger entry [n]"),
        (r"law of \d{4}-\d\d-\d\d", "law of [day]"),
    ]}, { insta::assert_snapshot!(name, report) });
}

#[test]
fn model_answers_meet_every_point_and_poor_ones_are_told_what_they_miss() {
    for (exercise, points) in [("trafficking", 20), ("ransomware", 15), ("fraud", 15)] {
        let (code, report) = answered(exercise, "good");
        assert_eq!(code, Some(0), "{report}");
        let all = format!("all {points} points met\n");
        assert!(report.ends_with(&all), "{report}");
        assert!(!report.contains("MISSED"), "{report}");
        let (code, report) = answered(exercise, "poor");
        assert_eq!(code, Some(1), "{report}");
        assert_reported(&format!("poor_{exercise}"), &report);
    }
}

#[test]
fn a_trainee_is_told_the_story_and_no_solution() {
    let told = comity(["demo", "--exercise", "trafficking", "--once"]);
    assert_eq!(told.status.code(), Some(1), "nothing was sent");
    let told = String::from_utf8(told.stdout).unwrap();
    let (story, _) = told.split_once("EXERCISE: what became").unwrap();
    insta::assert_snapshot!("story", story);
    let hinted = comity(["demo", "--exercise", "trafficking", "--hints", "--once"]);
    assert!(shown(&hinted).contains("hint: An EIO freezes evidence only"));
}

#[test]
fn what_a_trainee_begins_with_is_of_the_contract() {
    let mut begun = 0;
    for exercise in fs::read_dir(policies().join("exercises")).unwrap() {
        for file in fs::read_dir(exercise.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let read = match text.contains("\"sender\"") {
                true => json::parse::<ShareInformationRequest>(&text).map(drop),
                false => json::parse::<CooperationRequest>(&text).map(drop),
            };
            read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            begun += 1;
        }
    }
    assert!(begun > 8, "{begun}");
}

#[test]
fn an_unknown_exercise_is_answered_by_those_there_are() {
    insta::assert_snapshot!("list", shown(&comity(["demo", "--exercise", "list"])));
    let unknown = comity(["demo", "--exercise", "piracy"]);
    assert_eq!(unknown.status.code(), Some(2));
    let told = shown(&unknown);
    assert!(told.contains("no exercise is called `piracy`"), "{told}");
    assert!(told.contains("trafficking"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exercise_waits_rather_than_reach_a_live_system() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let mut story = approvable("drill");
    story.request.exercise = true;
    let mut trainee = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut trainee, &story.request, 1).await.unwrap();
    let case = answer.case.unwrap();
    // Long enough for a few attempts.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let case = get(&mut trainee, &case.name).await.unwrap();
    assert!(case.exercise);
    assert!(
        matches!(case.state(), CaseState::Approved | CaseState::Delivering),
        "{case:#?}"
    );
    assert_eq!(case.result, None);
    let live = story.request.executing.unwrap().jurisdiction;
    assert_eq!(scene.backend(&live).received(), 0);
    let entries = scene.entries("kind=decision").await;
    let marked = entries.iter().filter(|entry| entry.exercise).count();
    assert_eq!((marked, entries.len()), (1, 1), "{entries:?}");
    scene.stop().await;
}
