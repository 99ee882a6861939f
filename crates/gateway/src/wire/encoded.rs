//! Messages of the contract whose large parts are encoded already: a request,
//! a decision and a result are written down once, and the same bytes go into the
//! record, to the backend and back to the requester. On the wire they are the
//! contract's own messages, since an embedded message is its length and bytes.

use comity::v1;
use comity_domain::Digest;
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;

/// [`v1::Case`].
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Case {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) request_id: String,
    #[prost(enumeration = "v1::CaseState", tag = "3")]
    pub(crate) state: i32,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(crate) request: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    pub(crate) decision: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(crate) result: Option<Bytes>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) events: Vec<v1::CaseEvent>,
    #[prost(message, optional, tag = "8")]
    pub(crate) receipt: Option<v1::Receipt>,
    #[prost(message, optional, tag = "9")]
    pub(crate) received_at: Option<Timestamp>,
    #[prost(message, optional, tag = "10")]
    pub(crate) updated_at: Option<Timestamp>,
    #[prost(bool, tag = "11")]
    pub(crate) exercise: bool,
}

/// [`v1::SubmitResponse`].
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SubmitResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) case: Option<Case>,
    #[prost(bool, tag = "2")]
    pub(crate) replayed: bool,
}

/// [`v1::DeliverRequest`].
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeliverRequest {
    #[prost(string, tag = "1")]
    pub(crate) case: String,
    #[prost(uint32, tag = "2")]
    pub(crate) step: u32,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(crate) request: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(crate) decision: Option<Bytes>,
    #[prost(message, optional, tag = "5")]
    pub(crate) receipt: Option<v1::Receipt>,
}

impl Case {
    /// What the records of a case's events add up to, oldest first.
    ///
    /// # Errors
    /// Where a record is none of ours.
    pub(crate) fn add_up(records: Vec<Vec<u8>>) -> Result<Self, prost::DecodeError> {
        records
            .into_iter()
            .try_fold(Self::default(), |case, record| {
                Ok(case.then(Self::decode(Bytes::from(record))?))
            })
    }

    /// Takes in what an event recorded; what it does not speak of stays.
    pub(crate) fn then(mut self, event: Self) -> Self {
        let Self {
            name,
            request_id,
            state,
            request,
            decision,
            result,
            events: _,
            receipt: _,
            received_at,
            updated_at,
            exercise,
        } = event;
        if !name.is_empty() {
            (self.name, self.request_id) = (name, request_id);
            (self.received_at, self.exercise) = (received_at, exercise);
        }
        self.state = state;
        self.updated_at = updated_at;
        self.request = request.or(self.request);
        self.decision = decision.or(self.decision);
        self.result = result.or(self.result);
        self
    }

    /// SHA-256 of the request; zeros where there is none.
    pub(crate) fn request_digest(&self) -> Digest {
        let request = self.request.as_deref();
        request.map_or(Digest([0; 32]), super::digest_of)
    }

    /// The same with every part taken apart.
    ///
    /// # Errors
    /// Where a part is not of its type.
    pub(crate) fn open(&self) -> Result<v1::Case, prost::DecodeError> {
        v1::Case::decode(self.encode_to_vec().as_slice())
    }
}

impl SubmitResponse {
    /// The same with every part taken apart.
    ///
    /// # Errors
    /// Where a part is not of its type.
    pub(crate) fn open(&self) -> Result<v1::SubmitResponse, prost::DecodeError> {
        v1::SubmitResponse::decode(self.encode_to_vec().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes, reads and encodes again: nothing is lost and nothing moves.
    #[track_caller]
    fn check<C: Message + Default, E: Message + Default>(message: &C) {
        let bytes = message.encode_to_vec();
        let encoded = E::decode(bytes.as_slice()).unwrap();
        assert_eq!(encoded.encode_to_vec(), bytes);
    }

    fn case() -> v1::Case {
        let time = |seconds| Timestamp { seconds, nanos: 7 };
        v1::Case {
            name: "cases/1".to_owned(),
            request_id: "one".to_owned(),
            state: v1::CaseState::Concluded.into(),
            request: Some(v1::CooperationRequest {
                request_id: "one".to_owned(),
                ..v1::CooperationRequest::default()
            }),
            decision: Some(v1::Decision {
                outcome: v1::Outcome::Approved.into(),
                ..v1::Decision::default()
            }),
            result: Some(v1::Result {
                kind: v1::ResultKind::Complete.into(),
                ..v1::Result::default()
            }),
            events: vec![v1::CaseEvent {
                sequence: 1,
                ..v1::CaseEvent::default()
            }],
            receipt: Some(v1::Receipt {
                index: 3,
                ..v1::Receipt::default()
            }),
            received_at: Some(time(1)),
            updated_at: Some(time(2)),
            exercise: true,
        }
    }

    #[test]
    fn on_the_wire_they_are_the_contracts_messages() {
        let case = case();
        check::<_, Case>(&case);
        check::<_, SubmitResponse>(&v1::SubmitResponse {
            case: Some(case.clone()),
            replayed: true,
        });
        let v1::Case {
            name,
            request,
            decision,
            receipt,
            ..
        } = case;
        check::<_, DeliverRequest>(&v1::DeliverRequest {
            case: name,
            step: 1,
            request,
            decision,
            receipt,
        });
    }

    #[test]
    fn a_case_is_what_its_events_add_up_to() {
        let whole = Case::decode(case().encode_to_vec().as_slice()).unwrap();
        let opening = Case {
            state: v1::CaseState::Approved.into(),
            result: None,
            ..whole.clone()
        };
        let answer = Case {
            state: v1::CaseState::Concluded.into(),
            result: whole.result.clone(),
            updated_at: whole.updated_at,
            ..Case::default()
        };
        assert_eq!(opening.then(answer), whole);
        assert_eq!(whole.open().unwrap(), case());
    }
}
