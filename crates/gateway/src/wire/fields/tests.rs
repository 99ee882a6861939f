//! Records taken apart: what becomes of each part, and that nothing is lost or doubled.

use std::collections::{BTreeMap, BTreeSet};

use comity::v1;
use comity_ledger::{Fields, Hash, Leaf};
use proptest::{collection::vec, prelude::*, sample::Index};
use prost::{Message as _, bytes::Bytes};
use prost_reflect::{FieldDescriptor, Kind};
use prost_types::{Struct, Timestamp};
use serde_json::json;

use super::{
    shape::{ACCESS, CASE, EVENT, REQUEST, Shape, Take},
    shown, take_apart,
};
use crate::wire::{
    encoded::{self, Kept},
    json, structure,
};

const SALT: [u8; 32] = [7; 32];

fn leaf(kind: &str, state: Option<&str>) -> Leaf {
    Leaf {
        state: state.map(str::to_owned),
        ..Leaf::new(jiff::Timestamp::UNIX_EPOCH, kind, "gateway")
    }
}

fn decision() -> Leaf {
    leaf("decision", Some("APPROVED"))
}

fn taken(leaf: &Leaf, record: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    take_apart(leaf, record, &mut |path, value| {
        fields.push((path.to_owned(), value.to_owned()));
    });
    fields
}

fn root(leaf: &Leaf, record: &[u8]) -> Option<Hash> {
    Fields::of(take_apart, leaf, record, &SALT).root()
}

/// What a listing shows.
fn listed(leaf: &Leaf, record: &[u8]) -> Vec<String> {
    let fields = taken(leaf, record).into_iter();
    fields
        .map(|(path, value)| format!("{path}: {}", shown(leaf, &path, &value)))
        .collect()
}

fn form(value: serde_json::Value) -> Struct {
    structure::from_json(value.as_object().unwrap())
}

fn a_request() -> v1::CooperationRequest {
    let person = |name: &str| v1::Person {
        role: v1::PersonRole::Witness.into(),
        name: name.to_owned(),
        ..v1::Person::default()
    };
    v1::CooperationRequest {
        request_id: "r-1".to_owned(),
        issuing: Some(v1::IssuingParty {
            jurisdiction: "DE".to_owned(),
            authority: "sta-berlin".to_owned(),
            responsible: Some(v1::ResponsiblePerson {
                name: "Erika Beispiel".to_owned(),
                ..v1::ResponsiblePerson::default()
            }),
        }),
        measure: "data.subscriber".to_owned(),
        persons: vec![person("Max Muster"), person("Moritz Muster")],
        purpose: "to find \"him\"".to_owned(),
        facts: BTreeMap::from([(
            "immunity".to_owned(),
            v1::FactValue {
                value: Some(v1::fact_value::Value::Truth(false)),
            },
        )]),
        form: Some(form(json!({"a": {"b": [1, "x"]}, "reasons": "serious"}))),
        issued_at: Some(Timestamp {
            seconds: 86_400,
            nanos: 0,
        }),
        exercise: true,
        ..v1::CooperationRequest::default()
    }
}

fn a_case() -> Vec<u8> {
    let rule = |id: &str| {
        Some(v1::RuleReference {
            rule_id: id.to_owned(),
            ..v1::RuleReference::default()
        })
    };
    let ground = |id| v1::Ground {
        rule: rule(id),
        kind: v1::GroundKind::Mandatory.into(),
        ..v1::Ground::default()
    };
    let decision = v1::Decision {
        outcome: v1::Outcome::Refused.into(),
        grounds: vec![ground("one"), ground("two")],
        permits: vec![rule("p").unwrap(), rule("q").unwrap()],
        law_date: "2026-03-01".to_owned(),
        ..v1::Decision::default()
    };
    encoded::Case {
        name: "cases/1".to_owned(),
        state: v1::CaseState::Refused.into(),
        request: Some(a_request().encode_to_vec().into()),
        decision: Some(decision.encode_to_vec().into()),
        result: Some(Bytes::new()),
        form: Some(form(json!({"x": null}))),
        remark: "said".to_owned(),
        kept: Some(Kept {
            language: "en".to_owned(),
            ..Kept::default()
        }),
        ..encoded::Case::default()
    }
    .encode_to_vec()
}

/// What entries on record commit to: it must stay as it is.
#[test]
fn a_record_is_taken_apart_for_good() {
    let record = a_case();
    assert_eq!(
        listed(&decision(), &record),
        [
            r#"request.request_id: "r-1""#,
            r#"request.issuing.authority: "sta-berlin""#,
            r#"request.issuing.responsible: {"name":"Erika Beispiel"}"#,
            r#"request.measure: "data.subscriber""#,
            r#"request.persons[0]: {"role":"PERSON_ROLE_WITNESS","name":"Max Muster"}"#,
            r#"request.persons[1]: {"role":"PERSON_ROLE_WITNESS","name":"Moritz Muster"}"#,
            r#"request.purpose: "to find \"him\"""#,
            r#"request.facts["immunity"]: {"truth":false}"#,
            r#"request.form["a"]: {"b":[1,"x"]}"#,
            r#"request.form["reasons"]: "serious""#,
            r#"request.issued_at: "1970-01-02T00:00:00Z""#,
            r#"decision.outcome: "OUTCOME_REFUSED""#,
            r#"decision.grounds[0]: {"rule":{"ruleId":"one"},"kind":"GROUND_KIND_MANDATORY"}"#,
            r#"decision.grounds[1]: {"rule":{"ruleId":"two"},"kind":"GROUND_KIND_MANDATORY"}"#,
            r#"decision.permits: [{"ruleId":"p"},{"ruleId":"q"}]"#,
            r#"decision.law_date: "2026-03-01""#,
            "result: {}",
            r#"form["x"]: null"#,
            r#"remark: "said""#,
        ]
    );
    let root = root(&decision(), &record).unwrap();
    assert_eq!(root.to_string(), GOLDEN, "old entries commit otherwise");
}

/// Of the fields of that record.
const GOLDEN: &str = "0290ac83014b341ae5f08d2672ac9f44adade298eb8cfa02792c5c7b3de0cc53";

#[test]
fn other_records_are_taken_apart_by_their_kind() {
    let request = a_request().encode_to_vec();
    let trial = listed(&leaf("preflight", None), &request);
    assert!(trial.contains(&r#"purpose: "to find \"him\"""#.to_owned()));
    let access = v1::Access {
        category: v1::AccessCategory::Disclosure.into(),
        recipient: "court of appeal".to_owned(),
        found: 3,
        ..v1::Access::default()
    };
    assert_eq!(
        listed(&leaf("read", None), &access.encode_to_vec()),
        [
            r#"category: "ACCESS_CATEGORY_DISCLOSURE""#,
            r#"recipient: "court of appeal""#,
            r#"found: "3""#,
        ]
    );
    for kind in ["erasure", "legal-hold", "legal-hold-lifted", "pruning"] {
        let ordered = listed(&leaf(kind, None), &access.encode_to_vec());
        assert_eq!(ordered.len(), 3, "{kind}");
    }
    let other = leaf("start", None);
    assert_eq!(listed(&other, b"signed"), [r#"record: "signed""#]);
    assert!(taken(&other, b"").is_empty() && taken(&decision(), b"").is_empty());
}

/// A second value would be one that whoever decodes the record does not see.
#[test]
fn what_is_doubled_or_out_of_order_stays_whole() {
    let outcome = |outcome: v1::Outcome| {
        v1::Decision {
            outcome: outcome.into(),
            ..v1::Decision::default()
        }
        .encode_to_vec()
    };
    let twice = [
        outcome(v1::Outcome::Refused),
        outcome(v1::Outcome::Approved),
    ]
    .concat();
    let case = |decision: Vec<u8>| {
        encoded::Case {
            decision: Some(decision.into()),
            ..encoded::Case::default()
        }
        .encode_to_vec()
    };
    let paths = |record: &[u8]| -> Vec<String> {
        let fields = taken(&decision(), record).into_iter();
        fields.map(|(path, _)| path).collect()
    };
    assert_eq!(paths(&case(twice.clone())), ["decision"]);
    assert_eq!(
        paths(&[case(outcome(v1::Outcome::Refused)), case(twice)].concat()),
        ["record"]
    );
    let late = [b"\x72\x00".as_slice(), b"\x6a\x01x"].concat();
    assert_eq!(paths(&case(late)), ["decision"]);
    // Of a map, one key twice.
    let entry = b"\x72\x03\x0a\x01a".as_slice();
    let request = |facts: &[&[u8]]| {
        encoded::Case {
            request: Some(facts.concat().into()),
            ..encoded::Case::default()
        }
        .encode_to_vec()
    };
    assert_eq!(paths(&request(&[entry])), [r#"request.facts["a"]"#]);
    assert_eq!(paths(&request(&[entry, entry])), ["request.facts"]);
    // A key that reads like the end of one path and the beginning of another.
    let odd = b"\x72\x06\x0a\x04a\"].".as_slice();
    assert_eq!(paths(&request(&[odd])), ["request.facts"]);
    // A field that a later version of the contract has.
    assert_eq!(paths(&request(&[b"\x98\x06\x01"])), ["request.99"]);
}

/// Each shape by its way from a record.
fn shapes() -> Vec<&'static Shape> {
    let mut open = vec![&CASE, &REQUEST, &ACCESS];
    let mut all = Vec::new();
    while let Some(shape) = open.pop() {
        for part in shape.parts {
            if let Take::Open(inner) = part.take {
                open.push(inner);
            }
        }
        all.push(shape);
    }
    all
}

/// Whether a field is a varint on the wire.
fn is_number(field: &FieldDescriptor) -> bool {
    use Kind::{Bool, Enum, Int32, Int64, Uint32, Uint64};
    matches!(
        field.kind(),
        Bool | Enum(_) | Int32 | Int64 | Uint32 | Uint64
    )
}

/// A new field of the contract is taken apart as somebody decides.
#[test]
fn the_table_is_that_of_the_contract() {
    for shape in shapes() {
        let message = json::message(shape.message).unwrap();
        let numbers: Vec<_> = shape.parts.iter().map(|part| part.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{}", shape.message);
        for field in message.fields() {
            let known = shape.part(field.number());
            let part = known.unwrap_or_else(|| panic!("{} is new", field.full_name()));
            assert_eq!(part.name, field.name(), "{}", field.full_name());
            let kind = field.kind();
            let inner = kind.as_message().map_or("", |inner| inner.full_name());
            let fits = match part.take {
                Take::Number => !field.is_list() && is_number(&field),
                Take::Whole => !field.is_list() && !field.is_map() && !is_number(&field),
                Take::Each | Take::Together => field.is_list(),
                Take::Map => field.is_map(),
                Take::Struct => inner == "google.protobuf.Struct" && !field.is_list(),
                Take::Leave => true,
                Take::Open(shape) => inner == shape.message && !field.is_list(),
            };
            assert!(fits, "{}", field.full_name());
        }
        let beside = shape.parts.iter().map(|part| part.name);
        let beside = beside.filter(|name| message.get_field_by_name(name).is_none());
        let expected: &[&str] = match shape.message == CASE.message {
            true => &["form", "remark", "kept"],
            false => &[],
        };
        assert_eq!(beside.collect::<Vec<_>>(), expected);
        assert!(EVENT.iter().all(|name| CASE.named(name).is_some()));
    }
}

#[test]
fn every_bit_of_a_request_counts() {
    let request = v1::CooperationRequest {
        exercise: false,
        issuing: None,
        ..a_request()
    };
    let (leaf, request) = (leaf("preflight", None), request.encode_to_vec());
    let whole = root(&leaf, &request);
    for bit in 0..request.len() * 8 {
        let mut changed = request.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(root(&leaf, &changed), whole, "bit {bit}");
    }
}

/// Any field on the wire, and what may look like one.
fn a_field() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![1..24_u32, 90..102_u32, Just(1 << 20)];
    let inner = prop_oneof![vec(any::<u8>(), 0..12), Just(a_request().encode_to_vec())];
    (number, 0..7_u32, inner).prop_map(|(number, wire, inner)| {
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(u64::from(number << 3 | wire), &mut bytes);
        if wire == 2 {
            prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        }
        bytes.extend(inner);
        bytes
    })
}

/// Records, whole and broken.
fn a_record() -> impl Strategy<Value = Vec<u8>> {
    let changed = (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| {
        let mut record = a_case();
        let at = at.index(record.len());
        record[at] = byte;
        record
    });
    prop_oneof![
        vec(a_field(), 0..9).prop_map(|fields| fields.concat()),
        changed,
        vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #[test]
    fn any_record_is_taken_apart_and_every_field_proven(
        record in a_record(),
        kind in prop_oneof![Just("decision"), Just("explain"), Just("read"), Just("start")],
    ) {
        let leaf = leaf(kind, (kind == "decision").then_some("APPROVED"));
        let taken = taken(&leaf, &record);
        let paths: BTreeSet<_> = taken.iter().map(|(path, _)| path).collect();
        prop_assert_eq!(paths.len(), taken.len(), "a path comes twice");
        // Whatever it is, it can be listed.
        prop_assert_eq!(listed(&leaf, &record).len(), taken.len());
        let fields = Fields::of(take_apart, &leaf, &record, &SALT);
        prop_assert_eq!(fields.root().is_some(), !taken.is_empty());
        for (number, (path, value)) in taken.iter().enumerate() {
            let shown = fields.show(number, path, value).unwrap();
            prop_assert_eq!(Some(shown.root()), fields.root());
        }
        prop_assert_eq!(fields.show(taken.len(), "", b""), None);
    }
}
