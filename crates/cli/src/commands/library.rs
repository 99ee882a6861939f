//! The library of policy files that a command works with.

use std::{collections::BTreeSet, path::Path};

use comity_domain::primary;
use comity_policy::Library;

use crate::exit::Failure;

/// What the folder of a library has at least one of: one that lacks the others is a
/// library with mistakes, and they are told.
const MARKS: [&str; 5] = [
    "vocabulary.yaml",
    "measures.yaml",
    "sources.yaml",
    "instruments",
    "jurisdictions",
];

/// Languages in which there are sentences of our own; modules may have more.
const SPOKEN: [&str; 3] = ["de", "en", "fr"];

/// Whether a folder is one of policy files.
pub(super) fn is_one(folder: &Path) -> bool {
    MARKS.iter().any(|mark| folder.join(mark).exists())
}

/// Refuses a folder that is none of policy files.
///
/// # Errors
/// Which folder it is, and what to do.
pub(super) fn demand(folder: &Path) -> Result<(), Failure> {
    if is_one(folder) {
        return Ok(());
    }
    let what = match folder.is_dir() {
        true => "there is no policy library in the folder",
        false => "there is no policy folder",
    };
    let shown = folder.display();
    Err(format!(
        "{what} `{shown}`: run this from the root of a clone of the repository, or name the \
         folder of the policy files, in which `vocabulary.yaml` is, with `--policies`"
    )
    .into())
}

/// Refuses a language that nothing is written in.
///
/// # Errors
/// Which languages there are.
pub(super) fn demand_language(library: &Library, language: &str) -> Result<(), Failure> {
    let titles = library.modules().flat_map(|module| module.title.0.keys());
    let known: BTreeSet<&str> = titles.map(|known| &**known).chain(SPOKEN).collect();
    // Of `de-AT` the language is what counts.
    if known.contains(&*primary(language)) {
        return Ok(());
    }
    let known: Vec<_> = known.into_iter().collect();
    let known = known.join(", ");
    Err(
        format!("nothing is written in the language `{language}`: --language is one of {known}")
            .into(),
    )
}

/// Loads a library.
///
/// # Errors
/// As [`demand`] has it, or every mistake in the policy files.
pub(super) fn load(folder: &Path) -> Result<Library, Failure> {
    demand(folder)?;
    let loaded = Library::load(folder);
    let shown = folder.display();
    loaded.map_err(|report| format!("the policy files in `{shown}` have mistakes\n{report}").into())
}
