//! A request that is still being drafted: what is absent is told, and
//! something that decides nothing stands in for it.

use comity::v1;
use comity_domain::{AuthorityId, JurisdictionCode, Request};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::read_request;
use crate::wire::{
    Violation,
    read::{Findings, Path},
    to_proto,
};

/// Stands for the id of a request that has none yet.
const UNNUMBERED: &str = "draft";

/// Without these there is nothing to decide.
const NEEDED: [&str; 3] = ["executing", "executing.jurisdiction", "measure"];

/// A request as far as it is there.
#[derive(Debug)]
pub struct Draft {
    /// The request, with something that decides nothing in place of what is
    /// absent.
    pub request: Request,
    /// Its instrument's form, where one is attached.
    pub form: Option<Json>,
    /// What a submission would still need, in the order of the contract.
    pub absent: Vec<Violation>,
}

/// Reads a request that may be incomplete, for the authority that asks.
///
/// # Errors
/// Every field that is there and not as the contract demands; and the State
/// asked and the measure where they are absent, for without them there is
/// nothing to decide.
pub fn draft(
    mut message: v1::CooperationRequest,
    asking: (&JurisdictionCode, &AuthorityId),
    now: Timestamp,
) -> Result<Draft, Vec<Violation>> {
    let mut findings = Findings::of_draft();
    fill_in(&mut findings, &mut message, asking, now);
    let read = read_request(&mut findings, message, now);
    let ((request, form), absent) = findings.conclude_draft(read, &NEEDED)?;
    Ok(Draft {
        request,
        form,
        absent,
    })
}

/// Fills in what the certificate and the clock say, and notes that it must be
/// stated.
fn fill_in(
    findings: &mut Findings,
    message: &mut v1::CooperationRequest,
    (jurisdiction, authority): (&JurisdictionCode, &AuthorityId),
    now: Timestamp,
) {
    if message.request_id.is_empty() {
        let at = Path::root("request_id");
        findings.missing::<()>(at, "choose an id that no other request of yours has");
        UNNUMBERED.clone_into(&mut message.request_id);
    }
    let issuing = message.issuing.get_or_insert_default();
    for (field, value, certified) in [
        (
            "jurisdiction",
            &mut issuing.jurisdiction,
            jurisdiction.as_str(),
        ),
        ("authority", &mut issuing.authority, authority.as_str()),
    ] {
        if value.is_empty() {
            let at = Path::root("issuing");
            findings.missing::<()>(at.field(field), format!("state `{certified}`"));
            certified.clone_into(value);
        }
    }
    if message.issued_at.is_none() {
        let at = Path::root("issued_at");
        findings.missing::<()>(at, "state when the issuing authority signed the request");
        message.issued_at = Some(to_proto::timestamp(now));
    }
}
