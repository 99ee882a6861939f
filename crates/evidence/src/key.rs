//! Keys: the gateway's, which wraps all others, and one fresh for each item.

use std::{
    fmt,
    io::{self, Write as _},
    path::Path,
};

use bytes::Bytes;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

use crate::{
    EvidenceError, OpenError,
    shelf::{folder_of, read_small_text, sync_folder_of},
};
use tempfile::NamedTempFile;

/// Length of the random number before each ciphertext. At most 2^32 segments are
/// sealed under one key, so that none ever comes twice.
pub(crate) const NONCE_BYTES: usize = 12;

/// Length of the authenticator after each ciphertext.
pub(crate) const TAG_BYTES: usize = 16;

/// How a key file begins.
const MARK: &str = "COMITY-EVIDENCE-KEY-1+";

/// A key under which bytes are sealed: AES-256-GCM, a random nonce each time.
pub(crate) struct DataKey(LessSafeKey);

/// The gateway's key, under which items' keys are wrapped.
pub(crate) struct GatewayKey(DataKey);

impl DataKey {
    fn new(secret: &[u8; 32]) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, secret).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// Seals what stands in a buffer after room for the nonce, in place.
    pub(crate) fn seal(&self, bound_to: &[u8], buffer: &mut Vec<u8>) -> Result<(), EvidenceError> {
        let nonce = random::<NONCE_BYTES>().ok_or_else(no_randomness)?;
        let Some((room, plain)) = buffer.split_first_chunk_mut::<NONCE_BYTES>() else {
            return Err(EvidenceError::Damaged("buffer"));
        };
        *room = nonce;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(bound_to), plain)
            .map_err(|_| EvidenceError::Damaged("buffer"))?;
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// What was sealed, if it is authentic.
    pub(crate) fn open(&self, bound_to: &[u8], mut sealed: Vec<u8>) -> Option<Bytes> {
        let (nonce, cipher) = sealed.split_first_chunk_mut::<NONCE_BYTES>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .0
            .open_in_place(nonce, Aad::from(bound_to), cipher)
            .ok()?
            .len();
        Some(Bytes::from(sealed).slice(NONCE_BYTES..NONCE_BYTES + length))
    }
}

impl GatewayKey {
    /// Reads the key file. Before there is anything to open, one is made that only its
    /// owner may read.
    pub(crate) fn load(path: &Path, make: bool) -> Result<Self, OpenError> {
        let file = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        let text = match read_small_text(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !make {
                    return Err(OpenError::NoKey(path.to_owned()));
                }
                let secret = random::<32>().ok_or(OpenError::Randomness)?;
                let text = format!("{MARK}{}\n", hex::encode(secret));
                save(path, &text).map_err(file)?;
                text
            }
            read => read.map_err(file)?,
        };
        let unusable = || OpenError::Key(path.to_owned());
        let mut secret = [0; 32];
        let digits = text.trim_end().strip_prefix(MARK).ok_or_else(unusable)?;
        hex::decode_to_slice(digits, &mut secret).map_err(|_| unusable())?;
        DataKey::new(&secret).map(Self).ok_or_else(unusable)
    }

    /// A fresh key, and the same wrapped, bound to what it is for.
    pub(crate) fn fresh(&self, bound_to: &[u8]) -> Result<(DataKey, Vec<u8>), EvidenceError> {
        let secret = random::<32>().ok_or_else(no_randomness)?;
        let mut wrapped = [&[0; NONCE_BYTES], secret.as_slice()].concat();
        self.0.seal(bound_to, &mut wrapped)?;
        let key = DataKey::new(&secret).ok_or(EvidenceError::Damaged("key"))?;
        Ok((key, wrapped))
    }

    /// The key that was wrapped for this.
    pub(crate) fn unwrap(&self, bound_to: &[u8], wrapped: Vec<u8>) -> Option<DataKey> {
        let secret = self.0.open(bound_to, wrapped)?;
        DataKey::new(secret.as_ref().try_into().ok()?)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayKey")
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

pub(crate) fn no_randomness() -> EvidenceError {
    EvidenceError::Store("the operating system gives no randomness".into())
}

/// Writes a file of secrets for good: wholly, or not at all. One that is there is never
/// overwritten.
fn save(path: &Path, text: &str) -> io::Result<()> {
    // Under another name until it is whole: only its owner may read it from the first.
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    sync_folder_of(path)
}
