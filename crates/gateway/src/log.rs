//! The published ledger over HTTP (C2SP tlog-tiles): for monitors, witnesses and
//! auditors, who need not ask the operator for a copy. Beside it, other logs are cosigned.

use std::io;

use comity_ledger::{Fetched, fetch, is_bundle_below};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, HeaderValue},
};
use prost::bytes::Bytes;

use crate::{
    gateway::Gateway,
    web,
    witness::{self, ADD_CHECKPOINT},
};

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// What signed trees hang on never changes.
const LASTS: &str = "public, max-age=31536000, immutable";
const PASSES: &str = "no-cache";

/// Answers whoever asks for a file of the ledger, or shows a checkpoint of another.
pub(crate) async fn answer(request: Request<Incoming>, gateway: Gateway) -> Response<Full<Bytes>> {
    if request.uri().path() == ADD_CHECKPOINT {
        return witness::add_checkpoint(request, gateway).await;
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = web::empty(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    let path = request.uri().path().strip_prefix('/').unwrap_or_default();
    let path = path.to_owned();
    let below = gateway.store().health().pruned;
    if is_bundle_below(&path, below) {
        return gone(below);
    }
    let read = move || fetch(gateway.store().ledger_dir(), &path);
    let read = tokio::task::spawn_blocking(read).await;
    let Fetched {
        bytes,
        is_text,
        lasts,
    } = match read.map_err(io::Error::other).flatten() {
        Ok(Some(file)) => file,
        Ok(None) => return web::empty(StatusCode::NOT_FOUND),
        Err(error) => {
            tracing::warn!(%error, "a file of the ledger cannot be read");
            return web::empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let mut found = web::found(bytes.into(), if is_text { TEXT } else { BYTES });
    let caching = HeaderValue::from_static(if lasts { LASTS } else { PASSES });
    found.headers_mut().insert(CACHE_CONTROL, caching);
    found
}

/// Of entries that were pruned. C2SP tlog-tiles has no place yet that tells up to where: it
/// is told here, and by an entry of the ledger.
fn gone(below: u64) -> Response<Full<Bytes>> {
    let told = format!(
        "Entries below {below} of this ledger were pruned, as an entry of kind `pruning` says. \
         Their hashes are under tile/0, and all checkpoints and proofs hold.\n"
    );
    let mut gone = web::found(told.into(), TEXT);
    *gone.status_mut() = StatusCode::GONE;
    gone
}
