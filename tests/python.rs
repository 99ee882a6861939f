//! A client in another language, from the published contract alone.

use std::{env, fs, path::Path, process::Command};

use comity_gateway::wire::json;
use serde_json::Value;

use crate::world::{Scene, approvable};

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_generated_from_the_contract_gets_an_answer() {
    let python =
        env::var_os("COMITY_PYTHON").expect("run `cargo xtask test`, which prepares Python");
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("python");
    let folder = scene.folder().to_owned();
    let issued = scene
        .world
        .issue(story.jurisdiction, story.authority, "issuing", &[]);
    issued.unwrap().write(&folder, "client").unwrap();
    fs::write(
        folder.join("request.json"),
        json::print(&story.request).unwrap(),
    )
    .unwrap();
    fs::create_dir(folder.join("stubs")).unwrap();

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command
        .current_dir(&folder)
        .arg(root.join("tests/python/submit.py"))
        .arg(root.join("proto"))
        .args(["stubs", &scene.address().to_string(), "localhost"])
        .args(["ca.pem", "client.pem", "client.key", "request.json"]);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let printed = String::from_utf8(output.stdout).unwrap();
    let (services, answer) = printed.split_at(printed.find('{').unwrap());
    let service = "service comity.v1.CooperationService";
    assert!(services.lines().any(|line| line == service), "{services}");
    let answer: Value = serde_json::from_str(answer).unwrap();
    let decision = &answer["case"]["decision"];
    assert_eq!(decision["outcome"], "OUTCOME_APPROVED");
    assert_eq!(answer["case"]["state"], "CASE_STATE_CONCLUDED");
    for permit in decision["permits"].as_array().unwrap() {
        assert!(permit["citation"]["provision"].is_string(), "{permit}");
    }
    scene.stop().await;
}
