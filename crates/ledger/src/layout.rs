//! Where a log's files lie (C2SP tlog-tiles) and how they reach the disk.

#[cfg(not(test))]
use std::fs::{self, File};
use std::{
    collections::{BTreeSet, HashSet},
    io::{self, Write},
    path::{Path, PathBuf},
};

#[cfg(test)]
use crate::tests::disk::{self as fs, File};
use crate::{edge::TILE_WIDTH, regular::read_regular};

/// The latest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// Every checkpoint ever signed, by size.
pub(crate) const HISTORY: &str = "checkpoints";

/// The verifier key, for whoever has no better source of it.
pub(crate) const VERIFIER: &str = "verifier";

/// The second verifier key, where the log has one.
pub(crate) const SECOND_VERIFIER: &str = "verifier-ml-dsa-44";

/// Greatest length of any file of a log, bytes: a bundle of the longest entries.
const MAX_FILE_BYTES: u64 = (TILE_WIDTH as u64) * (2 + u16::MAX as u64);

/// Levels of tiles that a log of any size can have.
pub(crate) const LEVELS: u8 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Entries, each with a 16-bit big-endian length before it.
    Entries,
    /// Hashes of one level.
    Hashes(u8),
}

/// Path of a full tile, relative to the log: `tile/<L>/<N>`, the number in groups
/// of three digits, all but the last marked by `x`.
pub(crate) fn tile_path(kind: Kind, number: u64) -> String {
    let mut groups = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        groups = format!("x{:03}/{groups}", rest % 1000);
        rest /= 1000;
    }
    match kind {
        Kind::Entries => format!("tile/entries/{groups}"),
        Kind::Hashes(level) => format!("tile/{level}/{groups}"),
    }
}

/// Path of a tile of `width`, which is partial below 256.
pub(crate) fn wide_path(kind: Kind, number: u64, width: usize) -> String {
    let path = tile_path(kind, number);
    if width == TILE_WIDTH {
        path
    } else {
        format!("{path}.p/{width}")
    }
}

/// What tile, number and width a path is of; `None` unless it is written as [`wide_path`]
/// writes it: one tile has one path.
pub(crate) fn read_tile_path(path: &str) -> Option<(Kind, u64, usize)> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes(level.parse().ok().filter(|level| *level < LEVELS)?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let groups = number.split('/').map(|group| group.trim_start_matches('x'));
    let digits: String = groups.collect();
    let number = digits.parse().ok()?;
    let written = (1..=TILE_WIDTH).contains(&width) && wide_path(kind, number, width) == path;
    written.then_some((kind, number, width))
}

/// Reads a file of the log.
pub(crate) fn read(dir: &Path, path: &str) -> io::Result<Vec<u8>> {
    read_regular(&dir.join(path), MAX_FILE_BYTES)
}

/// Reads a file of the log that may be absent.
pub(crate) fn read_if_present(dir: &Path, path: &str) -> io::Result<Option<Vec<u8>>> {
    match read(dir, path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a tile of at least `width`, together with the path it was found at.
/// The full tile stands in for a partial one, which may be deleted as soon as it
/// exists.
pub(crate) fn read_tile(
    dir: &Path,
    kind: Kind,
    number: u64,
    width: usize,
) -> io::Result<(String, Vec<u8>)> {
    let path = wide_path(kind, number, width);
    match read(dir, &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && width < TILE_WIDTH => {
            let full = tile_path(kind, number);
            // The error names the file that ought to be there.
            read(dir, &full)
                .map(|bytes| (full, bytes))
                .map_err(|_| error)
        }
        result => result.map(|bytes| (path, bytes)),
    }
}

/// Folders of a log that are known to be entered durably in those above them.
///
/// One that is merely there may have been made by a process that died, or was told of
/// an error, before the one above it was flushed.
#[derive(Debug, Default)]
pub(crate) struct Entered {
    folders: HashSet<PathBuf>,
    /// Folders with files that are not entered in them durably yet.
    due: BTreeSet<PathBuf>,
}

impl Entered {
    /// Folders remembered before all are flushed again: a log grows, memory does not.
    const MAX: usize = 64;

    /// Creates a folder of the log in `dir` and those between, if need be, and enters
    /// each durably.
    fn enter(&mut self, dir: &Path, folder: &Path) -> io::Result<()> {
        let Some(parent) = folder.parent().filter(|_| folder != dir) else {
            return Ok(());
        };
        if self.folders.contains(folder) {
            return Ok(());
        }
        self.enter(dir, parent)?;
        create_dir(folder)?;
        sync_dir(parent)?;
        if self.folders.len() >= Self::MAX {
            self.folders.clear();
        }
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Enters durably whatever was placed since the last time: a folder is flushed once
    /// for all files in it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some(folder) = self.due.first() {
            sync_dir(folder)?;
            self.due.pop_first();
        }
        Ok(())
    }
}

/// Writes a file, by its path in a folder, so that after a crash it is there wholly or
/// not at all, and after this call it is there.
///
/// # Errors
/// When it cannot be written.
pub fn write(dir: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    write_under(&mut Entered::default(), dir, path, bytes)
}

/// As [`write`], by one who writes many files there.
pub(crate) fn write_under(
    entered: &mut Entered,
    dir: &Path,
    path: &str,
    bytes: &[u8],
) -> io::Result<()> {
    place(entered, dir, path, bytes)?;
    entered.flush()
}

/// As [`write`], but that the file is there is durable after [`Entered::flush`] only.
pub(crate) fn place(entered: &mut Entered, dir: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let target = dir.join(path);
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::Error::other("a path without a folder"));
    };
    entered.enter(dir, parent)?;
    let temporary = parent.join(format!(".{}", name.to_string_lossy()));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, &target)?;
    entered.due.insert(parent.to_owned());
    Ok(())
}

/// Removes a tile in every form: the full one, partial ones, and what a publication that
/// broke off left of them. Whether there was any; that it is gone is on the disk once its
/// folder is flushed by [`sync_folder_of`].
pub(crate) fn remove_tile(dir: &Path, kind: Kind, number: u64) -> io::Result<bool> {
    let path = dir.join(tile_path(kind, number));
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(false);
    };
    let name = name.to_string_lossy();
    let mut found = false;
    let partial = parent.join(format!("{name}.p"));
    if fs::exists(&partial)? {
        fs::remove_dir_all(&partial)?;
        found = true;
    }
    // The full one last: while it is there, so may be the others.
    for file in [parent.join(format!(".{name}")), path.clone()] {
        if fs::exists(&file)? {
            fs::remove_file(&file)?;
            found = true;
        }
    }
    Ok(found)
}

/// Makes sure that a file found in its place is there after a crash. What it holds was
/// flushed before it came there; that it is there may not have been.
pub(crate) fn confirm(entered: &mut Entered, dir: &Path, path: &str) -> io::Result<()> {
    let target = dir.join(path);
    let parent = target.parent().unwrap_or(dir);
    entered.enter(dir, parent)?;
    sync_dir(parent)
}

/// Creates the folder of a log and those above it, if need be, and enters each durably.
pub(crate) fn create(dir: &Path) -> io::Result<()> {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => create(parent)?,
        Some(_) => {}
        None => return Ok(()),
    }
    create_dir(dir)?;
    match sync_folder_of(dir) {
        // Not a folder that we could have made another one in.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(())
        }
        flushed => flushed,
    }
}

fn create_dir(dir: &Path) -> io::Result<()> {
    if fs::exists(dir)? {
        return Ok(());
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Makes sure that a file or folder is found by its name after a crash.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    sync_dir(folder_of(path))
}

/// The folder that a file or folder lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    path.parent().filter(named).unwrap_or(Path::new("."))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Appends an entry to a bundle.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, length: u16, entry: &[u8]) {
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle with the offset of each.
///
/// # Errors
/// The offset of the entry that is cut short.
pub(crate) fn split_bundle(bundle: &[u8]) -> Result<Vec<(usize, &[u8])>, usize> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let offset = bundle.len() - rest.len();
        let (length, after) = rest.split_first_chunk().ok_or(offset)?;
        let (entry, after) = after
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(offset)?;
        entries.push((offset, entry));
        rest = after;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(
            wide_path(Kind::Hashes(4), 1_234_067, 1),
            "tile/4/x001/x234/067.p/1"
        );
        assert_eq!(wide_path(Kind::Entries, 0, 256), "tile/entries/000");
        assert_eq!(tile_path(Kind::Hashes(0), 1000), "tile/0/x001/000");
    }

    #[test]
    fn a_bundle_cut_short_is_located() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, 2, b"ab");
        push_entry(&mut bundle, 3, b"cde");
        assert_eq!(
            split_bundle(&bundle),
            Ok(vec![(0, &b"ab"[..]), (4, &b"cde"[..])])
        );
        assert_eq!(split_bundle(&bundle[..8]), Err(4));
        assert_eq!(split_bundle(&bundle[..5]), Err(4));
    }
}
