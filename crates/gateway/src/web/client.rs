//! Asking a web server outside, as authorities that timestamp and witnesses are asked:
//! one request, and an answer of bounded size within bounded time.

use std::{io, path::Path, sync::Arc, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
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

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A web server.
pub(crate) struct Web {
    url: Uri,
    /// Where it is reached under TLS.
    tls: Option<TlsConnector>,
}

/// What is posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a [u8],
    /// Most bytes of an answer that are read.
    pub(crate) answer_max: usize,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// The media type, without parameters and in lower case; empty where none is given.
    pub(crate) kind: String,
    /// `None` where it is longer than was to be read, or breaks off.
    pub(crate) body: Option<Bytes>,
}

/// Why a web server gave no answer.
#[derive(Debug, Error)]
pub(crate) enum Unanswered {
    #[error("`{0}` cannot be reached: see the network, and `url` in the configuration")]
    Connect(Uri, #[source] io::Error),
    #[error("`{0}` does not answer within {seconds} seconds", seconds = PATIENCE.as_secs())]
    Late(Uri),
    #[error("`{0}` does not speak HTTP as expected")]
    Http(Uri, #[source] hyper::Error),
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Web({})", self.url)
    }
}

impl Web {
    /// Prepares to ask at an address that the configuration has checked; under TLS, with
    /// the roots in a file.
    pub(crate) fn new(url: Uri, roots: Option<&Path>) -> Result<Self, TlsError> {
        let tls = roots.map(tls::of_web).transpose()?.map(Arc::new);
        Ok(Self {
            url,
            tls: tls.map(TlsConnector::from),
        })
    }

    /// Where it is asked.
    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    /// Asks, and answers what came back.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Reply, Unanswered> {
        let asked = time::timeout(PATIENCE, self.converse(post)).await;
        asked.map_err(|_| Unanswered::Late(self.url.clone()))?
    }

    async fn converse(&self, post: Post<'_>) -> Result<Reply, Unanswered> {
        let unreached = |error| Unanswered::Connect(self.url.clone(), error);
        let host = self.url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = self.url.port_u16().unwrap_or(usual);
        let stream = TcpStream::connect((host, port)).await.map_err(unreached)?;
        match &self.tls {
            None => self.exchange(stream, post).await,
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned());
                let name = name.map_err(|error| unreached(io::Error::other(error)))?;
                let stream = tls.connect(name, stream).await.map_err(unreached)?;
                self.exchange(stream, post).await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, post: Post<'_>) -> Result<Reply, Unanswered>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |error| Unanswered::Http(self.url.clone(), error);
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(broken)?;
        // What ends it badly, the sender is told too.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let read = match sender.send_request(self.request(post)).await {
            Ok(response) => Ok(read(response, post.answer_max).await),
            Err(error) => Err(broken(error)),
        };
        connection.abort();
        read
    }

    fn request(&self, post: Post<'_>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(post.body)));
        *request.method_mut() = Method::POST;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().unwrap_or_default();
        let host = self.url.authority().map_or("", |host| host.as_str());
        let headers: [(HeaderName, &str); 3] = [
            (HOST, host),
            (CONTENT_TYPE, post.content_type),
            (CONNECTION, "close"),
        ];
        for (name, value) in headers {
            if let Ok(value) = value.parse::<HeaderValue>() {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

async fn read(response: hyper::Response<Incoming>, most: usize) -> Reply {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let status = response.status();
    let body = Limited::new(response.into_body(), most).collect().await;
    Reply {
        status,
        kind,
        body: body.ok().map(http_body_util::Collected::to_bytes),
    }
}
