//! What the ledger knows of a case, shown.

use bytes::Bytes;
use comity::v1;
use comity_domain::{CaseState, Digest};
use jiff::Timestamp;
use prost_types::Struct;

use super::{case_state, timestamp};

/// One thing that happened to a case.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// Position in the case, from 1.
    pub sequence: u32,
    /// What happened, for example `decided`.
    pub kind: &'a str,
    /// The state after it.
    pub state: CaseState,
    /// When.
    pub at: Timestamp,
    /// An authority id, or `gateway`.
    pub actor: &'a str,
    /// One sentence without personal data.
    pub note: &'a str,
    /// Index of its ledger entry.
    pub ledger_index: u64,
    /// What the actor said of it; may be personal data.
    pub remark: String,
    /// The form on which it was reported; may hold personal data.
    pub form: Option<Struct>,
}

/// Proof that an event is in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// Origin line of the log.
    pub origin: &'a str,
    /// Index of the entry.
    pub index: u64,
    /// RFC 6962 hash of the entry.
    pub leaf_hash: Digest,
    /// SHA-256 of the canonical request.
    pub request: Digest,
    /// The rest of the proof; `None` until a checkpoint covers the entry.
    pub published: Option<Published<'a>>,
}

/// How an entry hangs together with a signed checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    /// Sibling hashes from leaf to root.
    pub inclusion_path: &'a [[u8; 32]],
    /// The signed checkpoint.
    pub checkpoint: &'a str,
}

/// One thing that happened to a case.
#[must_use]
pub fn event(event: Event<'_>) -> v1::CaseEvent {
    let Event {
        sequence,
        kind,
        state,
        at,
        actor,
        note,
        ledger_index,
        remark,
        form,
    } = event;
    v1::CaseEvent {
        sequence,
        kind: kind.to_owned(),
        state: case_state(state).into(),
        at: Some(timestamp(at)),
        actor: actor.to_owned(),
        note: note.to_owned(),
        ledger_index,
        remark,
        form,
    }
}

/// Proof that an event is in the ledger.
#[must_use]
pub fn receipt(receipt: Receipt<'_>) -> v1::Receipt {
    let Receipt {
        origin,
        index,
        leaf_hash,
        request,
        published,
    } = receipt;
    let bytes = |hash: &[u8; 32]| Bytes::copy_from_slice(hash);
    v1::Receipt {
        origin: origin.to_owned(),
        index,
        leaf_hash: bytes(&leaf_hash.0),
        inclusion_path: published
            .map(|published| published.inclusion_path.iter().map(bytes).collect())
            .unwrap_or_default(),
        checkpoint: published
            .map(|published| published.checkpoint.to_owned())
            .unwrap_or_default(),
        request_sha256: bytes(&request.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::wire::{json, structure};

    #[track_caller]
    fn check<M: prost::Message + prost::Name>(message: &M, expected: Json) {
        let printed = json::print(message).unwrap();
        assert_eq!(serde_json::from_str::<Json>(&printed).unwrap(), expected);
    }

    #[test]
    fn an_event_is_shown_whole() {
        let shown = event(Event {
            sequence: 2,
            kind: "decided",
            state: CaseState::UnderReview,
            at: Timestamp::from_second(86_400).unwrap(),
            actor: "gateway",
            note: "referred to a judge",
            ledger_index: 7,
            remark: "heard on Monday".to_owned(),
            form: Some(structure::from_json(
                json!({"name": "X"}).as_object().unwrap(),
            )),
        });
        let expected = json!({
            "sequence": 2,
            "kind": "decided",
            "state": "CASE_STATE_UNDER_REVIEW",
            "at": "1970-01-02T00:00:00Z",
            "actor": "gateway",
            "note": "referred to a judge",
            "ledgerIndex": "7",
            "remark": "heard on Monday",
            "form": {"name": "X"},
        });
        check(&shown, expected);
    }

    #[test]
    fn a_receipt_grows_when_its_checkpoint_is_published() {
        let early = Receipt {
            origin: "comity.example/ledger",
            index: 7,
            leaf_hash: Digest([0; 32]),
            request: Digest([0; 32]),
            published: None,
        };
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let mut expected = json!({
            "origin": "comity.example/ledger",
            "index": "7",
            "leafHash": zeros,
            "requestSha256": zeros,
        });
        check(&receipt(early), expected.clone());

        let published = Published {
            inclusion_path: &[[0; 32]],
            checkpoint: "signed",
        };
        expected["inclusionPath"] = json!([zeros]);
        expected["checkpoint"] = json!("signed");
        check(
            &receipt(Receipt {
                published: Some(published),
                ..early
            }),
            expected,
        );
    }
}
