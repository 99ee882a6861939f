//! The policy folder as bytes: which files there are, and their digests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use comity_domain::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    diagnostic::{Code, Diagnostic, Source},
    encoding,
};

/// Largest file read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Folders below the policy folder that are looked into; those of the library
/// are two deep, and what lies deeper is misplaced.
const MAX_DEPTH: usize = 4;
/// Folders of modules.
const MODULES: [&str; 2] = ["instruments", "jurisdictions"];

/// Every policy file by its path.
pub(super) struct Folder(BTreeMap<Arc<str>, File>);

/// A file and what it is by its place.
pub(crate) struct File {
    pub(crate) source: Source,
    pub(crate) kind: Kind,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Vocabulary,
    Measures,
    Sources,
    Calendar,
    Instrument,
    Form,
    Jurisdiction,
    Authorities,
    Offences,
    Tests,
    Exercise,
    /// What a trainee begins a request with.
    Start,
    Schema,
}

impl Kind {
    pub(super) fn of(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').collect();
        match steps.as_slice() {
            ["vocabulary.yaml"] => Some(Self::Vocabulary),
            ["measures.yaml"] => Some(Self::Measures),
            ["sources.yaml"] => Some(Self::Sources),
            ["calendars", name] if name.ends_with(".yaml") => Some(Self::Calendar),
            ["schema", name] if name.ends_with(".schema.json") => Some(Self::Schema),
            ["instruments", _, "module.yaml"] => Some(Self::Instrument),
            ["instruments", _, name] | ["forms", name] if name.ends_with(".schema.json") => {
                Some(Self::Form)
            }
            ["jurisdictions", _, "module.yaml"] => Some(Self::Jurisdiction),
            ["jurisdictions", _, "authorities.yaml"] => Some(Self::Authorities),
            ["jurisdictions", _, "offences.yaml"] => Some(Self::Offences),
            ["instruments" | "jurisdictions", _, "tests.yaml"] => Some(Self::Tests),
            ["exercises", _, "exercise.yaml"] => Some(Self::Exercise),
            ["exercises", _, name] if name.ends_with(".json") => Some(Self::Start),
            _ => None,
        }
    }

    /// Whether decisions depend on it.
    pub(super) fn decides(self) -> bool {
        !matches!(
            self,
            Self::Tests | Self::Exercise | Self::Start | Self::Schema
        )
    }
}

impl Folder {
    /// Reads every policy file below a folder.
    pub(super) fn read(dir: &Path, found: &mut Vec<Diagnostic>) -> Self {
        let mut walk = Walk {
            files: BTreeMap::new(),
            misnamed: BTreeMap::new(),
            found,
        };
        walk.read_dir(dir, "", 0);
        walk.read_misnamed();
        let folder = Self(walk.files);
        for needed in ["vocabulary.yaml", "measures.yaml", "sources.yaml"] {
            let is_told = found.iter().any(|found| *found.path == *needed);
            if !folder.0.contains_key(needed) && !is_told {
                found.push(
                    Diagnostic::of_file(Code::FileMissing, needed, "the file is missing")
                        .why("every library has it"),
                );
            }
        }
        let missing = folder
            .modules()
            .map(|module| format!("{module}/module.yaml"));
        let missing = missing.filter(|module| !folder.0.contains_key(module.as_str()));
        found.extend(missing.map(|module| {
            Diagnostic::of_file(Code::FileMissing, &module, "the file is missing")
                .why("nothing else in its folder is law without it")
                .remedy("put it back, or move the whole folder out of the policy folder")
        }));
        folder
    }

    /// The folders of modules in which there is a file, each once.
    pub(super) fn modules(&self) -> impl Iterator<Item = &str> {
        let folders: BTreeSet<&str> = self.files().map(File::folder).collect();
        let of_module = |folder: &&str| {
            let kind = folder.split_once('/').map(|(kind, _)| kind);
            kind.is_some_and(|kind| MODULES.contains(&kind))
        };
        folders.into_iter().filter(of_module)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.0.values()
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }

    /// SHA-256 of everything decisions depend on.
    pub(super) fn digest(&self) -> Digest {
        digest(self.files())
    }

    /// SHA-256 of the files of one module that decisions depend on, with what
    /// it shares with others.
    pub(super) fn module_digest(&self, module_folder: &str, shared: &BTreeSet<Arc<str>>) -> Digest {
        let is_part =
            |file: &&File| file.folder() == module_folder || shared.contains(&file.source.path);
        digest(self.files().filter(is_part))
    }
}

/// A walk through the policy folder.
struct Walk<'f> {
    files: BTreeMap<Arc<str>, File>,
    /// Where files of nearly right names lie, and the path that is meant by each.
    misnamed: BTreeMap<String, (PathBuf, String)>,
    found: &'f mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn read_dir(&mut self, dir: &Path, prefix: &str, depth: usize) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                let shown = if prefix.is_empty() { "." } else { prefix };
                self.found.push(unreadable(shown, &error));
                return;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let (file, path) = (entry.path(), format!("{prefix}{name}"));
            if !file.is_dir() {
                self.read_file(&file, path);
            } else if depth < MAX_DEPTH {
                self.read_dir(&file, &format!("{path}/"), depth + 1);
            } else if has_data(&file) {
                let deep = misplaced(&path).why("nothing looks into folders as deep as this");
                self.found
                    .push(deep.remedy("move it out of the policy folder"));
            }
        }
    }

    fn read_file(&mut self, file: &Path, path: String) {
        if let Some(kind) = Kind::of(&path) {
            self.read_as(kind, file, (&path, &path));
        } else if let Some(meant) = misnamed(&path) {
            self.misnamed.insert(path, (file.to_owned(), meant));
        } else if is_data(&path) {
            let found = misplaced(&path).remedy(place_of(&path));
            self.found.push(found);
        }
    }

    /// A misnamed file would be law that nobody applies. What was meant is read, so that
    /// nothing else is taken to be missing.
    fn read_misnamed(&mut self) {
        for (path, (file, meant)) in std::mem::take(&mut self.misnamed) {
            let remedy = match self.files.get(meant.as_str()) {
                Some(File { source, .. }) => format!(
                    "`{}` is here already: remove this one, or move it out of the policy folder",
                    name(&source.path)
                ),
                None => format!("rename to `{}`", name(&meant)),
            };
            let is_taken = self.files.contains_key(meant.as_str());
            self.found.push(misplaced(&path).remedy(remedy));
            if let Some(kind) = Kind::of(&meant).filter(|_| !is_taken) {
                self.read_as(kind, &file, (&path, &meant));
            }
        }
    }

    /// Reads a file as what its path, or the one that is meant by it, says that it is.
    fn read_as(&mut self, kind: Kind, file: &Path, (path, meant): (&str, &str)) {
        match bytes(file) {
            Ok(bytes) => {
                let (source, foreign) = encoding::source(path, bytes);
                self.found.extend(foreign);
                self.files.insert(Arc::from(meant), File { source, kind });
            }
            Err(error) => self.found.push(unreadable(path, &error)),
        }
    }
}

/// Whether a file that is written to be read by a program lies in a folder, or in one
/// below it. Where a link leads nobody looks: it may lead back to here.
fn has_data(dir: &Path) -> bool {
    let entries = match fs::read_dir(dir) {
        Ok(entries) if !dir.is_symlink() => entries,
        Ok(_) | Err(_) => return true,
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        !name.starts_with('.')
            && match path.is_dir() {
                true => has_data(&path),
                false => is_data(&name.to_lowercase()),
            }
    })
}

/// What a path ends in.
fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn misplaced(path: &str) -> Diagnostic {
    Diagnostic::of_file(
        Code::FileMisplaced,
        path,
        "not a file of the policy library",
    )
    .why("nothing reads a file of this name in this place")
}

/// Files of such names are written to be read by a program.
fn is_data(path: &str) -> bool {
    let ends = [".yaml", ".yml", ".json"];
    ends.iter().any(|end| path.ends_with(end))
}

/// The path of a file that is meant by one of nearly its name: with other endings, or
/// with capitals.
fn misnamed(path: &str) -> Option<String> {
    let (folder, name) = match path.rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name),
        None => (String::new(), path),
    };
    let lower = name.to_lowercase();
    let stem = lower.strip_suffix(".txt").unwrap_or(&lower);
    let stem = match stem.strip_suffix(".yml") {
        Some(stem) => format!("{stem}.yaml"),
        None => stem.to_owned(),
    };
    // Calendars are named by codes in capitals.
    let name = match folder.as_str() {
        "calendars/" => stem
            .split_once('.')
            .map(|(code, end)| format!("{}.{end}", code.to_uppercase())),
        _ => Some(stem),
    }?;
    let meant = format!("{folder}{name}");
    // Schemas are told by module.yaml, and data of exercises are no law.
    let is_law = name.ends_with(".yaml") && Kind::of(&meant).is_some();
    (is_law && meant != path).then_some(meant)
}

impl File {
    /// Its text without a byte order mark.
    pub(super) fn unmarked(&self) -> Arc<str> {
        Arc::from(self.source.text.trim_start_matches('\u{feff}'))
    }

    /// The folder it stands in, without the last `/`.
    pub(super) fn folder(&self) -> &str {
        self.source
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder)
    }

    /// The name of the folder it stands in.
    pub(crate) fn folder_name(&self) -> &str {
        name(self.folder())
    }
}

/// What to do with a file that nothing reads.
fn place_of(path: &str) -> String {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        [kind, .., name, "module.yaml"] if MODULES.contains(kind) && steps.len() > 3 => {
            format!("its folder lies too deep: move it to `{kind}/{name}`")
        }
        _ => "rename it, or move it out of the policy folder".to_owned(),
    }
}

fn bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    let found = fs::metadata(file)?;
    // One that is read may wait, or go on, for ever.
    if !found.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    if found.len() > MAX_FILE {
        let message = format!("larger than {MAX_FILE} bytes");
        return Err(std::io::Error::other(message));
    }
    fs::read(file)
}

fn unreadable(path: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::of_file(Code::FileUnreadable, path, "cannot be read").why(error.to_string())
}

fn digest<'a>(files: impl Iterator<Item = &'a File>) -> Digest {
    let deciding = files.filter(|file| file.kind.decides());
    digest_of(deciding.map(|file| (&*file.source.path, &*file.source.text)))
}

/// Names and contents, each with its length before it, in order of paths.
pub(super) fn digest_of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Digest {
    let mut hash = Sha256::new();
    for (path, text) in files {
        for part in [path, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Digest(hash.finalize().into())
}
