//! Messages of the contract whose large parts are encoded already: a request,
//! a decision and a result are written down once, and the same bytes go into the
//! record, to the backend and back to the requester. On the wire they are the
//! contract's own messages, since an embedded message is its length and bytes.

mod kept;

use std::sync::LazyLock;

use comity::v1;
use comity_domain::Digest;
use prost::{Message, bytes::Bytes};
use prost_types::{Struct, Timestamp};

pub(crate) use self::kept::{Added, Errand, Handover, Kept, Recall, Task, TeamAct};

/// [`v1::Case`], and what is kept beside it: as a record, [`v1::CaseRecord`].
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
    #[prost(message, repeated, tag = "12")]
    pub(crate) clocks: Vec<v1::CaseClock>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) holds: Vec<v1::Hold>,
    #[prost(message, repeated, tag = "14")]
    pub(crate) consultations: Vec<v1::Consultation>,
    #[prost(string, tag = "15")]
    pub(crate) reference: String,
    #[prost(string, tag = "16")]
    pub(crate) postponement_reason: String,
    #[prost(message, optional, tag = "17")]
    pub(crate) postponed_until: Option<Timestamp>,
    #[prost(message, repeated, tag = "18")]
    pub(crate) conditions: Vec<v1::Condition>,
    /// The form on which an event was reported; kept as `remark` is.
    #[prost(message, optional, tag = "98")]
    pub(crate) form: Option<Struct>,
    /// What the actor of an event said of it; in the event's record alone.
    #[prost(string, tag = "99")]
    pub(crate) remark: String,
    /// In records only: see [`Case::shown`].
    #[prost(message, optional, tag = "100")]
    pub(crate) kept: Option<Kept>,
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

/// What is asked of whom, of a [`v1::CooperationRequest`].
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Asked {
    #[prost(message, optional, tag = "3")]
    pub(crate) executing: Option<v1::ExecutingParty>,
    #[prost(string, tag = "5")]
    pub(crate) measure: String,
}

/// What the actor of an event said of it, which of a withdrawal is its reason, and the
/// form on which it was reported, by the event's record.
pub(crate) fn said(record: &[u8]) -> Option<(String, Option<Struct>)> {
    let case = Case::decode(record).ok()?;
    let remark = match case.remark.is_empty() {
        true => case.kept.unwrap_or_default().reason,
        false => case.remark,
    };
    Some((remark, case.form))
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
            clocks,
            holds,
            conditions,
            reference,
            postponement_reason,
            postponed_until,
            form: _,
            remark: _,
            consultations,
            kept,
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
        if !reference.is_empty() {
            self.reference = reference;
        }
        if !postponement_reason.is_empty() {
            self.postponement_reason = postponement_reason;
            self.postponed_until = postponed_until;
        }
        merge(&mut self.clocks, clocks, |clock| &clock.clock_id);
        merge(&mut self.holds, holds, |hold| &hold.clock_id);
        merge(&mut self.conditions, conditions, |one| &one.obligation_id);
        if !consultations.is_empty() {
            self.consultations = consultations;
        }
        self.kept = match (self.kept, kept) {
            (Some(before), Some(event)) => Some(before.then(event)),
            (before, event) => event.or(before),
        };
        self
    }

    /// What the contract shows of it.
    pub(crate) fn shown(self) -> Self {
        Self { kept: None, ..self }
    }

    /// What is kept beside it.
    pub(crate) fn kept(&self) -> &Kept {
        static NOTHING: LazyLock<Kept> = LazyLock::new(Kept::default);
        self.kept.as_ref().unwrap_or(&NOTHING)
    }

    /// SHA-256 of the request; zeros where there is none.
    pub(crate) fn request_digest(&self) -> Digest {
        let request = self.request.as_deref();
        request.map_or(Digest([0; 32]), super::digest_of)
    }

    /// What the request asks of whom; nothing where there is none, or it is not readable.
    pub(crate) fn asked(&self) -> Option<Asked> {
        Asked::decode(self.request.clone()?).ok()
    }

    /// The same with every part taken apart.
    ///
    /// # Errors
    /// Where a part is not of its type.
    pub(crate) fn open(&self) -> Result<v1::Case, prost::DecodeError> {
        v1::Case::decode(self.encode_to_vec().as_slice())
    }

    /// The same with what is kept beside it.
    ///
    /// # Errors
    /// Where a part is not of its type.
    pub(crate) fn open_record(&self) -> Result<v1::CaseRecord, prost::DecodeError> {
        v1::CaseRecord::decode(self.encode_to_vec().as_slice())
    }
}

impl SubmitResponse {
    /// An answer with what may be shown of a case.
    pub(crate) fn of(case: Case, replayed: bool) -> Self {
        Self {
            case: Some(case.shown()),
            replayed,
        }
    }

    /// The same with every part taken apart.
    ///
    /// # Errors
    /// Where a part is not of its type.
    pub(crate) fn open(&self) -> Result<v1::SubmitResponse, prost::DecodeError> {
        v1::SubmitResponse::decode(self.encode_to_vec().as_slice())
    }
}

/// Takes in what changed of a list, by id.
pub(crate) fn merge<T>(list: &mut Vec<T>, changed: Vec<T>, id: impl Fn(&T) -> &str) {
    for one in changed {
        let mut known = list.iter_mut();
        match known.find(|known| id(known) == id(&one)) {
            Some(known) => *known = one,
            None => list.push(one),
        }
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
            clocks: ["one", "two"]
                .map(|id| clock(id, v1::ClockState::Running))
                .into(),
            reference: "FR-1".to_owned(),
            postponement_reason: "art 15(1)(a)".to_owned(),
            postponed_until: Some(time(3)),
            holds: vec![v1::Hold {
                clock_id: "one".to_owned(),
                ..v1::Hold::default()
            }],
            conditions: vec![condition(v1::ConditionState::Confirmed)],
            consultations: vec![v1::Consultation {
                task: "tasks/1-1".to_owned(),
                ..v1::Consultation::default()
            }],
        }
    }

    fn condition(state: v1::ConditionState) -> v1::Condition {
        v1::Condition {
            obligation_id: "act-1".to_owned(),
            state: state.into(),
            ..v1::Condition::default()
        }
    }

    fn clock(id: &str, state: v1::ClockState) -> v1::CaseClock {
        v1::CaseClock {
            clock_id: id.to_owned(),
            state: state.into(),
            ..v1::CaseClock::default()
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

    /// A record in which nothing is left out.
    fn record() -> v1::CaseRecord {
        let time = |seconds| Timestamp { seconds, nanos: 7 };
        let amount = |events| v1::KeptAmount { events, bytes: 300 };
        let case = case();
        let kept = v1::CaseKept {
            language: "fr".to_owned(),
            step: 3,
            tasks: vec![v1::KeptTask {
                number: 2,
                referral: Some(v1::Referral {
                    question: "Is it proportionate?".to_owned(),
                    ..v1::Referral::default()
                }),
                state: v1::ReviewTaskState::Answered.into(),
                opened_at: Some(time(4)),
                opinions: vec![v1::ReviewOpinion {
                    subject: "CN=A. Durand".to_owned(),
                    verdict: v1::ReviewVerdict::Refuse.into(),
                    reasons: "The file does not say.".to_owned(),
                    ..v1::ReviewOpinion::default()
                }],
            }],
            recall: Some(v1::KeptRecall {
                step: 3,
                reason: "discontinued".to_owned(),
                ended: true,
            }),
            handover: Some(v1::KeptHandover {
                step: 2,
                request: case.request.clone(),
                decision: case.decision.clone(),
            }),
            reason: "discontinued".to_owned(),
            held: case.result.clone(),
            team_acts: vec![v1::KeptTeamAct {
                jurisdiction: "DE".to_owned(),
                left: true,
                at: Some(time(5)),
                conditions: vec![v1::Obligation {
                    obligation_id: "act-1".to_owned(),
                    ..v1::Obligation::default()
                }],
            }],
            issuing_added: Some(amount(1)),
            executing_added: Some(amount(2)),
            reviewing_added: Some(amount(3)),
            evidence_read: true,
        };
        let shown = v1::CaseRecord::decode(case.encode_to_vec().as_slice()).unwrap();
        v1::CaseRecord {
            form: Some(Struct {
                fields: [("means".to_owned(), prost_types::Value::default())].into(),
            }),
            remark: "by courier".to_owned(),
            kept: Some(kept),
            ..shown
        }
    }

    #[test]
    fn a_record_is_the_contracts_and_a_case_with_what_is_kept() {
        let record = record();
        check::<_, Case>(&record);
        let own = Case::decode(record.encode_to_vec().as_slice()).unwrap();
        assert_eq!(own.open_record().unwrap(), record);
        // What a case has, its record has under the same number, of the same type.
        let pool = prost_reflect::DescriptorPool::decode(comity::DESCRIPTORS).unwrap();
        let fields = |name: &str| -> Vec<_> {
            let message = pool.get_message_by_name(name).unwrap();
            let fields = message.fields();
            let field = |field: prost_reflect::FieldDescriptor| {
                let kind = format!("{:?}", field.kind());
                (
                    field.number(),
                    field.name().to_owned(),
                    field.is_list(),
                    kind,
                )
            };
            fields.map(field).collect()
        };
        let of_record = fields("comity.v1.CaseRecord");
        for field in fields("comity.v1.Case") {
            assert!(of_record.contains(&field), "{field:?}");
        }
    }

    #[test]
    fn what_is_kept_beside_a_case_is_not_shown() {
        let case = Case {
            kept: Some(Kept {
                reason: "secret".to_owned(),
                ..Kept::default()
            }),
            ..Case::decode(case().encode_to_vec().as_slice()).unwrap()
        };
        assert_eq!(case.open().unwrap(), self::case());
        let answer = SubmitResponse::of(case, false).encode_to_vec();
        assert!(!answer.windows(6).any(|bytes| bytes == b"secret"));
    }

    #[test]
    fn tasks_and_steps_are_what_events_add_up_to() {
        let task = |number, state: v1::ReviewTaskState| Task {
            number,
            state: state.into(),
            ..Task::default()
        };
        let open = v1::ReviewTaskState::Open;
        let before = Case {
            kept: Some(Kept {
                language: "fr".to_owned(),
                step: 1,
                tasks: vec![task(1, open), task(2, open)],
                ..Kept::default()
            }),
            ..Case::default()
        };
        let event = Case {
            kept: Some(Kept {
                step: 2,
                tasks: vec![task(2, v1::ReviewTaskState::Answered), task(3, open)],
                recall: Some(Recall {
                    step: 2,
                    ..Recall::default()
                }),
                ..Kept::default()
            }),
            ..Case::default()
        };
        let kept = before.then(event).then(Case::default()).kept.unwrap();
        let answered = v1::ReviewTaskState::Answered;
        assert_eq!(
            kept.tasks,
            [task(1, open), task(2, answered), task(3, open)]
        );
        assert_eq!((kept.language.as_str(), kept.step), ("fr", 2));
        assert!(kept.is_recalling() && !kept.is_handed_over());
    }

    #[test]
    fn a_case_is_what_its_events_add_up_to() {
        let whole = Case::decode(case().encode_to_vec().as_slice()).unwrap();
        let opening = Case {
            state: v1::CaseState::Approved.into(),
            result: None,
            clocks: vec![clock("one", v1::ClockState::Waiting)],
            conditions: vec![condition(v1::ConditionState::Open)],
            reference: String::new(),
            postponement_reason: "before".to_owned(),
            postponed_until: None,
            ..whole.clone()
        };
        let answer = Case {
            state: v1::CaseState::Concluded.into(),
            result: whole.result.clone(),
            updated_at: whole.updated_at,
            clocks: whole.clocks.clone(),
            conditions: whole.conditions.clone(),
            reference: whole.reference.clone(),
            postponement_reason: whole.postponement_reason.clone(),
            postponed_until: whole.postponed_until,
            form: Some(Struct::default()),
            remark: "only of this event".to_owned(),
            ..Case::default()
        };
        assert_eq!(opening.then(answer), whole);
        assert_eq!(whole.open().unwrap(), case());
    }
}
