//! Timestamps kept beside the checkpoints that they are over, one file each size, and
//! the roots of the authorities that made them.

use std::{io, path::Path};

use crate::{
    Checkpoint, Flaw, Roots, RootsError, Token, VerifierKey,
    cosigned::{COSIGNATURES, policy_beside},
    layout::{self, HISTORY},
    verify::{INCOMPLETE, numbers_in, open_checkpoint, unreadable},
};

/// Timestamps by the size of the checkpoint they are over: `TimeStampToken`s in DER.
pub(crate) const TIMESTAMPS: &str = "timestamps";

/// Root certificates in PEM of the authorities that made them, for whoever has no
/// better source of them.
pub(crate) const AUTHORITIES: &str = "authorities";

const UNTIMED: &str = "it does not show when the ledger said this";

/// A log's timestamps, found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamped {
    /// Checkpoints that are timestamped: at least one.
    pub checkpoints: u64,
    /// How many of the first entries the newest of them covers.
    pub size: u64,
    /// Its timestamp.
    pub newest: Token,
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
    let mut found: Option<Timestamped> = None;
    for size in numbers_in(dir, TIMESTAMPS)? {
        let path = format!("{TIMESTAMPS}/{size}");
        let token = layout::read(dir, &path).map_err(|error| unreadable(&path, &error))?;
        let checkpoint = open_checkpoint(dir, &format!("{HISTORY}/{size}"), key)?;
        let newest = verify_timestamp_under(&path, &token, (&checkpoint, key), roots)?;
        found = Some(Timestamped {
            checkpoints: found.map_or(0, |found| found.checkpoints) + 1,
            size,
            newest,
        });
    }
    Ok(found)
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
/// and cosigned as the policy beside the log demands, with its timestamp: what shows
/// how long they have been there. Of the timestamp nothing is verified.
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
    for size in sizes.into_iter().filter(|size| *size >= entries) {
        let kept = open_checkpoint(dir, &format!("{HISTORY}/{size}"), key)?;
        let path = format!("{COSIGNATURES}/{size}");
        let lines = layout::read_if_present(dir, &path);
        let lines = lines.map_err(|error| unreadable(&path, &error))?;
        let note = [kept.note, lines.unwrap_or_default()].concat();
        let checkpoint = Checkpoint { note, ..kept };
        if policy
            .as_ref()
            .is_some_and(|policy| policy.cosigned(&checkpoint).is_err())
        {
            continue;
        }
        let path = format!("{TIMESTAMPS}/{size}");
        let token = layout::read(dir, &path).map_err(|error| unreadable(&path, &error))?;
        return Ok(Some((checkpoint, token)));
    }
    Ok(None)
}

/// How many of the first entries of the log in `dir` are under a checkpoint that is
/// timestamped, of those that have at most `published` entries: what more there is was
/// left by a ledger that was rolled back.
///
/// # Errors
/// When the folder cannot be read.
pub fn timestamped_size(dir: &Path, published: u64) -> io::Result<u64> {
    let sizes = numbers_in(dir, TIMESTAMPS).map_err(io::Error::other)?;
    let covered = sizes.into_iter().rev().find(|size| *size <= published);
    Ok(covered.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{Cosigner, Key, Policy, Publisher, keep_cosignature, publish_policy};

    #[test]
    fn the_oldest_that_is_timestamped_and_cosigned_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let key = Key::from_seed("log.example", [1; 32]).unwrap();
        let mut publisher = Publisher::open(dir, key.clone(), None).unwrap();
        let witness = Cosigner::from_seed("w.example", [2; 32]).unwrap();
        let policy = Policy {
            witnesses: vec![witness.key().clone()],
            required: 1,
        };
        for size in 1..=4u64 {
            publisher.append(b"entry").unwrap();
            let checkpoint = publisher.sign().unwrap().clone();
            let token = Token {
                bytes: vec![size as u8],
                by: "authority".to_owned(),
                at: Timestamp::UNIX_EPOCH,
            };
            if size > 1 {
                keep_token(dir, size, &token).unwrap();
            }
            if size != 2 {
                let cosignature = witness.cosign(&checkpoint.note, Timestamp::UNIX_EPOCH);
                keep_cosignature(dir, &checkpoint, &cosignature.unwrap(), &policy).unwrap();
            }
        }
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
        assert_eq!(timestamped_size(dir, 9).unwrap(), 4);
        assert_eq!(timestamped_size(dir, 3).unwrap(), 3);
        assert_eq!(timestamped_size(dir, 1).unwrap(), 0);
    }
}
