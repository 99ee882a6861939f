//! A log's second signature, which quantum computers cannot forge: ML-DSA-44 over the
//! same checkpoint, beside the Ed25519 one that every verifier knows. C2SP
//! tlog-cosignature, by the log itself.

use std::{fmt, path::Path, str::FromStr};

use ml_dsa::{EncodedVerifyingKey, Keypair as _, MlDsa44, SigningKey, VerifyingKey};
use signed_note::{Signature, Verifier, key_id};

use crate::{Checkpoint, CheckpointError, KeyError, Note, key};

/// Algorithm byte of ML-DSA-44 in key texts.
const ML_DSA_44: u8 = 6;
/// When a signature was made, as it says: a log says nothing of that. What it signs
/// larger than this, it may have signed before.
const TIME: u64 = 0;
/// The latest time that a signature may say.
const TIME_MAX: u64 = i64::MAX.unsigned_abs();
/// Begin of what is signed.
const LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// The key that a log signs with besides its Ed25519 key.
#[derive(Clone)]
pub struct MlDsaKey {
    text: String,
    signing: SigningKey<MlDsa44>,
    verifier: MlDsaVerifier,
}

/// The public half of a [`MlDsaKey`]: `<name>+<key id>+<base64 key>`.
#[derive(Clone, PartialEq)]
pub struct MlDsaVerifier {
    name: String,
    id: u32,
    public: VerifyingKey<MlDsa44>,
}

impl MlDsaKey {
    /// The key of this name with a given seed.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        key::check_name(name)?;
        let signing = SigningKey::from_seed(&seed.into());
        let verifier = MlDsaVerifier::new(name, signing.verifying_key());
        Ok(Self {
            text: key::secret_text(name, verifier.id, (ML_DSA_44, seed)),
            signing,
            verifier,
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
    pub fn verifier(&self) -> &MlDsaVerifier {
        &self.verifier
    }

    /// The signature line for a checkpoint's text, with its end.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, CheckpointError> {
        let timestamped = self.sign_at(TIME, text)?;
        let MlDsaVerifier { name, id, .. } = &self.verifier;
        let line = Signature::new(name.clone(), *id, timestamped);
        Ok(line.map_err(|_| CheckpointError::Malformed)?.to_bytes())
    }

    /// A time with the signature over it and a checkpoint's text.
    fn sign_at(&self, time: u64, text: &[u8]) -> Result<Vec<u8>, CheckpointError> {
        let message = message(&self.verifier.name, time, text);
        let message = message.ok_or(CheckpointError::Malformed)?;
        let signing = self.signing.expanded_key();
        let signature = signing.sign_deterministic(&message, &[]);
        let signature = signature.map_err(|_| CheckpointError::Malformed)?.encode();
        Ok([&time.to_be_bytes()[..], &signature].concat())
    }
}

impl FromStr for MlDsaKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, seed) = key::read_secret(text, ML_DSA_44)?;
        let key = Self::from_seed(name, seed)?;
        // One key has one text; another id was meant for another key.
        (key.text == text.trim_end())
            .then_some(key)
            .ok_or(KeyError::Malformed)
    }
}

impl fmt::Debug for MlDsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaKey({:?})", self.verifier)
    }
}

impl MlDsaVerifier {
    fn new(name: &str, public: VerifyingKey<MlDsa44>) -> Self {
        Self {
            id: key_id(name, &encoded(&public)),
            name: name.to_owned(),
            public,
        }
    }

    /// The key's name: of a log, the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the key signed a checkpoint too. It did not sign those of before it was
    /// made.
    ///
    /// # Errors
    /// [`CheckpointError`] if a signature claims to be by it and is not.
    pub fn signed(&self, checkpoint: &Checkpoint) -> Result<bool, CheckpointError> {
        let note = Note::read(&checkpoint.note)?;
        Ok(note.signature_by(self)?.is_some())
    }
}

impl FromStr for MlDsaVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end();
        let (name, public) = key::read_public(text, ML_DSA_44, KeyError::MalformedMlDsa)?;
        let public = EncodedVerifyingKey::<MlDsa44>::try_from(&*public);
        let public = public.map_err(|_| KeyError::MalformedMlDsa)?;
        let key = Self::new(name, VerifyingKey::decode(&public));
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(KeyError::MalformedMlDsa)
        }
    }
}

impl fmt::Display for MlDsaVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key::public_text(
            &self.name,
            self.id,
            &encoded(&self.public),
        ))
    }
}

impl fmt::Debug for MlDsaVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaVerifier({}+{:08x})", self.name, self.id)
    }
}

impl Verifier for MlDsaVerifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], timestamped: &[u8]) -> bool {
        let Some((time, signature)) = timestamped.split_first_chunk() else {
            return false;
        };
        let time = u64::from_be_bytes(*time);
        if time > TIME_MAX {
            return false;
        }
        let message = message(&self.name, time, text);
        let signature = ml_dsa::Signature::<MlDsa44>::try_from(signature);
        message
            .zip(signature.ok())
            .is_some_and(|(message, signature)| {
                self.public.verify_with_context(&message, &[], &signature)
            })
    }
}

/// What is signed: `cosigned_message`. `None` where the text is no checkpoint of a log
/// whose name fits.
fn message(signer: &str, time: u64, text: &[u8]) -> Option<Vec<u8>> {
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(text).ok()?;
    // What is not signed must not be there, and a text has one encoding.
    if !checkpoint.extension().is_empty() || checkpoint.to_bytes() != text {
        return None;
    }
    let length = |name: &str| u8::try_from(name.len()).ok().map(|length| [length]);
    let origin = checkpoint.origin();
    let parts = [
        &LABEL[..],
        &length(signer)?,
        signer.as_bytes(),
        &time.to_be_bytes(),
        &length(origin)?,
        origin.as_bytes(),
        &0u64.to_be_bytes(),
        &checkpoint.size().to_be_bytes(),
        &checkpoint.hash().0,
    ];
    Some(parts.concat())
}

fn encoded(public: &VerifyingKey<MlDsa44>) -> Vec<u8> {
    [ML_DSA_44].into_iter().chain(public.encode()).collect()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::{Hash, Key};

    const NAME: &str = "log.example";

    fn second() -> MlDsaKey {
        MlDsaKey::from_seed(NAME, [3; 32]).unwrap()
    }

    fn checkpoint(key: Key) -> Checkpoint {
        Checkpoint::sign(&key, 5, Hash([9; 32])).unwrap()
    }

    fn key() -> Key {
        Key::from_seed(NAME, [1; 32]).unwrap()
    }

    #[test]
    fn a_second_signature_stands_beside_the_first() {
        let signed = checkpoint(key().with_second(second()).unwrap());
        let again = checkpoint(key().with_second(second()).unwrap());
        assert_eq!(signed, again, "nothing in it is drawn");
        // Who knows the first key alone reads it as ever.
        let read = Checkpoint::open(&signed.note, key().verifier()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(signed.signed_by(key().verifier()).unwrap(), signed.note);
        assert!(signed.note.starts_with(&checkpoint(key()).note));
        assert_eq!(second().verifier().signed(&signed), Ok(true));
        assert_eq!(second().verifier().signed(&checkpoint(key())), Ok(false));
        let other = MlDsaKey::from_seed(NAME, [4; 32]).unwrap();
        assert_eq!(other.verifier().signed(&signed), Ok(false));
        let elsewhere = MlDsaKey::from_seed("other.example", [3; 32]).unwrap();
        assert!(matches!(
            key().with_second(elsewhere),
            Err(KeyError::OtherName { .. })
        ));
    }

    /// Key and signature as another implementation makes them of the same seed and the
    /// specification's message (PyPI's `dilithium-py`).
    #[test]
    fn another_implementation_makes_the_same_signature() {
        let signed = checkpoint(key().with_second(second()).unwrap());
        let line = &signed.note[checkpoint(key()).note.len()..];
        let sum = |bytes: &[u8]| Hash(Sha256::digest(bytes).into()).to_string();
        assert_eq!(
            sum(line),
            "72133109fdbc73adc1654d0d8aa07bf95effb4e3f8a6519523ad1c3c0f91e525"
        );
        assert_eq!(
            sum(second().verifier().to_string().as_bytes()),
            "431bad083823c6a6af35e0c06d2946a0ec10b1124fb83959b39a12026ce833b3"
        );
    }

    #[test]
    fn a_time_beyond_what_may_be_written_is_no_signature() {
        let signed = checkpoint(key());
        let end = signed.note.windows(2).position(|two| two == b"\n\n");
        let text = &signed.note[..=end.unwrap()];
        for (time, counts) in [
            (0, true),
            (TIME_MAX, true),
            (TIME_MAX + 1, false),
            (u64::MAX, false),
        ] {
            let timestamped = second().sign_at(time, text).unwrap();
            let verified = second().verifier().verify(text, &timestamped);
            assert_eq!(verified, counts, "{time}");
        }
    }

    #[test]
    fn a_changed_second_signature_is_found_out() {
        let signed = checkpoint(key().with_second(second()).unwrap());
        let first = checkpoint(key()).note.len();
        let prefix = "\u{2014} log.example ".len();
        // Past the key's id.
        for at in (first + prefix + 8..signed.note.len() - 4).step_by(97) {
            let mut note = signed.note.clone();
            note[at] = if note[at] == b'A' { b'B' } else { b'A' };
            let changed = Checkpoint {
                note,
                ..signed.clone()
            };
            let lie = CheckpointError::Signature(NAME.to_owned());
            assert_eq!(second().verifier().signed(&changed), Err(lie), "byte {at}");
            // The first signature alone minds no other.
            assert!(Checkpoint::open(&changed.note, key().verifier()).is_ok());
        }
        let other = Checkpoint::sign(&key(), 6, Hash([9; 32])).unwrap();
        let moved = [&other.note[..], &signed.note[first..]].concat();
        let moved = Checkpoint {
            note: moved,
            ..other
        };
        assert!(second().verifier().signed(&moved).is_err());
    }

    #[test]
    fn keys_are_read_back_and_never_mistaken_for_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger-ml-dsa.key");
        let made = MlDsaKey::load_or_make(&path, NAME).unwrap();
        let again = MlDsaKey::load_or_make(&path, "other.example").unwrap();
        assert_eq!(made.verifier(), again.verifier());
        let text = made.verifier().to_string();
        assert_eq!(text.parse::<MlDsaVerifier>().unwrap(), *made.verifier());
        assert!(text.parse::<crate::VerifierKey>().is_err());
        assert!(
            key()
                .verifier()
                .to_string()
                .parse::<MlDsaVerifier>()
                .is_err()
        );
        assert!(Key::load(&path).is_err());
        for wrong in [
            "",
            "log.example+00000000+BgAA",
            &text.replacen('+', "+0", 1),
        ] {
            assert!(wrong.parse::<MlDsaVerifier>().is_err(), "{wrong}");
        }
        assert!(!format!("{made:?}").contains("PRIVATE"));
    }
}
