//! Single fields of a record: written, believed by us and by others, and nothing of the
//! rest in them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use comity_ledger::{Key, Leaf, verifier_beside};
use comity_store::{Entry, Options, Store, Transaction};
use jiff::Timestamp;
use serde_json::Value;

use super::{Left, foreign::Foreign, left_behind, of_each, snapshot};
use crate::cli::{comity, shown};

/// A case that was delivered and answered.
const ANSWERED: &str = "Mailbox at a provider, produced directly";

/// The entry by which a case was decided.
fn decision(left: &Left, title: &str) -> String {
    let case = left.case(title);
    of_each(&left.json(&["search", "--case", case]), "index").remove(0)
}

/// Writes fields of an entry into a file.
fn disclose(left: &Left, index: &str, fields: &[&str], out: &Path) -> Output {
    let fields = fields.iter().flat_map(|path| ["--field", path]);
    let begin = ["disclose", index, "--out", out.to_str().unwrap()];
    let arguments: Vec<_> = begin.into_iter().chain(fields).collect();
    left.audit(&arguments)
}

fn verify(left: &Left, file: &Path, more: &[&str]) -> String {
    let key = left.path().join("ledger/verifier");
    let (key, file) = (key.to_str().unwrap(), file.to_str().unwrap());
    let begin = ["audit", "verify", file, "--key", key];
    shown(&comity([begin.as_slice(), more].concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_shown_and_nothing_of_the_others() {
    let left = left_behind().await;
    let index = decision(&left, ANSWERED);
    let listed = left.audit(&["disclose", &index, "--list"]);
    let list = left.json(&["disclose", &index, "--list"]);
    let list = list["fields"].as_array().unwrap();
    let file = left.path().join("two.json");
    let two = ["request.purpose", "decision.outcome"];
    let told = disclose(&left, &index, &two, &file);
    // What the law says of it differs from one library to the next.
    let listed = shown(&listed);
    let of_request = listed.lines().filter(|line| line.starts_with("request."));
    let text = [
        of_request.collect::<Vec<_>>().join("\n"),
        shown(&told),
        verify(&left, &file, &[]),
        verify(&left, &file, &["--json"]),
    ];
    let text = text
        .join("\n")
        .replace(&format!("entry {index}"), "entry [index]");
    let text = text.replace(&format!("\"index\":{index}"), "\"index\":[index]");
    snapshot(left.path(), "disclose", &text);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);

    // None of the others, neither path nor value. What the entry says is public.
    let written = fs::read_to_string(&file).unwrap();
    let found = left.json(&["show", &index]);
    let public = found["entry"].to_string();
    for field in list {
        let path = field["path"].as_str().unwrap();
        let value = field["value"].as_str().unwrap_or("[not a text]");
        if !two.contains(&path) {
            assert!(!written.contains(path), "{path}");
            assert!(value.len() < 5 || public.contains(value) || !written.contains(value));
        }
    }
    assert!(!written.contains(found["salt"].as_str().unwrap()));

    let again = disclose(&left, &index, &two, &file);
    assert!(shown(&again).starts_with("exit 2\nerror: cannot make"));
    let none = disclose(
        &left,
        &index,
        &["request.persons[9]"],
        &left.path().join("x"),
    );
    let text = shown(&none);
    assert!(text.starts_with("exit 2") && text.contains("no field `request.persons[9]`"));
    let beyond = left.audit(&["disclose", "999", "--list"]);
    assert_eq!(shown(&beyond), "exit 1\nthere is no entry 999\n");
    let misuse = left.audit(&["disclose", &index]);
    assert_eq!(misuse.status.code(), Some(2), "{}", shown(&misuse));
    let unkeyed = shown(&comity(["audit", "verify", file.to_str().unwrap()]));
    assert!(
        unkeyed.starts_with("exit 2") && unkeyed.contains("--key"),
        "{unkeyed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_believe_a_field_and_nobody_a_changed_one() {
    let left = left_behind().await;
    let key = verifier_beside(&left.path().join("ledger")).unwrap();
    let mut python = Foreign::python(&key);
    let file = left.path().join("field.json");
    let index = decision(&left, ANSWERED);
    let list = left.json(&["disclose", &index, "--list"]);
    for field in list["fields"].as_array().unwrap() {
        let path = field["path"].as_str().unwrap();
        let told = disclose(&left, &index, &[path], &file);
        assert_eq!(told.status.code(), Some(0), "{}", shown(&told));
        assert_eq!(
            python.ask("disclosure", &file),
            format!("ok {index} {path}")
        );
        fs::remove_file(&file).unwrap();
    }
    disclose(&left, &index, &["request.purpose"], &file);
    let whole = fs::read_to_string(&file).unwrap();
    let written: Value = serde_json::from_str(&whole).unwrap();
    let field = &written["fields"][0];
    let sibling = field["siblings"][0].as_str().unwrap();
    let (side, hash) = sibling.split_once(' ').unwrap();
    let other_side = if side == "left" { "right" } else { "left" };
    let salt = field["salt"].as_str().unwrap();
    let value = field["text"].as_str().unwrap();
    for (from, to) in [
        (value, &format!("{value} ")),
        ("request.purpose", &"request.measure".to_owned()),
        (salt, &"00".repeat(32)),
        (sibling, &format!("{other_side} {hash}")),
        (sibling, &format!("{side} {}", "00".repeat(32))),
        ("index ", &"index 1".to_owned()),
    ] {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole);
        fs::write(&file, changed).unwrap();
        let text = verify(&left, &file, &[]);
        assert!(text.starts_with("exit 1\nNOT VERIFIED\n"), "{to}: {text}");
        let answer = python.ask("disclosure", &file);
        assert!(answer.starts_with("flaw "), "{to}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_is_passed_on_from_a_bundle() {
    let left = left_behind().await;
    let index = decision(&left, ANSWERED);
    let bundle = left.path().join("case.zip");
    let bundle = bundle.to_str().unwrap();
    let exported = left.audit(&["export", left.case(ANSWERED), "--out", bundle]);
    assert_eq!(exported.status.code(), Some(0), "{}", shown(&exported));
    let file = left.path().join("from-bundle.json");
    let out = [
        "--field",
        "decision.outcome",
        "--out",
        file.to_str().unwrap(),
    ];
    let from = ["audit", "disclose", &index, "--bundle", bundle];
    let told = comity([from.as_slice(), &out].concat());
    assert_eq!(told.status.code(), Some(0), "{}", shown(&told));
    let text = verify(&left, &file, &[]);
    assert!(
        text.contains("decision.outcome: \"OUTCOME_APPROVED\""),
        "{text}"
    );
    let other = comity(["audit", "disclose", "0", "--bundle", bundle, "--list"]);
    assert_eq!(shown(&other), "exit 1\nthere is no entry 0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_says_why() {
    let left = left_behind().await;
    let index = decision(&left, ANSWERED);
    let file = left.path().join("before.json");
    disclose(&left, &index, &["request.purpose"], &file);
    let before = verify(&left, &file, &[]);
    assert!(before.starts_with("exit 0"), "{before}");

    // An entry of a version that committed to whole records, and an empty one.
    let key = Key::load(&left.path().join("ledger.key")).unwrap();
    let store = Store::open(left.path(), key, &Options::default()).unwrap();
    let leaf = |kind| Leaf::new(Timestamp::now(), kind, "gateway");
    let entry = |kind, record: &[u8]| Entry {
        leaf: leaf(kind),
        record: record.to_owned(),
    };
    let entries = vec![entry("explain", b"\x52\x01x"), entry("heartbeat", b"")];
    let transaction = Transaction {
        entries,
        ..Transaction::default()
    };
    let committed = store.commit(transaction).await.unwrap();
    let [old, empty] = [0, 1].map(|place| committed.receipts[place].index.to_string());
    drop(committed);
    store.close().await;
    let order = ["--by", "registry", "--reason", "retention ended"];
    let erase = ["erase", left.case(ANSWERED)];
    let erased = left.audit(&[erase.as_slice(), &order].concat());
    assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));

    let text = [&index, &old, &empty].map(|index| {
        let listed = shown(&left.audit(&["disclose", index, "--list"]));
        let nowhere = left.path().join("nowhere");
        let told = shown(&disclose(&left, index, &["request.purpose"], &nowhere));
        assert_eq!(listed, told);
        assert!(!nowhere.exists());
        told
    });
    snapshot(left.path(), "disclose_nothing", &text.join("\n"));
    // What was shown before stays proven.
    assert_eq!(verify(&left, &file, &[]), before);
    let verified = shown(&left.audit(&["verify"]));
    assert!(verified.starts_with("exit 0"), "{verified}");
}
