//! What edits of the policy library mean, as `comity policy diff` tells it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    cli::{comity, shown, stable},
    world::{copy, policies},
};

/// States of the library kept here: enough to see every kind of request, and
/// few enough to wait for.
const STATES: [&str; 4] = ["de", "fr", "gb", "us"];

/// A library, and the same with an edit.
struct Edited {
    folder: TempDir,
}

impl Edited {
    fn new(edit: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let edited = Self { folder };
        let [old, new] = [edited.old(), edited.new_library()];
        copy(&policies(), &old);
        for state in fs::read_dir(old.join("jurisdictions")).unwrap() {
            let state = state.unwrap();
            if !STATES.contains(&state.file_name().to_str().unwrap()) {
                fs::remove_dir_all(state.path()).unwrap();
            }
        }
        copy(&old, &new);
        edit(&new);
        edited
    }

    fn old(&self) -> PathBuf {
        self.folder.path().join("old")
    }

    fn new_library(&self) -> PathBuf {
        self.folder.path().join("new")
    }

    /// What `comity policy diff` prints, and its exit code.
    fn difference(&self, more: &[&str]) -> (String, Option<i32>) {
        let folders = [self.old(), self.new_library()];
        let folders = folders.each_ref().map(|folder| folder.to_str().unwrap());
        let command = ["policy", "diff", "--at", "2026-11-23"];
        let output = comity(command.iter().chain(&folders).chain(more));
        (shown(&output), output.status.code())
    }

    /// Puts the examples that `difference` names into the new library, beside
    /// the module of an instrument, and runs them there and in the old one.
    fn prove(&self, text: &str, module: &str) {
        let entries = examples(text);
        assert!(!entries.is_empty(), "{text}");
        let path = format!("instruments/{module}/tests.yaml");
        for (library, passes) in [(self.new_library(), true), (self.old(), false)] {
            if !library.join(&path).parent().unwrap().exists() {
                continue;
            }
            // Other scenarios of the library are about States that are not here.
            for tests in walk(&library).filter(|path| path.ends_with("tests.yaml")) {
                fs::remove_file(tests).unwrap();
            }
            fs::write(library.join(&path), format!("tests:\n{}", entries.concat())).unwrap();
            let output = comity(["policy", "test", "--policies", library.to_str().unwrap()]);
            let told = shown(&output);
            let counts = match passes {
                true => format!("{} passed, 0 failed", entries.len()),
                false => format!("0 passed, {} failed", entries.len()),
            };
            assert!(told.contains(&counts), "{path}: {told}");
        }
    }
}

/// The scenarios of a printed difference in which the outcome is another.
fn examples(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut inside = false;
    for entry in text.lines() {
        if entry.starts_with("  - id:") {
            entries.push(String::new());
            inside = true;
        } else if !entry.starts_with("    ") {
            inside = false;
        }
        if let Some(last) = entries.last_mut().filter(|_| inside) {
            last.push_str(entry);
            last.push('\n');
        }
    }
    entries.retain(|entry| entry.contains("where it was"));
    entries
}

fn walk(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.into_iter()
}

fn replace(library: &Path, file: &str, from: &str, to: &str) {
    let path = library.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {file}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// Takes a rule out of a module.
pub(crate) fn remove_rule(library: &Path, file: &str, id: &str) {
    let path = library.join(file);
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(&format!("  - id: {id}\n")).unwrap();
    let rest = &text[start + 1..];
    let end = rest
        .find("\n  - id: ")
        .map_or(text.len(), |end| start + 1 + end + 1);
    fs::write(path, format!("{}{}", &text[..start], &text[end..])).unwrap();
}

#[test]
fn a_loosened_threshold_is_explained() {
    let edited = Edited::new(|library| {
        let line = |months| {
            format!("context.offence.annex_d && context.offence.max_penalty_months >= {months}")
        };
        replace(library, "instruments/eio/module.yaml", &line(36), &line(12));
    });
    let (text, code) = edited.difference(&[]);
    assert_eq!(code, Some(1), "{text}");
    stable(edited.folder.path()).bind(|| insta::assert_snapshot!(text));
    edited.prove(&text, "eio");
}

#[test]
fn a_dropped_exception_is_explained() {
    let edited = Edited::new(|library| {
        let module = "instruments/us-uk-data-access/module.yaml";
        remove_rule(library, module, "us-uk-da-8-4-death");
    });
    let (text, code) = edited.difference(&[]);
    assert_eq!(code, Some(1), "{text}");
    stable(edited.folder.path()).bind(|| insta::assert_snapshot!(text));
    edited.prove(&text, "us-uk-data-access");
}

#[test]
fn an_added_instrument_is_explained() {
    const MODULE: &str = r#"
module: instrument/video-hearings
title: {en: "Agreement on hearings by videoconference"}
source: dir-2014-41
status: in-force
rank: 5
binds:
  DE: {since: 2026-01-01, languages: [de]}
  FR: {since: 2026-01-01, languages: [fr]}
measures: {include: [hearing.video]}
prevails_over: [{instrument: eio, cite: "dir-2014-41 art 34"}]
rules:
  - id: video-permit
    title: {en: "Hearings by videoconference are granted"}
    cite: "dir-2014-41 art 24"
    effect: permit
  - id: video-consent
    title: {en: "The suspect does not consent"}
    cite: "dir-2014-41 art 24(2)"
    effect: refuse
    when:
      - context.persons.roles.contains(PersonRole::"suspect")
      - context.persons.consent == false
"#;
    let edited = Edited::new(|library| {
        let folder = library.join("instruments/video-hearings");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("module.yaml"), MODULE).unwrap();
    });
    let (text, code) = edited.difference(&[]);
    assert_eq!(code, Some(1), "{text}");
    stable(edited.folder.path()).bind(|| insta::assert_snapshot!(text));
    edited.prove(&text, "video-hearings");
}

#[test]
fn an_edit_of_order_and_comments_changes_nothing_in_meaning() {
    let edited = Edited::new(|library| {
        let module = "instruments/eio/module.yaml";
        let from = "      - context.measure.contains(Measure::\"always-available\")\n      - context.measure.contains(Measure::\"non-coercive\")\n      - context.offence.annex_d";
        let to = "      # The list of Annex D comes last.\n      - context.measure.contains(Measure::\"non-coercive\")\n      - (context.measure).contains( Measure::\"always-available\" )\n      - context.offence.annex_d";
        replace(library, module, from, to);
        replace(
            library,
            module,
            "status: in-force\nrank: 10\n",
            "rank: 10\nstatus: in-force\n",
        );
    });
    let (text, code) = edited.difference(&[]);
    assert_eq!(
        (text.as_str(), code),
        ("exit 0\nno change in meaning\n", Some(0))
    );
}

#[test]
fn a_difference_is_printed_for_machines() {
    let edited = Edited::new(|library| {
        let module = "jurisdictions/fr/module.yaml";
        remove_rule(library, module, "fr-d47-1-12");
    });
    let (text, code) = edited.difference(&["--json"]);
    assert_eq!(code, Some(1), "{text}");
    let json: serde_json::Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["changes"][0]["subject"], "rule fr-d47-1-12");
    assert_eq!(json["changes"][0]["kind"], "removed");
    // The Directive's own rule still asks for a translation.
    let effects = json["effects"].as_array().unwrap();
    assert!(!effects.is_empty());
    for effect in effects {
        let [before, after] = ["before", "after"].map(|when| &effect["example"][when]["outcome"]);
        assert_eq!(before, after);
        assert_eq!(effect["gone"][0]["of"], "fr-d47-1-12");
    }
}

#[test]
fn a_folder_that_cannot_be_loaded_is_a_failure() {
    let output = comity(["policy", "diff", "policies", "no-such-folder"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(
        shown(&output).contains("there is no policy folder `no-such-folder`"),
        "{}",
        shown(&output)
    );
}
