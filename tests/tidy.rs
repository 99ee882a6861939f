//! House rules that a compiler does not know.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest source file, in lines.
const FILE_LINES_MAX: usize = 600;

#[test]
fn every_source_file_says_its_purpose_and_fits_a_sitting() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.display();
        assert!(
            text.starts_with("//!"),
            "{shown}: begin with `//!` and the file's purpose"
        );
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{shown}: {lines} lines; split it");
        for (number, line) in text.lines().enumerate() {
            let at = format!("{shown}:{}", number + 1);
            assert!(!line.ends_with([' ', '\t']), "{at}: trailing white space");
            assert!(
                !line.contains(concat!("#[ig", "nore")),
                "{at}: a test that is skipped tests nothing"
            );
            // Split so that this line is not its own finding.
            assert!(
                !line.contains(concat!("FIX", "ME")),
                "{at}: finish it instead"
            );
        }
    }
}

#[test]
fn deliveries_are_enqueued_in_one_place() {
    // A delivery job is made where a permit is used up, and nowhere else.
    let homes: Vec<_> = sources()
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "gateway"))
        .filter(|path| fs::read_to_string(path).unwrap().contains("NewJob {"))
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(homes, ["record.rs"]);
}

fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for part in ["crates", "proto", "tests"] {
        walk(&root.join(part), &mut found);
    }
    found.push(root.join("build.rs"));
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
