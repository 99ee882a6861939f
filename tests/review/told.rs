//! What auditors are told of reviews and withdrawals, and parties are not.

use std::{fs, path::Path};

use comity::v1::{self, ReviewVerdict};

use super::{AUTHORITY, decide, doubted, opinion, referred, task_name};
use crate::{
    cli::{comity, shown},
    world::{Scene, get},
};

const REASONS: &str = "as the file shows, for reasons that stay sealed";
const WHY: &str = "the proceedings against Max Muster were discontinued";

fn audit(data: &Path, command: &[&str]) -> String {
    let data = ["--data", data.to_str().unwrap()];
    let output = comity([&["audit"], command, &data].concat());
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    shown(&output)
}

/// Index of the last entry of a kind.
fn last(data: &Path, kind: &str) -> String {
    let found = audit(data, &["search", "--kind", kind, "--json"]);
    let (_, json) = found.split_once('\n').unwrap();
    let page: serde_json::Value = serde_json::from_str(json).unwrap();
    let last = page["entries"].as_array().unwrap().last().unwrap();
    last["index"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_read_what_reviewers_said_and_why_a_case_was_withdrawn() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let [reviewed, withdrawn] = [doubted("told"), doubted("told-otherwise")];
    let case = referred(&scene, &reviewed).await;
    let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
    let refusal = opinion(&task_name(&case, 1), ReviewVerdict::Refuse);
    decide(&mut reviewer, refusal).await.unwrap();
    let other = referred(&scene, &withdrawn).await;
    let mut client = scene
        .issuing(withdrawn.jurisdiction, withdrawn.authority)
        .await;
    let withdrawal = v1::WithdrawRequest {
        name: other.name.clone(),
        reason: WHY.to_owned(),
        request_id: String::new(),
    };
    client.withdraw(withdrawal).await.unwrap();
    // To the parties the reason of who withdrew, and of who reviewed nothing.
    let party = get(&mut client, &other.name).await.unwrap();
    assert_eq!(party.events.last().unwrap().remark, WHY);
    let party = get(&mut client, &case.name).await.unwrap();
    assert!(!format!("{party:?}").contains(REASONS));
    let data = scene.world.data();
    scene.running.stop().await;

    let review = last(&data, "review");
    for told in [
        audit(&data, &["show", &review]),
        audit(&data, &["show", &case.name]),
    ] {
        let opinion = told.lines().find(|line| line.contains("opinion"));
        let opinion = opinion.unwrap_or_else(|| panic!("{told}"));
        assert!(
            opinion.contains(&task_name(&case, 1)) && opinion.contains(REASONS),
            "{opinion}"
        );
        assert!(opinion.contains("REFUSE by "), "{opinion}");
        assert!(opinion.contains("A. Durand"), "{opinion}");
    }
    let withdraw = last(&data, "withdraw");
    for what in [withdraw.as_str(), &other.name] {
        let told = audit(&data, &["show", what]);
        assert!(told.contains(WHY), "{told}");
    }

    let bundle = |case: &v1::Case, name: &str| {
        let out = data.with_file_name(name);
        audit(
            &data,
            &["export", &case.name, "--out", out.to_str().unwrap()],
        );
        let checked = comity(["audit", "verify", out.to_str().unwrap()]);
        assert_eq!(checked.status.code(), Some(0), "{}", shown(&checked));
        move |file: &str| fs::read_to_string(out.join(file)).unwrap()
    };
    let read = bundle(&case, "reviewed");
    let record = format!("entries/{review:0>8}.record.json");
    for file in ["report.html", &record] {
        let text = read(file);
        for word in [REASONS, "A. Durand"] {
            assert!(text.contains(word), "{file} lacks {word}");
        }
    }
    let record: serde_json::Value = serde_json::from_str(&read(&record)).unwrap();
    let task = &record["kept"]["tasks"][0];
    assert_eq!(task["opinions"][0]["verdict"], "REVIEW_VERDICT_REFUSE");
    let read = bundle(&other, "withdrawn");
    let record = format!("entries/{withdraw:0>8}.record.json");
    for file in ["report.html", "case.json", &record] {
        assert!(read(file).contains(WHY), "{file}");
    }
}
