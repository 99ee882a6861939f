//! Records at rest: each sealed under a data key of its own, which is wrapped by the
//! store's key-encryption key.
//!
//! Wrapped data keys lie beside the records, the key-encryption key in a file of its
//! own. To erase a case, the data keys of its records are left out when all others
//! are wrapped anew under the next generation, and the old generation is destroyed: no
//! copy of the database, of whatever age, opens the case again.
//!
//! In the file a generation stands in plain, or wrapped by a key that a token keeps. Then
//! the key is destroyed on the token too, and copies of the file open nothing either. The
//! file names a key before it is made and until it is destroyed, so that a crash leaves
//! none behind; and a key is destroyed only where the file on the disk says so.

mod file;

use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

#[cfg(not(test))]
use comity_ledger::read_regular_text;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use thiserror::Error;

use self::file::{KeyFile, Written};
#[cfg(test)]
use crate::tests::disk::read_regular_text;
use crate::{
    KeyToken, Record, TokenError,
    token::{KeyId, Wrapped},
};

/// Most bytes of a key file: far more than any has.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Length of every key, bytes.
pub(crate) const KEY_LEN: usize = 32;
/// Length of a generation's number before a wrapped key, bytes.
const GENERATION_LEN: usize = 4;
/// Length of a salt, bytes.
const SALT_LEN: usize = 32;

/// What a ciphertext is, authenticated with it.
const OF_RECORDS: &[u8; 16] = b"comity record v1";
const OF_KEYS: &[u8; 16] = b"comity wrapped 1";
const OF_INDEX: &[u8; 16] = b"comity blind key";

/// Why the key-encryption key cannot be used.
#[derive(Debug, Error)]
pub enum VaultError {
    /// The file cannot be read or written.
    #[error("cannot use the key file `{path}`")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("`{path}` is not a key file of the store: restore it from where keys are kept")]
    Malformed {
        /// The file.
        path: String,
    },
    /// A token keeps the key, and none was named.
    #[error(
        "a token keeps the key in `{path}`: name it, by `module`, `token` and `pin_file` under \
         `[keys]` in the settings of the gateway, and the settings by `--config` to commands"
    )]
    OnToken {
        /// The file.
        path: String,
    },
    /// The token that keeps the key is of no use.
    #[error(transparent)]
    Token(Box<TokenError>),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

/// The key-encryption key: one generation, or more while it changes.
pub(crate) struct Vault {
    path: PathBuf,
    /// Keeps the keys of new generations, where one was named.
    token: Option<KeyToken>,
    state: RwLock<State>,
    /// The index key last used, and how it was wrapped.
    index: Mutex<Option<(Vec<u8>, hmac::Key)>>,
    /// Held by who begins, ends or sweeps.
    alone: Mutex<()>,
}

/// What the key file says, opened.
#[derive(Clone, Default)]
struct State {
    /// Older first.
    generations: Vec<Generation>,
    /// Keys on the token that are to be gone: not made yet, or not destroyed yet.
    doomed: Vec<KeyId>,
}

/// A key-encryption key under its number.
#[derive(Clone)]
struct Generation {
    number: u32,
    secret: [u8; KEY_LEN],
    /// How it stands in the file, where not in plain.
    wrapped: Option<Wrapped>,
}

/// The key of one record.
pub(crate) struct DataKey([u8; KEY_LEN]);

/// What one record takes of randomness, drawn by one call of the system: calls cost
/// more than bytes.
pub(crate) struct Drawn {
    /// The salt of the commitment to the record.
    pub(crate) salt: [u8; SALT_LEN],
    /// The key of the record.
    pub(crate) key: DataKey,
    nonces: [[u8; NONCE_LEN]; 2],
}

/// A sealed record and its key.
pub(crate) struct Locked {
    /// The record under its key, with the salt of its commitment.
    pub(crate) record: Vec<u8>,
    /// The key.
    pub(crate) key: DataKey,
    /// The key under the generation that was the newest one: see [`Vault::newest`].
    pub(crate) wrapped: Vec<u8>,
}

impl Vault {
    /// Reads the key file at `path`; makes it where `new` says that nothing is
    /// sealed yet. `token` opens what is wrapped in it, and keeps the key of each
    /// generation to come.
    pub(crate) fn open(
        path: PathBuf,
        token: Option<&KeyToken>,
        new: bool,
    ) -> Result<Self, VaultError> {
        let malformed = || VaultError::Malformed {
            path: path.display().to_string(),
        };
        let file = match read_regular_text(&path, MAX_FILE_BYTES) {
            Ok(text) => file::read(&text).ok_or_else(malformed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && new => KeyFile::default(),
            Err(error) => return Err(of_file(&path)(error)),
        };
        let KeyFile {
            generations,
            doomed,
        } = file;
        if generations.is_empty() && !new {
            return Err(malformed());
        }
        let opened = |(number, written)| Generation::opened(number, written, token, &path);
        let state = State {
            generations: generations
                .into_iter()
                .map(opened)
                .collect::<Result<_, _>>()?,
            doomed,
        };
        let empty = state.generations.is_empty();
        let vault = Self {
            path,
            token: token.cloned(),
            state: RwLock::new(state),
            index: Mutex::default(),
            alone: Mutex::default(),
        };
        if empty {
            vault.begin_next()?;
        }
        Ok(vault)
    }

    /// Makes sure that the key file found is there after a crash: whoever put it there
    /// may have died, or been told of an error, before it was.
    pub(crate) fn settle(&self) -> Result<(), VaultError> {
        file::sync_folder(&self.path).map_err(of_file(&self.path))
    }

    /// Wraps a data key under the newest generation.
    pub(crate) fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, VaultError> {
        self.wrap_as(OF_KEYS, &key.0, draw_nonce()?)
    }

    /// A data key wrapped under the newest generation: as it was `wrapped` before, unless
    /// a newer one has begun since.
    pub(crate) fn newest<'w>(
        &self,
        key: &DataKey,
        wrapped: &'w [u8],
    ) -> Result<Cow<'w, [u8]>, VaultError> {
        let newest = self.state().generations.last().map(|newest| newest.number);
        match wrapped.first_chunk().copied().map(u32::from_be_bytes) {
            under if under == newest => Ok(Cow::Borrowed(wrapped)),
            Some(_) | None => self.wrap(key).map(Cow::Owned),
        }
    }

    /// Draws a key for the blind index, wrapped under the newest generation.
    pub(crate) fn draw_index_key(&self) -> Result<Vec<u8>, VaultError> {
        self.wrap_as(OF_INDEX, &Drawn::draw()?.key.0, draw_nonce()?)
    }

    fn wrap_as(
        &self,
        what: &[u8; 16],
        secret: &[u8; KEY_LEN],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, VaultError> {
        let state = self.state();
        let newest = state.generations.last().ok_or(VaultError::Randomness)?;
        let mut wrapped = newest.number.to_be_bytes().to_vec();
        wrapped.extend(encrypt(&bound(&newest.secret), nonce, what, &[secret])?);
        Ok(wrapped)
    }

    /// The data key that was wrapped; `None` if its generation is gone or it was
    /// changed.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Option<DataKey> {
        self.unwrap_as(OF_KEYS, wrapped).map(DataKey)
    }

    /// The key of the blind index that was wrapped; `None` as for
    /// [`Vault::unwrap`].
    pub(crate) fn index_key(&self, wrapped: &[u8]) -> Option<hmac::Key> {
        let mut last = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, key)) = &*last
            && known == wrapped
        {
            return Some(key.clone());
        }
        let secret = self.unwrap_as(OF_INDEX, wrapped)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        *last = Some((wrapped.to_vec(), key.clone()));
        Some(key)
    }

    fn unwrap_as(&self, what: &[u8; 16], wrapped: &[u8]) -> Option<[u8; KEY_LEN]> {
        let (number, sealed) = wrapped.split_first_chunk::<GENERATION_LEN>()?;
        let number = u32::from_be_bytes(*number);
        let state = self.state();
        let generation = state
            .generations
            .iter()
            .find(|known| known.number == number)?;
        let opened = decrypt(&bound(&generation.secret), what, sealed)?;
        opened.try_into().ok()
    }

    /// Draws the next generation and writes it down beside the one in use: from
    /// now on keys are wrapped under it.
    pub(crate) fn begin_next(&self) -> Result<(), VaultError> {
        let _alone = self.alone();
        let newest = self
            .state()
            .generations
            .last()
            .map_or(0, |newest| newest.number);
        let mut next = Generation::draw(newest.saturating_add(1))?;
        if let Some(token) = &self.token {
            let id = KeyId::draw()?;
            // Named before it is made: none is ever forgotten on the token.
            self.change(|state| state.doomed.push(id))?;
            next.wrapped = Some(token.wrap(id, next.number, &next.secret)?);
        }
        self.change(|state| {
            if let Some(Wrapped { id, .. }) = &next.wrapped {
                state.doomed.retain(|doomed| doomed != id);
            }
            state.generations.push(next);
        })
    }

    /// Ends a change of generations once no key is wrapped under any other than the
    /// one to `keep`: the others are destroyed.
    pub(crate) fn end_next(&self, keep: u32) -> Result<(), VaultError> {
        self.keep(&[keep])
    }

    /// Numbers of the generations, older first.
    pub(crate) fn generations(&self) -> Vec<u32> {
        let state = self.state();
        state.generations.iter().map(|one| one.number).collect()
    }

    /// Destroys all generations but some.
    pub(crate) fn keep(&self, kept: &[u32]) -> Result<(), VaultError> {
        let _alone = self.alone();
        self.change(|state| {
            let is_kept = |generation: &Generation| kept.contains(&generation.number);
            let ended = state
                .generations
                .extract_if(.., |generation| !is_kept(generation));
            let wrapped = ended.filter_map(|generation| generation.wrapped);
            state.doomed.extend(wrapped.map(|Wrapped { id, .. }| id));
        })?;
        self.destroy_doomed()
    }

    /// Destroys the keys that are to be gone from the token. The file names them until it
    /// is next written; to destroy what is gone is nothing.
    pub(crate) fn sweep(&self) -> Result<(), VaultError> {
        let _alone = self.alone();
        self.destroy_doomed()
    }

    fn destroy_doomed(&self) -> Result<(), VaultError> {
        let doomed = self.state().doomed.clone();
        if let Some(token) = &self.token
            && !doomed.is_empty()
        {
            token.destroy(&doomed)?;
            self.state_mut().doomed.retain(|id| !doomed.contains(id));
        }
        Ok(())
    }

    /// The oldest and the newest generation, where a change is under way or was cut short.
    pub(crate) fn unfinished(&self) -> Option<[u32; 2]> {
        match self.state().generations.as_slice() {
            [older, .., newer] => Some([older.number, newer.number]),
            _ => None,
        }
    }

    /// A token is there to keep the key, and one stands in the file in plain.
    pub(crate) fn must_move(&self) -> bool {
        let state = self.state();
        let mut generations = state.generations.iter();
        self.token.is_some() && generations.any(|generation| generation.wrapped.is_none())
    }

    /// A key in the making is named as one to be gone: nobody sweeps meanwhile.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), VaultError> {
        let mut state = self.state_mut();
        let mut changed = state.clone();
        change(&mut changed);
        file::write(&self.path, &changed).map_err(of_file(&self.path))?;
        *state = changed;
        // Whoever looks for the index's key holds that first.
        drop(state);
        // It may hang on a generation that is gone.
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<TokenError> for VaultError {
    fn from(error: TokenError) -> Self {
        Self::Token(Box::new(error))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Generation {
    fn draw(number: u32) -> Result<Self, VaultError> {
        let mut secret = [0; KEY_LEN];
        getrandom::fill(&mut secret).map_err(|_| VaultError::Randomness)?;
        Ok(Self {
            number,
            secret,
            wrapped: None,
        })
    }

    fn opened(
        number: u32,
        written: Written,
        token: Option<&KeyToken>,
        path: &Path,
    ) -> Result<Self, VaultError> {
        let (secret, wrapped) = match written {
            Written::Plain(secret) => (secret, None),
            Written::Wrapped(wrapped) => {
                let token = token.ok_or_else(|| VaultError::OnToken {
                    path: path.display().to_string(),
                })?;
                (token.unwrap(&wrapped, number)?, Some(wrapped))
            }
        };
        Ok(Self {
            number,
            secret,
            wrapped,
        })
    }
}

impl Drawn {
    /// Draws all of it.
    pub(crate) fn draw() -> Result<Self, VaultError> {
        let mut bytes = [0; SALT_LEN + KEY_LEN + 2 * NONCE_LEN];
        getrandom::fill(&mut bytes).map_err(|_| VaultError::Randomness)?;
        let drawn = bytes.split_first_chunk().and_then(|(salt, rest)| {
            let (key, rest) = rest.split_first_chunk()?;
            let (of_record, rest) = rest.split_first_chunk()?;
            let (of_key, _) = rest.split_first_chunk()?;
            Some(Self {
                salt: *salt,
                key: DataKey(*key),
                nonces: [*of_record, *of_key],
            })
        });
        drawn.ok_or(VaultError::Randomness)
    }

    /// Seals a record together with the salt of its commitment, and wraps the key of it
    /// under the newest generation. What was drawn is used up, but for the key, by which
    /// it is wrapped anew.
    pub(crate) fn seal(self, vault: &Vault, record: &[u8]) -> Result<Locked, VaultError> {
        let Self { salt, key, nonces } = self;
        let [of_record, of_key] = nonces;
        Ok(Locked {
            record: encrypt(&bound(&key.0), of_record, OF_RECORDS, &[&salt, record])?,
            wrapped: vault.wrap_as(OF_KEYS, &key.0, of_key)?,
            key,
        })
    }
}

impl DataKey {
    /// Opens what [`Drawn::seal`] made; `None` if it was changed.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Record> {
        let mut opened = decrypt(&bound(&self.0), OF_RECORDS, sealed)?;
        let (salt, _) = opened.split_first_chunk::<SALT_LEN>()?;
        let salt = *salt;
        opened.drain(..SALT_LEN);
        Some(Record {
            salt,
            record: opened,
        })
    }
}

fn bound(secret: &[u8; KEY_LEN]) -> LessSafeKey {
    #[expect(clippy::expect_used, reason = "every key of this length is one")]
    let key = UnboundKey::new(&AES_256_GCM, secret).expect("32 bytes are an AES-256 key");
    LessSafeKey::new(key)
}

fn draw_nonce() -> Result<[u8; NONCE_LEN], VaultError> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| VaultError::Randomness)?;
    Ok(nonce)
}

/// Nonce, ciphertext and tag. Nonces are drawn: a key seals few things.
fn encrypt(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    what: &[u8; 16],
    parts: &[&[u8]],
) -> Result<Vec<u8>, VaultError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut sealed = Vec::with_capacity(NONCE_LEN + length + AES_256_GCM.tag_len());
    sealed.extend(nonce);
    for part in parts {
        sealed.extend_from_slice(part);
    }
    let (_, plain) = sealed.split_at_mut(NONCE_LEN);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(what), plain)
        .map_err(|_| VaultError::Randomness)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn decrypt(key: &LessSafeKey, what: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut opened = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key
        .open_in_place(nonce, Aad::from(what), &mut opened)
        .ok()?
        .len();
    opened.truncate(length);
    Some(opened)
}

fn of_file(path: &Path) -> impl FnOnce(io::Error) -> VaultError + use<> {
    let path = path.display().to_string();
    move |source| VaultError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_open() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(dir.path().join("vault.key"), None, true).unwrap();
        let drawn = Drawn::draw().unwrap();
        let salt = drawn.salt;
        let Locked {
            record: sealed,
            key,
            wrapped,
        } = drawn.seal(&vault, b"a name").unwrap();
        let opened = vault.unwrap(&wrapped).unwrap().open(&sealed).unwrap();
        assert_eq!(
            (opened.salt, opened.record.as_slice()),
            (salt, &b"a name"[..])
        );
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open(&changed).is_none());
        }
        for place in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            assert!(vault.unwrap(&changed).is_none());
        }
        assert!(key.open(&sealed[..5]).is_none() && vault.unwrap(&[]).is_none());
    }

    #[test]
    fn a_generation_that_ended_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        let vault = Vault::open(path.clone(), None, true).unwrap();
        let key = Drawn::draw().unwrap().key;
        let old = vault.wrap(&key).unwrap();
        vault.begin_next().unwrap();
        assert_eq!(vault.unfinished(), Some([1, 2]));
        let new = vault.newest(&key, &old).unwrap();
        assert_eq!(vault.newest(&key, &new).unwrap(), new);
        let again = Vault::open(path.clone(), None, false).unwrap();
        assert!(again.unwrap(&old).is_some() && again.unwrap(&new).is_some());
        vault.end_next(2).unwrap();
        for vault in [vault, Vault::open(path, None, false).unwrap()] {
            assert_eq!(vault.unfinished(), None);
            assert!(vault.unwrap(&old).is_none() && vault.unwrap(&new).is_some());
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_never_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        let missing = Vault::open(path.clone(), None, false);
        assert!(matches!(missing, Err(VaultError::File { .. })));
        Vault::open(path.clone(), None, true).unwrap();
        std::fs::write(&path, "1 00\n").unwrap();
        let cut = Vault::open(path, None, true);
        assert!(matches!(cut, Err(VaultError::Malformed { .. })));
    }
}
