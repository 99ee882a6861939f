//! What was shown by whoever is not let in: who uses a certificate that was revoked is worth
//! knowing.

use std::{cell::RefCell, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::identity::uris;

/// Longest text of a certificate; whoever made it was not to be believed.
const LONGEST: usize = 300;

tokio::task_local! {
    static REFUSED: RefCell<Option<Presented>>;
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// Its subject and URI names: personal data, perhaps.
    pub names: String,
}

/// Has certificates verified, and notes those that are refused.
#[derive(Debug)]
pub(super) struct Noting(pub(super) Arc<dyn ClientCertVerifier>);

/// What comes of a handshake, and what was refused in it.
pub(crate) async fn noting<T>(handshake: impl Future<Output = T>) -> (T, Option<Presented>) {
    let noted = async {
        let done = handshake.await;
        (done, REFUSED.with(RefCell::take))
    };
    REFUSED.scope(RefCell::default(), noted).await
}

impl Presented {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let alternative = read.subject_alternative_name().ok().flatten();
        let uris = alternative.iter().flat_map(|names| uris(names.value));
        let uris = uris.map(|uri| format!(", {uri}"));
        let names: String = [read.subject().to_string()]
            .into_iter()
            .chain(uris)
            .collect();
        let plain = names.chars().filter(|c| !c.is_control());
        Some(Self {
            serial: read.raw_serial_as_string().chars().take(LONGEST).collect(),
            names: plain.take(LONGEST).collect(),
        })
    }
}

impl ClientCertVerifier for Noting {
    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(own, others, now);
        if verified.is_err() {
            // Outside of a handshake nobody asks.
            let _ = REFUSED.try_with(|refused| refused.replace(Presented::read(own)));
        }
        verified
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }
}
