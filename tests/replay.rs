//! Cases of a real gateway decided again by other policy files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use comity_sandbox::register::Register;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cli::{comity, shown, stable},
    edits::remove_rule,
    world::{Scene, copy, policies, stories},
};

/// A story that lacks a translation alone.
const IN_ENGLISH: &str = "House search, form in English only";

/// What a gateway left behind that heard every story, and who told which case.
struct Left {
    data: TempDir,
    /// Ids of cases by the title of their story.
    cases: BTreeMap<&'static str, String>,
}

async fn left_behind() -> Left {
    let scene = Scene::start(&Register::jurisdictions()).await;
    let mut cases = BTreeMap::new();
    for story in stories("replay") {
        // One whose backend is down would be waited for.
        if !story.backend_down {
            let name = scene.tell(&story).await.name;
            let id = name.trim_start_matches("cases/").to_owned();
            cases.insert(story.title, id);
        }
    }
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let left = scene.world.data();
    scene.running.stop().await;
    copy(&left, data.path());
    Left { data, cases }
}

impl Left {
    fn replay(&self, policies: &Path, more: &[&str]) -> (String, Option<i32>) {
        let data = self.data.path().to_str().unwrap();
        let policies = policies.to_str().unwrap();
        let command = ["policy", "replay", "--data", data, "--policies", policies];
        let output = comity(command.iter().chain(more));
        (shown(&output), output.status.code())
    }

    /// The changed cases and the summary.
    fn replay_for_machines(&self, policies: &Path, more: &[&str]) -> (Vec<Value>, Value) {
        let (text, _) = self.replay(policies, &[&["--json"], more].concat());
        let lines = text
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        let summary = lines.pop().unwrap()["summary"].take();
        (lines, summary)
    }

    /// A library that asks for no translation into French.
    fn edited(&self) -> PathBuf {
        let library = self.data.path().join("edited");
        copy(&policies(), &library);
        remove_rule(&library, "instruments/eio/module.yaml", "eio-5-3");
        remove_rule(&library, "jurisdictions/fr/module.yaml", "fr-d47-1-12");
        library
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_on_record_are_decided_again() {
    let left = left_behind().await;
    let count = left.cases.len() as u64;

    let (changed, summary) = left.replay_for_machines(&policies(), &[]);
    assert_eq!(changed, Vec::<Value>::new());
    assert_eq!(summary["cases"], count);
    assert_eq!(summary["otherFindings"], 0);
    assert_eq!(summary["byBundleOfTheirDay"]["asOnRecord"], count);
    assert_eq!(summary["byBundleOfTheirDay"]["otherwise"], 0);

    let edited = left.edited();
    let period = ["--since", "2000-01-01", "--until", "2100-01-01"];
    let (changed, summary) = left.replay_for_machines(&edited, &period);
    let [changed] = changed.as_slice() else {
        panic!("{changed:?}");
    };
    assert_eq!(changed["case"], *left.cases[IN_ENGLISH]);
    assert_eq!(changed["issuing"], "DE");
    assert_eq!(changed["executing"], "FR");
    assert_eq!(changed["measure"], "search.premises");
    assert_eq!(changed["before"]["outcome"], "INCOMPLETE");
    assert_eq!(changed["before"]["instrument"], "eio");
    let rules = &changed["before"]["rules"];
    assert_eq!(rules, &serde_json::json!(["eio-5-3", "fr-d47-1-12"]));
    assert_eq!(changed["after"]["outcome"], "APPROVED");
    assert_eq!(summary["cases"], count);
    assert_eq!(summary["changed"], 1);
    assert_eq!(summary["byBundleOfTheirDay"]["asOnRecord"], count);

    let (text, code) = left.replay(&edited, &[]);
    assert_eq!(code, Some(1));
    assert!(!text.contains("Beispiel"), "{text}");
    stable(left.data.path()).bind(|| insta::assert_snapshot!(text));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_no_longer_kept_is_counted() {
    let left = left_behind().await;
    let count = left.cases.len() as u64;
    fs::remove_dir_all(left.data.path().join("bundles")).unwrap();
    let database = Connection::open(left.data.path().join("comity.db")).unwrap();
    let damage = "UPDATE entry SET sealed = x'ff' WHERE idx = (SELECT min(opened) FROM cases)";
    assert_eq!(database.execute(damage, []).unwrap(), 1);
    drop(database);

    let (text, code) = left.replay(&policies(), &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("1 cannot be decided again"), "{text}");
    assert!(text.contains("0 as on record, 0 not"), "{text}");
    assert!(
        text.contains(&format!("{} whose bundle is not kept", count - 1)),
        "{text}"
    );

    let (text, code) = left.replay(&policies(), &["--since", "2100-01-01"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("0 cases on record"), "{text}");
}

#[test]
fn a_folder_without_a_store_is_a_failure() {
    let output = comity(["policy", "replay", "--data", "no-such-folder"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(
        shown(&output).contains("there is no folder `no-such-folder`"),
        "{}",
        shown(&output)
    );
}
