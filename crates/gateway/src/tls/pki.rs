//! Certificates for tests.

use std::{fs, path::Path, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationList,
    CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod, KeyPair, SanType,
    date_time_ymd,
};

use tokio::sync::watch;

use super::{Current, Material};
use crate::config::Tls;

/// TLS that stays as it is.
pub(crate) fn fixed(material: Material) -> Current {
    watch::channel(Arc::new(material.in_force().unwrap())).1
}

/// An authority that everyone in a test believes.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        // Two authorities of one name would fail on the signature, not the name.
        let name = hex::encode(key.public_key_raw());
        Self::named(name, key)
    }

    /// An authority that has the name of this one and another key.
    pub(crate) fn impostor(&self) -> Self {
        let name = hex::encode(self.ca.key().public_key_raw());
        Self::named(name, KeyPair::generate().unwrap())
    }

    fn named(name: String, key: KeyPair) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        Self {
            ca: CertifiedIssuer::self_signed(parameters, key).unwrap(),
        }
    }

    /// Its revocation list of some years, with nobody on it.
    pub(crate) fn list(&self, (from, until): (i32, i32)) -> CertificateRevocationList {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(from, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.ca).unwrap()
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
    pub(crate) fn write(&self, folder: &Path, uri: &str) -> Tls {
        let (certificate, key) = self.sign(uri, 2100);
        let files = ["certificate.pem", "key.pem", "ca.pem"].map(|name| folder.join(name));
        for (file, pem) in files
            .iter()
            .zip([certificate.pem(), key.serialize_pem(), self.ca.pem()])
        {
            fs::write(file, pem).unwrap();
        }
        let [certificate, key, client_ca] = files;
        Tls {
            certificate,
            key,
            client_ca,
            revocation_lists: Vec::new(),
        }
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
            files: crate::config::Tls {
                certificate: "own.pem".into(),
                key: "own.key".into(),
                client_ca: "ca.pem".into(),
                revocation_lists: Vec::new(),
            },
            chain: vec![certificate.der().clone()],
            key: key.serialize_der().try_into().unwrap(),
            authorities: vec![self.ca.der().clone()],
            lists: Vec::new(),
            sums: String::new(),
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
        self.authorities.push(pki.ca.der().clone());
    }
}
