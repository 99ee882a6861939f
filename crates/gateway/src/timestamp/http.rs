//! Asking an authority over HTTP: RFC 3161 § 3.4.

use comity_ledger::MAX_TOKEN_BYTES;
use hyper::{StatusCode, Uri};
use prost::bytes::Bytes;
use thiserror::Error;

use crate::web::{self, Post, Reply, Web};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// Why an authority gave no answer.
#[derive(Debug, Error)]
pub(super) enum Unanswered {
    #[error(transparent)]
    Web(#[from] web::Unanswered),
    #[error("`{0}` answers with the status {1}")]
    Status(Uri, StatusCode),
    #[error("`{0}` answers with something else than `{REPLY}`")]
    Kind(Uri),
    #[error("`{0}` answers with more than {MAX_TOKEN_BYTES} bytes, or breaks off")]
    Body(Uri),
}

/// Asks, and answers what came back: at most so many bytes as a token may have.
pub(super) async fn ask(authority: &Web, query: &[u8]) -> Result<Bytes, Unanswered> {
    let post = Post {
        content_type: QUERY,
        body: query,
        answer_max: MAX_TOKEN_BYTES,
    };
    let Reply { status, kind, body } = authority.post(post).await?;
    let url = || authority.url().clone();
    if status != StatusCode::OK {
        return Err(Unanswered::Status(url(), status));
    }
    if kind != REPLY {
        return Err(Unanswered::Kind(url()));
    }
    body.ok_or_else(|| Unanswered::Body(url()))
}
