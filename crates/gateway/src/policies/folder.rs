//! The policy folder as it stands at a moment: what is in it, and a copy of it.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::signatures;

/// What the names of policy files end in; anything else may lie beside them.
const SUFFIXES: [&str; 3] = [".yaml", ".yml", ".json"];
/// Folders below the policy folder, at most: as many as the library reads.
const MAX_DEPTH: usize = 2;
/// Most files of a bundle, and most bytes of all of them: far more than any
/// library, and less than a disk.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: u64 = 64 << 20;

/// Which policy files a folder holds, and what tells one version of each from the
/// next without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<PathBuf, Stamp>);

/// Size and times of a file. What `cp` and `mv` put in its place may be as old as
/// it was; the time of the change of status tells them apart. An edit that leaves
/// no trace even there, on a disk with coarse times, is found the next day or when
/// the gateway is told to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A folder that cannot be read as a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// A file or folder that cannot be read.
    #[error("`{}` cannot be read: {why}", path.display())]
    Path {
        /// The file or folder, relative to the policy folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// More than a bundle can hold.
    #[error(
        "the folder holds more than {MAX_FILES} policy files or {MAX_BYTES} bytes of them: \
         name the folder of the policy files alone"
    )]
    TooLarge,
}

impl Listing {
    /// Looks at every policy file below a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Unreadable> {
        let mut listing = Self(BTreeMap::new());
        listing.read_dir(folder, Path::new(""), 0)?;
        let bytes: u64 = listing.0.values().map(|stamp| stamp.bytes).sum();
        if listing.0.len() > MAX_FILES || bytes > MAX_BYTES {
            return Err(Unreadable::TooLarge);
        }
        Ok(listing)
    }

    /// Copies the files to an empty folder.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), Unreadable> {
        for path in self.0.keys() {
            let copy = || {
                let to = to.join(path);
                fs::create_dir_all(to.parent().unwrap_or(&to))?;
                // By bytes, so that no permissions come along.
                fs::write(to, fs::read(from.join(path))?)
            };
            copy().map_err(|error| unreadable(path, &error))?;
        }
        Ok(())
    }

    fn read_dir(&mut self, root: &Path, below: &Path, depth: usize) -> Result<(), Unreadable> {
        let entries = fs::read_dir(root.join(below)).map_err(|error| unreadable(below, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(below, &error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let path = below.join(name);
            // Links are followed: mounted volumes consist of them.
            let is_folder = entry.path().is_dir();
            if is_folder && depth < MAX_DEPTH {
                self.read_dir(root, &path, depth + 1)?;
            } else if !is_folder && is_policy_file(&path, name) {
                let metadata = fs::metadata(entry.path());
                let metadata = metadata.map_err(|error| unreadable(&path, &error))?;
                self.0.insert(path, Stamp::of(&metadata));
                if self.0.len() > MAX_FILES {
                    return Err(Unreadable::TooLarge);
                }
            }
        }
        Ok(())
    }
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Paths of what lies in a copy and [`Listing::copy`] did not put there.
pub(super) fn not_copied(copy: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(copy.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            // A copy has no links.
            let kind = entry.file_type()?;
            let is_ours = !name.starts_with('.');
            if is_ours && kind.is_dir() && path.components().count() <= MAX_DEPTH {
                folders.push(path);
            } else if !(is_ours && kind.is_file() && is_policy_file(&path, &name)) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn is_policy_file(path: &Path, name: &str) -> bool {
    path == Path::new(signatures::FILE) || SUFFIXES.iter().any(|end| name.ends_with(end))
}

fn unreadable(path: &Path, error: &impl fmt::Display) -> Unreadable {
    let here = path.as_os_str().is_empty();
    Unreadable::Path {
        path: if here { Path::new(".") } else { path }.to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tempfile::TempDir;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn policy_files_are_copied_and_nothing_else() {
        let folder = folder(&[
            ("vocabulary.yaml", "a"),
            ("bundle.sig", "b"),
            ("instruments/eio/module.yaml", "c"),
            ("instruments/eio/form.schema.json", "d"),
            ("instruments/eio/deeper/too-deep.yaml", "e"),
            ("instruments/bundle.sig", "f"),
            ("README.md", "g"),
            (".git/config.yaml", "h"),
            (".vocabulary.yaml.swp", "i"),
        ]);
        let to = TempDir::new().unwrap();
        let listing = Listing::read(folder.path()).unwrap();
        listing.copy(folder.path(), to.path()).unwrap();
        let copy = Listing::read(to.path()).unwrap();
        let paths: Vec<_> = copy.0.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "bundle.sig",
                "instruments/eio/form.schema.json",
                "instruments/eio/module.yaml",
                "vocabulary.yaml"
            ]
        );
    }

    #[test]
    fn an_edit_of_the_same_size_and_age_shows() {
        let folder = folder(&[("a.yaml", "1"), ("b.yaml", "2")]);
        let path = folder.path().join("b.yaml");
        let before = Listing::read(folder.path()).unwrap();
        assert_eq!(Listing::read(folder.path()).unwrap(), before);
        let age = fs::metadata(&path).unwrap().modified().unwrap();
        let new = folder.path().join("new");
        fs::write(&new, "3").unwrap();
        File::options()
            .write(true)
            .open(&new)
            .and_then(|file| file.set_modified(age))
            .unwrap();
        fs::rename(new, path).unwrap();
        assert_ne!(Listing::read(folder.path()).unwrap(), before);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_no_missing_file() {
        let folder = folder(&[("a.yaml", "1")]);
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
        let error = Listing::read(folder.path()).unwrap_err();
        assert!(
            error.to_string().starts_with("`b.yaml` cannot be read"),
            "{error}"
        );
        let gone = Listing::read(&folder.path().join("gone")).unwrap_err();
        assert!(gone.to_string().starts_with("`.` cannot be read"), "{gone}");
    }
}
