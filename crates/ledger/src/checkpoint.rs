//! Checkpoints: signed statements of how large the log is and what it hashes to.

use std::slice;

use thiserror::Error;

use crate::{Hash, Key, Note, NoteError, VerifierKey};

/// Greatest tree size believed. Larger ones are hostile, and would overflow the
/// arithmetic of tile coordinates.
pub const MAX_SIZE: u64 = 1 << 48;

/// A signed tree head in the C2SP tlog-checkpoint format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries the tree has.
    pub size: u64,
    /// The Merkle tree hash over them, RFC 6962.
    pub root: Hash,
    /// The signed note that says so.
    pub note: Vec<u8>,
}

/// A checkpoint that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Not a signed note over a checkpoint.
    #[error("not a signed checkpoint")]
    Malformed,
    /// No valid signature by the key.
    #[error("not signed by the key of `{0}`")]
    Signature(String),
    /// A checkpoint of another log.
    #[error("a checkpoint of another log, `{0}`")]
    Origin(String),
    /// A size no log reaches.
    #[error("claims {0} entries, more than any log holds")]
    Size(u64),
}

impl Checkpoint {
    /// With further signature lines, in order.
    pub(crate) fn with_lines(mut self, lines: &[u8]) -> Self {
        self.note.extend_from_slice(lines);
        self
    }

    /// Signs a tree head.
    ///
    /// # Errors
    /// [`CheckpointError`] if the size is out of bounds.
    pub(crate) fn sign(key: &Key, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if size > MAX_SIZE {
            return Err(CheckpointError::Size(size));
        }
        let text = tlog_tiles::Checkpoint::new(key.name(), size, root.into(), "")
            .map_err(|_| CheckpointError::Malformed)?
            .to_bytes();
        let mut note = Note::new(&text)?;
        note.sign(key)?;
        // After the first, where verifiers that know one line look for it.
        let second = key.second().map(|second| second.sign(&text)).transpose()?;
        Ok(Self {
            size,
            root,
            note: [note.to_bytes(), second.unwrap_or_default()].concat(),
        })
    }

    /// Reads a checkpoint and checks that `key` signed it.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not to be believed.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read_unverified(note)?;
        if Note::read(note)?.signers(slice::from_ref(key))?.is_empty() {
            return Err(CheckpointError::Signature(key.name().to_owned()));
        }
        let origin = origin(note);
        if origin != key.name() {
            return Err(CheckpointError::Origin(origin));
        }
        Ok(checkpoint)
    }

    /// The checkpoint with the log's own signatures, those under its name, and without
    /// cosignatures: what is timestamped, and the bytes of `checkpoints/<size>`.
    ///
    /// # Errors
    /// [`CheckpointError`] if the key did not sign it.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<Vec<u8>, CheckpointError> {
        let note = Note::read(&self.note)?;
        let by = || key.name().to_owned();
        let signature = note.signature_by(&key.verifier)?;
        signature.ok_or_else(|| CheckpointError::Signature(by()))?;
        let begin = format!("\u{2014} {} ", by());
        let (text, lines) = self.note.split_at(note.text().len());
        let lines = lines.split_inclusive(|byte| *byte == b'\n');
        let own = lines.filter(|line| *line == b"\n" || line.starts_with(begin.as_bytes()));
        Ok([text, &own.collect::<Vec<_>>().concat()].concat())
    }

    /// Reads a checkpoint whose signature somebody else will check.
    pub(crate) fn read_unverified(note: &[u8]) -> Result<Self, CheckpointError> {
        let parsed = Note::read(note)?;
        let text = tlog_tiles::Checkpoint::from_bytes(parsed.text())
            .map_err(|_| CheckpointError::Malformed)?;
        // A text has one encoding; anything else hides changed bytes.
        if text.to_bytes() != parsed.text() {
            return Err(CheckpointError::Malformed);
        }
        if text.size() > MAX_SIZE {
            return Err(CheckpointError::Size(text.size()));
        }
        Ok(Self {
            size: text.size(),
            root: (*text.hash()).into(),
            note: note.to_vec(),
        })
    }
}

impl From<NoteError> for CheckpointError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Malformed => Self::Malformed,
            NoteError::Signature(name) => Self::Signature(name),
        }
    }
}

/// The first line of a note: of a checkpoint, the log that it is of.
pub(crate) fn origin(note: &[u8]) -> String {
    let line = note.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_sane_checkpoints_are_believed() {
        let key = Key::from_seed("log.example", [1; 32]).unwrap();
        let other = Key::from_seed("log.example", [2; 32]).unwrap();
        let named = Key::from_seed("other.example", [1; 32]).unwrap();
        let checkpoint = Checkpoint::sign(&key, 5, Hash([9; 32])).unwrap();
        assert_eq!(
            Checkpoint::open(&checkpoint.note, key.verifier()).unwrap(),
            checkpoint
        );
        assert_eq!(
            checkpoint.signed_by(key.verifier()).unwrap(),
            checkpoint.note
        );
        assert!(checkpoint.signed_by(other.verifier()).is_err());
        for foreign in [other, named] {
            assert!(Checkpoint::open(&checkpoint.note, foreign.verifier()).is_err());
        }
        assert_eq!(
            Checkpoint::sign(&key, u64::MAX, Hash([9; 32])),
            Err(CheckpointError::Size(u64::MAX))
        );
    }
}
