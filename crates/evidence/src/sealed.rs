//! Sealing to a recipient, so that whoever stores an item cannot read it.
//!
//! A sealed item is the mark `COMITY-SEALED-1` with a line feed (16 bytes), the
//! encapsulated key (32 bytes), and segments. It is HPKE (RFC 9180) in base mode
//! with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305; `info` is
//! `comity evidence v1`. The context seals the segments one after another, each of
//! 1 MiB before sealing except the last, which may be shorter and even empty; the
//! associated data is one byte, 1 for the last segment and 0 for the others, so that
//! nothing can be cut off unnoticed.

use std::{
    fmt,
    io::{self, Read, Write},
    str::FromStr,
};

use hpke::{
    Deserializable as _, HpkeError, Kem as _, OpModeR, OpModeS, Serializable as _,
    aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256, setup_receiver, setup_sender,
};
use thiserror::Error;

/// What a sealed item begins with.
pub const MARK: [u8; 16] = *b"COMITY-SEALED-1\n";

/// Bytes in one segment before sealing.
const SEGMENT_BYTES: usize = 1 << 20;
/// What sealing adds to a segment.
const TAG_BYTES: usize = 16;
/// Length of the encapsulated key.
const KEY_BYTES: usize = 32;
/// Keeps these contexts apart from every other use of a key.
const INFO: &[u8] = b"comity evidence v1";

/// How a recipient's public key is written.
const RECIPIENT: &str = "comity-recipient-1+";
/// How a recipient's secret key is written.
const IDENTITY: &str = "COMITY-IDENTITY-1+";

type Kem = X25519HkdfSha256;

/// Whom an item is sealed to: `comity-recipient-1+<64 hexadecimal digits>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(<Kem as hpke::Kem>::PublicKey);

/// The secret that opens what is sealed to its recipient:
/// `COMITY-IDENTITY-1+<64 hexadecimal digits>`.
#[derive(Clone)]
pub struct Identity(<Kem as hpke::Kem>::PrivateKey);

/// Why something cannot be sealed or opened.
#[derive(Debug, Error)]
pub enum SealedError {
    /// Not the text of a key.
    #[error("expected `{0}` and 64 hexadecimal digits")]
    Key(&'static str),
    /// Nothing that was sealed in this form.
    #[error("this is no sealed item: it does not begin with `COMITY-SEALED-1`")]
    NotSealed,
    /// Sealed to somebody else, changed or cut off.
    #[error("this does not open: it is sealed to another key, or was changed or cut off")]
    Closed,
    /// The recipient's key is weak.
    #[error("nothing can be sealed to this key: have the recipient make another")]
    Weak(#[source] HpkeError),
    /// Reading or writing failed.
    #[error("cannot read or write")]
    File(#[from] io::Error),
}

impl Identity {
    /// Draws a new one from the operating system.
    #[must_use]
    pub fn generate() -> Self {
        Self(Kem::gen_keypair().0)
    }

    /// Whom to seal to so that this opens it.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(Kem::sk_to_pk(&self.0))
    }

    /// The identity as its owner keeps it. Whoever has it reads what is sealed.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        format!("{IDENTITY}{}", hex::encode(self.0.to_bytes()))
    }
}

impl FromStr for Identity {
    type Err = SealedError;

    fn from_str(text: &str) -> Result<Self, SealedError> {
        let key = bytes(text, IDENTITY)
            .and_then(|bytes| <Kem as hpke::Kem>::PrivateKey::from_bytes(&bytes).ok());
        key.map(Self).ok_or(SealedError::Key(IDENTITY))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.recipient())
    }
}

impl FromStr for Recipient {
    type Err = SealedError;

    fn from_str(text: &str) -> Result<Self, SealedError> {
        let key = bytes(text, RECIPIENT)
            .and_then(|bytes| <Kem as hpke::Kem>::PublicKey::from_bytes(&bytes).ok());
        key.map(Self).ok_or(SealedError::Key(RECIPIENT))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{RECIPIENT}{}", hex::encode(self.0.to_bytes()))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

/// Seals everything that is read, in constant memory.
///
/// # Errors
/// [`SealedError::Weak`] or [`SealedError::File`].
pub fn seal(
    recipient: &Recipient,
    mut from: impl Read,
    mut to: impl Write,
) -> Result<(), SealedError> {
    let (key, mut context) =
        setup_sender::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeS::Base, &recipient.0, INFO)
            .map_err(SealedError::Weak)?;
    to.write_all(&MARK)?;
    to.write_all(&key.to_bytes())?;
    segments(&mut from, SEGMENT_BYTES, |segment, last| {
        let sealed = context
            .seal(segment, &[u8::from(last)])
            .map_err(SealedError::Weak)?;
        Ok(to.write_all(&sealed)?)
    })
}

/// Opens what was sealed, in constant memory. What is written is to be used only
/// once this has succeeded: before that it may be cut off.
///
/// # Errors
/// [`SealedError`].
pub fn open(
    identity: &Identity,
    mut from: impl Read,
    mut to: impl Write,
) -> Result<(), SealedError> {
    let mut mark = [0; MARK.len()];
    let mut key = [0; KEY_BYTES];
    from.read_exact(&mut mark)
        .map_err(|_| SealedError::NotSealed)?;
    if mark != MARK {
        return Err(SealedError::NotSealed);
    }
    from.read_exact(&mut key).map_err(|_| SealedError::Closed)?;
    let closed = |_| SealedError::Closed;
    let key = <Kem as hpke::Kem>::EncappedKey::from_bytes(&key).map_err(closed)?;
    let mut context = setup_receiver::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &identity.0,
        &key,
        INFO,
    )
    .map_err(closed)?;
    segments(&mut from, SEGMENT_BYTES + TAG_BYTES, |segment, last| {
        let opened = context.open(segment, &[u8::from(last)]).map_err(closed)?;
        Ok(to.write_all(&opened)?)
    })
}

/// Hands over what is read in segments, and says which is the last.
fn segments(
    from: &mut impl Read,
    length: usize,
    mut hand_over: impl FnMut(&[u8], bool) -> Result<(), SealedError>,
) -> Result<(), SealedError> {
    let mut read = |segment: &mut Vec<u8>| {
        segment.clear();
        from.take(length as u64).read_to_end(segment)
    };
    let (mut this, mut next) = (Vec::with_capacity(length), Vec::with_capacity(length));
    read(&mut this)?;
    loop {
        read(&mut next)?;
        hand_over(&this, next.is_empty())?;
        if next.is_empty() {
            return Ok(());
        }
        std::mem::swap(&mut this, &mut next);
    }
}

/// The key in a text that begins as it should.
fn bytes(text: &str, begins: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    let digits = text.trim_end().strip_prefix(begins)?;
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}
