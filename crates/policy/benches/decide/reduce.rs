//! A library with the modules that one request involves, and no others.

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use comity_policy::Library;

/// What every library has.
const COMMON: [&str; 6] = [
    "schema",
    "forms",
    "calendars",
    "vocabulary.yaml",
    "measures.yaml",
    "sources.yaml",
];
/// What a module's scenarios stand in: they name modules that are left out.
const SCENARIOS: &str = "tests.yaml";

/// Loads a copy of a policy folder with these modules and those they name.
///
/// # Errors
/// When the copy cannot be made, or is not whole.
pub(crate) fn involved(
    dir: &Path,
    jurisdictions: &[&str],
    instruments: &[&str],
) -> Result<Library, Box<dyn Error>> {
    let copy = tempfile::tempdir()?;
    // Shared forms are there only where instruments share some.
    for name in COMMON.into_iter().filter(|name| dir.join(name).exists()) {
        put(&dir.join(name), &copy.path().join(name))?;
    }
    let module = |kind: &str, name: &str| {
        let folder = Path::new(kind).join(name);
        let text = fs::read_to_string(dir.join(&folder).join("module.yaml"))?;
        put(&dir.join(&folder), &copy.path().join(&folder))?;
        Ok::<_, Box<dyn Error>>(text)
    };
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(dir.join("instruments"))? {
        all.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let mut texts = Vec::new();
    for name in jurisdictions {
        texts.push(module("jurisdictions", name)?);
    }
    let mut wanted: Vec<String> = instruments.iter().map(|name| (*name).to_owned()).collect();
    let mut kept = BTreeSet::new();
    loop {
        let named = all
            .iter()
            .filter(|id| texts.iter().any(|text| names(text, id)));
        wanted.extend(named.cloned());
        wanted.retain(|id| !kept.contains(id));
        let Some(id) = wanted.pop() else { break };
        texts.push(module("instruments", &id)?);
        kept.insert(id);
    }
    Ok(Library::load(copy.path())?)
}

/// A module names an instrument, or a rule of it.
fn names(text: &str, id: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-');
    let mut words = words.map(|word| word.strip_prefix(id));
    words.any(|rest| rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

fn put(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            put(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if from.file_name().is_none_or(|name| name != SCENARIOS) {
        fs::copy(from, to)?;
    }
    Ok(())
}
