//! The list of a bundle's files, as `sha256sum --check` reads it.

use std::{collections::BTreeMap, fmt::Write as _};

use comity_domain::Digest;
use sha2::{Digest as _, Sha256};

use super::Files;

/// Path of the list, which does not list itself.
pub(super) const PATH: &str = "SHA256SUMS";

/// Writes the list.
pub(super) fn write(files: &Files) -> Vec<u8> {
    let mut text = String::new();
    for (path, bytes) in files.iter().filter(|(path, _)| *path != PATH) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {path}", of(bytes));
    }
    text.into_bytes()
}

/// The first file that is not as the list says, and how; `None` if all are.
pub(super) fn mismatch(files: &Files) -> Option<(String, &'static str)> {
    let Some(listed) = files.get(PATH).map(|list| read(list)) else {
        return Some((PATH.to_owned(), "is missing"));
    };
    let Some(mut listed) = listed else {
        return Some((PATH.to_owned(), "is not a list of SHA-256 sums"));
    };
    for (path, bytes) in files.iter().filter(|(path, _)| *path != PATH) {
        match listed.remove(path) {
            Some(sum) if sum == of(bytes) => {}
            Some(_) => return Some((path.clone(), "does not have the SHA-256 listed")),
            None => return Some((path.clone(), "is not listed")),
        }
    }
    if let Some(path) = listed.into_keys().next() {
        return Some((path, "is listed and missing"));
    }
    // A list has one form: anything else hides changed bytes.
    let same = files.get(PATH) == Some(&write(files));
    (!same).then(|| (PATH.to_owned(), "is not in order of paths"))
}

fn of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

fn read(list: &[u8]) -> Option<BTreeMap<String, Digest>> {
    let text = std::str::from_utf8(list).ok()?;
    let mut sums = BTreeMap::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        let (sum, path) = line.split_once("  ")?;
        let again = sums.insert(path.to_owned(), sum.parse().ok()?);
        if again.is_some() {
            return None;
        }
    }
    Some(sums)
}
