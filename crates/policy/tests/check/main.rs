//! What `Library::check` finds, and the schemas that editors use.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy does not see that helpers of tests are tests"
)]

/// Compares a report with the one on record. The law grows: lines are compared
/// with where the seeds stand, and their numbers are not kept.
macro_rules! shown {
    ($report:expr) => {
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        settings.add_filter(r"(?m)^ *(-->.*?):\d+:(\d+)$", "$1:[line]:$2");
        settings.add_filter(r"(?m)^ *\d* ([|=])", " $1");
        settings.add_filter(r"\bline \d+", "line [line]");
        settings.bind(|| insta::assert_snapshot!($report));
    };
}

mod encoding;
mod schemas;
mod seeded;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The shipped policy folder.
fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
