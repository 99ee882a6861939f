//! A client of a gateway, like any other.

use std::{error::Error, fs, io, num::NonZero, path::PathBuf, pin::Pin, thread, time::Duration};

use clap::Args;
use rustls::{
    CertificateError,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tonic::{
    Status,
    transport::{self, Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
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
        let opened = self.endpoint()?.connect().await;
        opened.map_err(|error| self.unconnected(&error))
    }

    /// What the connection is opened to, as often as need be.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, Failure> {
        if !self.server.starts_with("https://") {
            return Err(format!(
                "--server is `{}`: expected an address that begins with `https://`, as a gateway \
                 speaks TLS alone",
                self.server
            )
            .into());
        }
        let ca = pem::<CertificateDer<'_>>(&self.ca, ("--ca", "certificate"))?;
        let cert = pem::<CertificateDer<'_>>(&self.cert, ("--cert", "certificate"))?;
        let key = pem::<PrivateKeyDer<'_>>(&self.key, ("--key", "private key"))?;
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(ca))
            .identity(Identity::from_pem(cert, key));
        if let Some(name) = &self.server_name {
            tls = tls.domain_name(name);
        }
        let endpoint =
            Endpoint::from_shared(self.server.clone()).and_then(|server| server.tls_config(tls));
        let endpoint = endpoint.map_err(|error| self.unconnected(&error))?;
        Ok(endpoint
            .http2_keep_alive_interval(SILENCE)
            .keep_alive_timeout(SILENCE))
    }

    /// Why no connection came about, and what there is to do.
    fn unconnected(&self, error: &transport::Error) -> Failure {
        let root = root(error);
        let (server, ca, cert) = (&self.server, self.ca.display(), self.cert.display());
        let why = match root.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => format!(
                "its certificate is not one of the authority in `{ca}`: name the gateway's own by \
                 --ca"
            ),
            Some(rustls::Error::InvalidCertificate(
                wrong @ (CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }),
            )) => format!("{wrong}: say a name of its certificate by --server-name"),
            Some(rustls::Error::InvalidCertificate(wrong)) => {
                format!("its certificate is not to be trusted: {wrong}")
            }
            Some(rustls::Error::AlertReceived(alert)) => format!(
                "it does not take the certificate in `{cert}` ({alert:?}): see that it is of an \
                 authority that the gateway knows, and has not run out"
            ),
            Some(rustls::Error::InconsistentKeys(_)) => format!(
                "the key in `{}` is not that of the certificate in `{cert}`",
                self.key.display()
            ),
            Some(rustls::Error::InvalidMessage(_)) => {
                "what answers there does not speak TLS: see that --server names a gateway".into()
            }
            Some(other) => other.to_string(),
            None => match root.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => {
                    "nothing listens there: see that the gateway runs, and --server names it".into()
                }
                Some(_) | None => format!("{root}; see that --server is right"),
            },
        };
        format!("no connection to {server}: {why}").into()
    }

    /// The caller's own key, in PEM.
    pub(crate) fn own_key(&self) -> Result<Vec<u8>, Failure> {
        read(&self.key)
    }
}

/// A file of PEM that holds something of a kind.
fn pem<T: PemObject>(path: &PathBuf, (option, what): (&str, &str)) -> Result<Vec<u8>, Failure> {
    let bytes = read(path)?;
    if T::from_pem_slice(&bytes).is_ok() {
        return Ok(bytes);
    }
    let shown = path.display();
    Err(format!("`{shown}` holds no {what} in PEM: name the right file by {option}").into())
}

/// The last of an error's causes, which knows what happened.
fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut last = error;
    loop {
        // What an error of input and output wraps is not among its causes.
        let wrapped = last
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        last = match (wrapped, last.source()) {
            (Some(wrapped), _) => wrapped,
            (None, Some(cause)) => cause,
            (None, None) => return last,
        };
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()).into())
}

/// A runtime for one command. Where it would have one worker, the thread that waits does
/// the work itself: to hand it over cost a gateway some 7 % of a request's CPU.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let told = std::env::var("TOKIO_WORKER_THREADS").ok();
    let workers = told.and_then(|number| number.parse().ok());
    let workers = workers.or_else(|| thread::available_parallelism().ok());
    let mut builder = match workers.map(NonZero::get) {
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        Some(_) | None => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
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
    if details.error_info().is_none() && status.source().is_some() {
        return format!(
            "the connection ended without an answer ({}): see that the gateway runs, and takes the \
             certificate that --cert names; its log says what it does not take",
            root(&status)
        )
        .into();
    }
    let fields = details.bad_request().map(|bad| {
        // One alone stands in the message.
        let several = bad
            .field_violations
            .iter()
            .filter(|_| bad.field_violations.len() > 1);
        several
            .map(|violation| format!("\n  {}: {}", violation.field, violation.description))
            .collect::<String>()
    });
    format!("{}{}", status.message(), fields.unwrap_or_default()).into()
}
