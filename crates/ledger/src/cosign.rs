//! Cosignatures: what a witness says of a log's checkpoint, namely that it is the
//! largest it has seen and extends all it saw before. C2SP tlog-cosignature, Ed25519.

use std::{fmt, path::Path, str::FromStr};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use jiff::Timestamp;
use signed_note::{Signature, Verifier, key_id};

use crate::{KeyError, Note, NoteError, key};

/// Algorithm byte of Ed25519 cosigners in key texts.
const COSIGNER: u8 = 4;
/// Length of the time before a signature, bytes.
const TIME_LEN: usize = 8;

/// The key that a witness cosigns with. It signs nothing else.
#[derive(Clone)]
pub struct Cosigner {
    text: String,
    signing: SigningKey,
    key: CosignerKey,
}

/// The public half of a [`Cosigner`]: `<name>+<key id>+<base64 key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    id: u32,
    public: VerifyingKey,
}

/// A cosignature found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness.
    pub by: CosignerKey,
    /// When it cosigned, to the second.
    pub at: Timestamp,
    /// The signature line, with its end.
    pub line: String,
}

impl Cosigner {
    /// The key of this name with a given Ed25519 seed.
    pub(crate) fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        key::check_name(name)?;
        let signing = SigningKey::from_bytes(&seed);
        let key = CosignerKey::new(name, signing.verifying_key());
        Ok(Self {
            text: key::secret_text(name, key.id, (COSIGNER, seed)),
            signing,
            key,
        })
    }

    /// Reads a key file; makes it, for its owner alone, where there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_make(path: &Path, name: &str) -> Result<Self, KeyError> {
        key::load_or_make(path, || Ok(Self::from_seed(name, key::draw()?)?.text))
    }

    /// Reads a key file, and makes none.
    ///
    /// # Errors
    /// [`KeyError::File`] or [`KeyError::Malformed`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        key::load(path)
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// Cosigns a checkpoint. That it extends what was cosigned before is for the
    /// caller to know: see [`crate::Witness`].
    ///
    /// # Errors
    /// [`NoteError::Malformed`] if it is no signed note, or the time is before 1970.
    pub(crate) fn cosign(&self, note: &[u8], at: Timestamp) -> Result<Cosignature, NoteError> {
        let note = Note::read(note)?;
        let seconds = u64::try_from(at.as_second()).map_err(|_| NoteError::Malformed)?;
        let signature = self.signing.sign(&message(seconds, note.text()));
        let timestamped = [&seconds.to_be_bytes()[..], &signature.to_bytes()].concat();
        let signature = Signature::new(self.key.name.clone(), self.key.id, timestamped);
        let line = signature.map_err(|_| NoteError::Malformed)?.to_bytes();
        Ok(Cosignature {
            by: self.key.clone(),
            at: Timestamp::from_second(at.as_second()).map_err(|_| NoteError::Malformed)?,
            line: String::from_utf8_lossy(&line).into_owned(),
        })
    }
}

impl FromStr for Cosigner {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, seed) = key::read_secret(text, COSIGNER)?;
        let key = Self::from_seed(name, seed)?;
        // One key has one text; another id was meant for another key.
        (key.text == text.trim_end())
            .then_some(key)
            .ok_or(KeyError::Malformed)
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.key)
    }
}

impl CosignerKey {
    fn new(name: &str, public: VerifyingKey) -> Self {
        Self {
            id: key_id(name, &encoded(&public)),
            name: name.to_owned(),
            public,
        }
    }

    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key without its name, base64: one key under two names is one witness.
    #[must_use]
    pub fn material(&self) -> String {
        BASE64_STANDARD.encode(encoded(&self.public))
    }

    /// Whether both are one key, perhaps under two names.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end();
        let (name, public) = key::read_public(text, COSIGNER, KeyError::MalformedVerifier)?;
        let public = VerifyingKey::try_from(&*public).map_err(|_| KeyError::MalformedVerifier)?;
        let key = Self::new(name, public);
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(KeyError::MalformedVerifier)
        }
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key::public_text(
            &self.name,
            self.id,
            &encoded(&self.public),
        ))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({self})")
    }
}

impl Verifier for CosignerKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], timestamped: &[u8]) -> bool {
        let Some((seconds, signature)) = timestamped.split_first_chunk::<TIME_LEN>() else {
            return false;
        };
        let seconds = u64::from_be_bytes(*seconds);
        ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| {
            let message = message(seconds, text);
            self.public.verify_strict(&message, &signature).is_ok()
        })
    }
}

/// The cosignatures by `known` witnesses under a checkpoint, each witness once, in
/// the order given. Those of others say nothing.
///
/// # Errors
/// [`NoteError::Signature`] if one claims to be by a known witness and is not.
pub fn cosignatures(note: &[u8], known: &[CosignerKey]) -> Result<Vec<Cosignature>, NoteError> {
    let note = Note::read(note)?;
    let mut found = Vec::new();
    for key in known {
        let signature = note.signature_by(key)?;
        found.extend(signature.and_then(|signature| read(key, &signature)));
    }
    Ok(found)
}

/// A verified signature as a cosignature; `None` where its time is no time.
fn read(key: &CosignerKey, signature: &Signature) -> Option<Cosignature> {
    let (seconds, _) = signature.signature().split_first_chunk::<TIME_LEN>()?;
    let seconds = i64::try_from(u64::from_be_bytes(*seconds)).ok()?;
    Some(Cosignature {
        by: key.clone(),
        at: Timestamp::from_second(seconds).ok()?,
        line: String::from_utf8_lossy(&signature.to_bytes()).into_owned(),
    })
}

/// What is signed.
fn message(seconds: u64, text: &[u8]) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {seconds}\n").into_bytes();
    message.extend_from_slice(text);
    message
}

fn encoded(public: &VerifyingKey) -> Vec<u8> {
    [COSIGNER].into_iter().chain(public.to_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKPOINT: &str = "log.example\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} log.example Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn keys_are_read_back_and_never_mistaken_for_those_of_logs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness.key");
        let made = Cosigner::load_or_make(&path, "w.example").unwrap();
        let again = Cosigner::load_or_make(&path, "other.example").unwrap();
        assert_eq!(made.key(), again.key());
        let text = made.key().to_string();
        assert_eq!(text.parse::<CosignerKey>().unwrap(), *made.key());
        assert!(text.parse::<crate::VerifierKey>().is_err());
        let log = crate::Key::from_seed("log.example", [1; 32]).unwrap();
        assert!(log.verifier().to_string().parse::<CosignerKey>().is_err());
        assert!(format!("x{text}").parse::<CosignerKey>().is_err());
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_cosignature_counts_for_its_text_time_and_witness_alone() {
        let witness = Cosigner::from_seed("w.example", [7; 32]).unwrap();
        let other = Cosigner::from_seed("w.example", [8; 32]).unwrap();
        let made = witness
            .cosign(CHECKPOINT.as_bytes(), at(1_679_315_147))
            .unwrap();
        let note = format!("{CHECKPOINT}{}", made.line);
        let known = [other.key().clone(), witness.key().clone()];
        assert_eq!(
            cosignatures(note.as_bytes(), &known).unwrap(),
            std::slice::from_ref(&made)
        );
        assert_eq!(cosignatures(CHECKPOINT.as_bytes(), &known), Ok(vec![]));
        let changed = note.replacen("20852163", "20852164", 1);
        let lie = Err(NoteError::Signature("w.example".to_owned()));
        assert_eq!(cosignatures(changed.as_bytes(), &known), lie);
        // The eight bytes before the signature are the time, and signed with it.
        let signed = made.line.rsplit_once(' ').unwrap().1.trim_end();
        let bytes = BASE64_STANDARD.decode(signed).unwrap();
        assert_eq!(bytes[4..12], 1_679_315_147_u64.to_be_bytes());
        for place in 4..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let line = made.line.replace(signed, &BASE64_STANDARD.encode(changed));
            let note = format!("{CHECKPOINT}{line}");
            assert_eq!(cosignatures(note.as_bytes(), &known), lie, "{place}");
        }
    }

    #[test]
    fn the_example_of_the_specification_has_the_form_that_is_read() {
        let line = "\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let signature = Signature::from_bytes(line.trim_end().as_bytes()).unwrap();
        let witness = Cosigner::from_seed("w.example", [7; 32]).unwrap();
        let read = read(witness.key(), &signature).unwrap();
        assert_eq!(read.at, at(1_679_315_147));
        assert_eq!(read.line, line);
    }
}
