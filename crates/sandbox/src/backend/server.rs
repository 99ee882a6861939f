//! Serving a backend over mutual TLS to gateways only.

use std::net::SocketAddr;

use comity::v1::national_backend_service_server::NationalBackendServiceServer;
use thiserror::Error;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Status,
    transport::{Certificate, Identity, Server, ServerTlsConfig},
};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::Backend;
use crate::pki::Issued;

/// A backend that is being served.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

/// Why a backend is not served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("the backend cannot listen")]
    Listen(#[from] std::io::Error),
    /// Certificate or key cannot be used.
    #[error("the backend's certificate cannot be used")]
    Tls(#[from] tonic::transport::Error),
}

impl Backend {
    /// Serves on `listener` with the certificate given, to callers certified
    /// by the same authority.
    ///
    /// # Errors
    /// [`ServeError`] when socket or certificate cannot be used.
    pub fn serve(&self, listener: TcpListener, issued: &Issued) -> Result<Serving, ServeError> {
        let address = listener.local_addr()?;
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&issued.certificate, &issued.key))
            .client_ca_root(Certificate::from_pem(&issued.ca));
        let (stop, stopped) = oneshot::channel();
        let server = Server::builder()
            .tls_config(tls)?
            .tcp_nodelay(true)
            .add_service(
                NationalBackendServiceServer::new(self.clone())
                    .max_decoding_message_size(comity::RECEIVED_BYTES_MAX),
            );
        let incoming = NoDelay(TcpListenerStream::new(listener));
        let task = tokio::spawn(server.serve_with_incoming_shutdown(incoming, async {
            // Dropping the handle stops the backend too.
            let _ = stopped.await;
        }));
        Ok(Serving {
            address,
            stop,
            task,
        })
    }
}

impl Serving {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops after what is under way.
    pub async fn stop(self) {
        // The server may have ended already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Connections without the delay that lets small answers wait for the peer.
struct NoDelay(TcpListenerStream);

impl tokio_stream::Stream for NoDelay {
    type Item = std::io::Result<tokio::net::TcpStream>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(cx).map(|next| {
            next.map(|accepted| {
                accepted.and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            })
        })
    }
}

/// Only a gateway may deliver; anybody else has no decision behind the request.
pub(super) fn require_gateway<T>(request: &Request<T>) -> Result<(), Status> {
    let certificates = request.peer_certs();
    let certificate = certificates.as_ref().and_then(|chain| chain.first());
    if certificate.is_some_and(|certificate| is_gateway(certificate)) {
        Ok(())
    } else {
        Err(Status::permission_denied(
            "only a gateway may call a backend",
        ))
    }
}

fn is_gateway(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return false;
    };
    names.value.general_names.iter().any(|name| {
        matches!(name, GeneralName::URI(uri) if uri.starts_with("spiffe://") && uri.ends_with("/gateway"))
    })
}
