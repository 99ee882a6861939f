//! Cosignatures kept beside the checkpoints that they are of, one file each size, and
//! the policy that says which of them count.

use std::{io, path::Path};

use crate::{
    Checkpoint, Cosignature, Flaw, Policy, PolicyError, VerifierKey,
    layout::{self, CHECKPOINT, HISTORY},
    verify::{CHANGED, INCOMPLETE, numbers_in, open_checkpoint, unreadable},
};

/// Cosignatures by the size of the checkpoint they are of, as signature lines.
const COSIGNATURES: &str = "cosignatures";

/// The newest checkpoint that as many cosigned as the policy demands.
const COSIGNED: &str = "cosigned";

/// Which witnesses count, for whoever has no better source of it.
const POLICY: &str = "policy";

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
        .filter(|line| !is_by_the_same(line, &cosignature.line));
    let lines: String = others.chain([cosignature.line.as_str()]).collect();
    layout::write(dir, &path, lines.as_bytes())?;
    let note = [checkpoint.note.as_slice(), lines.as_bytes()].concat();
    let cosigned = Checkpoint {
        note,
        ..checkpoint.clone()
    };
    let newest = read_if_present(dir, COSIGNED)?.map_or(0, |newest| newest.size);
    if cosigned.size >= newest && policy.cosigned(&cosigned).is_ok() {
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
/// policy is of the checkpoint it stands for.
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
        let note = [kept.note, lines].concat();
        let checkpoint = Checkpoint { note, ..kept };
        match policy.cosigned(&checkpoint) {
            Ok(cosignatures) => found.newest = Some((checkpoint, cosignatures)),
            Err(PolicyError::TooFew { .. }) => {}
            Err(error) => return Err(Flaw::of(&path, error.to_string(), CHANGED)),
        }
        found.checkpoints += 1;
    }
    Ok(found)
}

/// The checkpoint of the log in `dir` to prove `entries` entries under: the newest
/// that is cosigned as the policy demands, if it covers them, else the latest. Its
/// signatures are for the caller to check.
pub(crate) fn best(dir: &Path, entries: u64) -> io::Result<Vec<u8>> {
    match read_if_present(dir, COSIGNED)? {
        Some(cosigned) if cosigned.size >= entries => Ok(cosigned.note),
        Some(_) | None => layout::read(dir, CHECKPOINT),
    }
}

/// How many of the first entries of the log in `dir` the newest checkpoint covers that
/// is cosigned as its policy demands.
///
/// # Errors
/// When it cannot be read.
pub fn cosigned_size(dir: &Path) -> io::Result<u64> {
    Ok(read_if_present(dir, COSIGNED)?.map_or(0, |cosigned| cosigned.size))
}

/// The newest checkpoint of the log in `dir` that has a cosignature by a witness, by
/// its key's name: how far both told the same story.
///
/// # Errors
/// When it cannot be read.
pub fn last_cosigned_by(dir: &Path, witness: &str) -> io::Result<u64> {
    let sizes = numbers_in(dir, COSIGNATURES).map_err(io::Error::other)?;
    let prefix = format!("\u{2014} {witness} ");
    for size in sizes.into_iter().rev() {
        let lines = layout::read(dir, &format!("{COSIGNATURES}/{size}"))?;
        let lines = String::from_utf8_lossy(&lines);
        if lines.lines().any(|line| line.starts_with(&prefix)) {
            return Ok(size);
        }
    }
    Ok(0)
}

fn read_if_present(dir: &Path, path: &str) -> io::Result<Option<Checkpoint>> {
    let note = layout::read_if_present(dir, path)?;
    let read = |note: Vec<u8>| Checkpoint::read_unverified(&note).map_err(io::Error::other);
    note.map(read).transpose()
}

/// Whether two signature lines name one key: its name, and its id, which the base64
/// text begins with.
fn is_by_the_same(line: &str, other: &str) -> bool {
    /// Characters of base64 that four bytes fill wholly.
    const ID: usize = 5;
    let key = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let name = words.next()?.to_owned();
        Some((name, words.next()?.get(..ID)?.to_owned()))
    };
    key(line) == key(other)
}
