//! Plain HTTP for what is no gRPC: figures for monitoring, and the published ledger.

mod client;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prost::bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time,
};

pub(crate) use self::client::{Post, Reply, Unanswered, Web};
use crate::{gateway::Gateway, tasks::Tasks};

/// Connections served at a time.
const CONNECTIONS: usize = 64;
/// Longest time a connection may last, and may say nothing.
const CONNECTION: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Has whoever asks at a listener answered until told to stop, and says where it is.
pub(crate) fn serve<F>(
    tasks: &mut Tasks,
    listener: Option<(TcpListener, SocketAddr)>,
    gateway: &Gateway,
    answer: fn(Request<Incoming>, Gateway) -> F,
    stop: &watch::Receiver<bool>,
) -> Option<SocketAddr>
where
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let (listener, address) = listener?;
    tasks.spawn(accept(listener, gateway.clone(), answer, stop.clone()));
    Some(address)
}

async fn accept<F>(
    listener: TcpListener,
    gateway: Gateway,
    answer: fn(Request<Incoming>, Gateway) -> F,
    mut stop: watch::Receiver<bool>,
) where
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let gateway = gateway.clone();
                tokio::spawn(async move {
                    converse(stream, gateway, answer).await;
                    drop(place);
                });
            }
            Err(_) => time::sleep(EXHAUSTED_PAUSE).await,
        }
    }
}

/// Answers the requests of a connection.
async fn converse<F>(
    stream: TcpStream,
    gateway: Gateway,
    answer: fn(Request<Incoming>, Gateway) -> F,
) where
    F: Future<Output = Response<Full<Bytes>>>,
{
    let answer = service_fn(move |request| {
        let answer = answer(request, gateway.clone());
        async { Ok::<_, Infallible>(answer.await) }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .serve_connection(TokioIo::new(stream), answer);
    // Whoever hangs up or takes too long has only itself to tell.
    let _ = time::timeout(CONNECTION, conversation).await;
}

/// An answer that is nothing but its status.
pub(crate) fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// What was asked for.
pub(crate) fn found(body: Bytes, content_type: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
