//! Asking an authority for a timestamp, and judging what it answers.

use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use der::{
    Decode as _, Encode as _,
    asn1::{Int, ObjectIdentifier, OctetString},
};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use super::{
    APART, MAX_BYTES, Roots, Token, TokenError,
    asn1::{MessageImprint, Request, Response, SHA_256, Status},
    verify, visible,
};
use crate::KeyError;

/// Bytes of a nonce. Some authorities take no more.
const NONCE: usize = 8;
/// Characters of what an authority says of a refusal that are repeated.
const SAID_MAX: usize = 200;

/// A query for a timestamp over a checkpoint: `application/timestamp-query`.
#[derive(Debug, Clone)]
pub struct Query {
    bytes: Vec<u8>,
    note: Vec<u8>,
    nonce: Int,
    policy: Option<ObjectIdentifier>,
}

/// Whether a text is an object identifier, as a policy to ask for must be.
#[must_use]
pub fn is_policy(text: &str) -> bool {
    ObjectIdentifier::new(text).is_ok()
}

impl Query {
    /// A query over the bytes of a checkpoint with the log's signature alone (see
    /// [`crate::Checkpoint::signed_by`]), with a new nonce, for a token under `policy` if one is
    /// given: an object identifier such as `1.3.6.1.4.1.13762.3`.
    ///
    /// # Errors
    /// [`KeyError::Randomness`], and [`TokenError::Malformed`] if the policy is no
    /// object identifier.
    pub fn new(note: &[u8], policy: Option<&str>) -> Result<Self, TokenError> {
        let policy = policy.map(ObjectIdentifier::new).transpose();
        let policy = policy.map_err(|_| TokenError::Malformed("the policy that is asked for"))?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(KeyError::Randomness)?;
        if let Some(first) = nonce.first_mut() {
            // Positive, and not to be written shorter.
            *first = *first & 0x7f | 0x40;
        }
        let unwritten = |_: der::Error| TokenError::Malformed("the query");
        let nonce = Int::new(&nonce).map_err(unwritten)?;
        let hash = digest(&SHA256, note);
        let request = Request {
            version: 1,
            message_imprint: MessageImprint {
                hash_algorithm: AlgorithmIdentifierOwned {
                    oid: SHA_256,
                    parameters: None,
                },
                hashed_message: OctetString::new(hash.as_ref()).map_err(unwritten)?,
            },
            policy,
            nonce: nonce.clone(),
            certificates: true,
        };
        Ok(Self {
            bytes: request.to_der().map_err(unwritten)?,
            note: note.to_vec(),
            nonce,
            policy,
        })
    }

    /// The query as it is sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The token in an answer, `application/timestamp-reply`: to this query, by an
    /// authority that is believed, at about this time.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn accept(&self, reply: &[u8], roots: &Roots, now: Timestamp) -> Result<Token, TokenError> {
        if reply.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let reply = Response::from_der(reply).map_err(|_| TokenError::Malformed("the reply"))?;
        let Response { status, token } = reply;
        // Granted, or granted with modifications, which are looked for below.
        if status.status > 1 {
            return Err(refused(status));
        }
        let token = token.ok_or(TokenError::Malformed("the reply without a token"))?;
        let token = token.to_der();
        let token = token.map_err(|_| TokenError::Malformed("the token"))?;
        let (verified, info) = verify(&token, &self.note, roots)?;
        if info.nonce.as_ref() != Some(&self.nonce) {
            return Err(TokenError::Nonce);
        }
        match self.policy {
            Some(asked) if asked != info.policy => {
                return Err(TokenError::Policy {
                    asked: asked.to_string(),
                    found: info.policy.to_string(),
                });
            }
            Some(_) | None => {}
        }
        if verified.at.duration_since(now).abs() > APART {
            return Err(TokenError::Clock {
                at: verified.at,
                now,
            });
        }
        Ok(verified)
    }
}

/// What an authority says that gives no token.
fn refused(status: Status) -> TokenError {
    let Status {
        status,
        texts,
        failure,
    } = status;
    let said = texts.unwrap_or_default().join("; ");
    let bits = failure.map(|bits| bits.raw_bytes().to_vec());
    let reasons: Vec<_> = FAILURES
        .iter()
        .filter(|(bit, _)| {
            let byte = bits.as_ref().and_then(|bits| bits.get(bit / 8));
            byte.is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
        })
        .map(|(_, reason)| (*reason).to_owned())
        .chain((!said.is_empty()).then(|| format!("`{}`", visible(&said, SAID_MAX))))
        .collect();
    TokenError::Refused {
        status,
        why: match reasons.as_slice() {
            [] => String::new(),
            reasons => format!(": {}", reasons.join(", ")),
        },
    }
}

/// `PKIFailureInfo`, RFC 3161 § 2.4.2.
const FAILURES: [(usize, &str); 8] = [
    (0, "it does not know the hash algorithm"),
    (2, "it does not permit the query"),
    (5, "it cannot read the query"),
    (14, "it has no source of time"),
    (15, "it does not issue under the policy asked for"),
    (16, "it does not know the extension"),
    (17, "it cannot give what was asked for besides"),
    (25, "it failed"),
];
