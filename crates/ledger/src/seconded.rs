//! Checkpoints that the log's second key signed too, and that key beside the log.

use std::path::Path;

use crate::{
    Checkpoint, Flaw, KeyError, MlDsaVerifier, VerifierKey,
    layout::{self, HISTORY, SECOND_VERIFIER},
    verify::{CHANGED, numbers_in, open_checkpoint, unreadable},
};

/// Checkpoints of a log that its second key signed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconded {
    /// How many they are.
    pub checkpoints: u64,
    /// How many of the first entries the newest of them covers.
    pub size: u64,
}

/// The second key kept beside the log in `dir`; `None` if it has none. Whoever could
/// change the log could change it too.
///
/// # Errors
/// A [`Flaw`] if it is no key.
pub fn second_beside(dir: &Path) -> Result<Option<MlDsaVerifier>, Flaw> {
    let text = layout::read_if_present(dir, SECOND_VERIFIER);
    let text = text.map_err(|error| unreadable(SECOND_VERIFIER, &error))?;
    let key = text.map(|text| String::from_utf8_lossy(&text).parse());
    key.transpose()
        .map_err(|error: KeyError| Flaw::of(SECOND_VERIFIER, error.to_string(), CHANGED))
}

/// Verifies the second signatures under the checkpoints kept of the log in `dir`. Those
/// of before it had a second key have none.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn verify_seconded(
    dir: &Path,
    key: &VerifierKey,
    second: &MlDsaVerifier,
) -> Result<Seconded, Flaw> {
    let mut found = Seconded {
        checkpoints: 0,
        size: 0,
    };
    for size in numbers_in(dir, HISTORY)? {
        let path = format!("{HISTORY}/{size}");
        let checkpoint = open_checkpoint(dir, &path, key)?;
        if is_seconded(&path, &checkpoint, second)? {
            found.checkpoints += 1;
            found.size = size;
        }
    }
    Ok(found)
}

/// Whether the second key signed a checkpoint too, which lies in the file `path`.
///
/// # Errors
/// A [`Flaw`] if a signature claims to be by it and is not.
pub fn is_seconded(
    path: &str,
    checkpoint: &Checkpoint,
    second: &MlDsaVerifier,
) -> Result<bool, Flaw> {
    let signed = second.signed(checkpoint);
    signed.map_err(|error| Flaw::of(path, error.to_string(), CHANGED))
}
