//! Ed25519 keys with a name, in the C2SP signed-note text format: a log's, or a
//! signer's.

use std::{
    fmt,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::SigningKey;
use signed_note::{StandardSigner, StandardVerifier, Verifier as _};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::{MlDsaKey, layout, regular::read_regular_text};

/// Algorithm byte of Ed25519 in key texts.
const ED25519: u8 = 1;

/// A signing key. The name of a log's key is the log's origin.
#[derive(Clone)]
pub struct Key {
    text: String,
    pub(crate) signer: StandardSigner,
    verifier: VerifierKey,
    second: Option<MlDsaKey>,
}

/// The public half of a [`Key`]: `<name>+<key id>+<base64 key>`.
#[derive(Clone)]
pub struct VerifierKey {
    text: String,
    pub(crate) verifier: StandardVerifier,
}

/// A key that cannot be made, read or kept.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The name is empty or holds white space, `+` or control characters.
    #[error(
        "`{0}` cannot name a key; use a name without spaces and plus signs, \
         such as `gateway.example/log`"
    )]
    Name(String),
    /// Not a key text.
    #[error(
        "not a signing key; expected one line `PRIVATE+KEY+<name>+<id>+<key>` \
         with an Ed25519 key"
    )]
    Malformed,
    /// Not a verifier key text.
    #[error("not a verifier key; expected `<name>+<id>+<key>` with an Ed25519 key")]
    MalformedVerifier,
    /// Not a verifier key text of ML-DSA-44.
    #[error("not a verifier key; expected `<name>+<id>+<key>` with an ML-DSA-44 key")]
    MalformedMlDsa,
    /// A second key of another name.
    #[error("the second key is of `{found}`, and the log is `{expected}`")]
    OtherName {
        /// The second key's name.
        found: String,
        /// The log's.
        expected: String,
    },
    /// The file cannot be read or written.
    #[error("cannot use the key file `{path}`")]
    File {
        /// Path of the file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness(#[source] getrandom::Error),
}

impl Key {
    /// Draws a new key of this name from the operating system.
    ///
    /// # Errors
    /// [`KeyError::Name`] or [`KeyError::Randomness`].
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        Self::from_seed(name, draw()?)
    }

    /// The key of this name with a given Ed25519 seed.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let verifier = signed_note::new_ed25519_verifier_key(name, &public);
        let verifier: VerifierKey = verifier.parse()?;
        let text = secret_text(name, verifier.verifier.key_id(), (ED25519, seed));
        Ok(Self {
            signer: StandardSigner::new(&text).map_err(|_| KeyError::Malformed)?,
            text,
            verifier,
            second: None,
        })
    }

    /// The same key, which has checkpoints signed by a second one too.
    ///
    /// # Errors
    /// [`KeyError::OtherName`] if that has another name.
    pub fn with_second(self, second: MlDsaKey) -> Result<Self, KeyError> {
        if second.verifier().name() != self.name() {
            return Err(KeyError::OtherName {
                found: second.verifier().name().to_owned(),
                expected: self.name().to_owned(),
            });
        }
        Ok(Self {
            second: Some(second),
            ..self
        })
    }

    /// What signs checkpoints besides it.
    pub(crate) fn second(&self) -> Option<&MlDsaKey> {
        self.second.as_ref()
    }

    /// Reads a key file; makes it, for its owner alone, where there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_make(path: &Path, name: &str) -> Result<Self, KeyError> {
        load_or_make(path, || Ok(Self::generate(name)?.text))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyError::File`] or [`KeyError::Malformed`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        load(path)
    }

    /// Writes a new key file that only its owner may read. An existing file is
    /// never overwritten: a lost key cannot be had back.
    ///
    /// # Errors
    /// [`KeyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        save_secret(path, &self.text)
    }

    /// The key's name: of a log, the origin of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, seed) = read_secret(text, ED25519)?;
        let key = Self::from_seed(name, seed)?;
        // One key has one text; another id was meant for another key.
        (key.text == text.trim_end())
            .then_some(key)
            .ok_or(KeyError::Malformed)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.verifier)
    }
}

impl VerifierKey {
    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.split('+').next().unwrap_or_default()
    }

    /// The key without its name, base64: one key under two names is one signer.
    #[must_use]
    pub fn material(&self) -> &str {
        self.text.splitn(3, '+').nth(2).unwrap_or_default()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end();
        let verifier = StandardVerifier::new(text).map_err(|_| KeyError::MalformedVerifier)?;
        Ok(Self {
            text: text.to_owned(),
            verifier,
        })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VerifierKey {}

/// Whether a key can have this name.
pub(crate) fn check_name(name: &str) -> Result<(), KeyError> {
    if signed_note::is_key_name_valid(name) && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(KeyError::Name(name.to_owned()))
    }
}

/// Draws a seed from the operating system.
pub(crate) fn draw() -> Result<[u8; 32], KeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(KeyError::Randomness)?;
    Ok(seed)
}

/// The text of a signing key: its name, the id of its public half, its algorithm, its
/// seed.
pub(crate) fn secret_text(name: &str, id: u32, (algorithm, seed): (u8, [u8; 32])) -> String {
    let secret: Vec<u8> = [algorithm].into_iter().chain(seed).collect();
    let secret = BASE64_STANDARD.encode(secret);
    format!("PRIVATE+KEY+{name}+{id:08x}+{secret}")
}

/// Name and seed of a signing key's text. That it is the one text of the key is for the
/// caller to see.
pub(crate) fn read_secret(text: &str, algorithm: u8) -> Result<(&str, [u8; 32]), KeyError> {
    let mut parts = text.trim_end().splitn(5, '+').skip(2);
    let (Some(name), Some(_), Some(secret)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Malformed);
    };
    let secret = BASE64_STANDARD.decode(secret).unwrap_or_default();
    match secret.split_first() {
        Some((first, seed)) if *first == algorithm => {
            let seed = seed.try_into().map_err(|_| KeyError::Malformed)?;
            Ok((name, seed))
        }
        Some(_) | None => Err(KeyError::Malformed),
    }
}

/// Name and key of a public half's text, `<name>+<key id>+<base64 of algorithm and
/// key>`. That it is the one text of the key is for whoever makes one of it to see, by
/// [`public_text`].
pub(crate) fn read_public(
    text: &str,
    algorithm: u8,
    malformed: KeyError,
) -> Result<(&str, Vec<u8>), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed);
    };
    check_name(name)?;
    let key = BASE64_STANDARD.decode(key).unwrap_or_default();
    match key.split_first() {
        Some((found, public)) if *found == algorithm => Ok((name, public.to_vec())),
        Some(_) | None => Err(malformed),
    }
}

/// The text of a public half; `encoded` is the algorithm's byte and the key.
pub(crate) fn public_text(name: &str, id: u32, encoded: &[u8]) -> String {
    let key = BASE64_STANDARD.encode(encoded);
    format!("{name}+{id:08x}+{key}")
}

/// Reads a key file; makes it where there is none.
pub(crate) fn load_or_make<K: FromStr<Err = KeyError>>(
    path: &Path,
    make: impl FnOnce() -> Result<String, KeyError>,
) -> Result<K, KeyError> {
    if !path.exists() {
        save_secret(path, &make()?)?;
    }
    load(path)
}

/// Most bytes of a file that is read as a key, far more than any has.
const MAX_FILE_BYTES: u64 = 1 << 16;

pub(crate) fn load<K: FromStr<Err = KeyError>>(path: &Path) -> Result<K, KeyError> {
    let text = read_regular_text(path, MAX_FILE_BYTES);
    text.map_err(|source| file_error(path, source))?.parse()
}

/// Writes a secret, one line, into a new file that only its owner may read: wholly, or not
/// at all. An existing file is never overwritten.
///
/// # Errors
/// [`KeyError::File`].
pub fn save_secret(path: &Path, text: &str) -> Result<(), KeyError> {
    let write = || {
        // Under another name until it is whole: only its owner may read it from the first.
        let mut file = NamedTempFile::new_in(layout::folder_of(path))?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(io::Error::from)?;
        // What hangs on the secret cannot go on without it.
        layout::sync_folder_of(path)
    };
    write().map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = Key::generate("gateway.example/log").unwrap();
        key.save(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(Key::load(&path).unwrap().verifier(), key.verifier());
        assert!(matches!(key.save(&path), Err(KeyError::File { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn the_key_text_of_the_go_documentation_is_understood() {
        let key: Key =
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
                .parse()
                .unwrap();
        assert_eq!(
            key.verifier().to_string(),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        );
        assert!("PeterNeumann+c74f20a3+AAAA".parse::<Key>().is_err());
        assert!(Key::generate("two words").is_err());
    }
}
