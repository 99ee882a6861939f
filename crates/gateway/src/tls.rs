//! Mutual TLS: the gateway's own certificate, whom it believes, and channels
//! to those it calls.

#[cfg(test)]
pub(crate) mod pki;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use comity_domain::JurisdictionCode;
use hyper_util::rt::TokioIo;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{
    CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, pem::PemObject as _,
};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use crate::{
    config::{Backend, Peer},
    identity::{Caller, Role},
};

/// HTTP/2, which gRPC needs.
const H2: &[u8] = b"h2";
/// HTTP/1.1, over which browsers may send gRPC-Web.
const HTTP1: &[u8] = b"http/1.1";
/// Longest time from the first packet to the end of the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A backend that vanished without a word is noticed after about this long
/// twice over.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Uploads are slow with the protocol's 64 KiB; beyond 1 MiB nothing is gained.
const WINDOW_BYTES: u32 = 512 * 1024;
static VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Certificate, key and trust anchors, read and not used yet.
pub struct Material {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    anchors: RootCertStore,
}

/// TLS material that cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
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
    /// Certificate, key or trust anchor that TLS does not take.
    #[error("{what} is not usable for TLS")]
    Unusable {
        /// Which of them.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("certificates", &self.chain.len())
            .field("anchors", &self.anchors.len())
            .finish_non_exhaustive()
    }
}

impl Material {
    /// Reads PEM files: the certificate with its intermediates, its key, and
    /// the authorities that are believed.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn load(certificate: &Path, key: &Path, ca: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Unreadable {
            what: "a private key",
            path: key.to_owned(),
            source,
        })?;
        let mut anchors = RootCertStore::empty();
        for anchor in certificates(ca)? {
            anchors
                .add(anchor)
                .map_err(|error| unusable("a certificate authority", error))?;
        }
        Ok(Self {
            chain,
            key,
            anchors,
        })
    }

    /// How the gateway is called: TLS 1.3 or 1.2, and nobody without a
    /// certificate from a believed authority.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] when certificate and key do not fit each other.
    pub fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let anchors = Arc::new(self.anchors.clone());
        let verifier = WebPkiClientVerifier::builder_with_provider(anchors, provider())
            .build()
            .map_err(|error| unusable("the client certificate authority", error))?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| unusable("the protocol version", error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| unusable("the certificate with its key", error))?;
        config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
        // A resumed session would not look at the certificate again, which may
        // have run out since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// How the gateway calls backends and peers, with the same certificate and
    /// the same authorities.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] when certificate and key do not fit each other.
    pub fn client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| unusable("the protocol version", error))?
            .with_root_certificates(self.anchors.clone())
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|error| unusable("the certificate with its key", error))?;
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Arc::new(config))
    }
}

/// How a web server is called that any of the authorities in a file stands behind. It
/// does not learn who calls.
pub(crate) fn of_web(authorities: &Path) -> Result<ClientConfig, TlsError> {
    let mut anchors = RootCertStore::empty();
    for anchor in certificates(authorities)? {
        let added = anchors.add(anchor);
        added.map_err(|error| unusable("a certificate authority", error))?;
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .map_err(|error| unusable("the protocol version", error))?
        .with_root_certificates(anchors)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(config)
}

/// A server that the gateway calls, and who it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// Host, without brackets around an IPv6 address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name its certificate must carry.
    pub server_name: String,
    /// Trust domain its certificate must name.
    pub trust_domain: String,
    /// State its certificate must name: what is meant for one State never goes
    /// to another because of a slip in a configuration.
    pub jurisdiction: JurisdictionCode,
    /// Role its certificate must name.
    pub role: Role,
}

impl Callee {
    /// A national backend as configured.
    #[must_use]
    pub fn backend(backend: &Backend, trust_domain: &str) -> Self {
        let Backend {
            jurisdiction,
            host,
            port,
            server_name,
            exercise: _,
        } = backend;
        Self {
            host: host.clone(),
            port: *port,
            server_name: server_name.clone(),
            trust_domain: trust_domain.to_owned(),
            jurisdiction: jurisdiction.clone(),
            role: Role::Backend,
        }
    }

    /// A peer gateway as configured.
    #[must_use]
    pub fn peer(peer: &Peer, trust_domain: &str) -> Self {
        let Peer {
            name: _,
            jurisdiction,
            host,
            port,
            server_name,
            log: _,
            witness: _,
        } = peer;
        Self {
            host: host.clone(),
            port: *port,
            server_name: server_name.clone(),
            trust_domain: trust_domain.to_owned(),
            jurisdiction: jurisdiction.clone(),
            role: Role::Gateway,
        }
    }
}

/// A channel that connects when it is first used, and again when it must.
/// While it cannot, calls fail with `UNAVAILABLE`.
///
/// # Errors
/// [`InvalidDnsNameError`] when `server_name` can be in no certificate.
pub fn channel(callee: Callee, config: Arc<ClientConfig>) -> Result<Channel, InvalidDnsNameError> {
    let name = ServerName::try_from(callee.server_name.clone())?;
    // The connector below speaks TLS; tonic must not add a second layer.
    let endpoint = Endpoint::from_static("http://callee.invalid")
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES);
    let callee = Arc::new(callee);
    let connector = TlsConnector::from(config);
    let connect = tower::service_fn(move |_| {
        let (callee, connector, name) = (Arc::clone(&callee), connector.clone(), name.clone());
        async move { connect(&callee, &connector, name).await.map(TokioIo::new) }
    });
    Ok(endpoint.connect_with_connector_lazy(connect))
}

async fn connect(
    callee: &Callee,
    connector: &TlsConnector,
    name: ServerName<'static>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect((callee.host.as_str(), callee.port)).await?;
    stream.set_nodelay(true)?;
    let stream = connector.connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let found = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or(io::ErrorKind::PermissionDenied)
        .map(|certificate| Caller::from_certificate(certificate, &callee.trust_domain))?
        .map_err(io::Error::other)?;
    if found.jurisdiction != callee.jurisdiction || found.role != callee.role {
        let Callee {
            jurisdiction, role, ..
        } = callee;
        return Err(io::Error::other(format!(
            "expected the {role} of `{jurisdiction}`, found the {} of `{}`: check its address",
            found.role, found.jurisdiction
        )));
    }
    Ok(stream)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        what: "certificates",
        path: path.to_owned(),
        source,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if found.is_empty() {
        Err(TlsError::Empty(path.to_owned()))
    } else {
        Ok(found)
    }
}

fn unusable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> TlsError {
    TlsError::Unusable {
        what,
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tonic::{Code, service::InterceptorLayer, transport::Server};
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

    use super::{pki::Pki, *};
    use crate::{config, identity, listen};

    const GATEWAY: &str = "spiffe://comity.example/DE/hub/gateway";

    /// Serves health as the backend of France to callers with a name.
    async fn serve(pki: &Pki) -> u16 {
        let backend = pki.material("spiffe://comity.example/FR/mj-paris/backend");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let limits = listen::Limits::from(config::Limits::default());
        let (incoming, _failures) = listen::accept(
            listener,
            backend.server().unwrap(),
            "comity.example",
            limits,
        );
        let named = InterceptorLayer::new(|request: tonic::Request<()>| {
            identity::caller(request.extensions())?;
            Ok(request)
        });
        let (_, health) = tonic_health::server::health_reporter();
        let server = Server::builder().layer(named).add_service(health);
        tokio::spawn(server.serve_with_incoming(incoming));
        port
    }

    /// Asks a server for its health, as a certificate for `uri` and expecting
    /// the backend of `jurisdiction` under `server_name`.
    async fn ask(uri: &str, jurisdiction: &str, server_name: &str) -> Result<(), Code> {
        let pki = Pki::new();
        let configured = Backend {
            jurisdiction: jurisdiction.parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: serve(&pki).await,
            server_name: server_name.to_owned(),
            exercise: false,
        };
        let callee = Callee::backend(&configured, "comity.example");
        let channel = channel(callee, pki.material(uri).client().unwrap()).unwrap();
        let answer = HealthClient::new(channel)
            .check(HealthCheckRequest::default())
            .await;
        answer.map(drop).map_err(|status| status.code())
    }

    #[tokio::test]
    async fn the_backend_that_was_meant_answers() {
        assert_eq!(ask(GATEWAY, "FR", "localhost").await, Ok(()));
    }

    #[tokio::test]
    async fn a_caller_without_a_name_is_refused() {
        let answer = ask("https://comity.example/", "FR", "localhost").await;
        assert_eq!(answer, Err(Code::Unauthenticated));
    }

    #[tokio::test]
    async fn another_states_backend_is_not_called() {
        assert_eq!(
            ask(GATEWAY, "DE", "localhost").await,
            Err(Code::Unavailable)
        );
    }

    #[tokio::test]
    async fn a_server_of_another_name_is_not_called() {
        assert_eq!(
            ask(GATEWAY, "FR", "other.example").await,
            Err(Code::Unavailable)
        );
    }

    #[test]
    fn errors_name_the_file_and_debug_hides_the_key() {
        let pki = Pki::new();
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key, ca] = pki.write(
            folder.path(),
            "spiffe://comity.example/DE/sta-berlin/issuing",
        );
        let material = Material::load(&certificate, &key, &ca).unwrap();
        assert_eq!(
            format!("{material:?}"),
            "Material { certificates: 1, anchors: 1, .. }"
        );
        let error = Material::load(&key, &key, &ca).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("there is no certificate in `"),
            "{error}"
        );
        let error = Material::load(&certificate, &ca, &ca).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read a private key from `"),
            "{error}"
        );
    }
}
