//! Verification of a whole log from its files alone.

#[cfg(not(test))]
use std::fs;
use std::{fmt, io, path::Path};

use tlog_tiles::HASH_SIZE;

#[cfg(test)]
use crate::tests::disk as fs;
use crate::{
    Checkpoint, CheckpointError, Hash, KeyError, Pruned, VerifierKey,
    edge::{Edge, TILE_HEIGHT, TILE_WIDTH},
    layout::{self, CHECKPOINT, HISTORY, Kind, VERIFIER},
    proof::is_authentic,
};

/// What verification found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries under the latest checkpoint.
    pub size: u64,
    /// Their Merkle tree hash.
    pub root: Hash,
    /// Kept checkpoints, each signed and a prefix of the latest.
    pub checkpoints: u64,
    /// How far the log says that it is pruned: of entries below only the hashes need be
    /// there.
    pub pruned: Option<Pruned>,
}

/// The first thing found wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The file, relative to the folder verified.
    pub file: String,
    /// Index of the entry, where one is concerned.
    pub entry: Option<u64>,
    /// Offset in the file, bytes, where known.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What that means to whoever relies on the log.
    pub meaning: &'static str,
}

pub(crate) const CHANGED: &str = "the published log was changed after it was signed";
pub(crate) const INCOMPLETE: &str = "part of the published log is missing or cannot be read";
const FORGED: &str = "the log's key did not sign this; it proves nothing";
const REWRITTEN: &str = "history was rewritten: the log no longer extends what was signed before";

impl Flaw {
    /// A flaw of a file as a whole.
    #[must_use]
    pub fn of(file: &str, what: impl Into<String>, meaning: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            entry: None,
            offset: None,
            what: what.into(),
            meaning,
        }
    }

    /// The same flaw, at an entry.
    #[must_use]
    pub fn entry(mut self, index: u64) -> Self {
        self.entry = Some(index);
        self
    }

    /// The same flaw, at an offset in bytes.
    #[must_use]
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset as u64);
        self
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file)?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        if let Some(entry) = self.entry {
            write!(f, " (entry {entry})")?;
        }
        write!(f, ": {}; {}", self.what, self.meaning)
    }
}

impl std::error::Error for Flaw {}

/// Verifies the log in `dir`: every entry hashes into the tiles, every tile into
/// the root that `key` signed, and every kept checkpoint is a prefix of it. Entries may be
/// missing below what an entry says is pruned; then their hashes lead to the root.
/// Memory does not grow with the log. A publisher may be at work meanwhile.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn verify(dir: &Path, key: &VerifierKey) -> Result<Verified, Flaw> {
    verify_watched(dir, key, &mut |_, _| {})
}

/// Does what [`verify`] does, and tells `watch` how many entries it has looked at of how
/// many, each time it has read some hundred of them.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn verify_watched(
    dir: &Path,
    key: &VerifierKey,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Verified, Flaw> {
    check_verifier(dir, key)?;
    // Before the checkpoint is read, so that none of them can be beyond it.
    let kept = kept_sizes(dir)?;
    let head = latest(dir, key)?;
    if let Some(beyond) = kept.iter().find(|size| **size > head.size) {
        let what = format!(
            "covers {} entries, but {beyond} were signed before",
            head.size
        );
        return Err(Flaw::of(CHECKPOINT, what, "the log was rolled back"));
    }
    let mut walk = Walk {
        dir,
        key,
        head: &head,
        kept: kept.iter().copied().peekable(),
        edge: Edge::default(),
        pruned: None,
        missing: None,
    };
    walk.check_kept()?;
    let bundles = head.size.div_ceil(TILE_WIDTH as u64);
    for number in 0..bundles {
        walk.bundle(number)?;
        watch(walk.edge.size(), head.size);
    }
    Ok(Verified {
        size: head.size,
        root: head.root,
        checkpoints: kept.len() as u64,
        pruned: walk.finish()?,
    })
}

/// The latest checkpoint of the log in `dir`, signed by `key`.
///
/// # Errors
/// A [`Flaw`] if it is missing or not to be believed.
pub fn latest(dir: &Path, key: &VerifierKey) -> Result<Checkpoint, Flaw> {
    open_checkpoint(dir, CHECKPOINT, key)
}

/// The verifier key kept beside the log. Whoever could change the log could
/// change it too: trust it only as far as that.
///
/// # Errors
/// A [`Flaw`] if it is missing or no key.
pub fn verifier_beside(dir: &Path) -> Result<VerifierKey, Flaw> {
    let text = layout::read(dir, VERIFIER).map_err(|error| unreadable(VERIFIER, &error))?;
    String::from_utf8_lossy(&text)
        .parse()
        .map_err(|error: KeyError| Flaw::of(VERIFIER, error.to_string(), CHANGED))
}

/// One pass over the log, from the first entry to the last.
struct Walk<'a, I: Iterator<Item = u64>> {
    dir: &'a Path,
    key: &'a VerifierKey,
    head: &'a Checkpoint,
    kept: std::iter::Peekable<I>,
    edge: Edge,
    /// The most that an entry seen so far prunes.
    pruned: Option<Pruned>,
    /// The first and the last bundle that is not there: where each ends, and what that is
    /// unless it was pruned.
    missing: Option<[(u64, Flaw); 2]>,
}

impl<I: Iterator<Item = u64>> Walk<'_, I> {
    /// Hashes one bundle's entries onto the edge.
    fn bundle(&mut self, number: u64) -> Result<(), Flaw> {
        let first = number << TILE_HEIGHT;
        let width = usize::try_from(self.head.size - first)
            .unwrap_or(TILE_WIDTH)
            .min(TILE_WIDTH);
        let (path, bytes) = match layout::read_tile(self.dir, Kind::Entries, number, width) {
            Ok(found) => found,
            Err(error) => {
                let flaw = unreadable(&layout::wide_path(Kind::Entries, number, width), &error);
                let gone = error.kind() == io::ErrorKind::NotFound && width == TILE_WIDTH;
                return if gone {
                    self.hashes(number, flaw)
                } else {
                    Err(flaw)
                };
            }
        };
        let entries = layout::split_bundle(&bytes).map_err(|offset| {
            Flaw::of(
                &path,
                "an entry is cut short or its length changed",
                CHANGED,
            )
            .offset(offset)
        })?;
        if entries.len() < width || (entries.len() > width && !is_full(&path)) {
            let what = format!("holds {} entries instead of {width}", entries.len());
            return Err(Flaw::of(&path, what, CHANGED));
        }
        let (hash_path, hashes) = read_tile(self.dir, Kind::Hashes(0), number, width)?;
        let (hashes, _) = hashes.as_chunks::<HASH_SIZE>();
        for (index, ((offset, entry), hash)) in
            (first..).zip(entries.iter().zip(hashes).take(width))
        {
            if Hash::of_leaf(entry).0 != *hash {
                return Err(self.culprit(index, (&path, *offset), &hash_path));
            }
            let dir = self.dir;
            self.edge.push(entry, |(level, number, hashes)| {
                check_hashes(dir, level, number, hashes)
            })?;
            self.check_kept()?;
            // None after it can say less: what was pruned stays so.
            let said = Pruned::said(index, entry);
            self.pruned = self
                .pruned
                .into_iter()
                .chain(said)
                .max_by_key(|said| said.below);
        }
        if hashes.len() < width {
            let what = format!("holds {} hashes instead of {width}", hashes.len());
            return Err(Flaw::of(&hash_path, what, CHANGED));
        }
        check_partials(self.dir, Kind::Entries, number, width, |width| {
            let end = entries
                .get(width)
                .map_or(bytes.len(), |(offset, _)| *offset);
            bytes.get(..end)
        })
    }

    /// Takes up the hashes of a bundle that is not there, which is a flaw unless an entry
    /// that is still to come prunes it.
    fn hashes(&mut self, number: u64, flaw: Flaw) -> Result<(), Flaw> {
        let (path, bytes) = read_tile(self.dir, Kind::Hashes(0), number, TILE_WIDTH)?;
        let (hashes, rest) = bytes.as_chunks::<HASH_SIZE>();
        if hashes.len() != TILE_WIDTH || !rest.is_empty() {
            let what = format!("holds {} hashes instead of {TILE_WIDTH}", hashes.len());
            return Err(Flaw::of(&path, what, CHANGED));
        }
        for hash in hashes {
            let dir = self.dir;
            self.edge
                .push_hash(tlog_tiles::Hash(*hash), |(level, number, hashes)| {
                    check_hashes(dir, level, number, hashes)
                })?;
            self.check_kept()?;
        }
        let last = (self.edge.size(), flaw);
        let first = self
            .missing
            .take()
            .map_or_else(|| last.clone(), |[first, _]| first);
        self.missing = Some([first, last]);
        Ok(())
    }

    /// Which of an entry and its hash was changed: the one that does not lead to
    /// the signed root.
    fn culprit(&self, index: u64, (path, offset): (&str, usize), hash_path: &str) -> Flaw {
        if is_authentic(self.dir, self.head, index) {
            Flaw::of(path, "the entry is not the one that was signed", CHANGED)
                .entry(index)
                .offset(offset)
        } else {
            let place = usize::from(index.to_le_bytes()[0]) * HASH_SIZE;
            Flaw::of(hash_path, "the hash is not that of the entry", CHANGED)
                .entry(index)
                .offset(place)
        }
    }

    /// Compares the root so far with the kept checkpoint of this size, if any.
    fn check_kept(&mut self) -> Result<(), Flaw> {
        let Some(size) = self.kept.next_if_eq(&self.edge.size()) else {
            return Ok(());
        };
        let path = format!("{HISTORY}/{size}");
        let kept = open_checkpoint(self.dir, &path, self.key)?;
        if kept.size != size {
            let what = format!("is a checkpoint of {} entries", kept.size);
            return Err(Flaw::of(&path, what, REWRITTEN));
        }
        if kept.root != self.edge.root().into() {
            let what = format!("the first {size} entries do not hash to its root");
            return Err(Flaw::of(&path, what, REWRITTEN));
        }
        Ok(())
    }

    /// Checks the unfinished tiles and the root, and that nothing is missing but what was
    /// pruned; answers how far that is.
    fn finish(self) -> Result<Option<Pruned>, Flaw> {
        for (level, number, hashes) in self.edge.unfinished() {
            check_hashes(self.dir, level, number, hashes)?;
        }
        if self.head.root != self.edge.root().into() {
            let what = "the entries and tiles do not hash to its root";
            return Err(Flaw::of(CHECKPOINT, what, REWRITTEN));
        }
        let below = self.pruned.map_or(0, |pruned| pruned.below);
        let mut missing = self.missing.into_iter().flatten();
        match missing.find(|(end, _)| *end > below) {
            Some((_, flaw)) => Err(flaw),
            None => Ok(self.pruned),
        }
    }
}

/// Compares a tile of hashes, and partial forms of it, with what the entries
/// hash to.
fn check_hashes(dir: &Path, level: u8, number: u64, expected: &[u8]) -> Result<(), Flaw> {
    let kind = Kind::Hashes(level);
    let width = expected.len() / HASH_SIZE;
    let (path, found) = read_tile(dir, kind, number, width)?;
    if !is_full(&path) || width == TILE_WIDTH {
        same(&path, &found, expected)?;
    } else {
        same(
            &path,
            found.get(..expected.len()).unwrap_or(&found),
            expected,
        )?;
    }
    check_partials(dir, kind, number, width, |width| {
        expected.get(..width * HASH_SIZE)
    })
}

/// Compares the partial forms kept of a tile with the tile.
fn check_partials<'a>(
    dir: &Path,
    kind: Kind,
    number: u64,
    width: usize,
    expected: impl Fn(usize) -> Option<&'a [u8]>,
) -> Result<(), Flaw> {
    let folder = format!("{}.p", layout::tile_path(kind, number));
    for partial in numbers_in(dir, &folder)? {
        let partial = usize::try_from(partial).unwrap_or(usize::MAX);
        // Wider ones were left by a publication that was not signed yet.
        if partial == 0 || partial > width {
            continue;
        }
        let path = format!("{folder}/{partial}");
        match layout::read_if_present(dir, &path) {
            Ok(Some(found)) => same(&path, &found, expected(partial).unwrap_or_default())?,
            // Deleted meanwhile: the full tile has taken its place.
            Ok(None) => {}
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(())
}

fn same(path: &str, found: &[u8], expected: &[u8]) -> Result<(), Flaw> {
    if found == expected {
        return Ok(());
    }
    let offset = found
        .iter()
        .zip(expected)
        .take_while(|(a, b)| a == b)
        .count();
    Err(Flaw::of(path, "does not hold what the entries hash to", CHANGED).offset(offset))
}

fn is_full(path: &str) -> bool {
    !path.contains(".p/")
}

fn read_tile(dir: &Path, kind: Kind, number: u64, width: usize) -> Result<(String, Vec<u8>), Flaw> {
    layout::read_tile(dir, kind, number, width)
        .map_err(|error| unreadable(&layout::wide_path(kind, number, width), &error))
}

pub(crate) fn open_checkpoint(
    dir: &Path,
    path: &str,
    key: &VerifierKey,
) -> Result<Checkpoint, Flaw> {
    let note = layout::read(dir, path).map_err(|error| unreadable(path, &error))?;
    Checkpoint::open(&note, key).map_err(|error| {
        let meaning = match error {
            CheckpointError::Malformed | CheckpointError::Size(_) => CHANGED,
            CheckpointError::Signature(_) | CheckpointError::Origin(_) => FORGED,
        };
        Flaw::of(path, error.to_string(), meaning)
    })
}

/// The verifier key beside the log must be the one we trust, where it is there.
fn check_verifier(dir: &Path, key: &VerifierKey) -> Result<(), Flaw> {
    match layout::read_if_present(dir, VERIFIER) {
        Ok(Some(text)) if text != format!("{key}\n").as_bytes() => {
            Err(Flaw::of(VERIFIER, format!("is not `{key}`"), FORGED))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable(VERIFIER, &error)),
    }
}

/// Sizes of the kept checkpoints, ascending.
fn kept_sizes(dir: &Path) -> Result<Vec<u64>, Flaw> {
    numbers_in(dir, HISTORY)
}

/// The numbers that name the files of a folder, ascending; none if it is absent.
pub(crate) fn numbers_in(dir: &Path, folder: &str) -> Result<Vec<u64>, Flaw> {
    let listing = match fs::read_dir(dir.join(folder)) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut numbers = Vec::new();
    for file in listing {
        let name = file
            .map_err(|error| unreadable(folder, &error))?
            .file_name();
        let name = name.to_string_lossy();
        // Temporary files of an interrupted publication.
        if name.starts_with('.') {
            continue;
        }
        match name.parse::<u64>() {
            Ok(number) if number.to_string() == name => numbers.push(number),
            Ok(_) | Err(_) => {
                let path = format!("{folder}/{name}");
                return Err(Flaw::of(&path, "is no file of a log", CHANGED));
            }
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub(crate) fn unreadable(path: &str, error: &io::Error) -> Flaw {
    Flaw::of(path, format!("cannot be read: {error}"), INCOMPLETE)
}
