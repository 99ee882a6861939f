//! SHA-256 hashes as values, written as lower-case hexadecimal.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A SHA-256 hash: of a leaf, of a tree, or a commitment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct InvalidHash(());

impl Hash {
    /// Commits to `value` under a secret `salt`.
    ///
    /// SHA-256 of `comity <name> v1`, a zero byte, the salt and the value. The
    /// name keeps commitments to different things apart under one salt; without
    /// the salt nobody can test guesses of a value.
    #[must_use]
    pub fn commit(name: &str, salt: &[u8; 32], value: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"comity ");
        hasher.update(name.as_bytes());
        hasher.update(b" v1\0");
        hasher.update(salt);
        hasher.update(value);
        Self(hasher.finalize().into())
    }

    /// Whether this commitment is to `value` under `salt`.
    #[must_use]
    pub fn opens(&self, name: &str, salt: &[u8; 32], value: &[u8]) -> bool {
        *self == Self::commit(name, salt, value)
    }

    /// The hash of a leaf in the tree: SHA-256(0x00 ‖ leaf), RFC 6962 § 2.1.
    #[must_use]
    pub fn of_leaf(leaf: &[u8]) -> Self {
        tlog_tiles::record_hash(leaf).into()
    }
}

impl From<tlog_tiles::Hash> for Hash {
    fn from(hash: tlog_tiles::Hash) -> Self {
        Self(hash.0)
    }
}

impl From<Hash> for tlog_tiles::Hash {
    fn from(hash: Hash) -> Self {
        Self(hash.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| InvalidHash(()))?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidHash(()));
        }
        Ok(Self(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
