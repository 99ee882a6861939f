//! The outermost layer: bounds how much is under way, and records what never
//! reached a method because it could not be read.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http_body::Frame;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status, body::Body, codegen::http};
use tower::{Layer, Service};

use crate::{
    admit,
    config::Limits,
    gateway::Gateway,
    identity::{self, Caller, InvalidIdentity},
    metrics::{Call, code_name, code_of},
    places::Marked,
    record,
    refusal::Refusal,
    services::submit::SUBMIT,
};

/// What submits beside [`SUBMIT`].
const SHARE: &str = "/comity.v1.CooperationService/ShareInformation";
/// The same inside a team.
const SHARE_IN_TEAM: &str = "/comity.v1.TeamService/Share";

/// What is streamed for as long as the caller likes. Downloads have bounds of their own.
const STREAMED: [&str; 5] = [
    "/comity.v1.CooperationService/WatchCase",
    "/comity.v1.AuditService/ExportCase",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// How long a stream may take to end by itself once the gateway stops.
const WORD: Duration = Duration::from_secs(1);

/// What a message may be compressed by: in the answer to one that is compressed otherwise.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// Marks that a request was decoded and reached its method, which records it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<AtomicBool>);

impl Seen {
    pub(crate) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Observe {
    gateway: Gateway,
    limits: Limits,
    log_calls: bool,
}

impl Observe {
    pub(crate) fn new(gateway: Gateway, limits: Limits, log_calls: bool) -> Self {
        Self {
            gateway,
            limits,
            log_calls,
        }
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed {
            inner,
            observe: self.clone(),
        }
    }
}

/// A service under observation.
#[derive(Debug, Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    observe: Observe,
}

impl<S> Service<http::Request<Body>> for Observed<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(answer) = foreign(&request) {
            return Box::pin(async { Ok(answer) });
        }
        let caller = identity::caller(request.extensions());
        let path = request.uri().path();
        let (submits, streamed, ours) = (
            [SUBMIT, SHARE, SHARE_IN_TEAM].contains(&path),
            STREAMED.contains(&path),
            path.starts_with("/comity.v1."),
        );
        let seen = Seen::default();
        let (marked, wrong) = match Marked::read(request.headers()) {
            Ok(marked) => (marked, None),
            Err(wrong) => (Marked(false), Some(wrong).filter(|_| submits)),
        };
        request.extensions_mut().insert(seen.clone());
        request.extensions_mut().insert(marked);
        let Observe {
            gateway,
            limits,
            log_calls,
        } = self.observe.clone();
        let words = log_calls.then(|| Words::of(&request, caller.as_ref().ok()));
        let call = gateway.metrics().calls().begin(request.uri().path());
        // Nothing of the message is read before this is polled.
        let answer = self.inner.call(request);
        let answered = async move {
            let known = caller.as_ref().ok();
            let lanes = gateway.lanes();
            let place = match submits {
                true => lanes.enter(known, marked).await,
                false => lanes.take(known),
            };
            let stream = streamed.then(|| lanes.stream(known)).transpose();
            let (place, stream) = match (place, stream) {
                (Ok(place), Ok(stream)) => (place, stream),
                (Err(refusal), _) | (_, Err(refusal)) => {
                    return Ok(Status::from(refusal).into_http());
                }
            };
            if let Some(wrong) = wrong {
                return Ok(refused(&gateway, caller, wrong).await);
            }
            let answer = place.fill(answer);
            let answer = match in_time(answer, &seen, limits.message_timeout()).await {
                Some(answer) => answer?,
                None => Status::deadline_exceeded("").into_http(),
            };
            let status = Status::from_header_map(answer.headers());
            match status {
                // Health and reflection are not recorded.
                Some(status) if ours && !seen.is_marked() && status.code() != Code::Ok => {
                    let taken = status.metadata().as_ref().get(ACCEPT_ENCODING).cloned();
                    let mut answer = refused(&gateway, caller, unread(&status, &limits)).await;
                    if let Some(taken) = taken {
                        answer.headers_mut().insert(ACCEPT_ENCODING, taken);
                    }
                    Ok(answer)
                }
                Some(_) | None => Ok(until_its_end(&gateway, answer, stream)),
            }
        };
        Box::pin(async move {
            let answer = answered.await?;
            let code = code_of(answer.headers());
            if let Some(words) = words {
                words.tell(&call, code);
            }
            call.end(code);
            Ok(answer)
        })
    }
}

/// The answer to a call that did not reach its method, once it is on record.
async fn refused(
    gateway: &Gateway,
    caller: Result<Arc<Caller>, Refusal>,
    why: Refusal,
) -> http::Response<Body> {
    let (caller, refusal) = match caller {
        Ok(caller) => (Some(caller), why),
        Err(refusal) => (None, refusal),
    };
    let refusal = record::attempt(gateway, caller.as_deref(), refusal).await;
    Status::from(refusal).into_http()
}

/// What the log says of a call, where it is to say anything.
struct Words {
    method: String,
    caller: Option<Arc<Caller>>,
    trace: Option<String>,
}

impl Words {
    fn of(request: &http::Request<Body>, caller: Option<&Arc<Caller>>) -> Self {
        Self {
            method: request.uri().path().to_owned(),
            caller: caller.cloned(),
            trace: request.headers().get("traceparent").and_then(trace_id),
        }
    }

    fn tell(self, call: &Call, code: Code) {
        let Self {
            method,
            caller,
            trace,
        } = self;
        let caller = caller.map(|caller| caller.to_string());
        let milliseconds = call.took().as_millis();
        let code = code_name(code);
        tracing::info!(method, code, milliseconds, caller, trace.id = trace, "call");
    }
}

/// The trace that a call belongs to (W3C Trace Context §3.2), where it is one.
fn trace_id(parent: &http::HeaderValue) -> Option<String> {
    let id = parent.to_str().ok()?.split('-').nth(1)?;
    let is_id = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}

/// Refuses what is no gRPC call, before anything is recorded in its sender's name: a page
/// that a browser shows may send others with the certificate of who looks at it, and asks
/// nobody before (gRPC over HTTP/2, "Requests": 415 for another content type).
fn foreign(request: &http::Request<Body>) -> Option<http::Response<Body>> {
    let kind = request.headers().get(http::header::CONTENT_TYPE);
    let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let status = match (request.method() == http::Method::POST, is_grpc) {
        (true, true) => return None,
        (false, _) => http::StatusCode::METHOD_NOT_ALLOWED,
        (true, false) => http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    let mut answer = http::Response::new(Body::empty());
    *answer.status_mut() = status;
    Some(answer)
}

/// An answer that its caller has the right to until it ends, nobody reads it any more, or
/// the gateway stops: what has no end of its own would keep it from that.
fn until_its_end(
    gateway: &Gateway,
    answer: http::Response<Body>,
    right: Option<OwnedSemaphorePermit>,
) -> http::Response<Body> {
    let Some(right) = right else {
        return answer;
    };
    let mut stopped = gateway.stop_signal();
    let stopped = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
        // What ends by itself says so in its own words.
        tokio::time::sleep(WORD).await;
    };
    answer.map(|body| {
        Body::new(Ending {
            body,
            stopped: Box::pin(stopped),
            over: false,
            _right: right,
        })
    })
}

/// See [`until_its_end`].
struct Ending {
    body: Body,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    over: bool,
    _right: OwnedSemaphorePermit,
}

impl http_body::Body for Ending {
    type Data = <Body as http_body::Body>::Data;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        std::task::ready!(self.stopped.as_mut().poll(cx));
        self.over = true;
        let refusal = Refusal::Unavailable {
            what: "the gateway stops and",
            retry_after: record::RETRY_AFTER,
        };
        let mut trailers = http::HeaderMap::new();
        Poll::Ready(Some(
            match Status::from(refusal).add_header(&mut trailers) {
                Ok(()) => Ok(Frame::trailers(trailers)),
                Err(status) => Err(status),
            },
        ))
    }
}

/// What comes of a call; nothing where its message is not read in time, so that whoever
/// never ends one has no place for ever.
async fn in_time<T>(call: impl Future<Output = T>, seen: &Seen, time: Duration) -> Option<T> {
    let mut call = pin!(call);
    if let Ok(answer) = tokio::time::timeout(time, call.as_mut()).await {
        return Some(answer);
    }
    if seen.is_marked() {
        return Some(call.await);
    }
    None
}

/// Why a message never reached its method.
fn unread(status: &Status, limits: &Limits) -> Refusal {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Refusal::TooLarge {
            what: "the message",
            limit: format!("{} bytes", limits.max_message_bytes),
        },
        Code::DeadlineExceeded => {
            let seconds = limits.message_timeout().as_secs();
            let late = format!("was not there whole within {seconds} seconds: send it again");
            admit::malformed("", &late)
        }
        // The caller was known when the call came, and is not any more.
        Code::Unauthenticated => InvalidIdentity::Withdrawn.into(),
        Code::Unimplemented if status.metadata().contains_key(ACCEPT_ENCODING) => {
            Refusal::Compressed
        }
        Code::Unimplemented => Refusal::NotYet(
            "the gateway serves no such method: generate the client from the published files; \
             `NationalBackendService` is for national systems to serve",
        ),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => admit::malformed(
            "",
            "is not valid protobuf of this method's request type: generate the client from the published files",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_certificate_is_withdrawn_meanwhile_is_told_so() {
        let status = Status::from(Refusal::from(InvalidIdentity::Withdrawn));
        let refusal = unread(&status, &Limits::default());
        assert_eq!(refusal.code(), Code::Unauthenticated);
        assert_eq!(refusal.reason(), "UNAUTHENTICATED");
        assert!(refusal.to_string().contains("was revoked"), "{refusal}");
    }
}
