//! Files and folders whose names are nearly right, which nothing would read.

use std::{fs, path::Path};

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
fn what_is_there_already_is_not_to_be_overwritten() {
    let is_here = |name: &str| {
        format!("`{name}` is here already: remove this one, or move it out of the policy folder")
    };
    let told = |dir: &Path| {
        let report = load(dir).unwrap_err();
        let found = report.diagnostics().iter();
        let found = found.map(|found| (found.path.to_string(), found.remedy.clone().unwrap()));
        found.collect::<Vec<_>>()
    };
    let dir = write(&[]);
    put(dir.path(), "instruments/eio/module.yml", "module: none\n");
    put(dir.path(), "instruments/eio/zzz.md", "");
    let second = (
        "instruments/eio/module.yml".to_owned(),
        is_here("module.yaml"),
    );
    assert_eq!(told(dir.path()), std::slice::from_ref(&second));
    let module = dir.path().join("instruments/eio/module.yaml");
    fs::rename(module, dir.path().join("instruments/eio/MODULE.yaml")).unwrap();
    let first = "instruments/eio/MODULE.yaml".to_owned();
    let second = (second.0, is_here("MODULE.yaml"));
    let renamed = (first, "rename to `module.yaml`".to_owned());
    assert_eq!(told(dir.path()), [renamed, second]);
}

#[test]
fn deep_folders_without_policy_files_are_let_be() {
    let dir = write(&[]);
    put(dir.path(), "docs/img/2024/05/x/y/map.png", "");
    fs::create_dir_all(dir.path().join("docs/img/2024/06/x")).unwrap();
    put(dir.path(), "docs/img/2024/06/.git/config.json", "");
    load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    put(dir.path(), "docs/img/2024/05/x/y/law.yaml", "");
    let report = load(dir.path()).unwrap_err();
    let found = report.diagnostics().iter().map(|found| &*found.path);
    assert_eq!(found.collect::<Vec<_>>(), ["docs/img/2024/05/x"]);
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
