//! Receipts: proofs that an entry is in the log, checked without the log.

use std::{io, path::Path};

use thiserror::Error;
use tlog_tiles::{HashReader, Tile, TileHashReader, TileReader};

use crate::{
    Checkpoint, CheckpointError, Hash, VerifierKey, cosigned,
    edge::{TILE_HEIGHT, TILE_WIDTH},
    layout::{self, CHECKPOINT, Kind},
};

/// Longest path in a tree of [`MAX_SIZE`] entries.
const MAX_PATH: usize = 48;

/// A proof that an entry is in the log, with the checkpoint it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Index of the entry, from 0.
    pub index: u64,
    /// Entries under the checkpoint.
    pub size: u64,
    /// Hash of the entry's leaf.
    pub leaf_hash: Hash,
    /// The Merkle audit path, from the leaf up, RFC 6962 § 2.1.1.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: Vec<u8>,
}

/// Why there is no proof, or why it proves nothing.
#[derive(Debug, Error)]
pub enum ProofError {
    /// A file of the log cannot be read.
    #[error("cannot read the ledger")]
    File(#[source] io::Error),
    /// The log's tiles do not lead to its checkpoint.
    #[error("the tiles do not hash to the checkpoint; verify the ledger")]
    Inconsistent(#[source] tlog_tiles::Error),
    /// The checkpoint is not to be believed.
    #[error("the checkpoint is not to be trusted")]
    Checkpoint(#[source] CheckpointError),
    /// The path does not lead from the leaf to the root.
    #[error("the proof does not lead from the entry to the checkpoint")]
    Invalid,
}

/// Proves that the entry `index` is in the log in `dir`, under its [`best`] checkpoint;
/// `None` if none covers it yet.
///
/// # Errors
/// [`ProofError`] if files are missing or do not fit together.
pub fn prove(dir: &Path, index: u64) -> Result<Option<Proof>, ProofError> {
    prove_under(dir, &best(dir, index.saturating_add(1))?, index)
}

/// The checkpoint of the log in `dir` to prove its first `entries` entries under: the
/// newest that enough witnesses cosigned, if it covers them, else the latest. Its
/// signatures are for the caller to check.
///
/// # Errors
/// [`ProofError`] if there is none that can be read.
pub fn best(dir: &Path, entries: u64) -> Result<Checkpoint, ProofError> {
    match cosigned::newest(dir).map_err(ProofError::File)? {
        Some(cosigned) if cosigned.size >= entries => Ok(cosigned),
        Some(_) | None => head(dir),
    }
}

/// The latest checkpoint.
fn head(dir: &Path) -> Result<Checkpoint, ProofError> {
    let note = layout::read(dir, CHECKPOINT).map_err(ProofError::File)?;
    Checkpoint::read_unverified(&note).map_err(ProofError::Checkpoint)
}

/// The root of the tree of the first `size` entries of the log in `dir`, which
/// `head`, one of its checkpoints, covers.
///
/// # Errors
/// [`ProofError`] if files are missing or do not fit together.
pub fn root_of(dir: &Path, head: &Checkpoint, size: u64) -> Result<Hash, ProofError> {
    beginning(dir, head, size).map(|(root, _)| root)
}

/// The root of the tree of the first `size` entries, and the proof that it is the
/// beginning of the tree under `head`.
fn beginning(
    dir: &Path,
    head: &Checkpoint,
    size: u64,
) -> Result<(Hash, tlog_tiles::TreeProof), ProofError> {
    if size == 0 {
        return Ok((tlog_tiles::EMPTY_HASH.into(), Vec::new()));
    }
    let tiles = Tiles { dir };
    let reader = TileHashReader::new(head.size, head.root.into(), &tiles);
    let proven = tlog_tiles::prove_tree(head.size, size, &reader).and_then(|path| {
        let root = tlog_tiles::tree_hash(size, &reader)?;
        // As in `lead`: the tiles read may not have been authenticated.
        tlog_tiles::check_tree(&path, head.size, head.root.into(), size, root)?;
        Ok((root.into(), path))
    });
    proven.map_err(ProofError::Inconsistent)
}

/// Proves that the entry `index` is in the log in `dir`, under one of its
/// checkpoints; `None` if that does not cover it.
///
/// # Errors
/// [`ProofError`] if files are missing or do not fit together.
pub fn prove_under(
    dir: &Path,
    checkpoint: &Checkpoint,
    index: u64,
) -> Result<Option<Proof>, ProofError> {
    let size = checkpoint.size;
    if index >= size {
        return Ok(None);
    }
    let (leaf_hash, path) = lead(dir, checkpoint, index)?;
    Ok(Some(Proof {
        index,
        size,
        leaf_hash,
        path: path.into_iter().map(Hash::from).collect(),
        checkpoint: checkpoint.note.clone(),
    }))
}

/// Checks a proof against the log's key. That the leaf itself hashes to
/// `leaf_hash` is for the caller to see, with [`Hash::of_leaf`].
///
/// # Errors
/// [`ProofError`] if it proves nothing.
pub fn verify_proof(proof: &Proof, key: &VerifierKey) -> Result<Checkpoint, ProofError> {
    let checkpoint = Checkpoint::open(&proof.checkpoint, key).map_err(ProofError::Checkpoint)?;
    if proof.size != checkpoint.size || proof.index >= proof.size || proof.path.len() > MAX_PATH {
        return Err(ProofError::Invalid);
    }
    let path = proof.path.iter().copied().map(Into::into).collect();
    tlog_tiles::check_record(
        &path,
        proof.size,
        checkpoint.root.into(),
        proof.index,
        proof.leaf_hash.into(),
    )
    .map_err(|_| ProofError::Invalid)?;
    Ok(checkpoint)
}

/// A proof that the log only grew: that an older tree is the beginning of the
/// one under a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Entries of the older tree.
    pub old_size: u64,
    /// The Merkle consistency proof, RFC 6962 § 2.1.2.
    pub path: Vec<Hash>,
    /// The newer signed checkpoint.
    pub checkpoint: Vec<u8>,
}

impl Extension {
    /// The log that the checkpoint says it is of; nothing of it is verified.
    #[must_use]
    pub fn origin(&self) -> String {
        crate::checkpoint::origin(&self.checkpoint)
    }
}

/// Proves that the log in `dir` extends its tree of `old_size` entries; `None`
/// if no checkpoint covers so many.
///
/// # Errors
/// [`ProofError`] if files are missing or do not fit together.
pub fn prove_extension(dir: &Path, old_size: u64) -> Result<Option<Extension>, ProofError> {
    let head = head(dir)?;
    if old_size > head.size {
        return Ok(None);
    }
    let (_, path) = beginning(dir, &head, old_size)?;
    Ok(Some(Extension {
        old_size,
        path: path.into_iter().map(Hash::from).collect(),
        checkpoint: head.note,
    }))
}

/// Checks that the log whose checkpoint `old` was seen earlier only grew since.
/// Returns the newer checkpoint.
///
/// # Errors
/// [`ProofError`] if it proves nothing.
pub fn verify_extension(
    old: &Checkpoint,
    extension: &Extension,
    key: &VerifierKey,
) -> Result<Checkpoint, ProofError> {
    let new = Checkpoint::open(&extension.checkpoint, key).map_err(ProofError::Checkpoint)?;
    extends(old, extension, &new)
        .then_some(new)
        .ok_or(ProofError::Invalid)
}

/// Whether an extension leads from `old` to `new`, its checkpoint.
pub(crate) fn extends(old: &Checkpoint, extension: &Extension, new: &Checkpoint) -> bool {
    let path: tlog_tiles::TreeProof = extension.path.iter().copied().map(Into::into).collect();
    // A path of consistency may be one hash longer than one of inclusion.
    if extension.old_size != old.size || path.len() > MAX_PATH + 1 {
        return false;
    }
    if old.size == 0 {
        // Every tree extends the empty one.
        return path.is_empty();
    }
    tlog_tiles::check_tree(&path, new.size, new.root.into(), old.size, old.root.into()).is_ok()
}

/// Whether the tiles lead from the leaf `index` to the checkpoint's root.
pub(crate) fn is_authentic(dir: &Path, checkpoint: &Checkpoint, index: u64) -> bool {
    index < checkpoint.size && lead(dir, checkpoint, index).is_ok()
}

/// The hash of the leaf `index`, below the size, and the path to the root.
fn lead(
    dir: &Path,
    checkpoint: &Checkpoint,
    index: u64,
) -> Result<(Hash, tlog_tiles::RecordProof), ProofError> {
    let Checkpoint { size, root, .. } = *checkpoint;
    let tiles = Tiles { dir };
    let reader = TileHashReader::new(size, root.into(), &tiles);
    let hashes = reader
        .read_hashes(&[tlog_tiles::stored_hash_index(0, index)])
        .map_err(ProofError::Inconsistent)?;
    let leaf_hash = *hashes.first().ok_or(ProofError::Invalid)?;
    let path = tlog_tiles::prove_record(size, index, &reader).map_err(ProofError::Inconsistent)?;
    // `TileHashReader` of tlog_tiles 0.2 leaves some tiles unauthenticated where
    // the root is made of several hashes of one tile; the path settles it.
    tlog_tiles::check_record(&path, size, root.into(), index, leaf_hash)
        .map_err(ProofError::Inconsistent)?;
    Ok((leaf_hash.into(), path))
}

/// The log's tiles as `tlog_tiles` reads them.
struct Tiles<'a> {
    dir: &'a Path,
}

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        TILE_HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        tiles
            .iter()
            .map(|tile| {
                let width = usize::try_from(tile.width()).unwrap_or(TILE_WIDTH);
                let kind = Kind::Hashes(tile.level());
                let (_, mut bytes) = layout::read_tile(self.dir, kind, tile.level_index(), width)
                    .map_err(|_| tlog_tiles::Error::InvalidTile)?;
                bytes.truncate(width * tlog_tiles::HASH_SIZE);
                Ok(bytes)
            })
            .collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}
