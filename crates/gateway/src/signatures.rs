//! Signatures of a policy bundle: who stands behind it, and until when.
//!
//! `bundle.sig` in the policy folder is a C2SP signed note. Its text names the
//! purpose, so that no signature made for anything else fits, the bundle and the
//! last day on which the signatures count:
//!
//! ```text
//! comity.v1 policy bundle
//! 0d6e4079e36703ebd37c00722f5891d28b0e2811dc114b129215123adcce3605
//! valid until 2027-06-30
//!
//! — legal-1.justice.example pYyR3…
//! ```

use std::{fmt, fs, io, path::Path, str::FromStr};

use comity_domain::Digest;
use comity_ledger::{Key, Note, NoteError, VerifierKey};
use jiff::civil::Date;
use thiserror::Error;

/// Name of the file in the policy folder. It is no part of the bundle.
pub const FILE: &str = "bundle.sig";
/// Where a new file is written before it takes the place of the old one; a name
/// that nobody reads.
const DRAFT: &str = ".bundle.sig.new";
/// First line of the text: what a signature is for.
const PURPOSE: &str = "comity.v1 policy bundle";
/// What stands before the date.
const UNTIL: &str = "valid until ";

/// What the signers of a bundle say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 of the bundle.
    pub bundle: Digest,
    /// Last day, in UTC, on which the signatures count.
    pub until: Date,
}

/// Who must have signed a bundle before it comes into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// Everyone who may sign. No two have a name or a key in common.
    pub keys: Vec<VerifierKey>,
    /// How many of them must have signed; at least 1.
    pub required: usize,
}

/// A statement with signatures that nobody has checked yet.
#[derive(Debug)]
pub struct Signatures {
    statement: Statement,
    note: Note,
}

/// Why a bundle counts as unsigned.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// There is no `bundle.sig`.
    #[error(
        "the bundle is not signed: have it signed by {required} of {names} \
         with `comity policy sign`"
    )]
    Unsigned {
        /// How many signatures are required.
        required: usize,
        /// Who may sign.
        names: String,
    },
    /// `bundle.sig` cannot be read.
    #[error("`bundle.sig` cannot be read: {0}")]
    Unreadable(io::Error),
    /// `bundle.sig` is something else.
    #[error(
        "`bundle.sig` is not a signed note over a policy bundle: remove it and have the bundle \
         signed again with `comity policy sign`"
    )]
    Malformed,
    /// The files are not those that were signed.
    #[error(
        "`bundle.sig` is for bundle {signed}, but the files are bundle {found}: they were changed \
         after they were signed; restore them, or have them signed again with `comity policy sign`"
    )]
    OtherBundle {
        /// The bundle that was signed.
        signed: Digest,
        /// The bundle in the folder.
        found: Digest,
    },
    /// A signature does not fit what `bundle.sig` says.
    #[error(
        "the signature of `{0}` in `bundle.sig` does not fit its text: it was altered after \
         signing; remove it and have the bundle signed again with `comity policy sign`"
    )]
    Altered(String),
    /// Not enough of the signers have signed.
    #[error(
        "the bundle is signed by {signed} of {required} required signers: \
         {names} can sign it with `comity policy sign`"
    )]
    TooFew {
        /// How many have signed.
        signed: usize,
        /// How many must.
        required: usize,
        /// Those who have not signed.
        names: String,
    },
    /// The last day is over.
    #[error(
        "the signatures of the bundle were valid until {0} (UTC): have it signed again \
         with `comity policy sign`"
    )]
    Expired(Date),
}

impl Signatures {
    /// A statement that nobody has signed yet.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`]; no statement causes it.
    pub fn new(statement: Statement) -> Result<Self, SignatureError> {
        let text = statement.to_string();
        let note = Note::new(text.as_bytes()).map_err(|_| SignatureError::Malformed)?;
        Ok(Self { statement, note })
    }

    /// Reads the signatures in a policy folder; `None` where there is no file.
    ///
    /// # Errors
    /// [`SignatureError::Unreadable`] or [`SignatureError::Malformed`].
    pub fn read(folder: &Path) -> Result<Option<Self>, SignatureError> {
        match fs::read(folder.join(FILE)) {
            Ok(bytes) => Self::parse(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SignatureError::Unreadable(error)),
        }
    }

    /// Reads what a `bundle.sig` holds.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let note = Note::read(bytes).map_err(|_| SignatureError::Malformed)?;
        let statement = std::str::from_utf8(note.text())
            .map_err(|_| SignatureError::Malformed)?
            .parse()?;
        Ok(Self { statement, note })
    }

    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        self.statement
    }

    /// Names and ids of the keys that the signatures claim to be by.
    #[must_use]
    pub fn claimed(&self) -> Vec<String> {
        self.note.claimed()
    }

    /// Adds a signature, in place of an earlier one by the same key.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`]; a key that was read or made does not cause it.
    pub fn sign(&mut self, key: &Key) -> Result<(), SignatureError> {
        self.note.sign(key).map_err(|_| SignatureError::Malformed)
    }

    /// Those of `keys` that have signed the statement, each once.
    ///
    /// # Errors
    /// [`SignatureError::Altered`] if a signature claims to be by one of them and
    /// is not.
    pub fn by<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, SignatureError> {
        self.note.signers(keys).map_err(|error| match error {
            NoteError::Signature(name) => SignatureError::Altered(name),
            NoteError::Malformed => SignatureError::Malformed,
        })
    }

    /// Writes `bundle.sig` into a policy folder, as a whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let draft = folder.join(DRAFT);
        fs::write(&draft, self.note.to_bytes())?;
        fs::rename(draft, folder.join(FILE))
    }
}

impl Signers {
    /// Checks that enough of the signers stand behind a bundle today; `today` is
    /// the day in UTC.
    ///
    /// # Errors
    /// [`SignatureError`]: why it must not come into force.
    pub fn check(
        &self,
        signatures: Option<&Signatures>,
        bundle: Digest,
        today: Date,
    ) -> Result<(), SignatureError> {
        let Some(signatures) = signatures else {
            return Err(SignatureError::Unsigned {
                required: self.required,
                names: names(self.keys.iter()),
            });
        };
        let Statement {
            bundle: signed,
            until,
        } = signatures.statement;
        if signed != bundle {
            return Err(SignatureError::OtherBundle {
                signed,
                found: bundle,
            });
        }
        let by = signatures.by(&self.keys)?;
        if by.len() < self.required {
            let missing = self.keys.iter().filter(|key| !by.contains(key));
            return Err(SignatureError::TooFew {
                signed: by.len(),
                required: self.required,
                names: names(missing),
            });
        }
        if until < today {
            return Err(SignatureError::Expired(until));
        }
        Ok(())
    }
}

impl SignatureError {
    /// The reason as metrics and the ledger name it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unsigned { .. } => "unsigned",
            Self::Unreadable(_) => "signatures-unreadable",
            Self::Malformed => "signatures-malformed",
            Self::OtherBundle { .. } => "changed-after-signing",
            Self::Altered(_) => "signatures-altered",
            Self::TooFew { .. } => "too-few-signatures",
            Self::Expired(_) => "signatures-expired",
        }
    }
}

/// The text that is signed.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bundle, until } = self;
        write!(f, "{PURPOSE}\n{bundle}\n{UNTIL}{until}\n")
    }
}

impl FromStr for Statement {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let mut lines = text.lines().skip(1);
        let bundle = lines.next().and_then(|line| line.parse().ok());
        let until = lines.next().and_then(|line| line.strip_prefix(UNTIL));
        let until = until.and_then(|day| day.parse().ok());
        bundle
            .zip(until)
            .map(|(bundle, until)| Self { bundle, until })
            // One statement, one text: nothing stands in it unread.
            .filter(|statement| statement.to_string() == text)
            .ok_or(SignatureError::Malformed)
    }
}

fn names<'k>(keys: impl Iterator<Item = &'k VerifierKey>) -> String {
    let names: Vec<_> = keys.map(|key| format!("`{}`", key.name())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const BUNDLE: Digest = Digest([7; 32]);
    const UNTIL_DAY: Date = date(2027, 6, 30);

    fn key(number: u8) -> Key {
        Key::from_seed(&format!("legal-{number}.example"), [number; 32]).unwrap()
    }

    fn signed(by: &[u8]) -> Signatures {
        let statement = Statement {
            bundle: BUNDLE,
            until: UNTIL_DAY,
        };
        let mut signatures = Signatures::new(statement).unwrap();
        for number in by {
            signatures.sign(&key(*number)).unwrap();
        }
        signatures
    }

    fn two_of_three() -> Signers {
        Signers {
            keys: [1, 2, 3]
                .map(|number| key(number).verifier().clone())
                .into(),
            required: 2,
        }
    }

    #[track_caller]
    fn check(signatures: Option<&Signatures>, today: Date, expected: &str) {
        let error = two_of_three().check(signatures, BUNDLE, today).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn enough_signers_until_the_last_day() {
        let signatures = signed(&[3, 9, 1]);
        let signers = two_of_three();
        signers.check(Some(&signatures), BUNDLE, UNTIL_DAY).unwrap();
        check(
            Some(&signatures),
            date(2027, 7, 1),
            "the signatures of the bundle were valid until 2027-06-30 (UTC): have it signed \
             again with `comity policy sign`",
        );
    }

    #[test]
    fn one_signer_twice_and_a_stranger_are_one_signer() {
        check(
            Some(&signed(&[1, 9, 1])),
            UNTIL_DAY,
            "the bundle is signed by 1 of 2 required signers: `legal-2.example`, \
             `legal-3.example` can sign it with `comity policy sign`",
        );
        check(
            None,
            UNTIL_DAY,
            "the bundle is not signed: have it signed by 2 of `legal-1.example`, \
             `legal-2.example`, `legal-3.example` with `comity policy sign`",
        );
    }

    #[test]
    fn a_later_day_written_in_is_found_out() {
        let text = String::from_utf8(signed(&[1, 2]).note.to_bytes()).unwrap();
        let later = Signatures::parse(text.replace("2027", "2037").as_bytes()).unwrap();
        assert_eq!(later.statement().until, date(2037, 6, 30));
        let error = two_of_three().check(Some(&later), BUNDLE, UNTIL_DAY);
        assert!(matches!(error, Err(SignatureError::Altered(name)) if name == "legal-1.example"));
    }

    #[test]
    fn a_note_for_another_purpose_is_no_signature() {
        let text = String::from_utf8(signed(&[1, 2]).note.to_bytes()).unwrap();
        for (from, to) in [
            ("policy bundle", "checkpoint"),
            ("valid until", "valid  until"),
            ("\nvalid", "\n\nvalid"),
            ("0707", "070"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            assert!(
                matches!(
                    Signatures::parse(other.as_bytes()),
                    Err(SignatureError::Malformed)
                ),
                "{other}"
            );
        }
    }

    proptest! {
        // Signing takes a while in a test build.
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A bundle comes into force exactly when enough different listed signers
        /// signed it and no day is over.
        #[test]
        fn exactly_enough_listed_signers(
            by in proptest::collection::vec(1_u8..6, 0..8),
            required in 1_usize..4,
            late in any::<bool>(),
        ) {
            let signers = Signers { required, ..two_of_three() };
            let today = date(2027, if late { 7 } else { 6 }, 1);
            let listed: std::collections::BTreeSet<_> = by.iter().filter(|n| **n <= 3).collect();
            let good = listed.len() >= required && !late;
            let signatures = signed(&by);
            prop_assert_eq!(signers.check(Some(&signatures), BUNDLE, today).is_ok(), good);
            prop_assert!(signers.check(Some(&signatures), Digest([8; 32]), today).is_err());
            let kept = Signatures::parse(&signatures.note.to_bytes());
            // A note without a signature is no note.
            prop_assert_eq!(kept.is_ok(), !by.is_empty());
        }
    }
}
