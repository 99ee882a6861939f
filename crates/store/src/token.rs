//! A key kept by a PKCS#11 token, such as a hardware security module: made on it, never
//! taken out of it, destroyed on it.
//!
//! The token's library is code of others in this process: it is loaded where a token is
//! named, and here only. Each act begins it, logs in, works and ends it, so that a token
//! that was restarted between two acts is none the wiser; acts follow one another.

use std::{
    collections::{BTreeMap, btree_map},
    fmt, fs, io,
    path::{self, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as Pkcs11Error, Result as Pkcs11Result, RvError},
    mechanism::{Mechanism, MechanismType, aead::GcmParams},
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::{AuthPin, Ulong},
};
use thiserror::Error;

use crate::vault::{KEY_LEN, VaultError};

/// Length of the name of a key on a token, bytes.
const ID_LEN: usize = 16;
/// Length of an initialisation vector, bytes.
const IV_LEN: usize = 12;
/// Length of a tag, bits.
const TAG_BITS: u8 = 128;

/// What a wrapped secret is, authenticated with it.
const OF_GENERATIONS: &[u8; 16] = b"comity vault key";

/// Libraries are loaded once and never let go: what they left in the process may still
/// be called. Whoever holds the lock is the one who uses a token.
static LIBRARIES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// Where to find a token that keeps the key-encryption key, by PKCS#11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyToken {
    /// Its library.
    pub module: PathBuf,
    /// Its label.
    pub token: String,
    /// File with the PIN of its user.
    pub pin_file: PathBuf,
}

/// The name of a key on a token, `CKA_ID`: drawn, so that nobody else's is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId([u8; ID_LEN]);

/// A secret that a key on a token wraps.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// The key.
    pub(crate) id: KeyId,
    /// Initialisation vector, ciphertext and tag.
    pub(crate) sealed: Vec<u8>,
}

/// Why a token is of no use. The PIN is in none of it.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The library cannot be loaded.
    #[error("cannot load `{}`: name the PKCS#11 library of the token", module.display())]
    Module {
        /// The library.
        module: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The library does not begin, or names no tokens.
    #[error("the PKCS#11 library `{}` does not work: see to its own configuration", module.display())]
    Library {
        /// The library.
        module: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// No token has the label.
    #[error("`{}` knows no token `{token}`: {there}", module.display())]
    Missing {
        /// The label.
        token: String,
        /// The library.
        module: PathBuf,
        /// Which tokens it knows.
        there: String,
    },
    /// More than one token has the label.
    #[error("`{}` knows more than one token `{token}`: give each a label of its own", module.display())]
    Ambiguous {
        /// The label.
        token: String,
        /// The library.
        module: PathBuf,
    },
    /// The PIN cannot be read.
    #[error("cannot read the PIN of token `{token}` in `{}`", file.display())]
    PinFile {
        /// The token.
        token: String,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file has no PIN.
    #[error("`{}` is empty: write the PIN of token `{token}` into it", file.display())]
    NoPin {
        /// The token.
        token: String,
        /// The file.
        file: PathBuf,
    },
    /// The PIN does not open the token.
    #[error(
        "token `{token}` refuses the PIN in `{}`: mend the file before it is tried again, for \
         tokens lock after a few wrong ones", file.display()
    )]
    Pin {
        /// The token.
        token: String,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The token does not do what is needed.
    #[error("token `{token}` does not offer `{lacks}`: another one is needed")]
    Mechanism {
        /// The token.
        token: String,
        /// The mechanism.
        lacks: &'static str,
    },
    /// The key is not there.
    #[error(
        "key `{id}`, which opens generation {number} in the key file, is not on token `{token}`: an \
         erasure has destroyed it, or this is another token; name the right token, or restore the \
         whole data folder as it was after the last erasure"
    )]
    Gone {
        /// The token.
        token: String,
        /// The key.
        id: String,
        /// The generation.
        number: u32,
    },
    /// The key does not open what it has wrapped.
    #[error(
        "key `{id}` on token `{token}` does not open generation {number}: the key file was \
         changed; restore it"
    )]
    Unopened {
        /// The token.
        token: String,
        /// The key.
        id: String,
        /// The generation.
        number: u32,
        /// Why, where the token says so.
        #[source]
        source: Option<Cause>,
    },
    /// A key stays though it was to be destroyed.
    #[error("token `{token}` keeps key `{id}`: let its user destroy keys")]
    Kept {
        /// The token.
        token: String,
        /// The key.
        id: String,
        /// Why, where the token says so.
        #[source]
        source: Option<Cause>,
    },
    /// The token failed.
    #[error("token `{token}` failed")]
    Failed {
        /// The token.
        token: String,
        /// Why.
        #[source]
        source: Cause,
    },
}

/// What a library answered, in few words.
#[derive(Debug)]
pub struct Cause(Pkcs11Error);

/// A library that has begun, until it is dropped.
struct Begun<'a>(&'a Pkcs11);

impl KeyToken {
    /// Makes a key on the token and has it wrap the secret of a generation.
    pub(crate) fn wrap(
        &self,
        id: KeyId,
        number: u32,
        secret: &[u8; KEY_LEN],
    ) -> Result<Wrapped, TokenError> {
        self.act(Pkcs11::open_rw_session, |session| {
            let key = session.generate_key(&Mechanism::AesKeyGen, &template(id, number));
            let key = key.map_err(self.failed())?;
            let aad = authenticated(id, number);
            // The key wraps once, so that any vector will do; a token that wants its own
            // writes it here.
            let mut vector = [0; IV_LEN];
            let gcm = gcm(&mut vector, &aad).map_err(self.failed())?;
            let sealed = session.encrypt(&gcm, key, secret).map_err(self.failed())?;
            let wrapped = Wrapped {
                id,
                sealed: [vector.as_slice(), &sealed].concat(),
            };
            // Before anything hangs on it.
            if self.open(session, &wrapped, number)? == *secret {
                Ok(wrapped)
            } else {
                Err(self.unopened(id, number, None))
            }
        })
    }

    /// The secret of a generation that a key on the token wraps.
    pub(crate) fn unwrap(
        &self,
        wrapped: &Wrapped,
        number: u32,
    ) -> Result<[u8; KEY_LEN], TokenError> {
        self.act(Pkcs11::open_ro_session, |session| {
            self.open(session, wrapped, number)
        })
    }

    /// Destroys keys; those that are gone already are so.
    pub(crate) fn destroy(&self, ids: &[KeyId]) -> Result<(), TokenError> {
        let kept = |id: KeyId, source| TokenError::Kept {
            token: self.token.clone(),
            id: id.to_string(),
            source,
        };
        self.act(Pkcs11::open_rw_session, |session| {
            for id in ids {
                for key in self.find(session, *id)? {
                    let destroyed = session.destroy_object(key);
                    destroyed.map_err(|error| kept(*id, Some(Cause(error))))?;
                }
                if !self.find(session, *id)?.is_empty() {
                    return Err(kept(*id, None));
                }
            }
            Ok(())
        })
    }

    /// The keys on the token, by label and name, sorted.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> Vec<String> {
        use cryptoki::object::AttributeType;

        let keys = self.act(Pkcs11::open_ro_session, |session| {
            let keys = session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]);
            let keys = keys.unwrap().into_iter().map(|key| {
                let told = [AttributeType::Label, AttributeType::Id];
                match session.get_attributes(key, &told).unwrap().as_slice() {
                    [Attribute::Label(label), Attribute::Id(id)] => {
                        format!("{} {}", String::from_utf8_lossy(label), hex::encode(id))
                    }
                    _ => panic!("a key has a label and a name"),
                }
            });
            Ok(keys.collect::<Vec<_>>())
        });
        let mut keys = keys.unwrap();
        keys.sort();
        keys
    }

    fn open(
        &self,
        session: &Session,
        wrapped: &Wrapped,
        number: u32,
    ) -> Result<[u8; KEY_LEN], TokenError> {
        let Wrapped { id, sealed } = wrapped;
        let Some(key) = self.find(session, *id)?.first().copied() else {
            return Err(TokenError::Gone {
                token: self.token.clone(),
                id: id.to_string(),
                number,
            });
        };
        let (vector, sealed) = sealed
            .split_first_chunk::<IV_LEN>()
            .ok_or_else(|| self.unopened(*id, number, None))?;
        let (mut vector, aad) = (*vector, authenticated(*id, number));
        let gcm = gcm(&mut vector, &aad).map_err(self.failed())?;
        let opened = session
            .decrypt(&gcm, key, sealed)
            .map_err(|error| self.unopened(*id, number, Some(Cause(error))))?;
        opened
            .try_into()
            .map_err(|_| self.unopened(*id, number, None))
    }

    fn find(&self, session: &Session, id: KeyId) -> Result<Vec<ObjectHandle>, TokenError> {
        let named = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Token(true),
            Attribute::Id(id.0.to_vec()),
        ];
        session.find_objects(&named).map_err(self.failed())
    }

    /// Does something with the token open and the user logged in.
    fn act<T>(
        &self,
        open: fn(&Pkcs11, Slot) -> Pkcs11Result<Session>,
        work: impl FnOnce(&Session) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let pin = self.pin()?;
        let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Begun::new(load(&mut libraries, &self.module)?, &self.module)?;
        let slot = self.slot(begun.0)?;
        let session = open(begun.0, slot).map_err(self.failed())?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Pkcs11Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(self.refused(error)),
        }
        work(&session)
    }

    /// Where the token is, if it can do what is needed.
    fn slot(&self, library: &Pkcs11) -> Result<Slot, TokenError> {
        let slots = library.get_slots_with_token();
        let slots = slots.map_err(|error| broken(&self.module, error))?;
        // One that says nothing of itself may be anybody's.
        let known = slots.into_iter().filter_map(|slot| {
            let token = library.get_token_info(slot).ok()?;
            (token.token_initialized()).then(|| (token.label().to_owned(), slot))
        });
        let known: Vec<_> = known.collect();
        let mut named = known.iter().filter(|(label, _)| *label == self.token);
        let (token, module) = (self.token.clone(), self.module.clone());
        let slot = match (named.next(), named.next()) {
            (Some((_, slot)), None) => *slot,
            (Some(_), Some(_)) => return Err(TokenError::Ambiguous { token, module }),
            (None, _) => {
                let there = there(known.iter().map(|(label, _)| label));
                return Err(TokenError::Missing {
                    token,
                    module,
                    there,
                });
            }
        };
        let offered = library.get_mechanism_list(slot).map_err(self.failed())?;
        for (needed, lacks) in [
            (MechanismType::AES_KEY_GEN, "CKM_AES_KEY_GEN"),
            (MechanismType::AES_GCM, "CKM_AES_GCM"),
        ] {
            if !offered.contains(&needed) {
                return Err(TokenError::Mechanism { token, lacks });
            }
        }
        Ok(slot)
    }

    fn pin(&self) -> Result<AuthPin, TokenError> {
        let (token, file) = (self.token.clone(), self.pin_file.clone());
        let mut pin = match fs::read_to_string(&file) {
            Ok(pin) => pin,
            Err(source) => {
                return Err(TokenError::PinFile {
                    token,
                    file,
                    source,
                });
            }
        };
        pin.truncate(pin.trim_end_matches(['\r', '\n']).len());
        if pin.is_empty() {
            return Err(TokenError::NoPin { token, file });
        }
        Ok(pin.into())
    }

    /// Why nobody was logged in.
    fn refused(&self, error: Pkcs11Error) -> TokenError {
        let at_pin = matches!(
            error,
            Pkcs11Error::Pkcs11(
                RvError::PinIncorrect
                    | RvError::PinInvalid
                    | RvError::PinLenRange
                    | RvError::PinLocked
                    | RvError::PinExpired
                    | RvError::UserPinNotInitialized,
                _
            )
        );
        if !at_pin {
            return self.failed()(error);
        }
        TokenError::Pin {
            token: self.token.clone(),
            file: self.pin_file.clone(),
            source: Cause(error),
        }
    }

    fn unopened(&self, id: KeyId, number: u32, source: Option<Cause>) -> TokenError {
        TokenError::Unopened {
            token: self.token.clone(),
            id: id.to_string(),
            number,
            source,
        }
    }

    fn failed(&self) -> impl Fn(Pkcs11Error) -> TokenError + '_ {
        |error| TokenError::Failed {
            token: self.token.clone(),
            source: Cause(error),
        }
    }
}

impl KeyId {
    pub(crate) fn draw() -> Result<Self, VaultError> {
        let mut id = [0; ID_LEN];
        getrandom::fill(&mut id).map_err(|_| VaultError::Randomness)?;
        Ok(Self(id))
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut id = [0; ID_LEN];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts of the standard are paragraphs.
        if let Pkcs11Error::Pkcs11(answer, call) = &self.0 {
            write!(f, "`C_{call:?}` answers `{answer:?}`")
        } else if let Pkcs11Error::LibraryLoading(error) = &self.0 {
            write!(f, "{error}")
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl std::error::Error for Cause {}

impl<'a> Begun<'a> {
    fn new(library: &'a Pkcs11, module: &Path) -> Result<Self, TokenError> {
        let locking = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match library.initialize(locking) {
            // It did not end the last time.
            Ok(()) | Err(Pkcs11Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
                Ok(Self(library))
            }
            Err(error) => Err(broken(module, error)),
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.clone().finalize() {
            let error = Cause(error);
            tracing::warn!(%error, "the library of a token does not end");
        }
    }
}

fn load<'a>(
    libraries: &'a mut BTreeMap<PathBuf, Pkcs11>,
    module: &Path,
) -> Result<&'a Pkcs11, TokenError> {
    match libraries.entry(module.to_owned()) {
        btree_map::Entry::Occupied(loaded) => Ok(loaded.into_mut()),
        // A bare name would be looked for where the system keeps libraries.
        btree_map::Entry::Vacant(place) => match Pkcs11::new(absolute(module)) {
            Ok(loaded) => Ok(place.insert(loaded)),
            Err(error) => Err(TokenError::Module {
                module: module.to_owned(),
                source: Cause(error),
            }),
        },
    }
}

fn absolute(module: &Path) -> PathBuf {
    path::absolute(module).unwrap_or_else(|_| module.to_owned())
}

fn broken(module: &Path, error: Pkcs11Error) -> TokenError {
    TokenError::Library {
        module: module.to_owned(),
        source: Cause(error),
    }
}

/// A key that wraps a generation: made for that alone, and to stay where it is.
fn template(id: KeyId, number: u32) -> Vec<Attribute> {
    let length = Ulong::from(KEY_LEN as u64);
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(length),
        Attribute::Id(id.0.to_vec()),
        Attribute::Label(format!("comity {number}").into_bytes()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ]
}

fn gcm<'a>(vector: &'a mut [u8; IV_LEN], aad: &'a [u8]) -> Pkcs11Result<Mechanism<'a>> {
    let params = GcmParams::new(vector, aad, u64::from(TAG_BITS).into())?;
    Ok(Mechanism::AesGcm(params))
}

/// Which secret it is: it opens as the same generation under the same key only.
fn authenticated(id: KeyId, number: u32) -> Vec<u8> {
    [
        OF_GENERATIONS.as_slice(),
        &number.to_be_bytes(),
        id.0.as_slice(),
    ]
    .concat()
}

/// Which tokens there are, in words.
fn there<'a>(labels: impl Iterator<Item = &'a String>) -> String {
    let mut labels: Vec<_> = labels.map(|label| format!("`{label}`")).collect();
    labels.sort();
    if labels.is_empty() {
        "it knows none that is initialised".to_owned()
    } else {
        format!("there is {}", labels.join(", "))
    }
}
