//! Bundles as folders and as zip files.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Component, Path, PathBuf},
};

use comity_gateway::offline::{Files, MARKS};
use comity_ledger::Flaw;
use thiserror::Error;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::zipped;
use crate::exit::Failure;

/// Most files read of a bundle, and most bytes of all of them: more than any case
/// has, and less than a machine.
const FILES_MAX: usize = 100_000;
pub(super) const BYTES_MAX: u64 = 1 << 30;

/// Why there is no bundle to check.
#[derive(Debug, Error)]
pub(super) enum Unread {
    /// It cannot be read, or is none.
    #[error("{0}")]
    Failed(Failure),
    /// It is not as it was made.
    #[error(transparent)]
    Flawed(#[from] Flaw),
}

impl From<String> for Unread {
    fn from(why: String) -> Self {
        Self::Failed(why.into())
    }
}

/// Says that a bundle has no report on paper, and why.
pub(super) fn without_pdf(why: &str) -> String {
    format!("WITHOUT report.pdf: {why}; report.html says the same")
}

/// Writes a bundle into a new zip file, where the path says so, else into a new
/// folder. What is written is for its owner alone: it holds personal data.
pub(super) fn write(out: &Path, files: &Files) -> Result<(), Failure> {
    if is_zip(out) {
        write_zip(out, files)
    } else {
        write_folder(out, files)
    }
}

/// Whether a path names a zip file.
fn is_zip(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

fn write_zip(out: &Path, files: &Files) -> Result<(), Failure> {
    if files.len() > zipped::FILES_MAX {
        return Err("the case has more files than fit into a zip file: name a folder".into());
    }
    let mut zip = ZipWriter::new(create(out)?);
    // Neither owner nor time: the same bundle makes the same file.
    let options = SimpleFileOptions::default();
    for (path, bytes) in files {
        zip.start_file(path.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.sync_all()?;
    Ok(())
}

fn write_folder(out: &Path, files: &Files) -> Result<(), Failure> {
    make_folder(out, false)?;
    for (path, bytes) in files {
        let target = out.join(inside(path)?);
        if let Some(parent) = target.parent() {
            make_folder(parent, true)?;
        }
        create(&target)?.write_all(bytes)?;
    }
    Ok(())
}

fn make_folder(path: &Path, or_there: bool) -> Result<(), Failure> {
    let made = fs::DirBuilder::new()
        .mode(0o700)
        .recursive(or_there)
        .create(path);
    made.map_err(|error| format!("cannot make `{}`: {error}", path.display()).into())
}

/// Makes a new file, for its owner alone.
pub(super) fn create(path: &Path) -> Result<File, Failure> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    created.map_err(|error| format!("cannot make `{}`: {error}", path.display()).into())
}

/// A path of a bundle that leads nowhere outside it.
fn inside(path: &str) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(path);
    let plain = |part| matches!(part, Component::Normal(_));
    if path.components().all(plain) {
        Ok(path)
    } else {
        Err("a path of the bundle leads out of it".into())
    }
}

/// Reads a bundle, from a folder or a zip file.
pub(super) fn read(path: &Path) -> Result<Files, Failure> {
    match path.is_dir() {
        true => Ok(read_folder(path)?),
        false => Ok(zipped::read(path)?),
    }
}

/// Whether a folder is a bundle, whatever it lacks.
pub(super) fn is_folder(path: &Path) -> bool {
    let lies = |name: &str| fs::symlink_metadata(path.join(name)).is_ok();
    path.is_dir() && !lies("comity.db") && MARKS.into_iter().any(lies)
}

/// Reads a bundle from a folder. What is in it and no file of a bundle is a flaw: a link, which
/// leads out of it, or a folder with nothing in it.
pub(super) fn read_folder(path: &Path) -> Result<Files, Unread> {
    let mut files = Files::new();
    let mut left = BYTES_MAX;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let at = path.join(&folder);
        let unreadable = |error| format!("cannot read `{}`: {error}", at.display());
        let mut empty = true;
        for entry in fs::read_dir(&at).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let place = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(unreadable)?;
            empty = false;
            if kind.is_dir() {
                folders.push(place);
                continue;
            }
            if !kind.is_file() {
                return Err(foreign(&place, "is no file, but a link or the like"));
            }
            // What is left is the most that may come.
            let bytes = comity_ledger::read_regular(&entry.path(), left)
                .map_err(|error| format!("cannot read `{}`: {error}", entry.path().display()))?;
            left -= bytes.len() as u64;
            files.insert(place.to_string_lossy().into_owned(), bytes);
            if files.len() > FILES_MAX {
                let at = at.display();
                return Err(format!("`{at}` holds more files than any bundle").into());
            }
        }
        if empty {
            return Err(foreign(&folder, "is a folder with nothing in it"));
        }
    }
    Ok(files)
}

fn foreign(place: &Path, what: &str) -> Unread {
    let meaning = "the bundle was changed after it was made";
    Flaw::of(&place.display().to_string(), what, meaning).into()
}
