//! A small world in one folder: a PKI, a backend a jurisdiction, and the
//! configuration with which a gateway joins them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use thiserror::Error;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::{
    backend::{Backend, ServeError, Serving},
    pki::{Identity, Issued, Pki, PkiError, Validity},
    register::RegisterError,
};

/// Trust domain of every name in the world.
pub const TRUST_DOMAIN: &str = "comity.example";
/// How long certificates of the world are valid for.
const VALID: Duration = Duration::days(30);

/// See the module.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    pki: Pki,
    now: OffsetDateTime,
    backends: BTreeMap<String, (Backend, Serving)>,
}

/// Why a world cannot be made.
#[derive(Debug, Error)]
pub enum WorldError {
    /// A file or folder cannot be used.
    #[error("the world's folder cannot be used")]
    File(#[from] io::Error),
    /// No certificate can be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A register cannot be used.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A backend cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A gateway cannot be reached.
    #[error("the gateway cannot be reached")]
    Connect(#[from] tonic::transport::Error),
}

impl World {
    /// Makes the world in `folder`, or takes it up again, and serves a backend
    /// for each of `jurisdictions`.
    ///
    /// # Errors
    /// [`WorldError`] when something of it cannot be made.
    pub async fn start(
        folder: &Path,
        jurisdictions: &[&str],
        now: OffsetDateTime,
    ) -> Result<Self, WorldError> {
        let registers = folder.join("registers");
        let open = |code: &str| Backend::open(&registers.join(format!("{code}.db")), code);
        Self::start_with(folder, jurisdictions, now, open).await
    }

    /// As [`World::start`], with backends that take exercises alone.
    ///
    /// # Errors
    /// [`WorldError`] when something of it cannot be made.
    pub async fn start_exercises(
        folder: &Path,
        jurisdictions: &[&str],
        now: OffsetDateTime,
    ) -> Result<Self, WorldError> {
        Self::start_with(folder, jurisdictions, now, Backend::for_exercises).await
    }

    async fn start_with(
        folder: &Path,
        jurisdictions: &[&str],
        now: OffsetDateTime,
        backend: impl Fn(&str) -> Result<Backend, RegisterError>,
    ) -> Result<Self, WorldError> {
        let mut world = Self::prepare(folder, now)?;
        for &code in jurisdictions {
            world.serve(code, backend(code)?, "127.0.0.1:0").await?;
        }
        Ok(world)
    }

    /// The world without its backends.
    fn prepare(folder: &Path, now: OffsetDateTime) -> Result<Self, WorldError> {
        let keys = folder.join("pki");
        fs::create_dir_all(folder.join("registers"))?;
        let pki = if keys.join("ca.pem").exists() {
            Pki::open(&keys)?
        } else {
            Pki::init(&keys, TRUST_DOMAIN, now)?
        };
        let world = Self {
            folder: folder.to_owned(),
            pki,
            now,
            backends: BTreeMap::new(),
        };
        world
            .issue("EU", "comity", "gateway", &["localhost", "127.0.0.1"])?
            .write(&keys, "gateway")?;
        Ok(world)
    }

    /// Serves a backend for a jurisdiction, in place of the one before.
    ///
    /// # Errors
    /// [`WorldError`] when it cannot be served.
    pub async fn serve(
        &mut self,
        code: &str,
        backend: Backend,
        address: &str,
    ) -> Result<(), WorldError> {
        let listener = TcpListener::bind(address).await?;
        let issued = self.issue(code, "backend", "backend", &["localhost", "127.0.0.1"])?;
        let serving = backend.serve(listener, &issued)?;
        self.backends.insert(code.to_owned(), (backend, serving));
        Ok(())
    }

    /// The backend of a jurisdiction.
    #[must_use]
    pub fn backend(&self, code: &str) -> Option<&Backend> {
        self.backends.get(code).map(|(backend, _)| backend)
    }

    /// The world's certificate authority.
    #[must_use]
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// A certificate that is valid now.
    ///
    /// # Errors
    /// [`PkiError`] when a name is not fit for a certificate.
    pub fn issue(
        &self,
        jurisdiction: &str,
        authority: &str,
        role: &str,
        names: &[&str],
    ) -> Result<Issued, PkiError> {
        let identity = Identity {
            jurisdiction: jurisdiction.to_owned(),
            authority: authority.to_owned(),
            role: role.to_owned(),
            person: None,
        };
        self.certify(&identity, names)
    }

    /// A certificate for a reviewer in person.
    ///
    /// # Errors
    /// [`PkiError`] when a name is not fit for a certificate.
    pub fn issue_reviewer(
        &self,
        jurisdiction: &str,
        authority: &str,
        person: &str,
    ) -> Result<Issued, PkiError> {
        let identity = Identity {
            jurisdiction: jurisdiction.to_owned(),
            authority: authority.to_owned(),
            role: "reviewer".to_owned(),
            person: Some(person.to_owned()),
        };
        self.certify(&identity, &[])
    }

    fn certify(&self, identity: &Identity, names: &[&str]) -> Result<Issued, PkiError> {
        let validity = Validity {
            from: self.now - Duration::hours(1),
            until: self.now + VALID,
        };
        self.pki.issue(identity, names, validity)
    }

    /// Writes the gateway's `comity.toml` and says where.
    ///
    /// # Errors
    /// [`WorldError::File`] when it cannot be written.
    pub fn write_config(&self, listen: SocketAddr, policies: &Path) -> Result<PathBuf, WorldError> {
        let policies = std::path::absolute(policies)?;
        let mut text = format!(
            "[gateway]\nlisten = \"{listen}\"\ndata = \"data\"\ntrust_domain = \"{TRUST_DOMAIN}\"\norigin = \"{TRUST_DOMAIN}/ledger\"\n\n[policies]\nfolder = {policies:?}\n\n[tls]\ncertificate = \"pki/gateway.pem\"\nkey = \"pki/gateway.key\"\nclient_ca = \"pki/ca.pem\"\n"
        );
        for (code, (backend, serving)) in &self.backends {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n[[backend]]\njurisdiction = \"{code}\"\naddress = \"https://{}\"\nserver_name = \"localhost\"\nexercise = {}\n",
                serving.address(),
                backend.is_for_exercises()
            );
        }
        let path = self.folder.join("comity.toml");
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Where the gateway keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Connects an authority's system to the gateway at `address`.
    ///
    /// # Errors
    /// [`WorldError`] when the gateway cannot be reached.
    pub async fn connect(
        &self,
        address: SocketAddr,
        jurisdiction: &str,
        authority: &str,
        role: &str,
    ) -> Result<Channel, WorldError> {
        let issued = self.issue(jurisdiction, authority, role, &[])?;
        connect(address, &issued).await
    }
}

/// Connects to the gateway at `address` with a certificate given.
///
/// # Errors
/// [`WorldError::Connect`] when the gateway cannot be reached or refuses it.
pub async fn connect(address: SocketAddr, issued: &Issued) -> Result<Channel, WorldError> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&issued.ca))
        .identity(tonic::transport::Identity::from_pem(
            &issued.certificate,
            &issued.key,
        ))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}"))?.tcp_nodelay(true);
    Ok(endpoint.tls_config(tls)?.connect().await?)
}
