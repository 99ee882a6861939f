//! Timestamps over checkpoints: RFC 3161, by authorities that are neither the log's
//! keeper nor its witnesses.
//!
//! What is timestamped is the checkpoint with the log's own signatures and no others:
//! the bytes of `checkpoints/<size>`. The signatures are in it so that who comes by the
//! log's key later cannot sign what was never said and have it seem as old as a token
//! over the text alone; the cosignatures are not, since they come after.

mod asn1;
mod query;
mod roots;
mod shape;
mod signature;

use cms::{content_info::ContentInfo, signed_data::SignedData};
use der::{Any, Decode as _, Tag, Tagged as _};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use ring::digest::{SHA256, digest};
use thiserror::Error;

use self::asn1::{Info, SHA_256, SIGNED_DATA, TST_INFO};
pub use self::{
    query::{Query, is_policy},
    roots::{Roots, RootsError},
};
use crate::KeyError;

/// How far the clocks of an authority and of a log's keeper may be apart.
pub(crate) const APART: SignedDuration = SignedDuration::from_mins(5);
/// Greatest length of an authority's answer, bytes: several times that of a token with
/// a long chain of certificates.
pub const MAX_BYTES: usize = 64 << 10;
/// Characters of an authority's name that are shown.
const NAME_MAX: usize = 120;

/// A timestamp found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The `TimeStampToken` in DER, which `openssl ts -verify -token_in` reads.
    pub bytes: Vec<u8>,
    /// Name of the authority, as its certificate has it.
    pub by: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A timestamp that is not to be believed, or was not given.
#[derive(Debug, Error)]
pub enum TokenError {
    /// More bytes than are looked at.
    #[error("it is longer than the {MAX_BYTES} bytes that an answer may have")]
    TooLong,
    /// Built of more parts than are put into order.
    #[error("it is built of more parts than any timestamp")]
    Crowded,
    /// Not in the form of RFC 3161.
    #[error("{0} is not in the form of RFC 3161")]
    Malformed(&'static str),
    /// The authority gives none.
    #[error("the authority refuses, status {status}{why}")]
    Refused {
        /// `PKIStatus`.
        status: u8,
        /// What it says, after a colon; nothing where it says nothing.
        why: String,
    },
    /// Over another checkpoint, or something else.
    #[error("the timestamp is over something else than the checkpoint")]
    Imprint,
    /// It answers another query.
    #[error("the timestamp has another nonce: it answers another query")]
    Nonce,
    /// Under another policy.
    #[error("the timestamp is under the policy {found}, and {asked} was asked for")]
    Policy {
        /// The policy asked for.
        asked: String,
        /// The policy it is under.
        found: String,
    },
    /// The clocks differ.
    #[error(
        "the authority says that it is {at}, and here it is {now}: see that the clock of this \
         machine is right"
    )]
    Clock {
        /// By the authority.
        at: Timestamp,
        /// By us.
        now: Timestamp,
    },
    /// The certificate is not, or not only, for timestamps.
    #[error(
        "the authority's certificate is not for timestamps alone: its extended key usage must be \
         critical and have no other purpose"
    )]
    Purpose,
    /// The certificate is not to be believed.
    #[error("the authority's certificate is not to be believed: {0}")]
    Chain(String),
    /// The signature is not the authority's.
    #[error("the timestamp is not signed as it says: {0}")]
    Signature(&'static str),
    /// A way to sign or hash that is not known here.
    #[error("the timestamp is signed in a way that is not known here, {0}")]
    Algorithm(String),
    /// There is no randomness for a query.
    #[error(transparent)]
    Randomness(#[from] KeyError),
}

impl Token {
    /// Checks a token: over these bytes, a checkpoint with the log's signature alone,
    /// signed with a certificate for timestamps that leads to one of the roots and was
    /// valid at the time.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(token: &[u8], note: &[u8], roots: &Roots) -> Result<Self, TokenError> {
        verify(token, note, roots).map(|(token, _)| token)
    }
}

/// See [`Token::verify`]; answers what the token says besides.
fn verify(token: &[u8], note: &[u8], roots: &Roots) -> Result<(Token, Info), TokenError> {
    let (info, signed) = read(token)?;
    let imprint = &info.message_imprint;
    let hash = digest(&SHA256, note);
    if imprint.hash_algorithm.oid != SHA_256 || imprint.hashed_message.as_bytes() != hash.as_ref() {
        return Err(TokenError::Imprint);
    }
    let mut extensions = info.extensions.iter().flatten();
    if info.version != 1 || extensions.any(|extension| extension.critical) {
        return Err(TokenError::Malformed("what the token says"));
    }
    let at = time(&info.time).ok_or(TokenError::Malformed("the time of the token"))?;
    let by = signature::verify(&signed, roots, at)?;
    let bytes = token.to_vec();
    Ok((Token { bytes, by, at }, info))
}

/// What a token says, and what it is signed with. Nothing of it is believed yet.
fn read(token: &[u8]) -> Result<(Info, SignedData), TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::TooLong);
    }
    let malformed = |_: der::Error| TokenError::Malformed("the token");
    if !shape::is_sane(token).map_err(malformed)? {
        return Err(TokenError::Crowded);
    }
    let outer = ContentInfo::from_der(token).map_err(malformed)?;
    if outer.content_type != SIGNED_DATA {
        return Err(TokenError::Malformed("the token"));
    }
    let signed: SignedData = outer.content.decode_as().map_err(malformed)?;
    let content = content(&signed).ok_or(TokenError::Malformed("the token"))?;
    let info = Info::from_der(content);
    let info = info.map_err(|_| TokenError::Malformed("what the token says"))?;
    Ok((info, signed))
}

/// The bytes that are signed.
fn content(signed: &SignedData) -> Option<&[u8]> {
    let inner = &signed.encap_content_info;
    let content = inner.econtent.as_ref()?;
    let fits = inner.econtent_type == TST_INFO && content.tag() == Tag::OctetString;
    fits.then(|| content.value())
}

/// A `GeneralizedTime` in UTC, with or without fractions of a second.
fn time(written: &Any) -> Option<Timestamp> {
    if written.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(written.value()).ok()?;
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let moment = DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    let nanoseconds: i32 = format!("{fraction:0<9}").parse().ok()?;
    let moment = moment.with().subsec_nanosecond(nanoseconds).build().ok()?;
    TimeZone::UTC.to_timestamp(moment).ok()
}

/// Foreign text, cut and without what a terminal would heed.
fn visible(text: &str, most: usize) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_fractions() {
        let read = |text: &str| {
            let written = Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap();
            time(&written).map(|time| time.to_string())
        };
        for (text, expected) in [
            ("20261126084417Z", Some("2026-11-26T08:44:17Z")),
            ("20261126084417.012Z", Some("2026-11-26T08:44:17.012Z")),
            ("20261126084417.5Z", Some("2026-11-26T08:44:17.5Z")),
            ("20261126084417", None),
            ("20261126084417+0100", None),
            ("202611260844Z", None),
            ("20261326084417Z", None),
            ("20261126084417.Z", None),
            ("20261126084417.0123456789Z", None),
            ("+0261126084417Z", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
        let other = Any::new(Tag::UtcTime, "261126084417Z".as_bytes()).unwrap();
        assert_eq!(time(&other), None);
    }

    #[test]
    fn garbage_is_no_token_and_no_answer() {
        let roots = Roots(Vec::new());
        let query = Query::new(b"note", None).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        for garbage in [
            &b""[..],
            b"garbage",
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0; 99],
        ] {
            assert!(matches!(
                Token::verify(garbage, b"note", &roots),
                Err(TokenError::Malformed(_))
            ));
            assert!(matches!(
                query.accept(garbage, &roots, now),
                Err(TokenError::Malformed(_))
            ));
        }
        let long = vec![0x30; MAX_BYTES + 1];
        assert!(matches!(
            query.accept(&long, &roots, now),
            Err(TokenError::TooLong)
        ));
    }

    /// Reading it would take minutes.
    #[test]
    fn a_token_of_thousands_of_parts_is_not_read() {
        let algorithms = (0..9000u16).rev().flat_map(|number| {
            let [high, low] = [number / 128, number % 128].map(|part| part.to_le_bytes()[0]);
            [0x30, 5, 6, 3, 0x2a, high, low]
        });
        let algorithms: Vec<u8> = algorithms.collect();
        let built = |tag: u8, body: &[u8]| {
            let length = u16::try_from(body.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], &length[..], body].concat()
        };
        let signed = [&[2, 1, 3], &built(0x31, &algorithms)[..]].concat();
        let signed = built(0xa0, &built(0x30, &signed));
        let kind = [&[6, 9], SIGNED_DATA.as_bytes()].concat();
        let token = built(0x30, &[kind, signed].concat());
        assert!(token.len() < MAX_BYTES);
        let verified = Token::verify(&token, b"", &Roots(Vec::new()));
        assert!(matches!(verified, Err(TokenError::Crowded)), "{verified:?}");
    }

    #[test]
    fn a_refusal_says_what_the_authority_says() {
        // Rejected, "no\u{7}", bad policy.
        let reply = [
            0x30, 0x0f, 0x30, 0x0d, 2, 1, 2, 0x30, 5, 0x0c, 3, b'n', b'o', 7, 3, 1, 0,
        ];
        let query = Query::new(b"note", Some("1.2.3")).unwrap();
        let refused = query.accept(&reply, &Roots(Vec::new()), Timestamp::UNIX_EPOCH);
        assert_eq!(
            refused.unwrap_err().to_string(),
            "the authority refuses, status 2: `no`"
        );
        assert!(Query::new(b"note", Some("1.2.x")).is_err());
    }
}
