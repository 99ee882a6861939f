//! Certificates for tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};

use super::Material;

/// An authority that everyone in a test believes.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Two authorities of one name would fail on the signature, not the name.
        let name = hex::encode(key.public_key_raw());
        parameters.distinguished_name.push(DnType::CommonName, name);
        Self {
            ca: CertifiedIssuer::self_signed(parameters, key).unwrap(),
        }
    }

    /// Certificate and key for `localhost` that name `uri`.
    pub(crate) fn material(&self, uri: &str) -> Material {
        self.issue(uri, 2100)
    }

    /// The same, out of date.
    pub(crate) fn expired(&self, uri: &str) -> Material {
        self.issue(uri, 2001)
    }

    /// Certificate, key and authority as PEM files.
    pub(crate) fn write(&self, folder: &Path, uri: &str) -> [PathBuf; 3] {
        let (certificate, key) = self.sign(uri, 2100);
        let files = ["certificate.pem", "key.pem", "ca.pem"].map(|name| folder.join(name));
        for (file, pem) in files
            .iter()
            .zip([certificate.pem(), key.serialize_pem(), self.ca.pem()])
        {
            fs::write(file, pem).unwrap();
        }
        files
    }

    /// A client that believes this authority and has nothing to show.
    pub(crate) fn client_without_certificate(&self) -> rustls::ClientConfig {
        rustls::ClientConfig::builder_with_provider(super::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.anchors())
            .with_no_client_auth()
    }

    fn anchors(&self) -> rustls::RootCertStore {
        let mut anchors = rustls::RootCertStore::empty();
        anchors.add(self.ca.der().clone()).unwrap();
        anchors
    }

    fn issue(&self, uri: &str, last_year: i32) -> Material {
        let (certificate, key) = self.sign(uri, last_year);
        Material {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der().try_into().unwrap(),
            anchors: self.anchors(),
        }
    }

    fn sign(&self, uri: &str, last_year: i32) -> (rcgen::Certificate, KeyPair) {
        let mut parameters = CertificateParams::default();
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(last_year, 1, 1);
        parameters.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into().unwrap()),
            SanType::URI(uri.try_into().unwrap()),
        ];
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.ca).unwrap(), key)
    }
}

impl Material {
    /// Believes another authority as well.
    pub(crate) fn trust_also(&mut self, pki: &Pki) {
        self.anchors.add(pki.ca.der().clone()).unwrap();
    }
}
