//! Timestamps kept beside the checkpoints that they are over, one file each size, and
//! the roots of the authorities that made them.

use std::{io, path::Path};

use jiff::Timestamp;

use crate::{
    Checkpoint, Flaw, Roots, RootsError, Token, VerifierKey,
    cosigned::{COSIGNATURES, policy_beside},
    layout::{self, HISTORY},
    verify::{CHANGED, INCOMPLETE, numbers_in, open_checkpoint, unreadable},
};

/// Timestamps by the size of the checkpoint they are over: `TimeStampToken`s in DER.
pub(crate) const TIMESTAMPS: &str = "timestamps";

/// Root certificates in PEM of the authorities that made them, for whoever has no
/// better source of them.
pub(crate) const AUTHORITIES: &str = "authorities";

const UNTIMED: &str = "it does not show when the ledger said this";

/// Timestamps that are looked at, at most, to find one that counts.
const LOOKS: usize = 1000;
/// Timestamps after the first that are looked at, at most, for one over a checkpoint that
/// is cosigned: those of about an hour.
const NEAR: usize = 60;

/// A log's timestamps, found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamped {
    /// How many of the first entries each covers, ascending, and when it was made: at
    /// least one.
    pub times: Vec<(u64, Timestamp)>,
    /// The newest.
    pub newest: Token,
}

impl Timestamped {
    /// How many of the first entries the newest of them covers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.times.last().map_or(0, |(size, _)| *size)
    }
}

/// How far timestamps that count cover a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// How many of the first entries: none where no timestamp counts.
    pub size: u64,
    /// What is wrong with newer ones, newest first.
    pub passed_over: Vec<Flaw>,
}

/// Keeps a timestamp over the checkpoint of `size` entries of the log in `dir`.
///
/// # Errors
/// When it cannot be written.
pub fn keep_token(dir: &Path, size: u64, token: &Token) -> io::Result<()> {
    layout::write(dir, &format!("{TIMESTAMPS}/{size}"), &token.bytes)
}

/// Says beside the log in `dir` which roots its timestamps lead to, besides those that
/// are named there: of authorities that were asked before.
///
/// # Errors
/// When they cannot be read or written.
pub fn publish_roots(dir: &Path, roots: &Roots) -> io::Result<()> {
    let present = roots_beside(dir).map_err(io::Error::other)?;
    let all = match &present {
        Some(present) => present.clone().with(roots),
        None => roots.clone(),
    };
    if present.as_ref() == Some(&all) {
        return Ok(());
    }
    layout::write(dir, AUTHORITIES, all.to_pem().as_bytes())
}

/// The roots kept beside the log in `dir`; `None` if it has none. Whoever could change
/// the log could change them too.
///
/// # Errors
/// A [`Flaw`] if they cannot be read.
pub fn roots_beside(dir: &Path) -> Result<Option<Roots>, Flaw> {
    let pem = layout::read_if_present(dir, AUTHORITIES);
    let pem = pem.map_err(|error| unreadable(AUTHORITIES, &error))?;
    let roots = pem.map(|pem| Roots::read(&pem)).transpose();
    roots.map_err(|error: RootsError| Flaw::of(AUTHORITIES, error.to_string(), INCOMPLETE))
}

/// Verifies the timestamps kept beside the log in `dir`: each is over the checkpoint it
/// stands for, by an authority that one of the roots stands behind. `None` if there are
/// none.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn verify_timestamps(
    dir: &Path,
    key: &VerifierKey,
    roots: &Roots,
) -> Result<Option<Timestamped>, Flaw> {
    let mut times = Vec::new();
    let mut last = None;
    for size in numbers_in(dir, TIMESTAMPS)? {
        let token = verify_kept(dir, size, (key, roots))?;
        times.push((size, token.at));
        last = Some(token);
    }
    Ok(last.map(|newest| Timestamped { times, newest }))
}

/// Verifies the timestamp kept over the checkpoint of `size` entries.
fn verify_kept(dir: &Path, size: u64, (key, roots): (&VerifierKey, &Roots)) -> Result<Token, Flaw> {
    let path = format!("{TIMESTAMPS}/{size}");
    let token = layout::read(dir, &path).map_err(|error| unreadable(&path, &error))?;
    let kept = format!("{HISTORY}/{size}");
    let checkpoint = open_checkpoint(dir, &kept, key)?;
    if checkpoint.size != size {
        let what = format!("is a checkpoint of {} entries", checkpoint.size);
        return Err(Flaw::of(&kept, what, CHANGED));
    }
    verify_timestamp_under(&path, &token, (&checkpoint, key), roots)
}

/// Verifies a timestamp, which lies in the file `path`, over a checkpoint that `key`
/// signed.
///
/// # Errors
/// A [`Flaw`] of that file.
pub fn verify_timestamp_under(
    path: &str,
    token: &[u8],
    (checkpoint, key): (&Checkpoint, &VerifierKey),
    roots: &Roots,
) -> Result<Token, Flaw> {
    let flaw = |error: &dyn std::error::Error| Flaw::of(path, error.to_string(), UNTIMED);
    let note = checkpoint.signed_by(key).map_err(|error| flaw(&error))?;
    Token::verify(token, &note, roots).map_err(|error| flaw(&error))
}

/// The oldest checkpoint of the log in `dir` with so many `entries` that is timestamped,
/// with its timestamp: what shows how long they have been there. One that is cosigned as
/// the policy beside the log demands is preferred where there is one soon after; the
/// policy may be younger than the entries. Of the timestamp nothing is verified.
///
/// # Errors
/// A [`Flaw`] if the files cannot be read.
pub fn timestamped_covering(
    dir: &Path,
    key: &VerifierKey,
    entries: u64,
) -> Result<Option<(Checkpoint, Vec<u8>)>, Flaw> {
    let policy = policy_beside(dir)?;
    let sizes = numbers_in(dir, TIMESTAMPS)?;
    let mut found = None;
    for size in sizes.into_iter().filter(|size| *size >= entries).take(NEAR) {
        let checkpoint = with_cosignatures(dir, key, size)?;
        let policy = policy.as_ref();
        if policy.is_none_or(|policy| policy.cosigned(&checkpoint).is_ok()) {
            found = Some((size, checkpoint));
            break;
        }
        found.get_or_insert((size, checkpoint));
    }
    let Some((size, checkpoint)) = found else {
        return Ok(None);
    };
    let path = format!("{TIMESTAMPS}/{size}");
    let token = layout::read(dir, &path).map_err(|error| unreadable(&path, &error))?;
    Ok(Some((checkpoint, token)))
}

/// The checkpoint kept of `size` entries, with the cosignatures kept beside it.
fn with_cosignatures(dir: &Path, key: &VerifierKey, size: u64) -> Result<Checkpoint, Flaw> {
    let kept = open_checkpoint(dir, &format!("{HISTORY}/{size}"), key)?;
    let path = format!("{COSIGNATURES}/{size}");
    let lines = layout::read_if_present(dir, &path);
    let lines = lines.map_err(|error| unreadable(&path, &error))?;
    Ok(kept.with_lines(&lines.unwrap_or_default()))
}

/// How many of the first entries of the log in `dir` are under a checkpoint with a
/// timestamp that one of the roots stands behind, of those that have at most `published`
/// entries: what more there is was left by a ledger that was rolled back. The newest that
/// is in order counts.
///
/// # Errors
/// When the folder cannot be read.
pub fn timestamped_size(
    dir: &Path,
    key: &VerifierKey,
    (published, roots): (u64, &Roots),
) -> io::Result<Stamped> {
    let sizes = numbers_in(dir, TIMESTAMPS).map_err(io::Error::other)?;
    let newest_first = sizes.into_iter().rev().filter(|size| *size <= published);
    let mut passed_over = Vec::new();
    for size in newest_first.take(LOOKS) {
        match verify_kept(dir, size, (key, roots)) {
            Ok(_) => return Ok(Stamped { size, passed_over }),
            Err(flaw) => passed_over.push(flaw),
        }
    }
    let size = 0;
    Ok(Stamped { size, passed_over })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cosigner, Key, Policy, Publisher, keep_cosignature, publish_policy};

    fn key() -> Key {
        Key::from_seed("log.example", [1; 32]).unwrap()
    }

    fn policy(witness: &Cosigner) -> Policy {
        Policy {
            witnesses: vec![witness.key().clone()],
            required: 1,
        }
    }

    /// A log with a checkpoint at each size up to the last; some are timestamped, some
    /// cosigned.
    fn log(
        dir: &Path,
        last: u64,
        witness: &Cosigner,
        (timestamped, cosigned): (impl Fn(u64) -> bool, impl Fn(u64) -> bool),
    ) {
        let mut publisher = Publisher::open(dir, key(), None).unwrap();
        for size in 1..=last {
            publisher.append(b"entry").unwrap();
            let checkpoint = publisher.sign().unwrap().clone();
            let token = Token {
                bytes: vec![size as u8],
                by: "authority".to_owned(),
                at: Timestamp::UNIX_EPOCH,
            };
            if timestamped(size) {
                keep_token(dir, size, &token).unwrap();
            }
            if cosigned(size) {
                let cosignature = witness.cosign(&checkpoint.note, Timestamp::UNIX_EPOCH);
                let cosignature = cosignature.unwrap();
                keep_cosignature(dir, &checkpoint, &cosignature, &policy(witness)).unwrap();
            }
        }
    }

    #[test]
    fn one_that_is_cosigned_is_looked_for_nearby_only() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let witness = Cosigner::from_seed("w.example", [2; 32]).unwrap();
        let last = NEAR as u64 + 1;
        log(dir, last, &witness, (|_| true, |size| size == last));
        publish_policy(dir, &policy(&witness), key().verifier()).unwrap();
        let covering = |entries| {
            let found = timestamped_covering(dir, key().verifier(), entries).unwrap();
            found.map(|(checkpoint, _)| checkpoint.size)
        };
        assert_eq!(covering(1), Some(1));
        assert_eq!(covering(2), Some(last));
    }

    #[test]
    fn the_oldest_that_is_timestamped_and_cosigned_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let key = key();
        let witness = Cosigner::from_seed("w.example", [2; 32]).unwrap();
        let policy = policy(&witness);
        log(dir, 4, &witness, (|size| size > 1, |size| size != 2));
        let covering = |entries| {
            let found = timestamped_covering(dir, key.verifier(), entries).unwrap();
            found.map(|(checkpoint, token)| (checkpoint.size, token))
        };
        assert_eq!(covering(1), Some((2, vec![2])));
        assert_eq!(covering(4), Some((4, vec![4])));
        assert_eq!(covering(5), None);
        publish_policy(dir, &policy, key.verifier()).unwrap();
        assert_eq!(covering(1), Some((3, vec![3])));
        let (cosigned, _) = timestamped_covering(dir, key.verifier(), 1)
            .unwrap()
            .unwrap();
        assert_eq!(policy.cosigned(&cosigned).unwrap().len(), 1);
        // What is timestamped has no cosignatures.
        let alone = layout::read(dir, "checkpoints/3").unwrap();
        assert_eq!(cosigned.signed_by(key.verifier()).unwrap(), alone);
        // Other witnesses take from old entries neither timestamps nor cosignatures.
        let stranger = Cosigner::from_seed("v.example", [3; 32]).unwrap();
        publish_policy(dir, &self::policy(&stranger), key.verifier()).unwrap();
        assert_eq!(covering(1), Some((2, vec![2])));
        assert_eq!(covering(3), Some((3, vec![3])));
        let (old, _) = timestamped_covering(dir, key.verifier(), 3)
            .unwrap()
            .unwrap();
        assert_eq!(policy.cosigned(&old).unwrap().len(), 1);
        assert_eq!(covering(5), None);
    }
}
