//! The demonstration and its world: every State of the library, and what is said where
//! one has no backend, or where there is no library.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use comity::v1::CaseState;
use comity_sandbox::{backend::Backend, register::Register};
use tempfile::TempDir;

use crate::{
    cli::{COMMAND, comity, shown},
    world::{Scene, approvable, eventually, get, policies, submit},
};

#[test]
fn the_demonstration_has_a_backend_for_every_state_of_the_library() {
    let modules = fs::read_dir(policies().join("jurisdictions")).unwrap();
    let names = modules.map(|module| module.unwrap().file_name().into_string().unwrap());
    let states: BTreeSet<_> = names.map(|name| name.to_uppercase()).collect();
    let made_up = Register::jurisdictions().into_iter().map(str::to_owned);
    assert_eq!(states, made_up.collect());
    let output = comity(["demo", "--once"]);
    let told = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let backends = format!("with {} backends", states.len());
    assert!(told.contains(&backends), "{told}");
    for [states, instrument] in [
        ["ES → IT", "bank.transactions by eio"],
        ["PL → EE", "data.content by epoc"],
        ["SE → DK", "data.subscriber by"],
        ["CH → DE", "ets-30"],
        ["JP → US", "bank.transactions by"],
        ["BR → CA", "bank.transactions"],
    ] {
        let row = told.split_once(states).expect(states).1;
        let row = row.split_once("───").unwrap_or((row, "")).0;
        assert!(row.contains(instrument), "{states}: {row}");
    }
}

#[test]
fn without_policy_files_it_says_what_is_missing_and_what_to_do() {
    let elsewhere = TempDir::new().unwrap();
    for arguments in [&["--once"][..], &["--exercise", "list"]] {
        let output = Command::new(&*COMMAND)
            .arg("demo")
            .args(arguments)
            .current_dir(elsewhere.path())
            .output()
            .unwrap();
        insta::assert_snapshot!("no_policies", shown(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_a_state_without_a_backend_says_so_and_waits_for_one() {
    let mut scene = Scene::start(&["FR"]).await;
    let story = approvable("no-backend");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let case = submit(&mut client, &story.request, 1).await.unwrap();
    let name = case.case.unwrap().name;
    let case = eventually("delivery is put off", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Delivering).then_some(case)
    })
    .await;
    let notes: Vec<_> = case.events.iter().map(|e| e.note.as_str()).collect();
    assert_eq!(
        notes.last(),
        Some(
            &"no backend is configured for `DE` on this gateway; the request is kept, and delivered once there is one"
        )
    );
    // Once there is one, it is delivered.
    let backend = Backend::in_memory("DE").unwrap();
    scene
        .world
        .serve("DE", backend, "127.0.0.1:0")
        .await
        .unwrap();
    let scene = scene.restart().await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    eventually("the case concludes", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Concluded).then_some(())
    })
    .await;
    assert_eq!(scene.backend("DE").effects().unwrap(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_which_states_have_no_backend() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let config = scene.folder().join("comity.toml");
    // Its data are free once it has stopped.
    scene.running.stop().await;
    let mut serve = Command::new(&*COMMAND)
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serve.stderr.take().unwrap()).lines();
    let mut warnings = Vec::new();
    for line in lines.map(Result::unwrap) {
        if line.contains("no backend is configured") {
            warnings.push(line);
        } else if line.contains("gateway is up") {
            break;
        }
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("one warning: {warnings:?}")
    };
    let states = "BR CA CH DK EE ES GB IE IT JP NL PL SE US";
    assert!(warning.contains(states), "{warning}");
    assert!(warning.contains("`[[backend]]`"), "{warning}");
}
