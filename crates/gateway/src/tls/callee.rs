//! Servers that the gateway calls: who each must be, and the connection to it.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use comity_domain::JurisdictionCode;
use hyper_util::rt::TokioIo;
use rustls_pki_types::{InvalidDnsNameError, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use super::{Current, runs_out};
use crate::{
    config::{Backend, Peer},
    identity::{Caller, Role},
    listen::HandshakeFailure,
};

/// Longest time from the first packet to the end of the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A backend that vanished without a word is noticed after about this long
/// twice over.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Uploads are slow with the protocol's 64 KiB; beyond 1 MiB nothing is gained.
const WINDOW_BYTES: u32 = 512 * 1024;

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

    /// Says in the log why it cannot be reached, as long as that is new.
    fn tell(&self, failed: Option<&io::Error>, told: &Mutex<Option<HandshakeFailure>>) {
        let reason = failed.map(HandshakeFailure::classify);
        let before = {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, reason)
        };
        if let (Some(error), Some(reason)) = (failed, reason)
            && before != Some(reason)
        {
            let Self {
                jurisdiction, role, ..
            } = self;
            let reason = reason.as_str();
            tracing::warn!(%jurisdiction, %role, reason, %error, "a server cannot be called");
        }
    }
}

/// The way to a server. No call begins on a connection made by TLS material that is no
/// longer in force, nor on one whose server's certificate has run out.
pub struct Line {
    callee: Arc<Callee>,
    name: ServerName<'static>,
    open: Mutex<Open>,
}

/// The connection that calls go by: made when first used, and again when it must.
struct Open {
    /// What it was made by, and whether that changed since.
    tls: Current,
    /// When the server's certificate runs out, in seconds since 1970.
    until: Arc<AtomicI64>,
    channel: Channel,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = f.debug_struct("Line");
        line.field("callee", &self.callee).finish_non_exhaustive()
    }
}

impl Line {
    /// The way to a server; nothing is connected yet.
    ///
    /// # Errors
    /// [`InvalidDnsNameError`] when `server_name` can be in no certificate.
    pub fn new(callee: Callee, tls: &Current) -> Result<Self, InvalidDnsNameError> {
        let name = ServerName::try_from(callee.server_name.clone())?;
        let callee = Arc::new(callee);
        let open = Open::new(&callee, &name, tls.clone());
        Ok(Self {
            callee,
            name,
            open: Mutex::new(open),
        })
    }

    /// The way by a channel of a test's own.
    #[cfg(test)]
    pub(crate) fn over(channel: Channel) -> Self {
        let callee = Callee {
            host: "localhost".to_owned(),
            port: 0,
            server_name: "localhost".to_owned(),
            trust_domain: "comity.example".to_owned(),
            jurisdiction: "FR".parse().unwrap(),
            role: Role::Backend,
        };
        let pki = super::pki::Pki::new();
        let tls = pki.material("spiffe://comity.example/EU/hub/gateway");
        let line = Self::new(callee, &super::pki::fixed(tls)).unwrap();
        line.open.lock().unwrap().channel = channel;
        line
    }

    /// A channel for one call. While it cannot connect, calls fail with `UNAVAILABLE`.
    /// A call under way on an earlier one is finished there, which then closes.
    pub(crate) fn channel(&self) -> Channel {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.is_good() {
            *open = Open::new(&self.callee, &self.name, open.tls.clone());
        }
        open.channel.clone()
    }
}

impl Open {
    fn new(callee: &Arc<Callee>, name: &ServerName<'static>, mut tls: Current) -> Self {
        let connector = TlsConnector::from(Arc::clone(&tls.borrow_and_update().client));
        let until = Arc::new(AtomicI64::new(i64::MAX));
        // The connector below speaks TLS; tonic must not add a second layer.
        let endpoint = Endpoint::from_static("http://callee.invalid")
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(2 * WINDOW_BYTES);
        let told = Arc::new(Mutex::new(None));
        let parts = (Arc::clone(callee), name.clone(), Arc::clone(&until), told);
        let connect = tower::service_fn(move |_| {
            let ((callee, name, until, told), connector) = (parts.clone(), connector.clone());
            async move {
                let stream = connect(&callee, &connector, name).await;
                callee.tell(stream.as_ref().err(), &told);
                let stream = stream?;
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                until.store(runs_out(chain), Ordering::Relaxed);
                Ok::<_, io::Error>(TokioIo::new(stream))
            }
        });
        Self {
            tls,
            until,
            channel: endpoint.connect_with_connector_lazy(connect),
        }
    }

    fn is_good(&self) -> bool {
        // Nothing changes any more where whoever changes it is gone.
        let changed = self.tls.has_changed().unwrap_or(false);
        !changed && super::now() < self.until.load(Ordering::Relaxed)
    }
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
