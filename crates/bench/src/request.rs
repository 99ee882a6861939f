//! The exchange: a lawful request of a kibibyte and an answer of a kibibyte.
//! One police force asks another under Directive (EU) 2023/977, which needs no
//! form and no judge.

use comity::v1::{
    Case, CaseState, CooperationRequest, ExecutingParty, IssuingParty, Offence, ResponsiblePerson,
    Result as Executed, ResultKind, Selector, SelectorKind, SubmitRequest, SubmitResponse, Urgency,
    UrgencyLevel,
};
use prost::Message as _;
use prost_types::{Duration, Struct, Timestamp, Value, value::Kind};

/// The State that asks.
pub(crate) const ISSUING: &str = "DE";
/// Who asks in it.
pub(crate) const ISSUING_AUTHORITY: &str = "bka";
/// The State that is asked.
pub(crate) const EXECUTING: &str = "FR";
/// Who is asked in it.
pub(crate) const EXECUTING_AUTHORITY: &str = "dnpj-spoc";

/// Size of a request and of an answer, in bytes.
const BYTES: usize = 1024;
/// 1 September 2026, 08:00 UTC: the day whose law is applied.
const ISSUED: Timestamp = Timestamp {
    seconds: 1_788_249_600,
    nanos: 0,
};

/// Makes the `n`th request.
pub(crate) type Requests = fn(u64) -> SubmitRequest;

/// The `n`th request of those where a life is at risk.
pub(crate) fn emergency(n: u64) -> SubmitRequest {
    let mut message = bench_request(n);
    if let Some(request) = &mut message.request {
        request.request_id = format!("emergency-{n:012}");
        request.urgency = Some(Urgency {
            level: UrgencyLevel::Emergency.into(),
            reason: "a life is at risk".to_owned(),
        });
    }
    message
}

/// The `n`th request: of one size, and approved without anything to ask.
pub(crate) fn bench_request(n: u64) -> SubmitRequest {
    let request = CooperationRequest {
        request_id: format!("bench-{n:016}"),
        issuing: Some(IssuingParty {
            jurisdiction: ISSUING.to_owned(),
            authority: ISSUING_AUTHORITY.to_owned(),
            responsible: Some(ResponsiblePerson {
                name: "Erika Beispiel".to_owned(),
                function: "Kriminalrätin".to_owned(),
                contact: "erika.beispiel@police.example".to_owned(),
            }),
        }),
        executing: Some(ExecutingParty {
            jurisdiction: EXECUTING.to_owned(),
            authority: EXECUTING_AUTHORITY.to_owned(),
        }),
        instrument: "dir-2023-977".to_owned(),
        measure: "police.database".to_owned(),
        offences: vec![Offence {
            provision: "StGB 263".to_owned(),
            description: "Fraud by means of online shops that never delivered".to_owned(),
            category: Some("D20".to_owned()),
            max_penalty_months: Some(120),
            life_possible: Some(false),
            death_possible: Some(false),
            ..Offence::default()
        }],
        selectors: vec![Selector {
            kind: SelectorKind::Email.into(),
            value: "shop@mail.example".to_owned(),
            ..Selector::default()
        }],
        urgency: Some(Urgency {
            level: UrgencyLevel::Routine.into(),
            reason: String::new(),
        }),
        language: "en".to_owned(),
        issued_at: Some(ISSUED),
        ..CooperationRequest::default()
    };
    let mut message = SubmitRequest {
        request: Some(request),
        wait: Some(Duration {
            seconds: 10,
            nanos: 0,
        }),
        text_language: "en".to_owned(),
    };
    // The tag and length of `purpose`, and the longer lengths around it.
    let missing = BYTES.saturating_sub(message.encoded_len() + 4);
    if let Some(request) = &mut message.request {
        request.purpose = filler(missing);
    }
    message
}

/// What was found.
pub(crate) fn bench_result() -> Executed {
    let found = Value {
        kind: Some(Kind::StringValue(filler(BYTES - 34))),
    };
    Executed {
        kind: ResultKind::Complete.into(),
        data: Some(Struct {
            fields: [("subscriber".to_owned(), found)].into(),
        }),
        ..Executed::default()
    }
}

/// The answer of a backend that is asked without a gateway.
pub(crate) fn bench_answer() -> SubmitResponse {
    SubmitResponse {
        case: Some(Case {
            state: CaseState::Concluded.into(),
            result: Some(bench_result()),
            ..Case::default()
        }),
        replayed: false,
    }
}

/// Whether an exchange did all of its work.
///
/// # Errors
/// Where the case stands instead.
pub(crate) fn executed(answer: &SubmitResponse) -> Result<(), String> {
    let case = answer.case.as_ref().ok_or("an answer without a case")?;
    match case.result {
        Some(_) => Ok(()),
        None => Err(format!(
            "an answer without a result: the case is {}",
            case.state().as_str_name()
        )),
    }
}

fn filler(bytes: usize) -> String {
    "Information to detect fraud. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_answer_are_a_kibibyte() {
        for bytes in [
            bench_request(1).encoded_len(),
            bench_request(u64::MAX / 2).encoded_len(),
            bench_answer().encoded_len(),
        ] {
            assert!(bytes.abs_diff(BYTES) <= 16, "{bytes}");
        }
    }

    #[test]
    fn an_answer_without_a_result_is_no_success() {
        assert_eq!(executed(&bench_answer()), Ok(()));
        let refused = SubmitResponse {
            case: Some(Case {
                state: CaseState::Refused.into(),
                ..Case::default()
            }),
            replayed: false,
        };
        assert!(executed(&refused).unwrap_err().contains("REFUSED"));
    }
}
