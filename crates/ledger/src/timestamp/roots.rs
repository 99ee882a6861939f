//! Whose timestamps are believed: root certificates.

use der::pem::{LineEnding, encode_string};
use rustls_pki_types::{CertificateDer, TrustAnchor, pem::PemObject as _};
use thiserror::Error;
use webpki::anchor_from_trusted_cert;

/// Root certificates of authorities that timestamp: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(pub(super) Vec<CertificateDer<'static>>);

/// A text that holds no root certificates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RootsError {
    /// No PEM, or a damaged one.
    #[error("not in PEM: expected `-----BEGIN CERTIFICATE-----` and what follows")]
    Pem,
    /// Nothing is there.
    #[error("it holds no certificate")]
    Empty,
    /// One of them is no certificate.
    #[error("the certificate number {0} in it cannot be read")]
    Certificate(usize),
}

impl Roots {
    /// Reads certificates in PEM, of which each is believed as a root.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn read(pem: &[u8]) -> Result<Self, RootsError> {
        let mut roots = Vec::new();
        for (number, root) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
            let root: CertificateDer<'static> = root.map_err(|_| RootsError::Pem)?;
            anchor_from_trusted_cert(&root).map_err(|_| RootsError::Certificate(number))?;
            roots.push(root);
        }
        if roots.is_empty() {
            return Err(RootsError::Empty);
        }
        Ok(Self(roots))
    }

    /// These, and those of the others that are not among them.
    #[must_use]
    pub fn with(mut self, others: &Self) -> Self {
        let Self(roots) = &mut self;
        for other in &others.0 {
            if !roots.contains(other) {
                roots.push(other.clone());
            }
        }
        self
    }

    /// The certificates in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let one = |root: &CertificateDer<'_>| encode_string("CERTIFICATE", LineEnding::LF, root);
        // A certificate that was read is not too long to be written.
        self.0.iter().filter_map(|root| one(root).ok()).collect()
    }

    /// As paths of certificates end.
    pub(super) fn anchors(&self) -> Vec<TrustAnchor<'_>> {
        let anchor = |root| anchor_from_trusted_cert(root).ok();
        self.0.iter().filter_map(anchor).collect()
    }
}
