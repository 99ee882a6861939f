//! Cosignatures kept beside the checkpoints that they are of, one file each size, and
//! the policy that says which of them count.

#[cfg(not(test))]
use std::fs;
use std::{io, path::Path, slice};

use signed_note::{Signature, Verifier as _};

use crate::{
    Checkpoint, Cosignature, CosignerKey, Flaw, Policy, PolicyError, PublishError, VerifierKey,
    cosign::cosignatures,
    layout::{self, HISTORY},
    verify::{CHANGED, INCOMPLETE, numbers_in, open_checkpoint, unreadable},
};

#[cfg(test)]
use crate::tests::disk as fs;

/// Cosignatures by the size of the checkpoint they are of, as signature lines.
pub(crate) const COSIGNATURES: &str = "cosignatures";

/// The file of the newest checkpoint that as many cosigned as the policy demands, in the
/// folder of a log.
pub const COSIGNED: &str = "cosigned";

/// Which witnesses count, for whoever has no better source of it.
pub(crate) const POLICY: &str = "policy";

/// A log's cosignatures, found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Checkpoints that anybody cosigned.
    pub checkpoints: u64,
    /// The newest that as many cosigned as the policy demands, the cosignatures in its
    /// note, and those that count.
    pub newest: Option<(Checkpoint, Vec<Cosignature>)>,
}

/// Keeps a cosignature of a checkpoint of the log in `dir`, in place of an earlier
/// one by the same witness. There must be one caller at a time.
///
/// # Errors
/// When it cannot be written.
pub fn keep_cosignature(
    dir: &Path,
    checkpoint: &Checkpoint,
    cosignature: &Cosignature,
    policy: &Policy,
) -> io::Result<()> {
    let path = format!("{COSIGNATURES}/{}", checkpoint.size);
    let present = layout::read_if_present(dir, &path)?.unwrap_or_default();
    let present = String::from_utf8_lossy(&present);
    let others = present
        .split_inclusive('\n')
        .filter(|line| !is_by(line, &cosignature.by));
    let lines: String = others.chain([cosignature.line.as_str()]).collect();
    layout::write(dir, &path, lines.as_bytes())?;
    let cosigned = checkpoint.clone().with_lines(lines.as_bytes());
    if cosigned.size >= cosigned_size(dir)? && policy.cosigned(&cosigned).is_ok() {
        layout::write(dir, COSIGNED, &cosigned.note)?;
    }
    Ok(())
}

/// Says beside the log in `dir` which witnesses count.
///
/// # Errors
/// When it cannot be written.
pub fn publish_policy(dir: &Path, policy: &Policy, log: &VerifierKey) -> io::Result<()> {
    let text = policy.to_text(log);
    if layout::read_if_present(dir, POLICY)?.as_deref() == Some(text.as_bytes()) {
        return Ok(());
    }
    layout::write(dir, POLICY, text.as_bytes())
}

/// The policy kept beside the log in `dir`; `None` if it has none. Whoever could
/// change the log could change it too.
///
/// # Errors
/// A [`Flaw`] if it cannot be read.
pub fn policy_beside(dir: &Path) -> Result<Option<Policy>, Flaw> {
    let text = layout::read_if_present(dir, POLICY).map_err(|error| unreadable(POLICY, &error))?;
    let read = |text: Vec<u8>| Policy::read(&String::from_utf8_lossy(&text));
    let policy = text.map(read).transpose();
    policy.map_err(|error| Flaw::of(POLICY, error.to_string(), INCOMPLETE))
}

/// Verifies the cosignatures kept beside the log in `dir`: each by a witness of the
/// policy is of the checkpoint it stands for, and so is the newest that enough cosigned.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn verify_cosignatures(
    dir: &Path,
    key: &VerifierKey,
    policy: &Policy,
) -> Result<Cosigned, Flaw> {
    let mut found = Cosigned {
        checkpoints: 0,
        newest: None,
    };
    for size in numbers_in(dir, COSIGNATURES)? {
        let path = format!("{COSIGNATURES}/{size}");
        let lines = layout::read(dir, &path).map_err(|error| unreadable(&path, &error))?;
        let kept = open_checkpoint(dir, &format!("{HISTORY}/{size}"), key)?;
        let checkpoint = kept.with_lines(&lines);
        if let Some(cosignatures) = counting(&path, &checkpoint, policy)? {
            found.newest = Some((checkpoint, cosignatures));
        }
        found.checkpoints += 1;
    }
    let present = fs::exists(dir.join(COSIGNED));
    if present.map_err(|error| unreadable(COSIGNED, &error))? {
        let newest = open_checkpoint(dir, COSIGNED, key)?;
        let kept = open_checkpoint(dir, &format!("{HISTORY}/{}", newest.size), key)?;
        if (newest.size, newest.root) != (kept.size, kept.root) {
            let what = format!("is not what was signed of {} entries", newest.size);
            return Err(Flaw::of(COSIGNED, what, CHANGED));
        }
        counting(COSIGNED, &newest, policy)?;
    }
    Ok(found)
}

/// The cosignatures that count under a checkpoint; `None` if they are too few.
fn counting(
    path: &str,
    checkpoint: &Checkpoint,
    policy: &Policy,
) -> Result<Option<Vec<Cosignature>>, Flaw> {
    match policy.cosigned(checkpoint) {
        Ok(cosignatures) => Ok(Some(cosignatures)),
        Err(PolicyError::TooFew { .. }) => Ok(None),
        Err(error) => Err(Flaw::of(path, error.to_string(), CHANGED)),
    }
}

/// The newest checkpoint of the log in `dir` that is cosigned as its policy demands;
/// `None` if none is. Its signatures are for the caller to check.
pub(crate) fn newest(dir: &Path) -> io::Result<Option<Checkpoint>> {
    let note = layout::read_if_present(dir, COSIGNED)?;
    let read = |note: Vec<u8>| Checkpoint::read_unverified(&note).map_err(io::Error::other);
    note.map(read).transpose()
}

/// How many of the first entries of the log in `dir` the newest checkpoint covers that
/// is cosigned as its policy demands.
///
/// # Errors
/// When it cannot be read.
pub fn cosigned_size(dir: &Path) -> io::Result<u64> {
    Ok(newest(dir)?.map_or(0, |cosigned| cosigned.size))
}

/// The newest checkpoint of the log in `dir`, among those of at most the `signed` entries
/// that are signed, which a witness cosigned: how far both told the same story.
///
/// # Errors
/// When it cannot be read.
pub fn last_cosigned_by(dir: &Path, witness: &CosignerKey, signed: u64) -> io::Result<u64> {
    let sizes = numbers_in(dir, COSIGNATURES).map_err(io::Error::other)?;
    for size in sizes.into_iter().rev().filter(|size| *size <= signed) {
        if is_cosigned_by(dir, witness, size)? {
            return Ok(size);
        }
    }
    Ok(0)
}

/// Whether a witness cosigned the checkpoint kept of so many entries: what only says that
/// it is by the witness counts for nothing.
fn is_cosigned_by(dir: &Path, witness: &CosignerKey, size: u64) -> io::Result<bool> {
    let lines = layout::read(dir, &format!("{COSIGNATURES}/{size}"))?;
    let lines = String::from_utf8_lossy(&lines);
    let lines = lines.split_inclusive('\n');
    let by: String = lines.filter(|line| is_by(line, witness)).collect();
    if by.is_empty() {
        return Ok(false);
    }
    let kept = layout::read_if_present(dir, &format!("{HISTORY}/{size}"))?;
    let note = [kept.unwrap_or_default().as_slice(), by.as_bytes()].concat();
    let found = cosignatures(&note, slice::from_ref(witness));
    Ok(found.is_ok_and(|found| !found.is_empty()))
}

/// Heeds the word of a witness that it cosigned the first `size` entries of the log in
/// `dir`, of which `signed` are signed. It shows nothing that the log signed (C2SP
/// tlog-witness tells a size alone), and so nothing but a cosignature of as many entries
/// here says that they are the same.
///
/// # Errors
/// [`PublishError::Claimed`] if there is none.
pub fn heed_word(
    dir: &Path,
    signed: u64,
    (witness, size): (&CosignerKey, u64),
) -> Result<(), PublishError> {
    let cosigned = last_cosigned_by(dir, witness, signed);
    let cosigned = cosigned.map_err(|source| PublishError::File {
        path: COSIGNATURES.to_owned(),
        source,
    })?;
    match cosigned >= size {
        true => Ok(()),
        false => Err(PublishError::Claimed { size, signed }),
    }
}

/// Whether a signature line says that it is by a key.
fn is_by(line: &str, key: &CosignerKey) -> bool {
    Signature::from_bytes(line.trim_end().as_bytes())
        .is_ok_and(|by| (by.name(), by.id()) == (key.name(), key.key_id()))
}
