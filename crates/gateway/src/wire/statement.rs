//! What a reviewer signs.

use comity::v1;
use sha2::{Digest as _, Sha256};

/// The lines over which an opinion is signed, as `DecideRequest.signature`
/// describes them, for a task whose referral has this `basis_sha256`.
#[must_use]
pub fn of(opinion: &v1::DecideRequest, basis: &str) -> String {
    let v1::DecideRequest {
        name,
        verdict: _,
        reasons,
        question,
        etag: _,
        signature: _,
    } = opinion;
    let verdict = opinion.verdict().as_str_name();
    let verdict = verdict.trim_start_matches("REVIEW_VERDICT_");
    let sha256 = |text: &str| hex::encode(Sha256::digest(text));
    let (reasons, question) = (sha256(reasons), sha256(question));
    format!("comity opinion 1\n{name}\n{basis}\n{verdict}\n{reasons}\n{question}\n")
}
