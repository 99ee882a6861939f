//! Legal holds: while one stands nothing of the case is erased, however often the gateway
//! starts.

use std::{fs, path::Path, process::Output};

use comity::v1::CaseState;
use comity_ledger::Cosigner;
use jiff::Timestamp;

use super::{
    audit,
    erase::{erase, holds as text_in},
    of_each, snapshot,
};
use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, story},
};

const WHY: &str = "appeal 12 Ks 3/26 pending";

/// Orders as the registry of a court.
pub(crate) fn hold(data: &Path, case: &str, more: &[&str]) -> Output {
    let by = ["--by", "registry of the court", "--reason", WHY];
    audit(data, &[&["hold", case], by.as_slice(), more].concat())
}

/// The entry of the last order.
pub(crate) fn last(data: &Path, kind: &str) -> String {
    let found = audit(data, &["search", "--kind", kind, "--json"]);
    let found = serde_json::from_slice(&found.stdout).unwrap();
    of_each(&found, "index").pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_erased_once_every_hold_over_it_is_lifted() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let ended = scene.tell(&approvable("held")).await.name;
    let open = story("held", "House search, form in English only");
    let open = scene.tell(&open).await.name;
    let data = scene.world.data();
    let busy = hold(&data, &ended, &[]);
    let mut told = vec![busy];
    // Set while the gateway is stopped, they stand while it runs and ever after.
    let scene = scene
        .restart_after(Timestamp::now, async || {
            told.push(hold(&data, &ended, &[]));
            told.push(hold(&data, &open, &[]));
        })
        .await;
    let case = scene.tell(&approvable("held-later")).await;
    assert_eq!(case.state(), CaseState::Concluded, "it works as before");
    scene.running.stop().await;
    told.push(hold(&data, &ended, &[]));
    let second = last(&data, "legal-hold");
    let json = audit(&data, &["holds", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let holds = json["holds"].as_array().unwrap();
    let over: Vec<_> = holds.iter().map(|held| held["case"].clone()).collect();
    assert_eq!(over, [&*ended, &*open, &*ended]);
    assert_eq!(holds[0]["reason"], WHY);
    let first = holds[0]["entry"].to_string();

    // Beside the folder: it holds the records in plain.
    let bundle = data.with_file_name("held.zip");
    let bundle = bundle.to_str().unwrap();
    audit(&data, &["export", &ended, "--out", bundle]);
    let checked = comity(["audit", "verify", bundle]);
    assert_eq!(checked.status.code(), Some(0), "{}", shown(&checked));

    let none = "cases/00000000-0000-4000-8000-000000000000";
    let blank = ["hold", &ended, "--by", " ", "--reason", "appeal"];
    told.extend([
        audit(&data, &["holds"]),
        audit(&data, &["verify"]),
        audit(&data, &["show", &first]),
        erase(&data, &ended, &[]),
        erase(&data, &ended, &["--json"]),
        audit(&data, &blank),
        hold(&data, none, &[]),
        hold(&data, &open, &["--lift", &first]),
        hold(&data, &ended, &["--lift", &first]),
        hold(&data, &ended, &["--lift", &first]),
        erase(&data, &ended, &[]),
        hold(&data, &ended, &["--lift", &second]),
        erase(&data, &ended, &[]),
        hold(&data, &ended, &[]),
        hold(&data, &ended, &["--lift", &second]),
        audit(&data, &["show", &first]),
        audit(&data, &["verify"]),
        audit(&data, &["rerun"]),
    ]);
    assert_eq!(text_in(&data, "12 Ks 3"), None, "a reason is sealed");
    let told: Vec<_> = told.iter().map(shown).collect();
    let told = told.join("\n");
    let told = [&first, &second].into_iter().fold(told, |told, index| {
        told.replace(&format!("--lift {index}"), "--lift [index]")
    });
    snapshot(&data, "hold", &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_signed_stands_and_says_so() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let held = scene.tell(&approvable("unsigned")).await.name;
    let erased = scene.tell(&approvable("unsigned-erased")).await.name;
    let data = scene.world.data();
    let key = data.join("outside.key");
    scene.running.stop().await;
    // A witness says that it has seen more than there is.
    let witness = Cosigner::load_or_make(&key, "outside.example").unwrap();
    let word = data.join("witnessed");
    fs::write(&word, format!("{}\ncosigned 9999\n", witness.key())).unwrap();
    let mut told = vec![
        hold(&data, &held, &[]),
        hold(&data, &held, &["--json"]),
        erase(&data, &erased, &[]),
        erase(&data, &held, &[]),
    ];
    let standing = last(&data, "legal-hold");
    told.push(hold(&data, &held, &["--lift", &standing]));
    let unsigned = told.iter().map(shown).filter(|told| {
        let said = "not under a signed checkpoint yet";
        told.contains(said) || told.contains("\"unsigned\":\"nothing is signed: the witness")
    });
    assert_eq!(unsigned.count(), 4, "all but what is refused");
    fs::remove_file(&word).unwrap();
    told.push(hold(&data, &held, &[]));
    assert!(!shown(&told[5]).contains("NOT SIGNED"));
    assert_eq!(audit(&data, &["verify"]).status.code(), Some(0));
    told.remove(1);
    let told: Vec<_> = told.iter().map(shown).collect();
    snapshot(&data, "hold_unsigned", &told.join("\n"));
}
