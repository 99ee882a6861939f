//! Asking an authority over HTTP: RFC 3161 § 3.4.

use std::{io, path::Path, sync::Arc, time::Duration};

use comity_ledger::MAX_TOKEN_BYTES;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    client::conn::http1,
    header::{CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use prost::bytes::Bytes;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;

use crate::tls::{self, TlsError};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The web server of an authority.
pub(super) struct Web {
    url: Uri,
    /// Where it is reached under TLS.
    tls: Option<TlsConnector>,
}

/// Why a web server gave no answer.
#[derive(Debug, Error)]
pub(super) enum Unanswered {
    #[error("`{0}` cannot be reached: see the network, and `url` in the configuration")]
    Connect(Uri, #[source] io::Error),
    #[error("`{0}` does not answer within {seconds} seconds", seconds = PATIENCE.as_secs())]
    Late(Uri),
    #[error("`{0}` does not speak HTTP as expected")]
    Http(Uri, #[source] hyper::Error),
    #[error("`{0}` answers with the status {1}")]
    Status(Uri, StatusCode),
    #[error("`{0}` answers with something else than `{REPLY}`")]
    Kind(Uri),
    #[error("`{0}` answers with more than {MAX_TOKEN_BYTES} bytes, or breaks off")]
    Body(Uri),
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Web({})", self.url)
    }
}

impl Web {
    /// Prepares to ask at an address that the configuration has checked; under TLS, with
    /// the roots in a file.
    pub(super) fn new(url: Uri, roots: Option<&Path>) -> Result<Self, TlsError> {
        let tls = roots.map(tls::of_web).transpose()?.map(Arc::new);
        Ok(Self {
            url,
            tls: tls.map(TlsConnector::from),
        })
    }

    /// Asks, and answers what came back: at most so many bytes as a token may have.
    pub(super) async fn post(&self, query: &[u8]) -> Result<Bytes, Unanswered> {
        let asked = time::timeout(PATIENCE, self.converse(query)).await;
        asked.map_err(|_| Unanswered::Late(self.url.clone()))?
    }

    async fn converse(&self, query: &[u8]) -> Result<Bytes, Unanswered> {
        let unreached = |error| Unanswered::Connect(self.url.clone(), error);
        let host = self.url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = self.url.port_u16().unwrap_or(usual);
        let stream = TcpStream::connect((host, port)).await.map_err(unreached)?;
        match &self.tls {
            None => self.exchange(stream, query).await,
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned());
                let name = name.map_err(|error| unreached(io::Error::other(error)))?;
                let stream = tls.connect(name, stream).await.map_err(unreached)?;
                self.exchange(stream, query).await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, query: &[u8]) -> Result<Bytes, Unanswered>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |error| Unanswered::Http(self.url.clone(), error);
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(broken)?;
        // What ends it badly, the sender is told too.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let answer = sender.send_request(self.request(query)).await;
        let read = match answer {
            Ok(response) => self.read(response).await,
            Err(error) => Err(broken(error)),
        };
        connection.abort();
        read
    }

    fn request(&self, query: &[u8]) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(query)));
        *request.method_mut() = Method::POST;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().unwrap_or_default();
        let host = self.url.authority().map_or("", |host| host.as_str());
        for (name, value) in [(HOST, host), (CONTENT_TYPE, QUERY), (CONNECTION, "close")] {
            if let Ok(value) = value.parse() {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }

    async fn read(
        &self,
        response: hyper::Response<hyper::body::Incoming>,
    ) -> Result<Bytes, Unanswered> {
        if response.status() != StatusCode::OK {
            return Err(Unanswered::Status(self.url.clone(), response.status()));
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(REPLY) {
            return Err(Unanswered::Kind(self.url.clone()));
        }
        let body = Limited::new(response.into_body(), MAX_TOKEN_BYTES).collect();
        let body = body.await.map_err(|_| Unanswered::Body(self.url.clone()))?;
        Ok(body.to_bytes())
    }
}
