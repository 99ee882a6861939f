//! A client of a gateway, like any other.

use std::{fs, path::PathBuf};

use clap::Args;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::exit::Failure;

/// Where the gateway is and who calls.
#[derive(Debug, Clone, Args)]
pub(crate) struct Connection {
    /// The gateway, for example https://127.0.0.1:8443
    #[arg(long, env = "COMITY_SERVER", default_value = "https://127.0.0.1:8443")]
    server: String,
    /// Name in the gateway's certificate, where it differs from the host
    #[arg(long, env = "COMITY_SERVER_NAME")]
    server_name: Option<String>,
    /// Certificate authority to believe (PEM)
    #[arg(long, env = "COMITY_CA")]
    ca: PathBuf,
    /// Own certificate (PEM)
    #[arg(long, env = "COMITY_CERT")]
    cert: PathBuf,
    /// Own key (PEM)
    #[arg(long, env = "COMITY_KEY")]
    key: PathBuf,
}

impl Connection {
    /// Opens the connection.
    pub(crate) async fn open(&self) -> Result<Channel, Failure> {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&self.ca)?))
            .identity(Identity::from_pem(read(&self.cert)?, read(&self.key)?));
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        Ok(Endpoint::from_shared(self.server.clone())?
            .tls_config(tls)?
            .connect()
            .await?)
    }

    /// The caller's own key, in PEM.
    pub(crate) fn own_key(&self) -> Result<Vec<u8>, Failure> {
        read(&self.key)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()).into())
}

/// A runtime for one command.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
