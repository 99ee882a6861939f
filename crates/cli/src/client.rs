//! A client of a gateway, like any other.

use std::{fs, path::PathBuf, pin::Pin, time::Duration};

use clap::Args;
use tonic::{
    Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_types::StatusExt as _;

use crate::exit::Failure;

/// How long a silent connection is believed in, before and after it is asked.
const SILENCE: Duration = Duration::from_secs(20);
/// A gateway on this machine.
const SERVER: &str = "https://127.0.0.1:8443";

/// Where the gateway is and who calls.
#[derive(Debug, Clone, Args)]
pub(crate) struct Connection {
    /// The gateway, for example https://127.0.0.1:8443
    #[arg(long, env = "COMITY_SERVER", default_value = SERVER)]
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

/// Where the gateway is and who calls, where one is to be asked at all.
#[derive(Debug, Clone, Args)]
pub(crate) struct PossibleConnection {
    /// The gateway to ask, for example https://127.0.0.1:8443
    #[arg(long, env = "COMITY_SERVER")]
    server: Option<String>,
    /// Name in the gateway's certificate, where it differs from the host
    #[arg(long, env = "COMITY_SERVER_NAME")]
    server_name: Option<String>,
    /// Certificate authority to believe (PEM)
    #[arg(long, env = "COMITY_CA")]
    ca: Option<PathBuf>,
    /// Own certificate (PEM)
    #[arg(long, env = "COMITY_CERT")]
    cert: Option<PathBuf>,
    /// Own key (PEM)
    #[arg(long, env = "COMITY_KEY")]
    key: Option<PathBuf>,
}

impl PossibleConnection {
    /// The connection, where any part of one is named; then all of it must be.
    pub(crate) fn named(self) -> Result<Option<Connection>, Failure> {
        let Self {
            server,
            server_name,
            ca,
            cert,
            key,
        } = self;
        match (server, ca, cert, key) {
            (None, None, None, None) => Ok(None),
            (server, Some(ca), Some(cert), Some(key)) => Ok(Some(Connection {
                server: server.unwrap_or_else(|| SERVER.to_owned()),
                server_name,
                ca,
                cert,
                key,
            })),
            _ => Err(
                "to ask a gateway, name all of --ca, --cert and --key; to read a data \
                 folder, name --data"
                    .into(),
            ),
        }
    }
}

impl Connection {
    /// Opens the connection.
    pub(crate) async fn open(&self) -> Result<Channel, Failure> {
        Ok(self.endpoint()?.connect().await?)
    }

    /// What the connection is opened to, as often as need be.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, Failure> {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&self.ca)?))
            .identity(Identity::from_pem(read(&self.cert)?, read(&self.key)?));
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        Ok(Endpoint::from_shared(self.server.clone())?
            .tls_config(tls)?
            .http2_keep_alive_interval(SILENCE)
            .keep_alive_timeout(SILENCE))
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

/// What one command waits for, on a runtime of its own.
///
/// Behind a pointer: the runtime would have three copies of all that a command does.
pub(crate) fn complete<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let work: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(work);
    Ok(runtime()?.block_on(work))
}

/// A status in words, with every field that is to be mended.
pub(crate) fn explain(status: Status) -> Failure {
    let details = status.get_error_details();
    let fields = details.bad_request().map(|bad| {
        bad.field_violations
            .iter()
            .map(|violation| format!("\n  {}: {}", violation.field, violation.description))
            .collect::<String>()
    });
    format!("{}{}", status.message(), fields.unwrap_or_default()).into()
}
