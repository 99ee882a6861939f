//! A public-key infrastructure for demonstrations and pilots.
//!
//! One root, one certificate an authority's system. The name in a certificate
//! is its only URI: `spiffe://<trust domain>/<state>/<authority>/<role>`.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use x509_parser::{
    certificate::X509Certificate,
    pem::{Pem, parse_x509_pem},
    prelude::FromDer as _,
    revocation_list::CertificateRevocationList,
};

/// How long a root is valid for.
const ROOT_VALID: Duration = Duration::days(3650);

/// A certificate authority in a folder: `ca.pem`, `ca.key` (owner only) and
/// `trust-domain`.
#[derive(Debug)]
pub struct Pki {
    trust_domain: String,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Whom a certificate names.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Jurisdiction, for example `DE`.
    pub jurisdiction: String,
    /// Authority's id in the jurisdiction's directory.
    pub authority: String,
    /// `issuing`, `executing`, `gateway`, `backend`, `auditor`, `reviewer` or
    /// `legal`.
    pub role: String,
    /// The person who holds it; `None` for a system. Reviewers are told apart by
    /// it.
    pub person: Option<String>,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    /// First moment.
    pub from: OffsetDateTime,
    /// Last moment.
    pub until: OffsetDateTime,
}

/// A certificate with its key, in PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The authority that issued it.
    pub ca: String,
}

/// Why no certificate was made.
#[derive(Debug, Error)]
pub enum PkiError {
    /// A file cannot be read or written.
    #[error("cannot access `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is an authority already, and making another would orphan its certificates.
    #[error("there is a certificate authority in `{}` already: choose another folder", .0.display())]
    Exists(PathBuf),
    /// What is to be revoked is no certificate of this authority.
    #[error("this is no certificate that this authority issued: name one, in PEM")]
    NotIssued,
    /// The authority itself: its own list speaks of others.
    #[error(
        "this is the authority's own certificate, which no list of its own revokes: take it out of \
         `client_ca` where it is not to be believed any more"
    )]
    Own,
    /// The revocation list of before is none.
    #[error("the revocation list cannot be read: move it away to begin with an empty one")]
    List,
    /// Names or keys that a certificate cannot carry.
    #[error("no certificate can be made of this")]
    Certificate(#[from] rcgen::Error),
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Pki {
    /// Makes a new authority in `folder`.
    ///
    /// # Errors
    /// [`PkiError::Exists`] when there is one already.
    pub fn init(folder: &Path, trust_domain: &str, now: OffsetDateTime) -> Result<Self, PkiError> {
        let path = folder.join("ca.pem");
        // Its key alone is worth keeping.
        let files = ["ca.pem", "ca.key", "trust-domain"];
        if files.iter().any(|file| folder.join(file).exists()) {
            return Err(PkiError::Exists(folder.to_owned()));
        }
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, format!("{trust_domain} root"));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.not_before = now - Duration::days(1);
        parameters.not_after = now + ROOT_VALID;
        let certificate = parameters.self_signed(&key)?.pem();
        write(&folder.join("ca.key"), &key.serialize_pem(), 0o600)?;
        write(&folder.join("trust-domain"), trust_domain, 0o644)?;
        write(&path, &certificate, 0o644)?;
        Self::open(folder)
    }

    /// Takes up the authority in `folder`.
    ///
    /// # Errors
    /// [`PkiError`] when there is none that can be used.
    pub fn open(folder: &Path) -> Result<Self, PkiError> {
        let certificate = read(&folder.join("ca.pem"))?;
        let key = KeyPair::from_pem(&read(&folder.join("ca.key"))?)?;
        let trust_domain = read(&folder.join("trust-domain"))?.trim().to_owned();
        let issuer = Issuer::from_ca_cert_pem(&certificate, key)?;
        Ok(Self {
            trust_domain,
            certificate,
            issuer,
        })
    }

    /// The root certificate, in PEM.
    #[must_use]
    pub fn ca(&self) -> &str {
        &self.certificate
    }

    /// The domain in every certificate's name.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// Issues a certificate, as client and, under `names` (DNS names or
    /// addresses), as server.
    ///
    /// # Errors
    /// [`PkiError::Certificate`] when a name is not fit for a certificate.
    pub fn issue(
        &self,
        identity: &Identity,
        names: &[&str],
        validity: Validity,
    ) -> Result<Issued, PkiError> {
        let Identity {
            jurisdiction,
            authority,
            role,
            person,
        } = identity;
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = CertificateParams::new(names)?;
        let uri = format!(
            "spiffe://{}/{jurisdiction}/{authority}/{role}",
            self.trust_domain
        );
        parameters
            .subject_alt_names
            .push(SanType::URI(uri.as_str().try_into()?));
        let name = match person {
            Some(person) => person.clone(),
            None => format!("{jurisdiction} {authority} {role}"),
        };
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        parameters.not_before = validity.from;
        parameters.not_after = validity.until;
        let key = KeyPair::generate()?;
        Ok(Issued {
            certificate: parameters.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
            ca: self.certificate.clone(),
        })
    }
}

impl Pki {
    /// A revocation list, in PEM: of the certificates given, in PEM, and of those on the
    /// list of `before`. `validity` says when it is made and when it runs out.
    ///
    /// # Errors
    /// [`PkiError::NotIssued`] for a certificate of another authority, and
    /// [`PkiError::List`].
    pub fn revoke(
        &self,
        before: Option<&str>,
        certificates: &[&str],
        validity: Validity,
    ) -> Result<String, PkiError> {
        let mut revoked = before.map(on_list).transpose()?.unwrap_or_default();
        for certificate in certificates {
            let serial = self.number(certificate)?;
            if revoked.iter().all(|known| known.serial_number != serial) {
                revoked.push(entry(serial, validity.from));
            }
        }
        let list = CertificateRevocationListParams {
            this_update: validity.from,
            next_update: validity.until,
            crl_number: SerialNumber::from(validity.from.unix_timestamp().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    /// The serial number of a certificate of this authority, in PEM, and whether a list has
    /// it.
    ///
    /// # Errors
    /// As [`Pki::revoke`].
    pub fn is_revoked(
        &self,
        list: Option<&str>,
        certificate: &str,
    ) -> Result<(String, bool), PkiError> {
        let serial = self.number(certificate)?;
        let known = list.map(on_list).transpose()?.unwrap_or_default();
        let revoked = known.iter().any(|known| known.serial_number == serial);
        Ok((serial.to_string(), revoked))
    }

    /// The last moment at which its certificates can be believed.
    #[must_use]
    pub fn until(&self) -> Option<OffsetDateTime> {
        let pem = pem(&self.certificate)?;
        let (_, read) = X509Certificate::from_der(&pem.contents).ok()?;
        Some(read.validity().not_after.to_datetime())
    }

    fn number(&self, certificate: &str) -> Result<SerialNumber, PkiError> {
        let own = pem(&self.certificate).map(|own| own.contents);
        if own == pem(certificate).map(|other| other.contents) {
            return Err(PkiError::Own);
        }
        self.serial(certificate).ok_or(PkiError::NotIssued)
    }

    /// The number of a certificate of this authority.
    fn serial(&self, certificate: &str) -> Option<SerialNumber> {
        let (ca, pem) = (pem(&self.certificate)?, pem(certificate)?);
        let (_, ca) = X509Certificate::from_der(&ca.contents).ok()?;
        let (_, read) = X509Certificate::from_der(&pem.contents).ok()?;
        read.verify_signature(Some(ca.public_key())).ok()?;
        Some(SerialNumber::from_slice(read.raw_serial()))
    }
}

/// What a revocation list has.
fn on_list(list: &str) -> Result<Vec<RevokedCertParams>, PkiError> {
    let pem = pem(list).ok_or(PkiError::List)?;
    let list = CertificateRevocationList::from_der(&pem.contents);
    let (_, list) = list.map_err(|_| PkiError::List)?;
    let revoked = list.iter_revoked_certificates().map(|revoked| {
        let serial = SerialNumber::from_slice(revoked.raw_serial());
        entry(serial, revoked.revocation_date.to_datetime())
    });
    Ok(revoked.collect())
}

fn entry(serial_number: SerialNumber, revocation_time: OffsetDateTime) -> RevokedCertParams {
    RevokedCertParams {
        serial_number,
        revocation_time,
        reason_code: None,
        invalidity_date: None,
    }
}

fn pem(text: &str) -> Option<Pem> {
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    Some(pem)
}

impl Issued {
    /// Writes `<stem>.pem`, `<stem>.key` (owner only) and `ca.pem` into `folder`.
    ///
    /// # Errors
    /// [`PkiError::File`] when a file cannot be written.
    pub fn write(&self, folder: &Path, stem: &str) -> Result<(), PkiError> {
        write(&folder.join(format!("{stem}.key")), &self.key, 0o600)?;
        write(
            &folder.join(format!("{stem}.pem")),
            &self.certificate,
            0o644,
        )?;
        write(&folder.join("ca.pem"), &self.ca, 0o644)
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let attempt = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?
            .write_all(text.as_bytes())
    };
    attempt().map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}
