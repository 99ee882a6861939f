//! A request that is right, and every way in which it can be wrong.

use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

use super::*;
use crate::wire::json;

/// 2026-02-01T00:00:00Z, an hour after the request below was signed.
const NOW: i64 = 1_769_904_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A request with every field set.
fn full() -> v1::CooperationRequest {
    let request = json!({
        "request_id": "DE-2026/0001",
        "issuing": {
            "jurisdiction": "DE",
            "authority": "sta-berlin",
            "responsible": {"name": "E. Muster", "function": "Staatsanwältin", "contact": "+49301"},
        },
        "executing": {"jurisdiction": "FR", "authority": "pr-paris"},
        "instrument": "eio",
        "measure": "data.subscriber",
        "offences": [{
            "provision": "StGB 263",
            "description": "fraud",
            "category": "D20",
            "iccs": "0701",
            "max_penalty_months": 60,
            "life_possible": false,
            "death_possible": false,
        }, {"provision": "StGB 267"}],
        "persons": [{
            "role": "PERSON_ROLE_SUSPECT",
            "name": "A. Muster",
            "date_of_birth": "2000-01-31",
            "nationality": "DE",
            "residence": "FR",
        }],
        "selectors": [{
            "kind": "SELECTOR_KIND_IBAN",
            "value": "DE89370400440532013000",
            "from": "2025-01-01T00:00:00Z",
            "until": "2025-02-01T00:00:00Z",
        }],
        "urgency": {"level": "URGENCY_LEVEL_URGENT", "reason": "the hearing is tomorrow"},
        "purpose": "prosecution",
        "language": "fr",
        "validation": {
            "authority": "ag-berlin",
            "authority_kind": "judge",
            "validated_at": "2026-01-31T20:00:00Z",
        },
        "assurances": [{
            "kind": "no-death-penalty",
            "text": "none will be sought",
            "given_by": "BMJ",
            "given_at": "2026-01-30T00:00:00Z",
        }],
        "facts": {
            "case.merged": {"truth": true},
            "offence.loss_eur": {"number": "12000"},
            "person.privilege": {"text": "none"},
            "data.kinds": {"set": {"values": ["b", "a", "b"]}},
        },
        "form": {"section_a": {"copies": 2}},
        "issued_at": "2026-01-31T23:00:00Z",
        "exercise": true,
    });
    json::parse(&request.to_string()).unwrap()
}

/// Changes the full request and compares the fields found wrong.
#[track_caller]
fn wrong(change: impl FnOnce(&mut v1::CooperationRequest), fields: &[&str]) {
    let mut message = full();
    change(&mut message);
    let violations = request(message, now()).unwrap_err();
    let found: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(found, fields);
}

/// Changes the full request, which stays well-formed.
#[track_caller]
fn right(change: impl FnOnce(&mut v1::CooperationRequest)) -> Request {
    let mut message = full();
    change(&mut message);
    request(message, now()).unwrap().0
}

#[test]
fn everything_stated_arrives() {
    let (request, form) = request(full(), now()).unwrap();
    assert_eq!(request.id.as_str(), "DE-2026/0001");
    assert_eq!(request.issuing.0.as_str(), "DE");
    assert_eq!(request.executing_authority.unwrap().as_str(), "pr-paris");
    assert_eq!(request.offences[0].max_penalty_months, Some(60));
    assert_eq!(request.offences[1].max_penalty_months, None);
    assert_eq!(request.persons[0].age_years, Some(26));
    assert_eq!(request.urgency, Urgency::Urgent);
    assert_eq!(request.validation.unwrap().authority_kind.as_ref(), "judge");
    assert!(request.purpose_stated && request.exercise);
    assert_eq!(form, Some(json!({"section_a": {"copies": 2}})));
    let fact = |name: &str| request.facts[name].value.clone();
    assert_eq!(fact("offence.loss_eur"), FactValue::Number(12_000));
    assert_eq!(
        fact("data.kinds"),
        FactValue::Set(vec!["a".into(), "b".into()])
    );
}

#[test]
fn what_is_empty_is_unknown() {
    let request = right(|m| {
        m.instrument.clear();
        m.language.clear();
        m.purpose = " ".to_owned();
        m.executing.as_mut().unwrap().authority.clear();
        m.offences[0].category = Some(String::new());
        m.persons[0].date_of_birth.clear();
        m.persons[0].nationality.clear();
        m.urgency = None;
        m.validation = None;
        m.form = None;
    });
    assert!(request.instrument.is_none() && request.language.is_none());
    assert!(request.executing_authority.is_none() && request.validation.is_none());
    assert!(request.offences[0].category.is_none() && !request.purpose_stated);
    assert!(request.persons[0].age_years.is_none() && request.persons[0].nationality.is_none());
    assert_eq!(request.urgency, Urgency::Routine);
}

#[test]
fn an_empty_message_names_all_that_must_be_there() {
    let violations = request(v1::CooperationRequest::default(), now()).unwrap_err();
    let found: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(
        found,
        ["request_id", "issuing", "executing", "measure", "issued_at"]
    );
}

#[test]
fn parties() {
    let issuing = |m: &mut v1::CooperationRequest| m.issuing.take().unwrap_or_default();
    wrong(
        |m| {
            m.issuing = Some(v1::IssuingParty {
                jurisdiction: "de".to_owned(),
                ..issuing(m)
            })
        },
        &["issuing.jurisdiction"],
    );
    wrong(
        |m| {
            m.issuing = Some(v1::IssuingParty {
                authority: String::new(),
                ..issuing(m)
            })
        },
        &["issuing.authority"],
    );
    wrong(
        |m| m.executing.as_mut().unwrap().authority = "X".to_owned(),
        &["executing.authority"],
    );
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    wrong(
        |m| {
            m.issuing
                .as_mut()
                .unwrap()
                .responsible
                .as_mut()
                .unwrap()
                .name = long
        },
        &["issuing.responsible.name"],
    );
}

#[test]
fn offences() {
    wrong(
        |m| m.offences[1].provision.clear(),
        &["offences[1].provision"],
    );
    wrong(
        |m| m.offences[1].category = Some("Ä".to_owned()),
        &["offences[1].category"],
    );
    wrong(
        |m| m.offences[0].iccs = Some("070".to_owned()),
        &["offences[0].iccs"],
    );
    wrong(
        |m| m.offences[1].max_penalty_months = Some(12_001),
        &["offences[1].max_penalty_months"],
    );
    wrong(
        |m| m.offences[0].description = "x".repeat(4097),
        &["offences[0].description"],
    );
    wrong(
        |m| m.offences = vec![m.offences[1].clone(); OFFENCES_MAX + 1],
        &["offences"],
    );
}

#[test]
fn persons() {
    wrong(|m| m.persons[0].role = 0, &["persons[0].role"]);
    wrong(|m| m.persons[0].role = 99, &["persons[0].role"]);
    wrong(
        |m| m.persons[0].nationality = "DE-BE".to_owned(),
        &["persons[0].nationality"],
    );
    for day in [
        "31.01.2000",
        "2000-02-30",
        "2000-1-1",
        "2027-01-01",
        "1800-01-01",
        "2000-01-01T00",
    ] {
        wrong(
            |m| m.persons[0].date_of_birth = day.to_owned(),
            &["persons[0].date_of_birth"],
        );
    }
}

#[test]
fn age_is_counted_on_the_day_of_the_request() {
    let age =
        |born: &str| right(|m| m.persons[0].date_of_birth = born.to_owned()).persons[0].age_years;
    assert_eq!(age("2008-01-31"), Some(18));
    assert_eq!(age("2008-02-01"), Some(17));
    assert_eq!(age("2026-01-31"), Some(0));
}

#[test]
fn selectors() {
    wrong(|m| m.selectors[0].kind = 0, &["selectors[0].kind"]);
    wrong(|m| m.selectors[0].value.push('1'), &["selectors[0].value"]);
    wrong(
        |m| {
            m.selectors[0].until = m.selectors[0].from.map(|t| prost_types::Timestamp {
                seconds: t.seconds - 1,
                nanos: 0,
            })
        },
        &["selectors[0].until"],
    );
}

#[test]
fn urgency_above_routine_needs_a_reason() {
    wrong(
        |m| m.urgency.as_mut().unwrap().reason.clear(),
        &["urgency.reason"],
    );
    wrong(
        |m| m.urgency.as_mut().unwrap().level = 9,
        &["urgency.level"],
    );
    let routine = right(|m| m.urgency = Some(v1::Urgency::default()));
    assert_eq!(routine.urgency, Urgency::Routine);
}

#[test]
fn times() {
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    wrong(|m| m.issued_at = at(NOW + 301), &["issued_at"]);
    wrong(|m| m.issued_at = at(i64::MIN), &["issued_at"]);
    wrong(
        |m| m.validation.as_mut().unwrap().validated_at = None,
        &["validation.validated_at"],
    );
    wrong(
        |m| m.assurances[0].given_at = at(i64::MAX),
        &["assurances[0].given_at"],
    );
    let nanos = Some(prost_types::Timestamp {
        seconds: NOW,
        nanos: -1,
    });
    wrong(|m| m.issued_at = nanos, &["issued_at"]);
}

#[test]
fn texts_and_kinds() {
    wrong(|m| m.language = "français".to_owned(), &["language"]);
    wrong(|m| m.purpose = "x".repeat(TEXT_BYTES_MAX + 1), &["purpose"]);
    wrong(
        |m| m.assurances[0].kind = "None!".to_owned(),
        &["assurances[0].kind"],
    );
    wrong(
        |m| m.validation.as_mut().unwrap().authority_kind = "clerk".to_owned(),
        &["validation.authority_kind"],
    );
}

#[test]
fn facts() {
    use v1::fact_value::Value;
    let fact = |value| v1::FactValue { value };
    let state = |name: &str, value: Option<Value>, fields: &[&str]| {
        wrong(
            |m| drop(m.facts.insert(name.to_owned(), fact(value.clone()))),
            fields,
        );
    };
    state("x.y", None, &[r#"facts["x.y"]"#]);
    state("Erika Muster", Some(Value::Truth(true)), &["facts"]);
    state(
        "x",
        Some(Value::Text("x".repeat(TEXT_BYTES_MAX + 1))),
        &[r#"facts["x"]"#],
    );
    let set = |members| Some(Value::Set(v1::FactValueSet { values: members }));
    state(
        "x",
        set(vec![String::new(); FACTS_MAX + 1]),
        &[r#"facts["x"]"#],
    );
    state(
        "x",
        set(vec!["x".repeat(LINE_BYTES_MAX + 1)]),
        &[r#"facts["x"]"#],
    );
    wrong(
        |m| {
            m.facts
                .extend((0..FACTS_MAX).map(|n| (format!("x{n}"), fact(Some(Value::Truth(true))))))
        },
        &["facts"],
    );
}

#[test]
fn many_faults_are_told_at_once() {
    wrong(
        |m| {
            m.measure.clear();
            m.persons[0].role = 0;
            m.persons[0].residence = "france".to_owned();
            m.form = Some(prost_types::Struct {
                fields: [("x".to_owned(), prost_types::Value { kind: None })].into(),
            });
        },
        &[
            "measure",
            "persons[0].residence",
            "persons[0].role",
            "form.x",
        ],
    );
}

#[test]
fn no_value_is_ever_repeated() {
    let secret = || "Mustermann\u{7}".repeat(500);
    let mut m = full();
    (m.request_id, m.instrument, m.measure) = (secret(), secret(), secret());
    (m.purpose, m.language) = (secret(), secret());
    let issuing = m.issuing.as_mut().unwrap();
    (issuing.jurisdiction, issuing.authority) = (secret(), secret());
    let executing = m.executing.as_mut().unwrap();
    (executing.jurisdiction, executing.authority) = (secret(), secret());
    let person = &mut m.persons[0];
    (person.name, person.date_of_birth) = (secret(), secret());
    (person.nationality, person.residence) = (secret(), secret());
    m.selectors[0].value = secret();
    (m.offences[0].provision, m.offences[0].description) = (secret(), secret());
    (m.offences[0].category, m.offences[0].iccs) = (Some(secret()), Some(secret()));
    let validation = m.validation.as_mut().unwrap();
    (validation.authority, validation.authority_kind) = (secret(), secret());
    let assurance = &mut m.assurances[0];
    (assurance.kind, assurance.text, assurance.given_by) = (secret(), secret(), secret());
    m.facts.insert(secret(), v1::FactValue::default());
    let violations = request(m, now()).unwrap_err();
    assert_eq!(violations.len(), 24);
    for Violation { field, description } in violations {
        assert!(
            !field.contains("Muster") && !description.contains("Muster"),
            "{field}"
        );
    }
}

#[test]
fn a_supplement_completes_the_request() {
    let mut message = full();
    message.validation = None;
    let supplement_message: v1::SupplementRequest = json::parse(
        r#"{
          "name": "cases/0b0e7f0a-7b1f-4c59-9d4e-0b8a6f0b6a11",
          "request_id": "s-1",
          "facts": {"offence.loss_eur": {"number": "5"}, "new": {"truth": true}},
          "validation": {"authority": "ag-berlin"}
        }"#,
    )
    .unwrap();
    let case = supplement(&mut message, supplement_message).unwrap();
    assert_eq!(case.as_str(), "0b0e7f0a-7b1f-4c59-9d4e-0b8a6f0b6a11");
    assert_eq!(message.facts.len(), 5);
    assert_eq!(message.validation.unwrap().authority, "ag-berlin");
    assert!(message.form.is_some());
    assert_eq!(message.assurances.len(), 1);
}

#[test]
fn a_supplement_that_names_no_case_changes_nothing() {
    let mut message = full();
    let violations = supplement(&mut message, v1::SupplementRequest::default()).unwrap_err();
    let fields: Vec<_> = violations
        .iter()
        .map(|found| found.field.as_str())
        .collect();
    assert_eq!(fields, ["name", "request_id", "facts"]);
    assert_eq!(message, full());
}

#[test]
fn waits_are_bounded() {
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    assert_eq!(wait(None), Ok(Duration::ZERO));
    assert_eq!(wait(seconds(60)), Ok(WAIT_MAX));
    assert!(wait(seconds(61)).is_err() && wait(seconds(-1)).is_err());
    for nanos in [1_000_000_000, -1, i32::MIN] {
        let wrong = wait(Some(prost_types::Duration { seconds: 2, nanos }));
        assert!(wrong.unwrap_err()[0].description.contains("`nanos`"));
    }
}

#[test]
fn states_go_there_and_back() {
    for state in CaseState::ALL {
        assert_eq!(
            case_state(crate::wire::to_proto::case_state(state)),
            Some(state)
        );
    }
}

/// How many faults a message was refused for; `None` when it was not.
fn faults(message: v1::CooperationRequest) -> Option<usize> {
    request(message, now())
        .err()
        .map(|violations| violations.len())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(message) = v1::CooperationRequest::decode(bytes.as_slice()) {
            prop_assert!(faults(message).is_none_or(|faults| faults > 0));
        }
    }

    /// Most changed bytes still decode, so that this reaches deeper.
    #[test]
    fn a_damaged_request_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = full().encode_to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = v1::CooperationRequest::decode(bytes.as_slice()) {
            prop_assert!(faults(message).is_none_or(|faults| faults > 0));
        }
    }
}
