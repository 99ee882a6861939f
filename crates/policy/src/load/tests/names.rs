//! Files and folders whose names are nearly right, which nothing would read.

use std::fs;

use super::{put, write};
use crate::{Code, load::load};

/// What is found once a file or folder of the good library has another name.
fn renamed(from: &str, to: &str) -> Vec<(Code, String, String)> {
    let dir = write(&[]);
    fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
    let report = load(dir.path()).unwrap_err();
    let found = report.diagnostics().iter();
    found
        .map(|found| {
            let remedy = found.remedy.clone().unwrap();
            (found.code, found.path.to_string(), remedy)
        })
        .collect()
}

#[test]
fn a_file_that_is_nearly_of_a_name_is_one_mistake() {
    for (file, names) in [
        (
            "instruments/eio/module.yaml",
            &["module.yml", "Module.yaml", "module.yaml.txt", "MODULE.YML"][..],
        ),
        ("jurisdictions/de/module.yaml", &["module.yml"]),
        (
            "jurisdictions/de/authorities.yaml",
            &["authorities.yaml.txt"],
        ),
        ("vocabulary.yaml", &["Vocabulary.yaml"]),
        ("calendars/DE.yaml", &["DE.yml", "de.yaml.txt"]),
    ] {
        let (folder, right) = file.rsplit_once('/').unwrap_or(("", file));
        for name in names {
            let to = format!("{folder}/{name}");
            let to = to.trim_start_matches('/').to_owned();
            let found = renamed(file, &to);
            let remedy = format!("rename to `{right}`");
            assert_eq!(found, [(Code::FileMisplaced, to, remedy)]);
        }
    }
}

#[test]
fn a_folder_that_names_no_state_is_a_mistake() {
    for folder in ["germany", "d", "deu"] {
        let folder = format!("jurisdictions/{folder}");
        let found = renamed("jurisdictions/de", &folder);
        let remedy = "expected `jurisdictions/de`: rename the folder".to_owned();
        let path = format!("{folder}/module.yaml");
        assert_eq!(found, [(Code::WrongFolder, path, remedy)]);
    }
}

#[test]
fn modules_in_folders_that_nothing_reads_are_mistakes() {
    for file in [
        "states/de/module.yaml",
        "jurisdictions/eu/de/tests.yaml",
        "instruments/a/b/c/d/module.yaml",
        "module.yaml",
    ] {
        let dir = write(&[]);
        put(dir.path(), file, "tests: []\n");
        let report = load(dir.path()).unwrap_err();
        let found: Vec<Code> = report
            .diagnostics()
            .iter()
            .map(|found| found.code)
            .collect();
        assert_eq!(found, [Code::FileMisplaced], "{report}");
    }
}
