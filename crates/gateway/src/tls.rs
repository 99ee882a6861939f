//! Mutual TLS: the gateway's own certificate, whom it believes, and the way to those it
//! calls. All of it is read again when the files change, and open connections are held to
//! what is in force.

mod callee;
mod lists;
#[cfg(test)]
pub(crate) mod pki;
pub(crate) mod presented;
pub(crate) mod watch;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime, pem::PemObject as _,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

pub use self::callee::{Callee, Line};
pub use self::presented::Presented;
use self::{lists::List, presented::Noting};
use crate::config;

/// HTTP/2, which gRPC needs.
const H2: &[u8] = b"h2";
/// HTTP/1.1, over which browsers may send gRPC-Web.
const HTTP1: &[u8] = b"http/1.1";
static VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Certificate, key, trust anchors and revocation lists, read and not used yet.
pub struct Material {
    files: config::Tls,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authorities: Vec<CertificateDer<'static>>,
    lists: Vec<List>,
    sums: String,
}

/// TLS as it is spoken from now on.
pub struct InForce {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) client: Arc<ClientConfig>,
    callers: Arc<dyn ClientCertVerifier>,
    /// SHA-256 and name of each file but the key's, a line each; the key is the one that
    /// fits the certificate.
    pub(crate) sums: String,
    /// When the gateway's own certificates run out, the first of them, in seconds since
    /// 1970.
    pub(crate) certificate_until: i64,
    /// The gateway's own certificate is on one of the revocation lists.
    pub(crate) revoked: bool,
    /// Serial number of the gateway's own certificate, in hexadecimal.
    pub(crate) serial: String,
    /// The same of each revocation list, with the file that it is from.
    pub(crate) lists_until: Vec<(PathBuf, i64)>,
}

/// The TLS that is spoken at any time. It changes when other material comes into force,
/// and when something of it runs out.
pub type Current = sync::watch::Receiver<Arc<InForce>>;

/// TLS material that cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("`{}` cannot be read: see that it is there, and who may read it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that cannot be read as PEM.
    #[error("cannot read {what} from `{}`", path.display())]
    Unreadable {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: rustls_pki_types::pem::Error,
    },
    /// A file with nothing of use in it.
    #[error("there is no certificate in `{}`: expected PEM with `BEGIN CERTIFICATE`", .0.display())]
    Empty(PathBuf),
    /// A revocation list that cannot be used.
    #[error(
        "`{}` is no revocation list that can be used: {why}; name complete lists in PEM or DER, as \
         their authorities publish them", path.display()
    )]
    List {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Whoever had such a certificate's key could speak for nobody.
    #[error(
        "`{}` has a certificate that is no authority's: name those of the authorities that issue \
         callers' certificates", .0.display()
    )]
    NoAuthority(PathBuf),
    /// Certificate and key do not go together.
    #[error(
        "the certificate in `{}` and the key in `{}` do not go together", certificate.display(), key.display()
    )]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Certificate, key or trust anchor that TLS does not take.
    #[error("{what} is not usable for TLS")]
    Unusable {
        /// Which of them.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TlsError {
    /// The file that it is about, where it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Missing { path, .. }
            | Self::Unreadable { path, .. }
            | Self::Empty(path)
            | Self::NoAuthority(path)
            | Self::List { path, .. }
            | Self::Pair { key: path, .. } => Some(path),
            Self::Unusable { .. } => None,
        }
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("certificates", &self.chain.len())
            .field("authorities", &self.authorities.len())
            .field("lists", &self.lists.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InForce")
            .field("sums", &self.sums)
            .finish_non_exhaustive()
    }
}

impl Material {
    /// Reads PEM files: the certificate with its intermediates, its key, and
    /// the authorities that are believed; and their revocation lists, PEM or DER.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn load(files: &config::Tls) -> Result<Self, TlsError> {
        let config::Tls {
            certificate,
            key,
            client_ca,
            revocation_lists,
        } = files;
        let mut sums = String::new();
        // Each file is read once, so that what is noted of it is what was used.
        let mut summed = |path: &Path| -> Result<Vec<u8>, TlsError> {
            let bytes = read(path)?;
            let sum = hex::encode(Sha256::digest(&bytes));
            sums.push_str(&format!("{sum}  {}\n", path.display()));
            Ok(bytes)
        };
        let chain = certificates(certificate, &summed(certificate)?)?;
        let authorities = certificates(client_ca, &summed(client_ca)?)?;
        if !authorities.iter().all(|one| is_authority(one)) {
            return Err(TlsError::NoAuthority(client_ca.clone()));
        }
        let mut lists = Vec::new();
        for path in revocation_lists {
            lists.extend(lists::read(path, &summed(path)?, &authorities)?);
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Unreadable {
            what: "a private key",
            path: key.to_owned(),
            source,
        })?;
        Ok(Self {
            files: files.clone(),
            chain,
            key,
            authorities,
            lists: lists::newest(lists),
            sums,
        })
    }

    /// The gateway's own certificate, X.509 in DER.
    #[must_use]
    pub fn own(&self) -> Option<&[u8]> {
        self.chain.first().map(AsRef::as_ref)
    }

    fn pair(&self, error: rustls::Error) -> TlsError {
        TlsError::Pair {
            certificate: self.files.certificate.clone(),
            key: self.files.key.clone(),
            source: Box::new(error),
        }
    }

    /// What is spoken by this material: TLS 1.3 or 1.2, and with nobody without a
    /// certificate from a believed authority. Where there are revocation lists, each
    /// certificate below an authority must be shown by one not to be revoked: by a list
    /// of whoever issued it that has not run out.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] when certificate and key do not fit each other.
    pub fn in_force(self) -> Result<InForce, TlsError> {
        let anchors = Arc::new(anchors(&self.authorities)?);
        let lists: Vec<CertificateRevocationListDer<'_>> =
            self.lists.iter().map(|list| list.der.clone()).collect();
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::clone(&anchors), provider())
            .with_crls(lists.clone())
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| unusable("the client certificate authority", error))?;
        let servers = WebPkiServerVerifier::builder_with_provider(anchors, provider())
            .with_crls(lists)
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| unusable("the certificate authority of servers", error))?;
        Ok(InForce {
            server: self.server(Arc::clone(&callers))?,
            client: self.client(servers)?,
            callers,
            certificate_until: ends(&self.chain).min().unwrap_or(i64::MAX),
            revoked: self
                .chain
                .first()
                .is_some_and(|own| self.lists.iter().any(|list| lists::has(&list.der, own))),
            serial: self
                .chain
                .first()
                .map_or_else(String::new, |own| serial(own)),
            lists_until: self
                .lists
                .into_iter()
                .map(|list| (list.path, list.until))
                .collect(),
            sums: self.sums,
        })
    }

    fn server(&self, callers: Arc<dyn ClientCertVerifier>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| unusable("the protocol version", error))?
            .with_client_cert_verifier(Arc::new(Noting(callers)))
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| self.pair(error))?;
        config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
        // A resumed session would not look at the certificate again, which may
        // have run out or been revoked since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// How the gateway calls backends and peers, with the same certificate and
    /// the same authorities.
    fn client(&self, servers: Arc<WebPkiServerVerifier>) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| unusable("the protocol version", error))?
            .with_webpki_verifier(servers)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| self.pair(error))?;
        config.alpn_protocols = vec![H2.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

impl InForce {
    /// Whether a caller would be believed now who shows these certificates, its own first.
    ///
    /// # Errors
    /// What a handshake would fail with.
    pub(crate) fn believes(&self, chain: &[CertificateDer<'_>]) -> Result<(), rustls::Error> {
        let (own, others) = chain
            .split_first()
            .ok_or(rustls::Error::NoCertificatesPresented)?;
        let verified = self
            .callers
            .verify_client_cert(own, others, UnixTime::now());
        verified.map(drop)
    }
}

/// Whether a certificate is one that others may hang on; those of the first version do
/// not say (RFC 5280 §4.2.1.9).
fn is_authority(der: &CertificateDer<'_>) -> bool {
    let Ok((_, read)) = X509Certificate::from_der(der) else {
        return false;
    };
    let says = read.basic_constraints().ok().flatten();
    says.map_or(read.version() == X509Version::V1, |says| says.value.ca)
}

/// A certificate's serial number in hexadecimal, as openssl writes it.
pub(crate) fn serial(der: &[u8]) -> String {
    X509Certificate::from_der(der)
        .map_or_else(|_| String::new(), |(_, read)| read.raw_serial_as_string())
}

/// When the first of some certificates runs out that has not yet, in seconds since 1970.
pub(crate) fn runs_out(chain: &[CertificateDer<'_>]) -> i64 {
    let now = now();
    let ahead = ends(chain).filter(|end| *end > now);
    ahead.min().unwrap_or(i64::MAX)
}

fn ends(chain: &[CertificateDer<'_>]) -> impl Iterator<Item = i64> {
    chain.iter().filter_map(|der| {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        // Valid through the second that it names (RFC 5280 §4.1.2.5).
        Some(read.validity().not_after.timestamp().saturating_add(1))
    })
}

/// From when on a certificate is valid, X.509 in DER.
pub(crate) fn valid_from(der: &[u8]) -> Option<jiff::Timestamp> {
    let (_, read) = X509Certificate::from_der(der).ok()?;
    jiff::Timestamp::from_second(read.validity().not_before.timestamp()).ok()
}

/// Seconds since 1970, by the clock that TLS goes by.
pub(crate) fn now() -> i64 {
    UnixTime::now().as_secs().cast_signed()
}

/// How a web server is called that any of the authorities in a file stands behind. It
/// does not learn who calls.
pub(crate) fn of_web(authorities: &Path) -> Result<ClientConfig, TlsError> {
    let anchors = anchors(&certificates(authorities, &read(authorities)?)?)?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .map_err(|error| unusable("the protocol version", error))?
        .with_root_certificates(anchors)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(config)
}

fn anchors(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut anchors = RootCertStore::empty();
    for authority in authorities {
        let added = anchors.add(authority.clone());
        added.map_err(|error| unusable("a certificate authority", error))?;
    }
    Ok(anchors)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|source| TlsError::Unreadable {
        what: "certificates",
        path: path.to_owned(),
        source,
    })?;
    if found.is_empty() {
        Err(TlsError::Empty(path.to_owned()))
    } else {
        Ok(found)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Missing {
        path: path.to_owned(),
        source,
    })
}

fn unusable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> TlsError {
    TlsError::Unusable {
        what,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests;
