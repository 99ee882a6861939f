//! Where wire types stop: messages of the contract to domain values and back.
//!
//! Messages are taken apart field by field, without `..`, so that a new field
//! breaks the build until someone decides what it means.

pub mod answer;
pub(crate) mod clock;
pub(crate) mod encoded;
pub(crate) mod evidence;
pub(crate) mod fields;
pub mod from_proto;
pub mod json;
mod read;
pub(crate) mod selector;
pub mod statement;
pub mod structure;
pub mod to_proto;
pub mod words;

use comity::v1;
use comity_domain::Digest;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

pub(crate) use self::encoded::said;

/// A field that is not as the contract demands.
///
/// Neither part ever repeats the value found, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, for example
    /// `offences[1].max_penalty_months`.
    pub field: String,
    /// What is wrong and what to do; lower case, no period.
    pub description: String,
}

/// The rules of a decision that were found to hold or could not be judged, in its order;
/// those of its time limits stand beside them.
pub(crate) fn rules_found(decision: &v1::Decision) -> impl Iterator<Item = &v1::RuleReference> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let obligations = decision.obligations.iter().map(|found| &found.rule);
    let found = grounds.chain(requirements).chain(referrals);
    let found = found.chain(obligations).flatten();
    found.chain(&decision.permits)
}

/// The same with those of its time limits.
pub(crate) fn rules_all(decision: &v1::Decision) -> impl Iterator<Item = &v1::RuleReference> {
    let clocks = decision
        .clocks
        .iter()
        .filter_map(|clock| clock.rule.as_ref());
    rules_found(decision).chain(clocks)
}

/// SHA-256 over the request's canonical encoding: fields in the order of
/// their numbers, maps in the order of their keys, default values and unknown
/// fields left out. Protobuf's deterministic serialization in other languages
/// gives the same bytes.
#[must_use]
pub fn digest(request: &v1::CooperationRequest) -> Digest {
    digest_of(&request.encode_to_vec())
}

/// [`digest`] of a request in its canonical encoding.
pub(crate) fn digest_of(request: &[u8]) -> Digest {
    Digest(Sha256::digest(request).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request that states the given facts, in the order given on the wire.
    fn with_facts(names: &[&str]) -> v1::CooperationRequest {
        // Field 14, length-delimited: key 0x72; a map entry with an empty fact.
        let wire = names.iter().fold(Vec::new(), |mut bytes, name| {
            bytes.extend([0x72, name.len() as u8 + 4, 0x0a, name.len() as u8]);
            bytes.extend(name.bytes());
            bytes.extend([0x12, 0]);
            bytes
        });
        v1::CooperationRequest::decode(wire.as_slice()).unwrap()
    }

    #[test]
    fn the_order_of_facts_on_the_wire_does_not_change_the_digest() {
        assert_eq!(
            digest(&with_facts(&["a", "b"])),
            digest(&with_facts(&["b", "a"]))
        );
        assert_ne!(
            digest(&with_facts(&["a", "b"])),
            digest(&with_facts(&["a", "c"]))
        );
    }

    #[test]
    fn any_field_changes_the_digest() {
        let mut request = with_facts(&["a"]);
        let before = digest(&request);
        request.exercise = true;
        assert_ne!(digest(&request), before);
    }
}
