//! The commands of requesters and reviewers, as people read them.

use std::path::Path;

use comity_sandbox::pki::Issued;

use super::{AUTHORITY, doubted, referred, task_name};
use crate::{
    cli::{comity, shown, stable},
    world::Scene,
};

/// A command as a person with a certificate runs it.
async fn run(scene: &Scene, stem: &str, command: &[&str]) -> std::process::Output {
    let keys = scene.folder().join("people");
    let file = |name: String| keys.join(name).to_str().unwrap().to_owned();
    let connection = [
        "--server".to_owned(),
        format!("https://{}", scene.address()),
        "--server-name".to_owned(),
        "localhost".to_owned(),
        "--ca".to_owned(),
        file("ca.pem".to_owned()),
        "--cert".to_owned(),
        file(format!("{stem}.pem")),
        "--key".to_owned(),
        file(format!("{stem}.key")),
    ];
    let command = command.iter().map(|word| (*word).to_owned());
    let words: Vec<_> = command.chain(connection).collect();
    tokio::task::spawn_blocking(move || comity(words))
        .await
        .unwrap()
}

fn keep(scene: &Scene, issued: &Issued, stem: &str) {
    let keys: &Path = &scene.folder().join("people");
    issued.write(keys, stem).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_asks_and_decides_and_the_requester_answers_and_withdraws() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = doubted("commands");
    let case = referred(&scene, &story).await;
    let task = task_name(&case, 1);
    let (state, authority) = AUTHORITY;
    let world = &scene.world;
    let reviewer = world.issue_reviewer(state, authority, "A. Durand").unwrap();
    keep(&scene, &reviewer, "durand");
    let requester = world.issue(story.jurisdiction, story.authority, "issuing", &[]);
    keep(&scene, &requester.unwrap(), "requester");

    let mut told = String::new();
    for (stem, command) in [
        ("durand", &["review", "list"][..]),
        (
            "durand",
            &[
                "review",
                "decide",
                &task,
                "consult",
                "--reasons",
                "The file does not say.",
                "--question",
                "Is there a milder means?",
            ],
        ),
        ("requester", &["request", "get", &case.name]),
        (
            "requester",
            &[
                "request",
                "supplement",
                &case.name,
                "--answer",
                "There is none.",
                "--id",
                "commands/1",
            ],
        ),
        (
            "durand",
            &[
                "review",
                "decide",
                &task,
                "release",
                "--reasons",
                "It is proportionate.",
            ],
        ),
        ("durand", &["review", "show", &task]),
        (
            "durand",
            &[
                "review",
                "decide",
                &task,
                "refuse",
                "--reasons",
                "Too late.",
            ],
        ),
        ("durand", &["review", "list", "--json"]),
    ] {
        let output = run(&scene, stem, command).await;
        told.push_str(&format!(
            "$ comity {}\n{}\n",
            command.join(" "),
            shown(&output)
        ));
    }
    let mut settings = stable(scene.folder());
    settings.add_filter(r"entry \d+", "entry [n]");
    settings.add_filter(r"\d+ days left", "[n] days left");
    // The delivery may have been acknowledged meanwhile.
    settings.add_filter(r" is (APPROVED|ACKNOWLEDGED)\n", " is [under way]\n");
    for told_by_the_backend in [
        r"\n.* acknowledged .*",
        r"\n  reference .*",
        r"\n  clock .*",
    ] {
        settings.add_filter(told_by_the_backend, "");
    }
    settings.bind(|| insta::assert_snapshot!(told));

    // The first decision, the one after the answer and the one after the ruling.
    let data = scene.world.data();
    let again = tokio::task::spawn_blocking(move || {
        let data = data.to_str().unwrap();
        shown(&comity(["audit", "rerun", "--data", data]))
    });
    let again = again.await.unwrap();
    assert!(
        again.starts_with("exit 0\n3 decisions made again: 3 as on record"),
        "{again}"
    );

    let why = ["--reason", "The proceedings were discontinued."];
    let withdraw = [&["request", "withdraw", &case.name][..], &why].concat();
    let output = run(&scene, "requester", &withdraw).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(
        shown(&output).contains(" is WITHDRAWN"),
        "{}",
        shown(&output)
    );
    scene.stop().await;
}
