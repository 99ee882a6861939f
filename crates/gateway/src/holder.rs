//! Who holds a certificate: the person behind a call, and what they signed.

use std::{fmt, sync::Arc};

use rustls::{SignatureScheme, crypto::ring};
use tonic::Extensions;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{identity::InvalidIdentity, listen::Peer, refusal::Refusal};

/// Signatures that opinions may carry.
const SCHEMES: [SignatureScheme; 3] = [
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
];

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The certificate, X.509 in DER.
    pub(crate) certificate: Arc<[u8]>,
    /// Its subject, as it names the holder. Personal data.
    pub(crate) subject: String,
    /// The subject's common name, where it has one.
    common_name: Option<String>,
    /// The public key with its algorithm.
    key_info: Vec<u8>,
    /// The public key by itself.
    key: Vec<u8>,
}

impl Holder {
    /// The holder of the certificate by which a connection was opened.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] when there is none that can be read.
    pub(crate) fn of(extensions: &Extensions) -> Result<Self, Refusal> {
        let peer = extensions.get::<Peer>();
        let certificate = peer.and_then(|peer| peer.certificate.clone());
        Ok(Self::read(
            certificate.ok_or(InvalidIdentity::NoCertificate)?,
        )?)
    }

    /// The holder of a certificate in DER.
    pub(crate) fn read(certificate: Arc<[u8]>) -> Result<Self, InvalidIdentity> {
        let (_, read) =
            X509Certificate::from_der(&certificate).map_err(|_| InvalidIdentity::NotX509)?;
        let mut names = read.subject().iter_common_name();
        let common_name = names.next().and_then(|name| name.as_str().ok());
        let info = read.public_key();
        Ok(Self {
            subject: read.subject().to_string(),
            common_name: common_name.map(str::to_owned),
            key_info: info.raw.to_vec(),
            key: info.subject_public_key.data.to_vec(),
            certificate: Arc::clone(&certificate),
        })
    }

    /// Both are one person: two certificates of one subject, or of one key.
    pub(crate) fn is_one_with(&self, other: &Self) -> bool {
        self.subject == other.subject || self.key_info == other.key_info
    }

    /// The certificate names its holder so, whatever the case of letters.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        let own = self.common_name.as_ref();
        !name.is_empty() && own.is_some_and(|own| own.trim().to_lowercase() == name)
    }

    /// The holder's key has signed the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let provider = ring::default_provider().signature_verification_algorithms;
        let known = provider.mapping.iter();
        let mut accepted = known
            .filter(|(scheme, _)| SCHEMES.contains(scheme))
            .flat_map(|(_, algorithms)| algorithms.iter());
        // One that is for another kind of key does not verify.
        accepted.any(|algorithm| {
            let verified = algorithm.verify_signature(&self.key, message, signature);
            verified.is_ok()
        })
    }
}

/// Without the subject, which is personal data.
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
        PKCS_ED25519, SigningKey as _,
    };

    use super::*;

    fn holder(name: &str, key: &KeyPair) -> Holder {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.self_signed(key).unwrap();
        Holder::read(Arc::from(&certificate.der()[..])).unwrap()
    }

    #[test]
    fn the_holders_own_signature_counts_and_no_other() {
        for algorithm in [
            &PKCS_ED25519,
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let holder = holder("A. Durand", &key);
            let signature = key.sign(b"opinion").unwrap();
            assert!(holder.has_signed(b"opinion", &signature), "{algorithm:?}");
            assert!(!holder.has_signed(b"another", &signature));
            assert!(!holder.has_signed(b"opinion", b""));
            let other = KeyPair::generate_for(algorithm).unwrap();
            let forged = other.sign(b"opinion").unwrap();
            assert!(!holder.has_signed(b"opinion", &forged));
        }
    }

    #[test]
    fn one_subject_or_one_key_is_one_person() {
        let [one, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let durand = holder("A. Durand", &one);
        assert!(durand.is_one_with(&holder("A. Durand", &other)));
        assert!(durand.is_one_with(&holder("B. Martin", &one)));
        assert!(!durand.is_one_with(&holder("B. Martin", &other)));
        assert!(durand.is_called(" a. durand") && !durand.is_called(""));
        assert!(!format!("{durand:?}").contains("Durand"));
    }
}
