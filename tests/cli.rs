//! The `comity` command as scripts and people use it.

mod connecting;
mod edges;
mod keys;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use comity_gateway::wire::json;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Scene, approvable, policies, story, submit, violations};

/// The command.
pub(crate) static COMMAND: LazyLock<PathBuf> = LazyLock::new(|| built("comity"));

/// A program of the workspace, built if need be: the root package does not depend on it.
pub(crate) fn built(program: &str) -> PathBuf {
    let built = cargo()
        // With the whole workspace, so that nothing is built a second time.
        .args(["build", "--quiet", "--workspace", "--bin", program])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success(), "`{program}` does not build");
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join(program);
    assert!(
        program.exists(),
        "build the workspace first: cargo test --workspace"
    );
    program
}

/// A `cargo` that does not see what the one that runs this test has said of it: build
/// scripts that look at that would run again, and most of the workspace with them.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let told = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if told {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("OUT_DIR");
    cargo
}

pub(crate) fn comity<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(&*COMMAND)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// What a run printed, with its exit code.
pub(crate) fn shown(output: &Output) -> String {
    format!(
        "exit {}\n{}{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Replaces what differs from run to run.
pub(crate) fn stable(folder: &Path) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(true);
    for (what, instead) in [
        (regex_escape(folder), "[folder]"),
        (r"[0-9a-f]{64}".to_owned(), "[sha256]"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z".to_owned(), "[time]"),
        (r"\d{4}-\d\d-\d\d".to_owned(), "[day]"),
        (
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".to_owned(),
            "[uuid]",
        ),
        (
            r"\d+ signed checkpoints".to_owned(),
            "[count] signed checkpoints",
        ),
        (r"key \S+".to_owned(), "key [key]"),
        (r"root \S+".to_owned(), "root [hash]"),
    ] {
        settings.add_filter(&what, instead);
    }
    settings
}

fn regex_escape(folder: &Path) -> String {
    folder.to_str().unwrap().replace('.', r"\.")
}

#[tokio::test(flavor = "multi_thread")]
async fn decide_prints_what_the_gateway_decides() {
    let scene = Scene::start(&["DE", "FR"]).await;
    for (title, code) in [
        ("Who holds this telephone number?", 0),
        ("House search, form in English only", 1),
        ("Account data asked by a tax office", 1),
    ] {
        let story = story("decide", title);
        let file = scene.folder().join("request.json");
        // Some editors set a mark before it.
        let text = format!("\u{feff}{}", json::print(&story.request).unwrap());
        fs::write(&file, text).unwrap();
        let case = scene.tell(&story).await;
        let by_gateway = json::print(&case.decision.unwrap()).unwrap();
        let output = comity(["policy", "decide", "--json", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(code), "{}", shown(&output));
        let by_command = String::from_utf8(output.stdout).unwrap();
        assert_eq!(timeless(&by_command), timeless(&by_gateway), "{title}");
    }
    // What the gateway does not take in is not decided either.
    let mut unknown = story("unknown", "House search").request;
    unknown.measure = "data.foo".to_owned();
    unknown.instrument = "foo".to_owned();
    unknown.executing.as_mut().unwrap().jurisdiction = "XX".to_owned();
    let file = scene.folder().join("unknown.json");
    fs::write(&file, json::print(&unknown).unwrap()).unwrap();
    let output = comity(["policy", "decide", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let told = shown(&output);
    let mut client = scene.issuing("DE", "sta-berlin").await;
    let status = submit(&mut client, &unknown, 0).await.unwrap_err();
    for (field, why) in violations(&status) {
        assert!(told.contains(&format!("{field}: {why}")), "{told}");
    }
    scene.stop().await;
}

/// A decision without what names the one time it was made.
fn timeless(text: &str) -> Value {
    let mut decision: Value = serde_json::from_str(text).unwrap();
    let fields = decision.as_object_mut().unwrap();
    fields.remove("decisionId");
    fields.remove("decidedAt");
    for clock in fields
        .get_mut("clocks")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let clock = clock.as_object_mut().unwrap();
        clock.remove("startedAt");
        clock.remove("dueAt");
    }
    decision
}

#[test]
fn a_decision_in_words() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("request.json");
    let story = story("words", "House search, form in English only");
    fs::write(&file, json::print(&story.request).unwrap()).unwrap();
    let output = comity(["policy", "decide", file.to_str().unwrap()]);
    stable(folder.path()).bind(|| insta::assert_snapshot!(shown(&output)));
}

#[test]
fn a_request_is_dated_ahead_by_who_asks_for_it_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("request.json");
    let mut story = story("ahead", "House search, form in English only");
    let issued = story.request.issued_at.as_mut().unwrap();
    issued.seconds += 2 * 24 * 60 * 60;
    fs::write(&file, json::print(&story.request).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let refused = shown(&comity(["policy", "decide", file]));
    assert!(refused.contains("issued_at"), "{refused}");
    let asked = shown(&comity(["policy", "decide", file, "--at", "2031-01-01"]));
    let law = "exit 1\nINCOMPLETE under eio, law of 2031-01-01\n";
    assert!(asked.starts_with(law), "{asked}");
}

#[test]
fn what_cannot_be_read_is_a_failure_and_says_where() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("request.json");
    fs::write(
        &file,
        "{\n  \"requestId\": \"x\",\n  \"mesure\": \"data.subscriber\"\n}",
    )
    .unwrap();
    let unknown = comity(["policy", "decide", file.to_str().unwrap()]);
    let missing = comity([
        "policy",
        "decide",
        folder.path().join("none").to_str().unwrap(),
    ]);
    fs::write(&file, b"\xff\xfe{\0}\0").unwrap();
    let foreign = comity(["policy", "decide", file.to_str().unwrap()]);
    let misuse = comity(["policy", "decied"]);
    let all = [unknown, missing, foreign, misuse]
        .map(|output| shown(&output))
        .join("\n");
    stable(folder.path()).bind(|| insta::assert_snapshot!(all));
}

#[test]
fn policy_files_are_checked_and_tested() {
    let good = comity(["policy", "check"]);
    assert_eq!(good.status.code(), Some(0), "{}", shown(&good));
    assert!(shown(&good).contains("no mistake in "), "{}", shown(&good));
    let tested = comity(["policy", "test"]);
    assert_eq!(tested.status.code(), Some(0), "{}", shown(&tested));
    assert!(
        shown(&tested).contains(" passed, 0 failed"),
        "{}",
        shown(&tested)
    );

    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("policies");
    crate::world::copy(&policies(), &broken);
    let module = broken.join("instruments/ets-30/module.yaml");
    let text = fs::read_to_string(&module).unwrap();
    fs::write(&module, text.replacen("effect:", "efect:", 1)).unwrap();
    let output = comity(["policy", "check", "--policies", broken.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(
        shown(&output).contains("ets-30/module.yaml:"),
        "{}",
        shown(&output)
    );
}

#[test]
fn keys_are_made_and_kept_from_others() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("pki");
    let at = dir.to_str().unwrap();
    let issued = &format!("{at}/de-sta-berlin-issuing.pem");
    let issue = [
        "keys",
        "issue",
        "--dir",
        at,
        "--jurisdiction",
        "DE",
        "--authority",
        "sta-berlin",
    ];
    let stranger = issue.into_iter().take(7).chain(["nobody"]);
    let runs = [
        comity(["keys", "init", "--dir", at]),
        comity(issue.into_iter().chain(["--role", "issuing"])),
        comity(issue.into_iter().chain(["--role", "king"])),
        comity(issue.into_iter().chain(["--role", "reviewer"])),
        comity(
            issue
                .into_iter()
                .chain(["--role", "reviewer", "--person", "A. Durand-Müller"]),
        ),
        comity(["keys", "init", "--dir", at]),
        comity(["keys", "revoke", "--dir", at, issued]),
        comity(["keys", "revoke", "--dir", at, issued]),
        comity(["keys", "revoke", "--dir", at, &format!("{at}/ca.pem")]),
        comity(issue.into_iter().chain(["--role", "legal", "--days", "0"])),
        comity(
            issue
                .into_iter()
                .chain(["--role", "legal", "--days", "65000"]),
        ),
        comity(stranger.chain(["--role", "auditor", "--policies", "policies"])),
        comity(["keys", "revoke", "--dir", at, &format!("{at}/trust-domain")]),
        comity(["keys", "revoke", "--dir", at]),
    ];
    let all = runs.map(|output| shown(&output)).join("\n");
    let mut settings = stable(folder.path());
    settings.add_filter("serial number [0-9a-f:]+", "serial number [serial]");
    settings.bind(|| insta::assert_snapshot!(all));
    for key in ["ca.key", "de-sta-berlin-issuing.key"] {
        let mode = fs::metadata(dir.join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}

/// A data folder that a gateway left behind, with one approved case.
async fn left_behind() -> TempDir {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&approvable("left")).await;
    let kept = TempDir::new().unwrap();
    let data = scene.world.data();
    scene.running.stop().await;
    crate::world::copy(&data, kept.path());
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_anywhere_is_found_and_its_place_named() {
    let whole = left_behind().await;
    let verify = |data: &Path| comity(["audit", "verify", "--data", data.to_str().unwrap()]);
    let output = verify(whole.path());
    stable(whole.path()).bind(|| insta::assert_snapshot!("verified", shown(&output)));

    for (place, named) in [
        ("ledger/checkpoint", "checkpoint"),
        ("ledger/tile/0", "tile/0"),
        ("ledger/tile/entries", "tile/entries"),
        ("comity.db", "comity.db"),
    ] {
        let data = TempDir::new().unwrap();
        crate::world::copy(whole.path(), data.path());
        match place {
            "comity.db" => flip_leaf(&data.path().join(place)),
            file => flip_byte(&first_file(&data.path().join(file))),
        }
        let output = verify(data.path());
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(1), "{place}: {text}");
        assert!(
            text.contains("NOT VERIFIED") && text.contains(named),
            "{place}: {text}"
        );
    }
}

/// The file itself, or the first one below a folder.
fn first_file(path: &Path) -> PathBuf {
    if path.is_file() {
        return path.to_owned();
    }
    let mut entries: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    first_file(&entries[0])
}

fn flip_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut permissions = fs::metadata(file).unwrap().permissions();
    permissions.set_mode(0o600);
    fs::set_permissions(file, permissions).unwrap();
    fs::write(file, bytes).unwrap();
}

/// One byte of one entry's leaf, as somebody with the database open would.
fn flip_leaf(database: &Path) {
    let database = Connection::open(database).unwrap();
    let mut leaf: Vec<u8> = database
        .query_row("SELECT leaf FROM entry WHERE idx = 1", [], |row| row.get(0))
        .unwrap();
    let middle = leaf.len() / 2;
    leaf[middle] ^= 1;
    database
        .execute("UPDATE entry SET leaf = ? WHERE idx = 1", [leaf])
        .unwrap();
}
