//! This gateway as a witness over HTTP: `add-checkpoint` of C2SP tlog-witness. Whoever
//! has a signed checkpoint may show it; the log's signature is what counts. What is shown
//! is decided on as `FederationService.Cosign` has it decided on.

use std::time::Duration;

use comity_ledger::{Answer, Extension, Refused};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, HeaderValue},
};
use prost::bytes::Bytes;
use tokio::time;

use super::{contradicts, decide};
use crate::{gateway::Gateway, web};

/// Where a witness is asked, after its submission prefix.
pub(crate) const ADD_CHECKPOINT: &str = "/add-checkpoint";
/// What a size is told as.
pub(super) const SIZE: &str = "text/x.tlog.size";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// Most bytes of a request: ample for 63 hashes and for a checkpoint with the signatures
/// of many witnesses.
const BODY_MAX: usize = 64 * 1024;
/// Longest time that a request may take to arrive, and may wait until it is looked at.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who shows something here, in this gateway's ledger.
const ANYBODY: &str = "unknown";

/// Why a request is not looked at.
enum Unread {
    Late,
    TooLarge,
    Broken,
}

/// Answers who shows a checkpoint.
pub(crate) async fn add_checkpoint(
    request: Request<Incoming>,
    gateway: Gateway,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut refused = web::empty(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("POST");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(Unread::Late) => return web::empty(StatusCode::REQUEST_TIMEOUT),
        Err(Unread::TooLarge) => return web::empty(StatusCode::PAYLOAD_TOO_LARGE),
        Err(Unread::Broken) => return web::empty(StatusCode::BAD_REQUEST),
    };
    let shown = match Extension::from_submission(&body) {
        Ok(shown) => shown,
        Err(malformed) => return told(StatusCode::BAD_REQUEST, &malformed.to_string()),
    };
    // Not given up where the client hangs up: what is found is put on record.
    let received = tokio::spawn(async move { receive(&gateway, &shown).await }).await;
    received.unwrap_or_else(|_| web::empty(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn read(body: Incoming) -> Result<Bytes, Unread> {
    let read = Limited::new(body, BODY_MAX).collect();
    match time::timeout(PATIENCE, read).await {
        Err(_) => Err(Unread::Late),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

async fn receive(gateway: &Gateway, shown: &Extension) -> Response<Full<Bytes>> {
    let place = gateway.witness().places.acquire();
    let Ok(Ok(_place)) = time::timeout(PATIENCE, place).await else {
        return web::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let refused = match decide(gateway, shown).await {
        Ok(Ok(cosignature)) => return web::found(cosignature.line.into(), TEXT),
        Ok(Err(refused)) => refused,
        Err(error) => {
            tracing::error!(%error, "judging a checkpoint ended abnormally");
            return web::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    // Anybody may show an old checkpoint: that says nothing against the log.
    let noted = match matches!(refused, Refused::RolledBack(_)) {
        true => Ok(()),
        false => contradicts(gateway, (ANYBODY, &shown.origin()), &refused).await,
    };
    match noted {
        Ok(()) => refuse(&refused, refused.answer(shown)),
        Err(_) => web::empty(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// The answer that the specification demands.
fn refuse(refused: &Refused, answer: Answer) -> Response<Full<Bytes>> {
    let status = match answer {
        Answer::Conflict(size) => {
            let mut conflict = web::found(format!("{size}\n").into(), SIZE);
            *conflict.status_mut() = StatusCode::CONFLICT;
            return conflict;
        }
        Answer::Malformed => StatusCode::BAD_REQUEST,
        Answer::Untrusted => StatusCode::FORBIDDEN,
        Answer::Unknown => StatusCode::NOT_FOUND,
        Answer::Unproven => StatusCode::UNPROCESSABLE_ENTITY,
        Answer::Failed => {
            tracing::error!(
                error = refused as &dyn std::error::Error,
                "nothing is cosigned"
            );
            return web::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    told(status, &refused.to_string())
}

fn told(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    let mut response = web::found(format!("{why}\n").into(), TEXT);
    *response.status_mut() = status;
    response
}
