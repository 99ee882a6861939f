//! What a reviewer signs, and how.

use comity::v1;
use rustls::{SignatureScheme, crypto::ring::sign::any_supported_type};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Signatures that opinions may carry.
pub(crate) const SCHEMES: [SignatureScheme; 3] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
];

/// Why nothing was signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The key's file holds none.
    #[error("there is no private key in PEM")]
    NoKey(#[source] rustls_pki_types::pem::Error),
    /// The key cannot be used.
    #[error("the key cannot be used")]
    Key(#[source] rustls::Error),
    /// The key is of another kind than opinions are signed with.
    #[error(
        "the key is neither Ed25519 nor ECDSA over P-256 or P-384: have another certificate issued"
    )]
    Kind,
}

/// Signs lines with a private key in PEM.
///
/// # Errors
/// [`SignError`].
pub fn sign(key_pem: &[u8], lines: &str) -> Result<Vec<u8>, SignError> {
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(SignError::NoKey)?;
    let key = any_supported_type(&key).map_err(SignError::Key)?;
    let signer = key.choose_scheme(&SCHEMES).ok_or(SignError::Kind)?;
    signer.sign(lines.as_bytes()).map_err(SignError::Key)
}

/// The lines over which an opinion is signed, as `DecideRequest.signature`
/// describes them, for a task whose referral has this `basis_sha256`.
#[must_use]
pub fn of(opinion: &v1::DecideRequest, basis: &str) -> String {
    let v1::DecideRequest {
        name,
        verdict: _,
        reasons,
        question,
        etag: _,
        signature: _,
        request_id: _,
    } = opinion;
    let verdict = opinion.verdict().as_str_name();
    let verdict = verdict.trim_start_matches("REVIEW_VERDICT_");
    let sha256 = |text: &str| hex::encode(Sha256::digest(text));
    let (reasons, question) = (sha256(reasons), sha256(question));
    format!("comity opinion 1\n{name}\n{basis}\n{verdict}\n{reasons}\n{question}\n")
}
