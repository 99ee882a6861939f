//! Accepting connections: from a socket to callers who proved who they are.
//!
//! Every step is bounded, and what fails is reported rather than lost: a
//! handshake that does not succeed is an attempt that the ledger records.

mod crowd;
mod keep;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use rustls::CertificateError;
use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use self::{crowd::Crowd, keep::Keep};
use crate::{
    config,
    identity::{Caller, InvalidIdentity},
    places::Each,
    tls::{Current, Presented, presented},
};

/// Failed handshakes kept until the ledger has taken them; the rest are counted.
const FAILURES_QUEUED_MAX: usize = 1024;
/// Connections that are ready and not taken up yet.
const READY_MAX: usize = 64;
/// Pause when the system has no file descriptors or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most connections at a time; the rest wait in the system's queue.
    pub connections: usize,
    /// Most connections of one caller; more are closed.
    pub connections_per_caller: usize,
    /// Most handshakes under way at a time.
    pub handshakes: usize,
    /// Longest time a handshake may take.
    pub handshake_timeout: Duration,
}

impl From<config::Limits> for Limits {
    fn from(limits: config::Limits) -> Self {
        let connections_per_caller = limits.connections_per_caller();
        let config::Limits {
            connections,
            handshakes,
            handshake_timeout,
            ..
        } = limits;
        Self {
            connections,
            connections_per_caller,
            handshakes,
            handshake_timeout,
        }
    }
}

/// Connections as tonic's `serve_with_incoming_shutdown` takes them. The
/// accept loop ends when this is dropped.
pub type Incoming = ReceiverStream<io::Result<Connection>>;

/// A connection whose peer showed a certificate that we believe.
#[derive(Debug)]
pub struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    /// Ends when the connection is to be cut; nothing is left once it has.
    cut: Option<oneshot::Receiver<()>>,
    done: CancellationToken,
    _open: OwnedSemaphorePermit,
    share: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Takes one of the connections that its caller may have, if there is one left.
    fn within(mut self, callers: &Each) -> Option<Self> {
        self.share = callers.take(self.peer.caller.as_ref().ok());
        if self.share.is_none() {
            tracing::info!("a caller has all connections that it may have: one more is closed");
        }
        self.share.is_some().then_some(self)
    }
}

/// Who is at the other end of a connection; an extension of its every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Address of the other end.
    pub address: SocketAddr,
    /// The caller that the certificate names, or why it names none.
    pub caller: Result<Arc<Caller>, InvalidIdentity>,
    /// The certificate, X.509 in DER.
    pub certificate: Option<Arc<[u8]>>,
    /// Cancelled when the certificate is not believed any more.
    pub(crate) over: CancellationToken,
}

/// A connection that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedHandshake {
    /// Address of the other end, without its port.
    pub peer: IpAddr,
    /// Why.
    pub reason: HandshakeFailure,
    /// The certificate that was refused, where one was.
    pub shown: Option<Presented>,
}

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandshakeFailure {
    /// The certificate has run out, or is not valid yet.
    ExpiredCertificate,
    /// The certificate comes from an authority that we do not believe.
    UnknownIssuer,
    /// The certificate was revoked.
    RevokedCertificate,
    /// No revocation list tells whether the certificate was revoked: there is none of its
    /// issuer, or none that this one signed.
    UnknownRevocation,
    /// The revocation list that tells of the certificate has run out.
    ExpiredRevocationList,
    /// The certificate is faulty in another way.
    InvalidCertificate,
    /// No certificate was shown.
    NoCertificate,
    /// The peer does not speak TLS.
    NotTls,
    /// It took too long.
    Timeout,
    /// The peer hung up, or anything else.
    Other,
}

/// How often each reason was, for monitoring.
#[derive(Debug, Clone, Default)]
pub struct Refused(pub(crate) Family<Because, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Because {
    reason: &'static str,
}

/// The handshakes that failed, for the ledger.
#[derive(Debug)]
pub struct Failures {
    queue: mpsc::Receiver<FailedHandshake>,
    missed: Arc<AtomicU64>,
}

impl Failures {
    /// The next failed handshake; `None` when the accept loop has ended.
    pub async fn next(&mut self) -> Option<FailedHandshake> {
        self.queue.recv().await
    }

    /// How many failed while the queue was full since this was last asked.
    pub fn take_missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

impl HandshakeFailure {
    /// The reason as logs and the ledger name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredCertificate => "expired-certificate",
            Self::UnknownIssuer => "unknown-issuer",
            Self::RevokedCertificate => "revoked-certificate",
            Self::UnknownRevocation => "unknown-revocation",
            Self::ExpiredRevocationList => "expired-revocation-list",
            Self::InvalidCertificate => "invalid-certificate",
            Self::NoCertificate => "no-certificate",
            Self::NotTls => "not-tls",
            Self::Timeout => "timeout",
            Self::Other => "other",
        }
    }

    pub(crate) fn classify(error: &io::Error) -> Self {
        let inner = error.get_ref();
        let error = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        error.map_or(Self::Other, Self::of)
    }

    pub(crate) fn of(error: &rustls::Error) -> Self {
        if matches!(error, rustls::Error::NoCertificatesPresented) {
            Self::NoCertificate
        } else if matches!(error, rustls::Error::InvalidMessage(_)) {
            Self::NotTls
        } else if matches!(error, rustls::Error::InvalidCertRevocationList(_)) {
            Self::UnknownRevocation
        } else if let rustls::Error::InvalidCertificate(error) = error {
            Self::of_certificate(error)
        } else {
            Self::Other
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library may name more, and whatever it names the certificate is refused"
    )]
    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::ExpiredCertificate,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Revoked => Self::RevokedCertificate,
            CertificateError::UnknownRevocationStatus => Self::UnknownRevocation,
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::ExpiredRevocationList,
            _ => Self::InvalidCertificate,
        }
    }
}

impl Connection {
    /// Cancelled when no more calls are to begin on it, or when it has ended.
    pub(crate) fn done(&self) -> CancellationToken {
        self.done.clone()
    }

    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        let waiting = self.cut.as_mut().map(|cut| Pin::new(cut).poll(cx));
        if waiting.is_some_and(|waiting| waiting.is_ready()) {
            self.cut = None;
        }
        self.cut.is_none()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.done.cancel();
    }
}

/// Accepts connections until the returned stream is dropped, each by the TLS that is
/// spoken then, and ends those that would not be accepted any more.
///
/// `trust_domain` is the one that callers' certificates must name. A caller
/// with a believed certificate that names nobody gets a connection, so that
/// its calls are refused with a reason and recorded.
#[must_use]
pub fn accept(
    listener: TcpListener,
    tls: Current,
    trust_domain: &str,
    (limits, refused): (Limits, Refused),
) -> (Incoming, Failures) {
    let (ready, incoming) = mpsc::channel(READY_MAX);
    let (failed, queue) = mpsc::channel(FAILURES_QUEUED_MAX);
    let missed = Arc::new(AtomicU64::new(0));
    let door = Door {
        tls,
        trust_domain: Arc::from(trust_domain),
        timeout: limits.handshake_timeout,
        ready,
        failed,
        missed: Arc::clone(&missed),
        refused,
    };
    tokio::spawn(door.run(listener, limits));
    (ReceiverStream::new(incoming), Failures { queue, missed })
}

/// What every handshake needs.
#[derive(Clone)]
struct Door {
    tls: Current,
    trust_domain: Arc<str>,
    timeout: Duration,
    ready: mpsc::Sender<io::Result<Connection>>,
    failed: mpsc::Sender<FailedHandshake>,
    missed: Arc<AtomicU64>,
    refused: Refused,
}

impl Door {
    async fn run(self, listener: TcpListener, limits: Limits) {
        let connections = Arc::new(Semaphore::new(limits.connections));
        let handshakes = Arc::new(Semaphore::new(limits.handshakes));
        let callers = Arc::new(Each::new(limits.connections_per_caller));
        let crowd = Crowd::of(limits.handshakes);
        loop {
            let next = tokio::select! {
                biased;
                () = self.ready.closed() => return,
                next = next(&listener, &connections, &handshakes) => next,
            };
            // The semaphores are never closed.
            let Some((stream, address, open, handshake)) = next else {
                return;
            };
            let Some(inside) = crowd.enter(address.ip()) else {
                self.missed.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (door, callers) = (self.clone(), Arc::clone(&callers));
            tokio::spawn(async move {
                let outcome = door.greet(stream, address, open).await;
                // Free for the next before this one waits to be taken up.
                drop((handshake, inside));
                match outcome {
                    Ok(connection) => {
                        if let Some(connection) = connection.within(&callers) {
                            // Fails only when nobody is serving any more.
                            drop(door.ready.send(Ok(connection)).await);
                        }
                    }
                    Err((reason, shown)) => door.report(FailedHandshake {
                        peer: address.ip().to_canonical(),
                        reason,
                        shown,
                    }),
                }
            });
        }
    }

    async fn greet(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        open: OwnedSemaphorePermit,
    ) -> Result<Connection, (HandshakeFailure, Option<Presented>)> {
        // Without it small answers wait for the peer's delayed acknowledgement.
        stream
            .set_nodelay(true)
            .map_err(|_| (HandshakeFailure::Other, None))?;
        let mut tls = self.tls.clone();
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow_and_update().server));
        let shaken = time::timeout(self.timeout, acceptor.accept(stream));
        let (shaken, shown) = presented::noting(shaken).await;
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err((HandshakeFailure::classify(&error), shown)),
            Err(_) => return Err((HandshakeFailure::Timeout, shown)),
        };
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let chain: Vec<_> = chain
            .iter()
            .cloned()
            .map(CertificateDer::into_owned)
            .collect();
        let certificate = chain.first();
        let caller = certificate
            .ok_or(InvalidIdentity::NoCertificate)
            .and_then(|certificate| Caller::from_certificate(certificate, &self.trust_domain))
            .map(Arc::new);
        let over = CancellationToken::new();
        let peer = Peer {
            address,
            caller,
            certificate: certificate.map(|certificate| Arc::from(&**certificate)),
            over: over.clone(),
        };
        let (cut, is_cut) = oneshot::channel();
        let done = over.child_token();
        let keep = Keep {
            chain,
            tls,
            over,
            cut,
        };
        tokio::spawn(keep.run());
        Ok(Connection {
            stream,
            peer,
            cut: Some(is_cut),
            done,
            _open: open,
            share: None,
        })
    }

    fn report(&self, failure: FailedHandshake) {
        let reason = failure.reason.as_str();
        let serial = failure.shown.as_ref().map(|shown| shown.serial.as_str());
        tracing::debug!(reason, certificate.serial = serial, "handshake failed");
        self.refused.0.get_or_create(&Because { reason }).inc();
        if self.failed.try_send(failure).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The next connection together with the right to hold it and to shake hands.
async fn next(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    handshakes: &Arc<Semaphore>,
) -> Option<(
    TcpStream,
    SocketAddr,
    OwnedSemaphorePermit,
    OwnedSemaphorePermit,
)> {
    let open = Arc::clone(connections).acquire_owned().await.ok()?;
    let handshake = Arc::clone(handshakes).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Some((stream, address, open, handshake)),
            Err(error) if is_one_connections(&error) => {}
            // Out of descriptors or memory: others must end before this helps.
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// The peer left before it was accepted; the next one may be well.
fn is_one_connections(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
