//! The reasoning in words, over the wire and on the command line, and the
//! scenarios as legal teams run them.

use std::fs;

use comity::v1::{
    CooperationRequest, ExplainRequest, ExplainResponse, PreflightRequest,
    policy_service_client::PolicyServiceClient,
};
use comity_gateway::wire::json;
use prost_types::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tonic::{Code, Status, transport::Channel};

use crate::{
    cli::{comity, shown, stable},
    world::{Scene, copy, policies, reason, story},
};

async fn explain(
    channel: Channel,
    request: &CooperationRequest,
) -> Result<ExplainResponse, Status> {
    let message = ExplainRequest {
        request: Some(request.clone()),
        text_language: "de".to_owned(),
    };
    let answer = PolicyServiceClient::new(channel).explain(message).await?;
    Ok(answer.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_decides_as_preflight_does_and_is_recorded() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = story("explain", "Search said to breach a fundamental right");
    let request = &story.request;
    let mut client = scene.issuing("DE", "sta-berlin").await;
    let preflight = PreflightRequest {
        request: Some(request.clone()),
        text_language: "de".to_owned(),
    };
    let tried = client.preflight(preflight).await.unwrap().into_inner();

    let own = scene.connect("DE", "sta-berlin", "issuing").await;
    let explained = explain(own, request).await.unwrap();
    let timeless = |decision: Option<comity::v1::Decision>| {
        let mut decision = decision.unwrap();
        decision.decided_at = None;
        for clock in &mut decision.clocks {
            (clock.started_at, clock.due_at) = (None, None);
        }
        decision
    };
    assert_eq!(timeless(explained.decision), timeless(tried.decision));
    let told = explained.paragraphs.join("\n");
    assert!(told.contains("Das Ersuchen wird vorgelegt."), "{told}");

    // What Preflight takes is explained, too.
    let mut begun = request.clone();
    (begun.request_id, begun.issuing, begun.issued_at) = (String::new(), None, None);
    let own = scene.connect("DE", "sta-berlin", "issuing").await;
    assert!(explain(own, &begun).await.unwrap().decision.is_some());

    // A member of a legal team explains what others might ask.
    let legal = scene.connect("FR", "legal-team", "legal").await;
    explain(legal, request).await.unwrap();
    // Another authority is not let in on it, and no backend at all.
    let other = scene.connect("DE", "sta-hamburg", "issuing").await;
    let refused = explain(other, request).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_COMPETENT");
    let backend = scene.connect("FR", "backend", "backend").await;
    let refused = explain(backend, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    let entries = scene.entries("kind=explain").await;
    let outcomes: Vec<_> = entries.iter().map(|leaf| leaf.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("REFERRED"); 3]);
    assert_eq!(
        entries[0].rules,
        scene.entries("kind=preflight").await[0].rules
    );
    assert_eq!(scene.entries("kind=unauthorised").await.len(), 2);
    assert_eq!(scene.entries("kind=decision").await.len(), 0);
    scene.stop().await;
}

#[test]
fn an_explanation_on_a_terminal() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("request.json");
    let mut story = story("words", "House search, form in English only");
    // The days are written out, so they must not move.
    story.request.issued_at = Some(Timestamp {
        seconds: 1_795_431_600,
        nanos: 0,
    });
    fs::write(&file, json::print(&story.request).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let words = comity(["policy", "explain", file, "--language", "de"]);
    stable(folder.path()).bind(|| insta::assert_snapshot!(shown(&words)));

    let output = comity(["policy", "explain", file, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["decision"]["outcome"], "OUTCOME_INCOMPLETE");
    assert_eq!(answer["paragraphs"][0], "The request");
}

#[test]
fn a_scenario_is_explained_by_its_name() {
    let approved = comity(["policy", "explain", "--scenario", "eio:S01"]);
    assert_eq!(approved.status.code(), Some(0), "{}", shown(&approved));
    assert!(shown(&approved).contains("The request is approved."));
    let unknown = comity(["policy", "explain", "--scenario", "eio:S1"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        shown(&unknown).contains("error: no scenario is called `eio:S1`"),
        "{}",
        shown(&unknown)
    );
    let neither = comity(["policy", "explain"]);
    assert_eq!(neither.status.code(), Some(2));
}

#[test]
fn coverage_is_shown_by_module_and_held_to_a_least() {
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("report.html");
    let test = [
        "policy",
        "test",
        "--module",
        "budapest",
        "--module",
        "uk-us-mlat",
    ];
    let report = ["--coverage", "--html", page.to_str().unwrap()];
    let shows = comity(test.into_iter().chain(report));
    stable(folder.path()).bind(|| insta::assert_snapshot!(shown(&shows)));
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with("<!doctype html>") && page.contains("instruments/budapest/module.yaml")
    );

    let enough = comity(test.into_iter().chain(["--min-coverage", "50"]));
    assert_eq!(enough.status.code(), Some(0), "{}", shown(&enough));
    let one = ["policy", "test", "--module", "eio", "--only", "S01"];
    let too_little = comity(one.into_iter().chain(["--min-coverage", "99.5"]));
    assert_eq!(too_little.status.code(), Some(1));
    assert!(
        shown(&too_little).contains("coverage is below the 99.5 % asked for"),
        "{}",
        shown(&too_little)
    );
    let beyond = comity(test.into_iter().chain(["--min-coverage", "101"]));
    assert_eq!(beyond.status.code(), Some(2));
}

#[test]
fn a_failed_scenario_shows_what_was_expected_beside_what_was_found() {
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("policies");
    copy(&policies(), &broken);
    let module = broken.join("instruments/eio/module.yaml");
    let text = fs::read_to_string(&module).unwrap();
    let seven = "measures: acknowledge, length: 7,";
    assert!(text.contains(seven));
    fs::write(
        &module,
        text.replacen(seven, "measures: acknowledge, length: 8,", 1),
    )
    .unwrap();
    let at = broken.to_str().unwrap();
    let test = [
        "policy",
        "test",
        "--policies",
        at,
        "--module",
        "eio",
        "--only",
        "S01",
    ];
    let output = comity(test);
    stable(folder.path()).bind(|| insta::assert_snapshot!(shown(&output)));

    let output = comity(test.into_iter().chain(["--json"]));
    assert_eq!(output.status.code(), Some(1));
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&run["passed"], &run["failed"]), (&0.into(), &1.into()));
    let scenario = &run["scenarios"][0];
    assert_eq!(scenario["file"], "instruments/eio/tests.yaml");
    assert_eq!(scenario["outcome"], "APPROVED");
    assert_eq!(scenario["differences"][0]["found"], "8 days");
    let rules = run["coverage"]["modules"][0]["rules"].as_array().unwrap();
    let permit = rules.iter().find(|rule| rule["rule"] == "eio-9-1").unwrap();
    assert_eq!(permit["reach"], "covered");
    assert_eq!(permit["fired"][0], "instrument/eio:S01");
    let issuer = rules.iter().find(|rule| rule["rule"] == "eio-9-3").unwrap();
    assert_eq!(issuer["reach"], "never-fired");
    assert_eq!(issuer["conditions"][0]["clause"], "unless");
    assert_eq!(issuer["conditions"][0]["true"], 1);
}
