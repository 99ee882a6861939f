//! Erasing: refused while a gateway is at work, and afterwards nowhere to be found.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use comity::v1;
use jiff::Timestamp;

use super::{audit, of_each, snapshot};
use crate::{
    cli::shown,
    world::{Scene, approvable, reason, story},
};

/// Erases as the registry, because retention ended.
pub(crate) fn erase(data: &Path, what: &str, more: &[&str]) -> Output {
    let order = [
        "erase",
        what,
        "--by",
        "registry of the court",
        "--reason",
        "retention ended, section 489 StPO",
    ];
    audit(data, &[order.as_slice(), more].concat())
}

/// Whether any file of a folder holds a text.
pub(super) fn holds(folder: &Path, text: &str) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(text.len()).any(|at| at == text.as_bytes());
        found.then_some(path)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_and_a_trial_are_erased_and_every_proof_stays() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let ended = scene.tell(&approvable("erase")).await;
    let incomplete = story("erase", "House search, form in English only");
    let open = scene.tell(&incomplete).await;
    let trial = approvable("erase-trial");
    let mut client = scene.issuing(trial.jurisdiction, trial.authority).await;
    let tried = v1::PreflightRequest {
        request: Some(trial.request),
        ..v1::PreflightRequest::default()
    };
    client.preflight(tried).await.unwrap();
    let data = scene.world.data();
    let busy = erase(&data, &ended.name, &[]);
    scene.running.stop().await;
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = audit(&data, &[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)))
    };
    let trial = of_each(&json(&["search", "--kind", "preflight"]), "index").remove(0);
    let of_case = of_each(&json(&["search", "--case", &ended.name]), "index");
    let proof = data.with_file_name("before.tlog-proof");
    let proof = proof.to_str().unwrap();
    audit(&data, &["prove", &of_case[0], "--out", proof]);

    let empty = ["--by", "registry", "--reason", " "];
    let mut told = vec![
        busy,
        audit(&data, &[&["erase", &ended.name], empty.as_slice()].concat()),
        erase(&data, &open.name, &[]),
        erase(&data, "cases/00000000-0000-4000-8000-000000000000", &[]),
        erase(&data, "999", &[]),
        erase(&data, &of_case[0], &[]),
        erase(&data, &ended.name, &[]),
        erase(&data, &ended.name, &[]),
        erase(&data, &trial, &[]),
        erase(&data, &trial, &[]),
        audit(&data, &["verify"]),
        audit(&data, &["rerun"]),
    ];
    let erasures = json(&["search", "--category", "erasure"]);
    let erasures = of_each(&erasures, "index");
    told.extend(erasures.iter().map(|index| erase(&data, index, &[])));
    told.extend(erasures.iter().map(|index| audit(&data, &["show", index])));
    told.push(audit(&data, &["show", &trial]));
    let told: Vec<_> = told.iter().map(shown).collect();
    snapshot(&data, "erase", &told.join("\n"));
    let case = shown(&audit(&data, &["show", &ended.name]));
    let by = format!(
        "says; `comity audit show {}` tells by whose order",
        erasures[0]
    );
    let erased = format!("exit 0\n{}: its records were erased at ", ended.name);
    assert!(case.starts_with(&erased) && case.contains(&by), "{case}");

    // What was proven before still is.
    let key = data.join("ledger/verifier");
    let verify = ["verify", proof, "--key", key.to_str().unwrap()];
    let verified = crate::cli::comity([&["audit"], verify.as_slice()].concat());
    assert_eq!(verified.status.code(), Some(0), "{}", shown(&verified));
    for index in of_case.iter().chain([&trial]) {
        assert_eq!(json(&["show", index])["salt"], serde_json::Value::Null);
    }
    assert_eq!(holds(&data, "section 489"), None, "a reason is sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_what_is_erased() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let told = approvable("erase-added");
    let case = scene.tell(&told).await;
    let data = scene.world.data();
    let scene = scene
        .restart_after(Timestamp::now, async || {
            let erased = erase(&data, &case.name, &[]);
            assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
        })
        .await;
    let mut client = scene.issuing(told.jurisdiction, told.authority).await;
    let message = v1::ReportEventRequest {
        name: case.name.clone(),
        event: "transmitted-otherwise".to_owned(),
        note: "by courier".to_owned(),
        ..v1::ReportEventRequest::default()
    };
    let status = client.report_event(message).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    assert!(status.message().contains("are erased"), "{status:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_store_is_none_is_made() {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let refused = erase(folder.path(), "3", &["--json"]);
    assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
