//! An extension as it is shown to a witness over HTTP: the body of `add-checkpoint`,
//! C2SP tlog-witness.

use std::str;

use base64::prelude::{BASE64_STANDARD, Engine};
use thiserror::Error;

use crate::{CheckpointError, Extension, Hash, MAX_SIZE, Refused};

/// Most lines of a proof: "The client MUST NOT send more than 63 consistency proof lines."
const LINES_MAX: usize = 63;

/// Not the body of `add-checkpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "not a line `old <size>`, at most {LINES_MAX} lines of a hash in base64, an empty line and a \
     checkpoint"
)]
pub struct NoSubmission;

/// How a witness answers what it does not cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 400: the request makes no sense.
    Malformed,
    /// 403: no signature is by a key that is trusted for the log.
    Untrusted,
    /// 404: the log is not known.
    Unknown,
    /// 409: so many entries were cosigned last, and the request starts elsewhere, or
    /// has as many and others.
    Conflict(u64),
    /// 422: the proof does not hold.
    Unproven,
    /// 500: the witness fails.
    Failed,
}

impl Extension {
    /// The body of the request.
    #[must_use]
    pub fn to_submission(&self) -> Vec<u8> {
        let Self {
            old_size,
            path,
            checkpoint,
        } = self;
        let mut text = format!("old {old_size}\n");
        for hash in path {
            text.push_str(&BASE64_STANDARD.encode(hash.0));
            text.push('\n');
        }
        text.push('\n');
        [text.as_bytes(), checkpoint].concat()
    }

    /// Reads the body of a request. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`NoSubmission`] unless it is exactly what [`Extension::to_submission`] writes.
    pub fn from_submission(body: &[u8]) -> Result<Self, NoSubmission> {
        let text = str::from_utf8(body).map_err(|_| NoSubmission)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NoSubmission)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old "));
        let path: Option<Vec<Hash>> = lines.map(read_hash).collect();
        let path = path.filter(|path| path.len() <= LINES_MAX);
        let extension = Self {
            old_size: old_size.and_then(read_size).ok_or(NoSubmission)?,
            path: path.ok_or(NoSubmission)?,
            checkpoint: checkpoint.as_bytes().to_vec(),
        };
        (extension.to_submission() == body)
            .then_some(extension)
            .ok_or(NoSubmission)
    }
}

impl Refused {
    /// What a witness answers to who showed this extension.
    #[must_use]
    pub fn answer(&self, shown: &Extension) -> Answer {
        match self {
            Self::Unknown(_) => Answer::Unknown,
            Self::Checkpoint(CheckpointError::Malformed | CheckpointError::Size(_))
            | Self::Backwards { .. } => Answer::Malformed,
            Self::Checkpoint(CheckpointError::Signature(_) | CheckpointError::Origin(_)) => {
                Answer::Untrusted
            }
            Self::Stale { seen } => match seen.as_ref().map_or(0, |seen| seen.size) {
                // It starts where it should: what is wrong is the proof.
                size if size == shown.old_size => Answer::Unproven,
                size => Answer::Conflict(size),
            },
            Self::RolledBack(both) | Self::Split(both) => Answer::Conflict(both.seen.size),
            Self::Unproven(_) => Answer::Unproven,
            Self::Witness(_) | Self::Note(_) => Answer::Failed,
        }
    }
}

/// A size as witnesses write it: decimal, without leading zeroes, and no more than a
/// log may have.
#[must_use]
pub fn read_size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok()?;
    (size <= MAX_SIZE && size.to_string() == text).then_some(size)
}

fn read_hash(line: &str) -> Option<Hash> {
    let bytes = BASE64_STANDARD.decode(line).ok()?;
    Some(Hash(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let read = Extension::from_submission(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((read.old_size, read.path.len()), (20_852_014, 4));
        assert_eq!(read.origin(), "example.com/behind-the-sofa");
        assert_eq!(read.to_submission(), EXAMPLE.as_bytes());
    }

    #[test]
    fn only_the_one_form_is_read() {
        let line = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        let many = format!("{}{line}", line.repeat(LINES_MAX - 4));
        let most = EXAMPLE.replacen(line, &many, 1);
        let most = Extension::from_submission(most.as_bytes()).unwrap();
        assert_eq!(most.path.len(), LINES_MAX);
        for changed in [
            EXAMPLE.replacen("old 2", "old 02", 1),
            EXAMPLE.replacen("old 2", "old +2", 1),
            EXAMPLE.replacen("old ", "old  ", 1),
            EXAMPLE.replacen("old 20852014", "old 18446744073709551615", 1),
            EXAMPLE.replacen("old 20852014", "old", 1),
            EXAMPLE.replacen("old", "new", 1),
            EXAMPLE.replacen('\n', "\r\n", 1),
            EXAMPLE.replacen("kaw=", "kax=", 1),
            EXAMPLE.replacen("kaw=", "kaw", 1),
            EXAMPLE.replacen("PlRN", "", 1),
            EXAMPLE.replacen(line, &format!("{line}{many}"), 1),
            EXAMPLE.split("\n\n").next().unwrap().to_owned(),
            String::new(),
        ] {
            let read = Extension::from_submission(changed.as_bytes());
            assert_eq!(read, Err(NoSubmission), "{changed}");
        }
        assert_eq!(
            Extension::from_submission(b"old 0\n\n\xff"),
            Err(NoSubmission)
        );
    }
}
