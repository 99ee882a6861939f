//! What `comity audit` prints of what others wrote, and where it reads what never ends.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    path::Path,
    process::Command,
};

use comity_ledger::{Key, Leaf};
use comity_store::{Entry, Options, Store, Transaction};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use super::{Left, audit, erase::erase, left_behind, of_each};
use crate::{
    cli::{COMMAND, comity, shown},
    world::{Scene, approvable},
};

/// Runs the command, which ends within so many seconds.
fn soon(left: &Left, more: &[&str]) -> String {
    let mut timed = Command::new("timeout");
    timed
        .arg("60")
        .arg(&*COMMAND)
        .args(["audit", "verify", "--data"]);
    shown(&timed.arg(left.path()).args(more).output().unwrap())
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_moves_no_terminal_and_forges_no_line() {
    let left = left_behind().await;
    let case = left.cases.values().next().unwrap();
    let reason = "appeal\u{1b}[2J\n  ordered by   the court\u{202e}";
    let line = "appeal[U+001B][2J[U+000A]  ordered by";
    let order = ["hold", case, "--by", "registry\u{7}", "--reason", reason];
    let held = left.audit(&order);
    assert_eq!(held.status.code(), Some(0), "{}", shown(&held));
    let holds = shown(&left.audit(&["holds"]));
    assert!(
        holds.contains("appeal[U+001B][2J") && holds.contains("registry[U+0007]"),
        "{holds}"
    );
    let held = left.json(&["holds"])["holds"][0].clone();
    assert_eq!(held["reason"], reason);
    let show = shown(&left.audit(&["show", &held["entry"].to_string()]));
    assert!(show.contains(line), "{show}");
    assert_eq!(show.matches("\n  ordered by").count(), 1, "{show}");
    for told in [holds, show] {
        assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{told}");
    }
}

/// Records an entry of a case, of which a remark is public.
async fn remark(data: &Path, case: &str, remark: &str) {
    let key = Key::load(&data.join("ledger.key")).unwrap();
    let store = Store::open(data, key, &Options::default()).unwrap();
    let leaf = Leaf {
        case: case.strip_prefix("cases/").map(str::to_owned),
        note: Some(remark.to_owned()),
        ..Leaf::new(Timestamp::now(), "remark", "gateway")
    };
    let record = Vec::new();
    let transaction = Transaction {
        entries: vec![Entry { leaf, record }],
        ..Transaction::default()
    };
    drop(store.commit(transaction).await.unwrap());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_name_moves_no_terminal_wherever_it_is_told() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let mut story = approvable("shown");
    story.request.purpose = "to\u{202e} find\u{9b}2J".to_owned();
    let case = scene.tell(&story).await.name;
    let data = scene.world.data();
    scene.running.stop().await;
    remark(&data, &case, "seen\u{202e}\u{1b}[2J").await;
    let told = |arguments: &[&str]| shown(&audit(&data, arguments));
    let entries = audit(&data, &["search", "--case", &case, "--json"]);
    let entries = serde_json::from_slice(&entries.stdout).unwrap();
    let index = of_each(&entries, "index").remove(0);
    let fields = told(&["disclose", &index, "--list"]);
    let rows = told(&["search", "--case", &case]);
    let erased = erase(&data, &case, &[]);
    assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
    let left = told(&["show", &case]);
    for (told, expected) in [
        (fields, "request.purpose: \"to[U+202E] find[U+009B]2J\""),
        // Cells of a table are broken into lines.
        (rows, "seen[U+202E]"),
        (left, "remark: seen[U+202E][U+001B][2J; by gateway"),
    ] {
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_moves_no_terminal_and_goes_where_it_is_told() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = folder.path().join("data");
    // Names of keys may have such signs in them.
    let key = Key::from_seed("comity.example/le\u{202e}dger", [7; 32]).unwrap();
    let store = Store::open(&data, key, &Options::default()).unwrap();
    store.close().await;
    fs::create_dir(folder.path().join(".first.part-\u{202e}")).unwrap();
    let backup = |name: &OsStr, more: &[&str]| {
        let out = folder.path().join(name);
        let begin = ["audit", "backup", "--data"].map(OsStr::new);
        let arguments = [&begin[..], &[data.as_os_str(), out.as_os_str()]].concat();
        comity(arguments.into_iter().chain(more.iter().map(OsStr::new)))
    };
    let told = shown(&backup(OsStr::new("first"), &[]));
    assert!(
        told.contains("key comity.example/le[U+202E]dger+") && told.contains(".part-[U+202E]\n"),
        "{told}"
    );
    assert!(!told.contains('\u{202e}'), "{told}");
    // A path need not be Unicode, and JSON is.
    let made = backup(OsStr::from_bytes(b"second\xff"), &["--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", shown(&made));
    let told: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(
        told["backup"]
            .as_str()
            .unwrap()
            .ends_with("/second\u{fffd}"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_not_read() {
    let left = left_behind().await;
    let zero = "/dev/zero";
    for given in ["--policy", "--authorities", "--key", "--ml-dsa-key"] {
        let told = soon(&left, &[given, zero]);
        assert!(
            told.starts_with("exit 2\n") && told.contains("no regular file"),
            "{told}"
        );
    }
    let vault = left.path().join("vault.key");
    let key = fs::read(&vault).unwrap();
    for made in [|path: &Path| symlink("/dev/zero", path).unwrap(), pipe] {
        fs::remove_file(&vault).unwrap();
        made(&vault);
        let told = soon(&left, &[]);
        let expected = "exit 1\nNOT VERIFIED\n  `vault.key`: cannot use";
        assert!(
            told.starts_with(expected) && told.contains("no regular file"),
            "{told}"
        );
    }
    fs::remove_file(&vault).unwrap();
    fs::write(&vault, key).unwrap();
    let checkpoint = left.path().join("ledger/checkpoint");
    fs::remove_file(&checkpoint).unwrap();
    pipe(&checkpoint);
    let told = soon(&left, &[]);
    let expected = "exit 1\nNOT VERIFIED\n  `ledger/checkpoint`: cannot be read: it is no regular";
    assert!(told.starts_with(expected), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_told_whose_key_it_is_and_that_there_may_be_more() {
    let left = left_behind().await;
    let key = left.path().join("ledger/verifier");
    let key = ["--key", key.to_str().unwrap()];
    let text = shown(&left.audit(&["verify"]));
    assert!(
        text.contains("it came with what was verified: compare it"),
        "{text}"
    );
    assert_eq!(left.json(&["verify"])["key_from"], "beside");
    assert_eq!(
        left.json(&[&["verify"][..], &key].concat())["key_from"],
        "given"
    );
    let ledger = left.path().join("ledger");
    let published = comity(["audit", "verify", ledger.to_str().unwrap(), "--json"]);
    let published: Value = serde_json::from_slice(&published.stdout).unwrap();
    assert_eq!(published["key_from"], "beside");
    fs::remove_file(left.path().join("comity.db")).unwrap();
    let flawed = left.json(&["verify"]);
    assert_eq!(flawed["verified"], false);
    assert!(
        flawed["note"].as_str().unwrap().contains("first flaw"),
        "{flawed}"
    );
}

#[test]
fn with_json_a_mistake_and_a_no_are_told_in_json() {
    for (arguments, expected) in [
        (
            vec!["audit", "shw", "--json"],
            "unrecognized subcommand 'shw'",
        ),
        (
            vec!["audit", "verify", "--json", "--policy", "/dev/zero"],
            "no regular file",
        ),
    ] {
        let output = comity(arguments);
        assert_eq!(output.status.code(), Some(2));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(told["error"].as_str().unwrap().contains(expected), "{told}");
        assert!(output.stderr.is_empty());
    }
}
