//! Showing the ledger to a witness outside: `add-checkpoint` over HTTP, C2SP
//! tlog-witness.

use comity_ledger::{Extension, read_size};
use hyper::{StatusCode, Uri, http::uri::InvalidUri};
use thiserror::Error;

use crate::{
    config::OutsideWitness,
    tls::TlsError,
    web::{Post, Reply, Unanswered, Web},
    witness::receive::{ADD_CHECKPOINT, SIZE, TEXT},
};

/// Most bytes of an answer: signature lines, some of them of post-quantum keys.
const ANSWER_MAX: usize = 64 * 1024;

/// Where a witness is shown checkpoints.
#[derive(Debug)]
pub(in crate::witness) struct Submission(Web);

/// Why a witness outside gives no cosignature.
#[derive(Debug, Error)]
pub(in crate::witness) enum Unaccepted {
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error("it says that it has cosigned {0} entries, and takes no proof from there")]
    Seen(u64),
    #[error("it says that the proof does not hold")]
    Unproven,
    #[error(
        "`{0}` does not know this ledger (404): have its operator add the key in \
         `ledger/verifier` of the data folder, or see `url` in the configuration"
    )]
    Unknown(Uri),
    #[error(
        "`{0}` trusts no key that signed the checkpoint (403): have its operator compare the \
         key that it has of this ledger with `ledger/verifier` of the data folder"
    )]
    Untrusted(Uri),
    #[error(
        "`{0}` takes what it is shown for no request (400): see whether `url` in the \
         configuration leads to a witness by C2SP tlog-witness"
    )]
    Malformed(Uri),
    #[error(
        "`{0}` says that it has cosigned something else (409), and not how many entries: see \
         whether `url` in the configuration leads to a witness by C2SP tlog-witness"
    )]
    NoSize(Uri),
    #[error("`{0}` answers with the status {1}")]
    Status(Uri, StatusCode),
    #[error("`{0}` answers with more than {ANSWER_MAX} bytes, or breaks off")]
    Body(Uri),
}

/// Why a witness outside cannot be asked.
#[derive(Debug, Error)]
pub enum SubmissionError {
    /// The roots of its web server cannot be used.
    #[error("the roots of a web server cannot be used")]
    Web(#[from] TlsError),
    /// Its address cannot be made longer.
    #[error("the `url` of a witness cannot be used")]
    Url(#[from] InvalidUri),
}

impl Submission {
    /// Prepares to ask at the witness's submission prefix.
    pub(super) fn new(witness: &OutsideWitness) -> Result<Self, SubmissionError> {
        let prefix = witness.url.to_string();
        let url = format!("{}{ADD_CHECKPOINT}", prefix.trim_end_matches('/'));
        let web = Web::new(url.parse()?, witness.web_ca.as_deref())?;
        Ok(Self(web))
    }

    /// Shows an extension. Answers signature lines, which nobody has checked yet.
    pub(super) async fn show(&self, extension: &Extension) -> Result<String, Unaccepted> {
        let post = Post {
            content_type: TEXT,
            body: &extension.to_submission(),
            answer_max: ANSWER_MAX,
        };
        let Reply { status, kind, body } = self.0.post(post).await?;
        let url = || self.0.url().clone();
        let text = body.map(|body| String::from_utf8_lossy(&body).into_owned());
        match status {
            StatusCode::OK => text.ok_or_else(|| Unaccepted::Body(url())),
            StatusCode::CONFLICT => {
                let size = text.filter(|_| kind == SIZE);
                let size = size.and_then(|text| read_size(text.strip_suffix('\n')?));
                Err(size.map_or_else(|| Unaccepted::NoSize(url()), Unaccepted::Seen))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Err(Unaccepted::Unproven),
            StatusCode::NOT_FOUND => Err(Unaccepted::Unknown(url())),
            StatusCode::FORBIDDEN => Err(Unaccepted::Untrusted(url())),
            StatusCode::BAD_REQUEST => Err(Unaccepted::Malformed(url())),
            other => Err(Unaccepted::Status(url(), other)),
        }
    }
}
