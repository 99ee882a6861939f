//! Publication: entries into tiles, tiles into a signed checkpoint.

mod history;
mod prune;

#[cfg(not(test))]
use std::fs;
use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use thiserror::Error;

#[cfg(test)]
use crate::tests::disk as fs;
use crate::{
    Checkpoint, CheckpointError, Hash, Key, KeyError, ProofError,
    checkpoint::MAX_SIZE,
    claim::claim,
    edge::{Edge, TILE_HEIGHT, TILE_WIDTH},
    layout::{self, CHECKPOINT, Entered, HISTORY, Kind, VERIFIER},
    proof::root_of,
};

/// Writes a log's files and signs its checkpoints. There must be one per folder.
///
/// Every signed tree extends the last signed one: entries are hashed onto the
/// authenticated edge of the files, or, where files are missing, from the first
/// entry again and then checked against the last signed root.
#[derive(Debug)]
pub struct Publisher {
    dir: PathBuf,
    key: Key,
    signed: Checkpoint,
    edge: Edge,
    /// The unfinished bundle.
    bundle: Vec<u8>,
    /// Full tiles written since the last checkpoint whose partial forms can go.
    superseded: Vec<String>,
    entered: Entered,
    /// Entries below this index are pruned: there need be no bundles of them.
    pruned: u64,
    /// Below this index none is left.
    removed: u64,
    /// The largest checkpoint of this log that somebody outside has seen.
    seen: Option<Checkpoint>,
}

/// Why nothing was signed.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A file cannot be read or written.
    #[error("cannot read or write `{path}` of the ledger")]
    File {
        /// Path relative to the log.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The signed checkpoint cannot be believed.
    #[error("the last checkpoint, `{path}`, is not to be trusted; restore it before signing more")]
    Checkpoint {
        /// Where it was found.
        path: &'static str,
        /// Why.
        #[source]
        source: CheckpointError,
    },
    /// The folder belongs to another key.
    #[error(
        "the ledger was signed by `{expected}`, not by this key; \
         use the key it was begun with"
    )]
    OtherKey {
        /// The verifier key the log was begun with.
        expected: String,
    },
    /// The folder has another second key.
    #[error(
        "checkpoints of the ledger were signed by another ML-DSA-44 key too, not by this one; \
         use the key in `verifier-ml-dsa-44` of the ledger"
    )]
    OtherSecondKey,
    /// The verifier key beside the log is damaged.
    #[error("the file `{VERIFIER}` of the ledger holds no key")]
    Verifier(#[source] KeyError),
    /// Files that do not hash to the signed root.
    #[error(
        "`{path}` does not hash to the last signed root of {size} entries; \
         keep a copy for examination, then remove it to have it rebuilt"
    )]
    Damaged {
        /// Path relative to the log.
        path: String,
        /// Entries under the signed root.
        size: u64,
    },
    /// Two signed heads of one size, or entries that do not lead to the signed one.
    #[error(
        "the entries do not extend the signed tree of {size} entries: \
         earlier entries were changed; nothing is signed"
    )]
    Rewritten {
        /// Entries under the signed root.
        size: u64,
    },
    /// Fewer entries than were already signed.
    #[error(
        "{signed} entries were signed but only {present} are present: \
         the entries were rolled back; restore them before signing more"
    )]
    RolledBack {
        /// Entries under the signed root.
        signed: u64,
        /// Entries given.
        present: u64,
    },
    /// Hashes of entries that were pruned.
    #[error(
        "`{path}` of the ledger is missing or damaged, and the entries it was made of were \
         pruned: restore it from a copy of the ledger"
    )]
    PrunedHashes {
        /// Path relative to the log.
        path: String,
    },
    /// An entry too long for the format.
    #[error("an entry of {0} bytes does not fit a bundle")]
    TooLong(usize),
    /// Somebody outside has seen more entries than there are.
    #[error(
        "{} entries of this ledger were cosigned and only {present} are present: it was rolled \
         back or restored from an old copy; restore the later entries before signing more",
        seen.size
    )]
    Behind {
        /// The checkpoint seen outside.
        seen: Checkpoint,
        /// Entries present.
        present: u64,
    },
    /// Somebody outside has seen other entries.
    #[error(
        "the first {} entries of this ledger were cosigned under root {}, and have root {ours} \
         here: it was rewritten, or restored from an old copy and grown differently; restore \
         what was cosigned before signing more",
        seen.size, seen.root
    )]
    Forked {
        /// The checkpoint seen outside.
        seen: Checkpoint,
        /// The root of as many entries here.
        ours: Hash,
    },
    /// A witness says that it cosigned entries, and none of its cosignatures here is of
    /// so many.
    #[error(
        "it says that it cosigned {size} entries, and none of its cosignatures here, where \
         {signed} are signed, is of so many: the ledger was rolled back, rewritten or signed \
         elsewhere, or the witness errs"
    )]
    Claimed {
        /// Entries it says it cosigned.
        size: u64,
        /// Entries signed here.
        signed: u64,
    },
    /// The tiles do not give the root of an earlier tree.
    #[error("the tiles of the ledger cannot be compared with what was cosigned")]
    Proof(#[source] Box<ProofError>),
    /// The log is as large as it can be.
    #[error("the ledger is full")]
    Full,
}

impl Publisher {
    /// Opens the log in `dir`, creating it if it has none. `known` is the last
    /// signed checkpoint kept elsewhere, so that losing the folder is noticed. A larger one
    /// that is kept in the folder counts too, as it does after an old copy was laid over it.
    ///
    /// # Errors
    /// [`PublishError`] if what is there is not to be extended.
    pub fn open(dir: &Path, key: Key, known: Option<&[u8]>) -> Result<Self, PublishError> {
        Self::open_pruned((dir, 0), key, known)
    }

    /// As [`Publisher::open`], where entries below an index, a multiple of 256, were
    /// pruned: bundles of them are not missed, and their hashes are taken from the tiles.
    ///
    /// # Errors
    /// As of [`Publisher::open`]; [`PublishError::PrunedHashes`].
    pub fn open_pruned(
        (dir, pruned): (&Path, u64),
        key: Key,
        known: Option<&[u8]>,
    ) -> Result<Self, PublishError> {
        let mut entered = Entered::default();
        claim(&mut entered, dir, &key)?;
        let published = match layout::read_if_present(dir, CHECKPOINT).map_err(at(CHECKPOINT))? {
            Some(note) => Some(believe(&note, &key, CHECKPOINT)?),
            None => None,
        };
        let known = match known {
            Some(note) => Some(believe(note, &key, "the copy in the database")?),
            None => None,
        };
        if let (Some(published), Some(known)) = (&published, &known)
            && published.size == known.size
            && published.root != known.root
        {
            return Err(PublishError::Rewritten { size: known.size });
        }
        let newest = [&published, &known]
            .into_iter()
            .flatten()
            .max_by_key(|checkpoint| checkpoint.size);
        let beyond = history::beyond((dir, &key), newest.map_or(0, |newest| newest.size))?;
        let signed = match beyond.or(newest.cloned()) {
            Some(newest) => newest,
            None => Checkpoint::sign(&key, 0, Edge::default().root().into())
                .map_err(|_| PublishError::Full)?,
        };
        let mut publisher = Self {
            dir: dir.to_owned(),
            key,
            edge: Edge::default(),
            bundle: Vec::new(),
            superseded: Vec::new(),
            entered,
            pruned,
            removed: 0,
            seen: None,
            signed,
        };
        if publisher.complete() {
            publisher.resume()?;
        } else {
            publisher.take_pruned()?;
        }
        if published.is_none() && publisher.signed.size == 0 {
            publisher.write_checkpoint()?;
        }
        Ok(publisher)
    }

    /// Signs from now on only what extends `seen`, a checkpoint of this log that its
    /// key signed and somebody outside has seen. To be called where everything
    /// appended is signed.
    ///
    /// # Errors
    /// [`PublishError::Forked`] if the entries here are others.
    pub fn heed(&mut self, seen: &Checkpoint) -> Result<(), PublishError> {
        if seen.size <= self.signed.size {
            let ours = root_of(&self.dir, &self.signed, seen.size)
                .map_err(|error| PublishError::Proof(Box::new(error)))?;
            return same_root(seen, ours);
        }
        if self
            .seen
            .as_ref()
            .is_none_or(|known| known.size < seen.size)
        {
            self.seen = Some(seen.clone());
        }
        Ok(())
    }

    /// Whether a tree of `size` entries may be signed, as far as its size tells.
    ///
    /// # Errors
    /// [`PublishError::Behind`].
    pub fn permits(&self, size: u64) -> Result<(), PublishError> {
        match &self.seen {
            Some(seen) if seen.size > size => Err(PublishError::Behind {
                seen: seen.clone(),
                present: size,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// The last signed checkpoint.
    #[must_use]
    pub fn signed(&self) -> &Checkpoint {
        &self.signed
    }

    /// The index of the entry to append next; below the signed size while lost
    /// files are being rebuilt.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.edge.size()
    }

    /// Appends the entry [`Publisher::next`]. Nothing is signed before
    /// [`Publisher::sign`]. After an error the publisher must be opened anew.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn append(&mut self, entry: &[u8]) -> Result<(), PublishError> {
        let length = u16::try_from(entry.len()).map_err(|_| PublishError::TooLong(entry.len()))?;
        if self.edge.size() >= MAX_SIZE {
            return Err(PublishError::Full);
        }
        layout::push_entry(&mut self.bundle, length, entry);
        let mut full = self.grow(tlog_tiles::record_hash(entry))?;
        if let Some((_, number, _)) = full.first() {
            full.push((Kind::Entries, *number, std::mem::take(&mut self.bundle)));
        }
        self.put_full(full)?;
        if self.edge.size() == self.signed.size && Hash::from(self.edge.root()) != self.signed.root
        {
            return Err(PublishError::Rewritten {
                size: self.signed.size,
            });
        }
        match &self.seen {
            Some(seen) if seen.size == self.edge.size() => same_root(seen, self.edge.root().into()),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes the unfinished tiles and signs a checkpoint over all entries
    /// appended. Without new entries it only restores what is missing.
    ///
    /// # Errors
    /// [`PublishError`]; nothing is signed then.
    pub fn sign(&mut self) -> Result<&Checkpoint, PublishError> {
        let size = self.edge.size();
        if size < self.signed.size {
            return Err(PublishError::RolledBack {
                signed: self.signed.size,
                present: size,
            });
        }
        self.permits(size)?;
        let under = self.under();
        for (path, bytes) in unfinished(&self.edge, &self.bundle) {
            put(&mut self.entered, &self.dir, under, (&path, bytes))?;
        }
        self.entered.flush().map_err(at("tile"))?;
        if size > self.signed.size {
            let root = self.edge.root().into();
            history::permits((&self.dir, &self.key), (size, root))?;
            self.signed =
                Checkpoint::sign(&self.key, size, root).map_err(|_| PublishError::Full)?;
        }
        self.write_checkpoint()?;
        for path in std::mem::take(&mut self.superseded) {
            let partial = format!("{path}.p");
            fs::remove_dir_all(self.dir.join(&partial)).map_err(at(&partial))?;
        }
        Ok(&self.signed)
    }

    /// Appends a hash to the tree; the tiles of hashes that it completes.
    fn grow(&mut self, hash: tlog_tiles::Hash) -> Result<Vec<(Kind, u64, Vec<u8>)>, PublishError> {
        let mut full = Vec::new();
        self.edge.push_hash(hash, |(level, number, hashes)| {
            full.push((Kind::Hashes(level), number, hashes.to_vec()));
            Ok::<_, PublishError>(())
        })?;
        Ok(full)
    }

    /// Writes tiles that are full.
    fn put_full(&mut self, full: Vec<(Kind, u64, Vec<u8>)>) -> Result<(), PublishError> {
        let under = self.under();
        for (kind, number, bytes) in full {
            let path = layout::tile_path(kind, number);
            put(&mut self.entered, &self.dir, under, (&path, &bytes))?;
            let partial = format!("{path}.p");
            if fs::exists(self.dir.join(&partial)).map_err(at(&partial))? {
                self.superseded.push(path);
            }
        }
        Ok(())
    }

    /// Entries under the signed root, while what is appended lies under it.
    fn under(&self) -> Option<u64> {
        (self.edge.size() <= self.signed.size).then_some(self.signed.size)
    }

    /// The checkpoint first, its kept copy second: a reader that lists the
    /// copies before reading the checkpoint never sees a copy beyond it.
    fn write_checkpoint(&mut self) -> Result<(), PublishError> {
        let kept = format!("{HISTORY}/{}", self.signed.size);
        for path in [CHECKPOINT, &kept] {
            let present = layout::read_if_present(&self.dir, path).map_err(at(path))?;
            if present.as_ref() == Some(&self.signed.note) {
                layout::confirm(&mut self.entered, &self.dir, path)
            } else {
                layout::write_under(&mut self.entered, &self.dir, path, &self.signed.note)
            }
            .map_err(at(path))?;
        }
        Ok(())
    }

    /// Whether no file under the signed root is missing.
    fn complete(&self) -> bool {
        let exists = |path: String| fs::exists(self.dir.join(path)).unwrap_or(false);
        let full = |kind, numbers: Range<u64>| {
            let mut paths = numbers.map(|number| layout::tile_path(kind, number));
            paths.all(exists)
        };
        let size = self.signed.size;
        let width = |level: u8| usize::from((size >> (TILE_HEIGHT * level)).to_le_bytes()[0]);
        let partial = |kind, level: u8| {
            let number = size >> (TILE_HEIGHT * (level + 1));
            width(level) == 0 || exists(layout::wide_path(kind, number, width(level)))
        };
        full(
            Kind::Entries,
            self.pruned >> TILE_HEIGHT..size >> TILE_HEIGHT,
        ) && partial(Kind::Entries, 0)
            && (0..6).all(|level| {
                full(Kind::Hashes(level), 0..size >> (TILE_HEIGHT * (level + 1)))
                    && partial(Kind::Hashes(level), level)
            })
    }

    /// Takes up the edge of the files, once it hashes to the signed root.
    fn resume(&mut self) -> Result<(), PublishError> {
        let size = self.signed.size;
        let damaged = |path: &str| PublishError::Damaged {
            path: path.to_owned(),
            size,
        };
        let fetch = |kind, number, width| {
            let path = layout::wide_path(kind, number, width);
            let bytes = layout::read(&self.dir, &path).map_err(at(&path))?;
            match kind {
                Kind::Hashes(_) if bytes.len() != width * tlog_tiles::HASH_SIZE => {
                    Err(damaged(&path))
                }
                Kind::Hashes(_) | Kind::Entries => Ok(bytes),
            }
        };
        let edge = Edge::load(size, |level, number, width| {
            fetch(Kind::Hashes(level), number, width)
        })?;
        if Hash::from(edge.root()) != self.signed.root {
            return Err(damaged("tile"));
        }
        let width = usize::from(size.to_le_bytes()[0]);
        if width > 0 {
            let number = size >> TILE_HEIGHT;
            let bundle = fetch(Kind::Entries, number, width)?;
            let hashes = fetch(Kind::Hashes(0), number, width)?;
            let entries = layout::split_bundle(&bundle).unwrap_or_default();
            let hashed = entries.iter().flat_map(|(_, leaf)| Hash::of_leaf(leaf).0);
            if !hashed.eq(hashes) {
                return Err(damaged(&layout::wide_path(Kind::Entries, number, width)));
            }
            self.bundle = bundle;
        }
        self.edge = edge;
        Ok(())
    }
}

/// The unfinished tiles and the unfinished bundle, with their paths.
fn unfinished<'a>(
    edge: &'a Edge,
    bundle: &'a [u8],
) -> impl Iterator<Item = (String, &'a [u8])> + use<'a> {
    let hashes = edge.unfinished().map(|(level, number, hashes)| {
        let width = hashes.len() / tlog_tiles::HASH_SIZE;
        (
            layout::wide_path(Kind::Hashes(level), number, width),
            hashes,
        )
    });
    let (number, width) = (edge.size() >> TILE_HEIGHT, edge.size().to_le_bytes()[0]);
    let entries = || layout::wide_path(Kind::Entries, number, width.into());
    hashes.chain((width > 0).then(|| (entries(), bundle)))
}

/// Writes a tile. What lies `under` the signed root is never overwritten: it is the
/// same, or it is evidence.
fn put(
    entered: &mut Entered,
    dir: &Path,
    under: Option<u64>,
    (path, bytes): (&str, &[u8]),
) -> Result<(), PublishError> {
    if let Some(size) = under
        && let Some(present) = layout::read_if_present(dir, path).map_err(at(path))?
    {
        return if present == bytes {
            layout::confirm(entered, dir, path).map_err(at(path))
        } else {
            let path = path.to_owned();
            Err(PublishError::Damaged { path, size })
        };
    }
    layout::place(entered, dir, path, bytes).map_err(at(path))
}

/// The entries of one published bundle: those from `256 * number` on, as many as
/// the log held at `size` entries, at most 256. `None` where they are not (all)
/// published.
///
/// # Errors
/// The path of a damaged or unreadable bundle.
pub fn published_entries(
    dir: &Path,
    number: u64,
    size: u64,
) -> Result<Option<Vec<Vec<u8>>>, PublishError> {
    let first = number << TILE_HEIGHT;
    let width = usize::try_from(size.saturating_sub(first))
        .unwrap_or(TILE_WIDTH)
        .min(TILE_WIDTH);
    if width == 0 {
        return Ok(None);
    }
    let (path, bundle) = match layout::read_tile(dir, Kind::Entries, number, width) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(&layout::tile_path(Kind::Entries, number))(error)),
    };
    let entries = layout::split_bundle(&bundle).unwrap_or_default();
    if entries.len() < width {
        return Err(PublishError::Damaged { path, size });
    }
    Ok(Some(
        entries
            .into_iter()
            .take(width)
            .map(|(_, entry)| entry.to_vec())
            .collect(),
    ))
}

fn same_root(seen: &Checkpoint, ours: Hash) -> Result<(), PublishError> {
    if seen.root == ours {
        return Ok(());
    }
    let seen = seen.clone();
    Err(PublishError::Forked { seen, ours })
}

fn believe(note: &[u8], key: &Key, path: &'static str) -> Result<Checkpoint, PublishError> {
    Checkpoint::open(note, key.verifier())
        .map_err(|source| PublishError::Checkpoint { path, source })
}

pub(crate) fn at(path: &str) -> impl FnOnce(io::Error) -> PublishError + use<> {
    let path = path.to_owned();
    move |source| PublishError::File { path, source }
}
