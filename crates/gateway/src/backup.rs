//! A copy of a data folder, which a gateway may be at work on, without its keys: for
//! `comity audit backup`.
//!
//! The store is copied first, as of one moment, and then what its entries name: items of
//! evidence and policy bundles, which were there before the entries. What was erased since
//! that moment cannot be had any more, and is on record as stored in the copy: then the store
//! is copied again, and of evidence only what is new.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use comity_evidence::{Place, Stock, Unsound, clear_aside, set_aside};
use comity_store::{CopyError, Items, ReadError};
use thiserror::Error;

use crate::{
    check,
    intact::{id, within},
    policies::BUNDLES,
    witness,
};

/// How often it is tried, where something is pruned or erased meanwhile.
const TRIES: u32 = 5;

/// What a copy of a data folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// Files.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// A key of a data folder, which no copy of that has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyApart {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is needed for once the copy is put in place.
    pub needed_for: &'static str,
}

/// Why a data folder was not copied.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The store.
    #[error(transparent)]
    Store(#[from] CopyError),
    /// What the copy of the store says of evidence cannot be read.
    #[error("cannot read which evidence is on record")]
    Read(#[from] ReadError),
    /// An item of evidence.
    #[error("`{file}` (entry {entry}): {what}")]
    Evidence {
        /// The file or folder, relative to the data folder where it lies in it.
        file: String,
        /// The entry that says that the item is stored.
        entry: u64,
        /// What is wrong.
        what: String,
    },
    /// A file.
    #[error("cannot copy `{}`", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something was erased or pruned at each try.
    #[error(
        "evidence was erased at each of {TRIES} tries: try again when nobody erases, or leave \
         evidence out with --skip-evidence"
    )]
    Restless,
}

/// Copies the data folder `data`, which a gateway may be at work on, into the empty folder
/// `to`, but for its keys. Segments of evidence lie in `place`, and are left out where it is
/// `None` or no folder. `watch` is told how many bytes of evidence were copied of how many.
/// All of it is for its owner alone, and on the disk when this returns.
///
/// # Errors
/// [`BackupError`]; what is in `to` by then is of no use.
pub fn backup(
    (data, place): (&Path, Option<&Place>),
    to: &Path,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Backup, BackupError> {
    let mut left = TRIES;
    let mut before = None;
    loop {
        left -= 1;
        match comity_store::copy(data, to) {
            Ok(()) if copy_evidence((data, place), to, watch)? => break,
            Ok(()) if left == 0 => return Err(BackupError::Restless),
            Ok(()) => {}
            Err(error) => {
                // What was pruned meanwhile is not what is missing at the next try.
                let told = Some(error.to_string());
                if left == 0 || !error.passes() || told == before {
                    return Err(error.into());
                }
                before = told;
            }
        }
        take_back(to).map_err(file(to))?;
    }
    clear_aside(to).map_err(file(to))?;
    for folder in [BUNDLES, witness::MEMORY] {
        copy_folder(&data.join(folder), &to.join(folder))?;
    }
    let mut made = Backup { files: 0, bytes: 0 };
    settle(to, &mut made).map_err(file(to))?;
    Ok(made)
}

/// The keys in a data folder, each of which its copy lacks.
#[must_use]
pub fn keys_apart(data: &Path) -> Vec<KeyApart> {
    let keys = check::KEYS.map(|(name, needed_for)| KeyApart {
        path: data.join(name),
        needed_for,
    });
    let is_there = |key: &KeyApart| key.path.exists();
    keys.into_iter().filter(is_there).collect()
}

/// Copies the items that are on record in the copy of the store; whether none was erased
/// meanwhile.
fn copy_evidence(
    (data, place): (&Path, Option<&Place>),
    to: &Path,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<bool, BackupError> {
    let folder = match place {
        Some(Place::Folder(folder)) => Some(folder.as_path()),
        Some(Place::Url(_)) | None => None,
    };
    let stock = Stock::sealed(data, folder.unwrap_or(data));
    let mut total = 0;
    for item in Items::open(to)? {
        total += item?.evidence.size;
    }
    let mut now = Items::open(data)?;
    let (mut before, mut whole) = (0, true);
    for item in Items::open(to)? {
        let item = item?;
        let mut copy = || {
            let mut done = before;
            stock.copy(&id(&item), (to, folder.is_some()), &mut |length| {
                done += length;
                watch(done, total);
            })
        };
        if copy().is_err() {
            // It may have been moved or erased at this very moment.
            let stands = now.stands(&item)?;
            // Nobody looks for an item whose evidence is left out.
            whole &= stands || place.is_none();
            if stands && let Err(Unsound { path, what, .. }) = copy() {
                return Err(BackupError::Evidence {
                    file: within(data, &path),
                    entry: item.entry,
                    what,
                });
            }
        }
        before += item.evidence.size;
    }
    Ok(whole)
}

/// Takes back a try, but for the segments of evidence, which another one need not copy again.
fn take_back(to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        match path.is_dir() {
            true if path.ends_with("evidence") => set_aside(to)?,
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    Ok(())
}

/// Copies a folder, if it is there; but for what is being written in it, whose name begins
/// with a dot.
fn copy_folder(from: &Path, to: &Path) -> Result<(), BackupError> {
    let listing = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listing => listing.map_err(file(from))?,
    };
    fs::create_dir_all(to).map_err(file(to))?;
    for entry in listing {
        let entry = entry.map_err(file(from))?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        match path.is_dir() {
            true => copy_folder(&path, &to.join(name))?,
            // What is none is strange to the folder, and reading it may never end.
            false if path.is_file() => drop(fs::copy(&path, to.join(name)).map_err(file(&path))?),
            false => {}
        }
    }
    Ok(())
}

/// Has all in a folder be for its owner alone, and on the disk, and counts it.
fn settle(folder: &Path, made: &mut Backup) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            settle(&path, made)?;
            continue;
        }
        let file = File::open(&path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.sync_all()?;
        made.files += 1;
        made.bytes += file.metadata()?.len();
    }
    let folder = File::open(folder)?;
    folder.set_permissions(Permissions::from_mode(0o700))?;
    folder.sync_all()
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}
