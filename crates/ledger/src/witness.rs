//! A witness: it cosigns the checkpoints of other logs, and remembers of each log the
//! largest that it cosigned, so that none of them ever tells two stories. C2SP
//! tlog-witness, but for the transport.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{
    Checkpoint, CheckpointError, Cosignature, Cosigner, CosignerKey, Extension, Hash, NoteError,
    VerifierKey,
    layout::{self, Entered},
    proof::extends,
};

/// See the module. There must be one per folder.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    cosigner: Cosigner,
    /// By origin. Held while a checkpoint is judged and what it changes is written, so
    /// that two requests cannot overtake each other.
    logs: Mutex<BTreeMap<String, Log>>,
}

#[derive(Debug)]
struct Log {
    key: VerifierKey,
    /// The largest checkpoint cosigned.
    seen: Option<Checkpoint>,
}

/// Why a witness cannot do its work.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// What it remembers cannot be read or written.
    #[error("cannot read or write `{path}` of the witness")]
    File {
        /// Path relative to the folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What it remembers is not to be believed.
    #[error(
        "`{path}` of the witness is not the checkpoint it cosigned; restore it: without it, it \
         would cosign what contradicts that"
    )]
    Memory {
        /// Path relative to the folder.
        path: String,
        /// Why.
        #[source]
        source: CheckpointError,
    },
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Error)]
pub enum Refused {
    /// A log that it does not watch.
    #[error("the log `{0}` is not one that this witness watches")]
    Unknown(String),
    /// The checkpoint is not to be believed.
    #[error("the checkpoint is not to be believed")]
    Checkpoint(#[source] CheckpointError),
    /// A proof from a larger tree than the checkpoint has.
    #[error("the proof starts at {old} entries, the checkpoint has {size}")]
    Backwards {
        /// Entries the proof starts at.
        old: u64,
        /// Entries under the checkpoint.
        size: u64,
    },
    /// The proof starts elsewhere than at what was cosigned last.
    #[error("{} entries were cosigned last: prove that the checkpoint extends them", size(.seen.as_deref()))]
    Stale {
        /// The largest checkpoint cosigned; `None` if none was.
        seen: Option<Box<Checkpoint>>,
    },
    /// Fewer entries than were cosigned: the log was rolled back.
    #[error(
        "the log was rolled back: {} entries were cosigned, root {}, and only {} are shown now",
        .0.seen.size, .0.seen.root, .0.shown.size
    )]
    RolledBack(Box<Contradiction>),
    /// As many entries as were cosigned, but not the same: a split view.
    #[error(
        "the log tells two stories: of its {} entries root {} was cosigned, and root {} is shown \
         now; they part before entry {}",
        .0.seen.size, .0.seen.root, .0.shown.root, .0.seen.size
    )]
    Split(Box<Contradiction>),
    /// No proof that the log only grew.
    #[error(
        "the {} entries shown, root {}, are not proven to extend the {} that were cosigned, root \
         {}: the proof does not hold, or they part before entry {}",
        .0.shown.size, .0.shown.root, .0.seen.size, .0.seen.root, .0.seen.size
    )]
    Unproven(Box<Contradiction>),
    /// The witness fails.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The checkpoint cannot be signed.
    #[error("the checkpoint cannot be cosigned")]
    Note(#[source] NoteError),
}

/// Two checkpoints that one key signed and that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The largest checkpoint cosigned.
    pub seen: Checkpoint,
    /// The one shown now.
    pub shown: Checkpoint,
}

impl Refused {
    /// The largest checkpoint that was cosigned of the log, where that is why.
    #[must_use]
    pub fn seen(&self) -> Option<&Checkpoint> {
        match (self, self.contradiction()) {
            (Self::Stale { seen }, _) => seen.as_deref(),
            (_, contradiction) => contradiction.map(|both| &both.seen),
        }
    }

    /// What contradicts what was cosigned, where that is why.
    #[must_use]
    pub fn contradiction(&self) -> Option<&Contradiction> {
        match self {
            Self::RolledBack(both) | Self::Split(both) | Self::Unproven(both) => Some(both),
            Self::Stale { .. }
            | Self::Unknown(_)
            | Self::Checkpoint(_)
            | Self::Backwards { .. }
            | Self::Witness(_)
            | Self::Note(_) => None,
        }
    }
}

impl Witness {
    /// Takes up what was cosigned before of the logs with these keys, which is kept
    /// in `dir`.
    ///
    /// # Errors
    /// [`WitnessError`] if that is not to be believed.
    pub fn open(
        dir: &Path,
        cosigner: Cosigner,
        logs: impl IntoIterator<Item = VerifierKey>,
    ) -> Result<Self, WitnessError> {
        layout::create(dir).map_err(at(""))?;
        let mut watched = BTreeMap::new();
        for key in logs {
            let path = place(key.name());
            let note = layout::read_if_present(dir, &path).map_err(at(&path))?;
            if note.is_some() {
                // What is not written again has to be there for good.
                layout::confirm(&mut Entered::default(), dir, &path).map_err(at(&path))?;
            }
            let seen = note.map(|note| Checkpoint::open(&note, &key)).transpose();
            let seen = seen.map_err(|source| WitnessError::Memory { path, source })?;
            watched.insert(key.name().to_owned(), Log { key, seen });
        }
        Ok(Self {
            dir: dir.to_owned(),
            cosigner,
            logs: Mutex::new(watched),
        })
    }

    /// The key that its cosignatures are verified with.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        self.cosigner.key()
    }

    /// Cosigns a checkpoint that extends what was cosigned of its log before, and
    /// remembers it durably before this returns. Blocks on the disk.
    ///
    /// # Errors
    /// [`Refused`]; a split view is kept beside what was cosigned, as evidence.
    pub fn cosign(&self, shown: &Extension, now: Timestamp) -> Result<Cosignature, Refused> {
        let origin = shown.origin();
        // A panic elsewhere cannot leave a log half changed.
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs
            .get_mut(&origin)
            .ok_or_else(|| Refused::Unknown(origin.clone()))?;
        let new = match judge(log, shown) {
            Ok(new) => new,
            Err(refused) => {
                self.keep_evidence(&origin, &refused)?;
                return Err(refused);
            }
        };
        let cosignature = self
            .cosigner
            .cosign(&new.note, now)
            .map_err(Refused::Note)?;
        if log.seen.as_ref().is_none_or(|seen| seen.size < new.size) {
            self.write(&place(&origin), &new.note)?;
            log.seen = Some(new);
        }
        Ok(cosignature)
    }

    /// The first split view is kept: two checkpoints of one size that one key signed.
    /// All else may be somebody's false proof, and proves nothing against the log.
    fn keep_evidence(&self, origin: &str, refused: &Refused) -> Result<(), WitnessError> {
        let path = format!("{}.contradiction", place(origin));
        if let Refused::Split(both) = refused
            && !self.dir.join(&path).exists()
        {
            self.write(&path, &both.shown.note)?;
        }
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), WitnessError> {
        layout::write(&self.dir, path, bytes).map_err(at(path))
    }
}

/// Whether a checkpoint extends what was seen of its log.
fn judge(log: &Log, shown: &Extension) -> Result<Checkpoint, Refused> {
    let new = Checkpoint::open(&shown.checkpoint, &log.key).map_err(Refused::Checkpoint)?;
    if shown.old_size > new.size {
        let (old, size) = (shown.old_size, new.size);
        return Err(Refused::Backwards { old, size });
    }
    let Some(seen) = &log.seen else {
        return match shown.old_size {
            0 if shown.path.is_empty() => Ok(new),
            _ => Err(Refused::Stale { seen: None }),
        };
    };
    if shown.old_size != seen.size && new.size >= seen.size && !is_split(seen, &new) {
        let seen = Some(Box::new(seen.clone()));
        return Err(Refused::Stale { seen });
    }
    if extends(seen, shown, &new) {
        return Ok(new);
    }
    let seen = seen.clone();
    let both = Box::new(Contradiction { seen, shown: new });
    Err(if both.shown.size < both.seen.size {
        Refused::RolledBack(both)
    } else if is_split(&both.seen, &both.shown) {
        Refused::Split(both)
    } else {
        Refused::Unproven(both)
    })
}

/// As large as what was seen, and not the same.
fn is_split(seen: &Checkpoint, new: &Checkpoint) -> bool {
    new.size == seen.size && new.root != seen.root
}

/// The file of a log: any origin makes a name that a folder can hold.
fn place(origin: &str) -> String {
    Hash(Sha256::digest(origin).into()).to_string()
}

fn size(seen: Option<&Checkpoint>) -> u64 {
    seen.map_or(0, |seen| seen.size)
}

fn at(path: &str) -> impl FnOnce(io::Error) -> WitnessError + use<> {
    let path = path.to_owned();
    move |source| WitnessError::File { path, source }
}

#[cfg(test)]
mod tests;
