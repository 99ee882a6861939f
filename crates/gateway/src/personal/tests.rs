//! What matches what, over drawn values; and that a record gives the values it was
//! recorded with.

use std::hash::{Hash as _, Hasher};

use comity::v1;
use comity_ledger::Leaf;
use jiff::Timestamp;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::*;
use crate::wire::{encoded, structure};

const KINDS: [Kind; 9] = [
    Kind::Name,
    Kind::Iban,
    Kind::Phone,
    Kind::Email,
    Kind::Ip,
    Kind::Plate,
    Kind::Address,
    Kind::Account,
    Kind::Document,
];

#[track_caller]
fn same(kind: Kind, values: &[&str]) {
    let first = kind.terms(values[0]);
    assert!(!first.is_empty(), "{}", values[0]);
    for value in values {
        assert!(kind.terms(value) == first, "{value}");
    }
}

/// Each finds the other.
fn meet(one: &[Term], two: &[Term]) -> bool {
    one.iter().any(|term| two.contains(term))
}

#[track_caller]
fn finds(kind: Kind, values: [&str; 2]) {
    let [one, two] = values.map(|value| kind.terms(value));
    assert!(meet(&one, &two), "{values:?}");
}

#[track_caller]
fn other(kind: Kind, values: [&str; 2]) {
    let [one, two] = values.map(|value| kind.terms(value));
    assert!(
        !one.is_empty() && !two.is_empty() && !meet(&one, &two),
        "{values:?}"
    );
}

#[track_caller]
fn nothing(kind: Kind, values: &[&str]) {
    for value in values {
        assert!(kind.terms(value).is_empty(), "{value}");
    }
}

#[test]
fn names() {
    same(
        Kind::Name,
        &[
            "Jean-Luc Müller",
            "MÜLLER, Jean-Luc",
            "  müller\tjean‐luc ",
            "Mu\u{308}ller Jean-Luc",
            "Jean-Luc Mül\u{ad}ler",
            "Ｊｅａｎ-Luc Müller",
        ],
    );
    same(Kind::Name, &["Weiß", "WEISS", "Weiẞ"]);
    same(Kind::Name, &["Παπάς Ὀδυσσεύς", "ΠΑΠΆΣ ὈΔΥΣΣΕΎΣ"]);
    same(
        Kind::Name,
        &["O'Neill", "O’Neill", "o\u{b4}neill", "O`NEILL"],
    );
    same(Kind::Name, &["Мар’яна", "Мар\u{2bc}яна", "МАР\u{2bb}ЯНА"]);
    same(Kind::Name, &["İsmail Işık", "ismail ışık", "ISMAIL IŞIK"]);
    for way in ["O Neill", "ONeill", "o’neill"] {
        finds(Kind::Name, ["O'Neill", way]);
    }
    for way in ["Al Hassan", "Alhassan", "al‐hassan"] {
        finds(Kind::Name, ["Al-Hassan", way]);
    }
    finds(Kind::Name, ["Jean-Luc O'Neill", "ONeill, Jean Luc"]);
    other(Kind::Name, ["Al Hassan", "Alhassan"]);
    other(Kind::Name, ["Jean-Luc Al-Hassan", "Jean Luc Alhassan"]);
    other(Kind::Name, ["Müller", "Mueller"]);
    other(Kind::Name, ["Müller", "Muller"]);
    other(Kind::Name, ["Jean Martin", "Jeanne Martin"]);
    other(Kind::Name, ["Martin", "Martin Martin"]);
    nothing(Kind::Name, &["", "  ", "-", "\u{200b}"]);
}

#[test]
fn a_name_with_a_day_is_another_value_than_without() {
    let term = born("Jeanne Martin", "1980-02-01");
    assert_eq!(term, born("martin JEANNE", " 1980-02-01"));
    assert!(term.len() == 1 && term != born("Jeanne Martin", "1980-02-02"));
    assert!(!meet(&term, &Kind::Name.terms("1980-02-01 Jeanne Martin")));
    for date in ["", "1.2.1980", "1980-02-30", "1980-02-01T00:00"] {
        assert!(born("Jeanne Martin", date).is_empty(), "{date}");
    }
    assert!(born("", "1980-02-01").is_empty());
}

#[test]
fn numbers_and_addresses() {
    let iban = "DE89 3704 0044 0532 0130 00";
    same(
        Kind::Iban,
        &[
            iban,
            "de89-3704-0044-0532-0130-00",
            "DE89370400440532013000",
        ],
    );
    nothing(Kind::Iban, &["", "DE88370400440532013000", "DE89"]);
    same(
        Kind::Phone,
        &[
            "+49 (0)30 123-456",
            "0049 30 123456",
            "+49/30.123456",
            "＋4930123456",
        ],
    );
    other(Kind::Phone, ["+4930123456", "+4930123457"]);
    nothing(Kind::Phone, &["", "030 123456", "+49 30 call"]);
    same(
        Kind::Email,
        &["Jeanne.Martin@Example.ORG", " jeanne.martin@example.org "],
    );
    other(
        Kind::Email,
        ["jeanne.martin@example.org", "jeannemartin@example.org"],
    );
    nothing(Kind::Email, &["", "example.org", "a b@example.org"]);
    same(Kind::Ip, &["2001:DB8:0::1", "2001:db8::1"]);
    same(
        Kind::Ip,
        &["::ffff:192.0.2.1", "192.0.2.1", " １９２.０.２.１"],
    );
    nothing(Kind::Ip, &["", "192.0.2.0/24"]);
    same(Kind::Plate, &["B-AB 1234", "b ab1234"]);
    other(Kind::Plate, ["B-AB 1234", "B-AB 1235"]);
    same(
        Kind::Address,
        &[
            "1, rue de la Paix\n75002 Paris",
            "1 RUE DE LA PAIX 75002 PARIS",
        ],
    );
    other(Kind::Address, ["1 rue de la Paix 2", "2 rue de la Paix 1"]);
    same(Kind::Account, &["Tor_Chen77", " tor_chen77 "]);
    other(Kind::Account, ["tor_chen77", "torchen77"]);
    same(Kind::Document, &["C01X-00T47", "c01x 00t47"]);
    nothing(Kind::Document, &["", " - "]);
}

#[test]
fn values_of_two_kinds_never_meet() {
    let all: Vec<_> = KINDS.iter().flat_map(|kind| kind.terms("12345")).collect();
    assert!(all.len() > 3);
    let mut kinds: Vec<_> = all.iter().map(Term::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), all.len());
}

/// A request that names people everywhere it can.
fn request() -> v1::CooperationRequest {
    let form = json!({
        "persons": [
            {"kind": "natural", "name": "Martin", "first_names": "Jeanne",
             "date_of_birth": "1980-02-01", "aliases": ["la Rousse"],
             "identity_document": "Passport C01X 00T47", "address": "1 rue de la Paix"},
            7
        ],
        "target": {
            "user": "Nils Nutzer",
            "identifiers": [
                {"kind": "account", "value": "nils77"},
                {"kind": "email", "value": "Nils@Example.org"},
                {"kind": "phone", "value": "+49 30 99"},
                {"kind": "phone", "value": "+49 30 99887766"},
                {"kind": "ip", "value": "192.0.2.7"},
                {"kind": "device", "value": "357999052888888"},
                "nils78"
            ]
        },
        "signature": {"name": "A. Beispiel"},
    });
    let victim = json!({
        "name": "Ada Opfer", "contact": "+353 1 555 01 83",
        "phone": "+353 1 555 01 84", "email": "ada@example.org",
    });
    let structure = |value: serde_json::Value| structure::from_json(value.as_object().unwrap());
    let selector = |kind: v1::SelectorKind, value: &str| v1::Selector {
        kind: kind.into(),
        value: value.to_owned(),
        ..v1::Selector::default()
    };
    v1::CooperationRequest {
        issuing: Some(v1::IssuingParty {
            responsible: Some(v1::ResponsiblePerson {
                name: "A. Beispiel".to_owned(),
                ..v1::ResponsiblePerson::default()
            }),
            ..v1::IssuingParty::default()
        }),
        persons: vec![v1::Person {
            name: "Max Muster".to_owned(),
            date_of_birth: "1971-05-06".to_owned(),
            ..v1::Person::default()
        }],
        selectors: vec![
            selector(v1::SelectorKind::Phone, "+4930123456"),
            selector(v1::SelectorKind::Name, "Muster GmbH"),
        ],
        form: Some(structure(form)),
        information: Some(structure(victim)),
        ..v1::CooperationRequest::default()
    }
}

#[test]
fn a_request_is_found_by_whom_it_concerns_and_not_by_officials() {
    let found = of_request(&request());
    let expected = [
        Kind::Name.terms("Max Muster"),
        born("Max Muster", "1971-05-06"),
        Kind::Phone.terms("+49 30 123456"),
        Kind::Name.terms("Muster GmbH"),
        Kind::Name.terms("Jeanne Martin"),
        born("Jeanne Martin", "1980-02-01"),
        Kind::Name.terms("La Rousse"),
        born("La Rousse", "1980-02-01"),
        Kind::Document.terms("C01X00T47"),
        Kind::Document.terms("00T47"),
        Kind::Document.terms("Passport C01X"),
        Kind::Document.terms("Passport C01X00T47"),
        Kind::Address.terms("1, rue de la Paix"),
        Kind::Name.terms("Nils Nutzer"),
        Kind::Account.terms("nils77"),
        Kind::Email.terms("nils@example.org"),
        Kind::Phone.terms("+493099887766"),
        Kind::Phone.terms("+493099"),
        Kind::Ip.terms("192.0.2.7"),
        Kind::Name.terms("Ada Opfer"),
        Kind::Phone.terms("+35315550183"),
        Kind::Phone.terms("+35315550184"),
        Kind::Email.terms("ada@example.org"),
    ];
    let mut expected: Vec<_> = expected.concat();
    expected.sort();
    assert_eq!(found.len(), expected.len());
    assert!(found == expected, "{found:?} is not {expected:?}");
    assert!(!meet(&found, &Kind::Name.terms("A. Beispiel")));
}

/// A record of what was sent by courier.
fn transmission() -> prost_types::Struct {
    let form = json!({
        "sent_at": "2026-01-31T12:00:00Z",
        "sender": {"name": "Dublin Circuit Court, Orla Absender", "address": "orla@courts.example"},
        "recipient": {"name": "Muster, Max", "address": "1 rue Exemple"},
        "files": [{"name": "Erika Musterfrau.pdf", "size": 1}],
        "explanation": "Nils Nutzer was away",
    });
    structure::from_json(form.as_object().unwrap())
}

/// Whoever changes what is expected here gives [`EXTRACTOR`] another number.
#[test]
fn a_transmission_is_found_by_its_parties_alone() {
    let found = of_report("transmitted-otherwise", &transmission());
    let expected = [
        Kind::Name.terms("Dublin Circuit Court Orla Absender"),
        Kind::Name.terms("Dublin Circuit Court"),
        Kind::Name.terms("Absender, Orla"),
        Kind::Email.terms("orla@courts.example"),
        Kind::Address.terms("orla@courts.example"),
        Kind::Name.terms("Max Muster"),
        Kind::Address.terms("1, rue Exemple"),
    ];
    let mut expected: Vec<_> = expected.concat();
    expected.sort();
    assert!(found == expected, "{found:?} is not {expected:?}");
    assert!(of_report("acknowledged", &transmission()).is_empty());
}

/// Whoever makes this fail gives [`EXTRACTOR`] another number, and this test both.
#[test]
fn other_values_of_a_record_are_of_another_extractor() {
    let values = [
        "Jean-Luc O'Neill",
        "İsmail Weiß",
        "Мар’яна",
        "Ὀδυσσεύς",
        "DE89 3704 0044 0532 0130 00",
        "+49 (0)30 123-456",
        "Jeanne.Martin@Example.ORG",
        "::ffff:192.0.2.1",
        "1, rue de la Paix",
    ];
    let mut all = Written::default();
    for value in values {
        for kind in KINDS {
            kind.terms(value).hash(&mut all);
        }
    }
    of_request(&request()).hash(&mut all);
    let digest = hex::encode(Sha256::digest(&all.0));
    let known = "f8779271bceda690c5d25f8d0744f064dc641e4b9113e6a42c5222c3826bfbf2";
    assert_eq!((EXTRACTOR, digest.as_str()), (2, known));
}

/// Everything that is hashed.
#[derive(Default)]
struct Written(Vec<u8>);

impl Hasher for Written {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[test]
fn a_record_gives_what_it_was_recorded_with() {
    let request = request();
    let bytes = request.encode_to_vec();
    let leaf = |kind| Leaf::new(Timestamp::UNIX_EPOCH, kind, "somebody");
    assert!(of_record(&leaf("preflight"), &bytes) == of_request(&request));
    let case = encoded::Case {
        request: Some(bytes.clone().into()),
        ..encoded::Case::default()
    };
    let mut decision = leaf("decision");
    decision.state = Some("APPROVED".to_owned());
    assert!(of_record(&decision, &case.encode_to_vec()) == of_request(&request));
    let report = encoded::Case {
        form: Some(transmission()),
        ..encoded::Case::default()
    };
    let mut sent = leaf("transmitted-otherwise");
    sent.state = Some("DELIVERING".to_owned());
    let of_sent = of_record(&sent, &report.encode_to_vec());
    assert!(of_sent == of_report("transmitted-otherwise", &transmission()));
    assert!(of_record(&leaf("read"), &bytes).is_empty());
    assert!(of_record(&decision, b"\xff\xff").is_empty());
}

#[test]
fn what_is_looked_for_shows_nowhere() {
    let shown = format!("{:?}", of_request(&request()));
    assert!(shown.contains("phone"), "{shown}");
    for secret in ["muster", "4930", "martin", "1980"] {
        assert!(!shown.to_lowercase().contains(secret), "{shown}");
    }
}

/// Words in scripts that requests are written in.
fn words() -> impl Strategy<Value = Vec<String>> {
    let word = "[a-zà-öø-ÿāăąćčďđēęěğīıłńňőœřśşšţťūůűźżžßẞα-ωάέήίόύώа-яёієїґ]{1,9}";
    prop::collection::vec(word, 1..5)
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own(value in "\\PC{0,40}") {
        for once in normal::name(&value) {
            prop_assert_eq!(normal::name(&once), vec![once]);
        }
        for normal in [
            normal::words, normal::signs, normal::account, normal::email,
            normal::iban, normal::phone, normal::ip, normal::date,
        ] {
            if let Some(once) = normal(&value) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
                prop_assert!(!once.is_empty());
            }
        }
    }

    #[test]
    fn writing_does_not_matter(words in words(), turn in 0..5usize, between in "[ ,.\u{a0}-]{1,3}") {
        let plain = words.join(" ");
        let mut turned = words.clone();
        turned.rotate_left(turn % words.len());
        let written = [
            plain.to_uppercase(),
            plain.nfd().collect(),
            plain.nfkd().collect::<String>().to_uppercase(),
            turned.join(&between),
            plain.chars().flat_map(|c| ['\u{200b}', c]).collect(),
        ];
        for one in written {
            prop_assert!(meet(&Kind::Name.terms(&one), &Kind::Name.terms(&plain)));
        }
    }

    #[test]
    fn another_name_is_another_value(one in "[a-z]{1,9}( [a-z]{1,9}){0,3}", two in "[a-z]{1,9}( [a-z]{1,9}){0,3}") {
        let sorted = |name: &str| {
            let mut words: Vec<_> = name.split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        let equal = Kind::Name.terms(&one) == Kind::Name.terms(&two);
        prop_assert_eq!(equal, sorted(&one) == sorted(&two));
    }

    #[test]
    fn a_number_is_found_however_it_is_divided(digits in "[1-9][0-9]{6,13}", places in prop::collection::vec(0..14usize, 0..5), sign in "[ ./()-]") {
        let mut divided = digits.clone();
        for place in places {
            let place = place.min(divided.len());
            divided.insert_str(place, &sign);
        }
        // A divided `(0)` is not drawn: it stands for the zero that is left out.
        let term = Kind::Phone.terms(&format!("+{digits}"));
        prop_assert!(!term.is_empty());
        prop_assert_eq!(&Kind::Phone.terms(&format!("+{divided}")), &term);
        prop_assert_eq!(&Kind::Phone.terms(&format!("00{divided}")), &term);
    }
}
