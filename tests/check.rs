//! `comity policy check` for people, scripts and code hosts.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cli::{COMMAND, comity, shown},
    world::{copy, policies},
};

/// A copy of the shipped library with one text replaced.
fn edited(file: &str, from: &str, to: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    copy(&policies(), dir.path());
    let path = dir.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {file}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
    dir
}

fn check(policies: &Path, arguments: &[&str]) -> (i32, String) {
    let folder = policies.to_str().unwrap();
    let all = ["policy", "check", "--policies", folder];
    let output = comity(all.iter().chain(arguments));
    let code = output.status.code().unwrap();
    assert!(output.stderr.is_empty(), "{}", shown(&output));
    (code, String::from_utf8(output.stdout).unwrap())
}

#[test]
fn open_questions_are_counted_and_listed() {
    let (code, counted) = check(&policies(), &["--deny-warnings"]);
    assert_eq!(code, 0, "{counted}");
    let count = counted
        .lines()
        .find_map(|line| {
            line.strip_prefix("not settled: ")?
                .strip_suffix(" (--open lists them)")
        })
        .unwrap_or_else(|| panic!("{counted}"));
    let (_, listed) = check(&policies(), &["--open"]);
    let (_, list) = listed.split_once("not settled:\n").unwrap();
    let (list, _) = list.split_once("no mistake").unwrap();
    assert_eq!(list.lines().count().to_string(), count, "{listed}");
    insta::assert_snapshot!(list);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = Command::new(&*COMMAND)
        .args(["policy", "check", "--json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    // As a shell has it of what a closed pipe ends: neither an answer nor a failure.
    assert_eq!(shown(&output), "exit 141\n");
}

#[test]
fn warnings_are_shown_and_stop_only_who_denies_them() {
    let file = "instruments/tca/module.yaml";
    let dir = edited(file, "languages: [fr]", "languages: []");
    let (code, text) = check(dir.path(), &[]);
    assert_eq!(code, 0, "{text}");
    let all = [
        "warning[binding-without-languages]",
        file,
        "1 warning in 1 file",
        "no mistake in ",
    ];
    assert!(all.iter().all(|part| text.contains(part)), "{text}");
    let (code, text) = check(dir.path(), &["--deny-warnings", "--json"]);
    assert_eq!(code, 1, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&0.into(), &1.into())
    );
    assert!(report["library"]["rules"].as_u64().unwrap() > 100);
}

#[test]
fn machines_read_json_and_sarif() {
    let file = "instruments/tca/module.yaml";
    let dir = edited(file, "context.offence.military", "context.offence.militery");
    let (code, text) = check(dir.path(), &["--json"]);
    assert_eq!(code, 1, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["library"], Value::Null);
    let mut found = report["diagnostics"][0].clone();
    let text = fs::read_to_string(dir.path().join(file)).unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("militery"))
        .unwrap()
        + 1;
    for key in ["line", "endLine"] {
        // Law grows: the line is compared here, not kept.
        assert_eq!(found[key].take(), line, "{key}");
    }
    insta::assert_snapshot!(format!("{found:#}"));

    let (code, text) = check(dir.path(), &["--sarif"]);
    assert_eq!(code, 1, "{text}");
    let sarif: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    let mut region = place["region"].clone();
    for key in ["startLine", "endLine"] {
        assert_eq!(region[key].take(), line, "{key}");
    }
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("file:///") && uri.ends_with(file), "{uri}");
    let shown = format!(
        "{rule:#}\n{:#}\n{:#}\n{region:#}",
        result["level"], result["message"]
    );
    insta::assert_snapshot!(shown);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for text in [&rule["shortDescription"]["text"], &rule["help"]["text"]] {
            let text = text.as_str().unwrap();
            assert!(
                text.ends_with('.') && text.starts_with(|first: char| first.is_uppercase()),
                "{rule:#}"
            );
        }
    }
}

#[test]
fn addresses_in_sarif_are_relative_where_the_folder_is() {
    let parent = TempDir::new().unwrap();
    fs::create_dir_all(parent.path().join("no vocabulary/instruments")).unwrap();
    let output = Command::new(&*COMMAND)
        .args([
            "policy",
            "check",
            "--sarif",
            "--policies",
            "./no vocabulary",
        ])
        .current_dir(parent.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let uris: Vec<&str> = results
        .iter()
        .map(|result| &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        .filter_map(Value::as_str)
        .collect();
    assert!(
        uris.contains(&"no%20vocabulary/vocabulary.yaml"),
        "{uris:?}"
    );
}

#[test]
fn formatting_settles_and_changes_nothing_else() {
    let dir = edited(
        "instruments/tca/module.yaml",
        "    effect: refuse\n    when:\n      - context.offence.military\n",
        "    when:\n      # As the requester says.\n      - context.offence.military\n\n\n    effect: refuse\n",
    );
    let fmt = |arguments: &[&str]| {
        let folder = dir.path().to_str().unwrap();
        let all = ["policy", "fmt", "--policies", folder];
        let output = comity(all.iter().chain(arguments));
        (output.status.code(), shown(&output))
    };
    let (code, listed) = fmt(&["--check"]);
    assert_eq!(code, Some(1), "{listed}");
    assert!(listed.contains("tca/module.yaml\n"), "{listed}");
    // All others are laid out so already.
    assert!(listed.contains("\n1 of "), "{listed}");
    let (code, done) = fmt(&[]);
    assert_eq!(code, Some(0), "{done}");
    let (code, settled) = fmt(&["--check"]);
    assert_eq!(code, Some(0), "{settled}");
    assert!(settled.contains("\n0 of "), "{settled}");
    let text = fs::read_to_string(dir.path().join("instruments/tca/module.yaml")).unwrap();
    let usual = "    effect: refuse\n    when:\n      # As the requester says.\n";
    assert!(text.contains(usual), "{text}");
    let (code, text) = check(dir.path(), &["--deny-warnings"]);
    assert_eq!(code, 0, "{text}");
}

/// What a day is must not hang on the machine: the zones of a calendar are those that
/// the program brings, whatever the machine calls zones.
#[test]
fn time_zones_are_those_of_the_program() {
    let zones = TempDir::new().unwrap();
    let types = [&9_u32.to_be_bytes()[..], &[0, 0], b"FAR\0"].concat();
    let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
    let part = [b"TZif2".as_slice(), &[0; 15], &counts, &types].concat();
    let zone = [part.as_slice(), &part, b"\nFAR-9\n"].concat();
    fs::create_dir(zones.path().join("Far")).unwrap();
    fs::write(zones.path().join("Far/Away"), zone).unwrap();
    let answer = |policies: &Path| {
        let output = Command::new(&*COMMAND)
            .args(["policy", "check", "--policies"])
            .arg(policies)
            .env("TZDIR", zones.path())
            .output()
            .unwrap();
        shown(&output)
    };
    let here = answer(&policies());
    assert!(here.starts_with("exit 0"), "{here}");
    let far = edited("calendars/FR.yaml", "Europe/Paris", "Far/Away");
    let there = answer(far.path());
    assert!(
        there.contains("no time zone is called `Far/Away`"),
        "{there}"
    );
}
