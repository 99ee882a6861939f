//! The personal values of a request, of a report, and of what a ledger entry holds.

use bytes::Bytes;
use comity::v1;
use comity_ledger::Leaf;
use comity_store::Term;
use prost::Message as _;
use prost_types::{Struct, Value, value::Kind as Json};

use super::{Kind, named};
use crate::{report::OUTSIDE, wire::encoded};

/// Shortest part of a text that may be the number of a document, in letters and digits.
const NUMBER_MIN: usize = 5;

/// Most words in which the number of a document is written.
const NUMBER_WORDS: usize = 4;

/// Words in which it is looked for, from the first.
const WORDS_MAX: usize = 256;

/// What stands between an office and the person who acted for it.
const PART_ENDS: [char; 6] = [',', ';', '/', '(', ')', ':'];

/// The values by which an entry is found, taken from its record: the same as
/// [`of_request`] and [`of_report`] gave when it was recorded.
#[must_use]
pub(crate) fn of_record(leaf: &Leaf, record: &[u8]) -> Vec<Term> {
    let record = Bytes::copy_from_slice(record);
    let (request, form) = match leaf.kind.as_str() {
        "preflight" | "explain" | "compare" => (Some(record), None),
        _ if leaf.state.is_some() => {
            let case = encoded::Case::decode(record).unwrap_or_default();
            (case.request, case.form)
        }
        _ => (None, None),
    };
    let request = request.and_then(|request| v1::CooperationRequest::decode(request).ok());
    let mut found = request.map_or_else(Vec::new, |request| of_request(&request));
    if let Some(form) = form {
        found.extend(of_report(&leaf.kind, &form));
    }
    found
}

/// The values by which the report of an event is found that came on a form: who sent what
/// outside the system to whom.
#[must_use]
pub(crate) fn of_report(event: &str, form: &Struct) -> Vec<Term> {
    if !OUTSIDE.contains(&event) {
        return Vec::new();
    }
    let parties = ["sender", "recipient"].map(|party| form.fields.get(party));
    let parties = parties.into_iter().flatten().filter_map(object);
    let mut found: Vec<_> = parties.flat_map(of_party).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An office or provider, and who acted for it where the name says so.
fn of_party(party: &Struct) -> Vec<Term> {
    let name = text(party, "name");
    let parts = name.split(|c: char| PART_ENDS.contains(&c) || c.is_control());
    let parts = parts.filter(|part| part.split_whitespace().count() > 1);
    let mut found = Kind::Name.terms(name);
    found.extend(parts.flat_map(|part| Kind::Name.terms(part)));
    let address = text(party, "address");
    for kind in [Kind::Address, Kind::Email, Kind::Phone] {
        found.extend(kind.terms(address));
    }
    found
}

/// The values by which a request is found.
#[must_use]
pub(crate) fn of_request(request: &v1::CooperationRequest) -> Vec<Term> {
    let mut found = Vec::new();
    for person in &request.persons {
        found.extend(named(&person.name, &person.date_of_birth));
    }
    for selector in &request.selectors {
        found.extend(
            kind(selector.kind()).map_or_else(Vec::new, |kind| kind.terms(&selector.value)),
        );
    }
    let shared = request.information.as_ref();
    let forms = request.form.iter().chain(shared);
    let persons = forms.flat_map(|form| elements(form, "persons"));
    for person in persons.filter_map(object).chain(shared) {
        found.extend(of_person(person));
    }
    let target = request
        .form
        .as_ref()
        .and_then(|form| form.fields.get("target"));
    found.extend(target.and_then(object).map_or_else(Vec::new, of_target));
    for field in ["contact", "phone", "email"] {
        let contact = shared.map_or("", |shared| text(shared, field));
        found.extend(Kind::Phone.terms(contact));
        found.extend(Kind::Email.terms(contact));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whose data an order of a form aims at.
fn of_target(target: &Struct) -> Vec<Term> {
    let mut found = Kind::Name.terms(text(target, "user"));
    for identifier in elements(target, "identifiers").filter_map(object) {
        let kind = match text(identifier, "kind") {
            "account" => Kind::Account,
            "email" => Kind::Email,
            "phone" => Kind::Phone,
            "ip" => Kind::Ip,
            // Devices and what is unlike any kind.
            _ => continue,
        };
        found.extend(kind.terms(text(identifier, "value")));
    }
    found
}

fn kind(kind: v1::SelectorKind) -> Option<Kind> {
    match kind {
        v1::SelectorKind::Unspecified => None,
        v1::SelectorKind::Name => Some(Kind::Name),
        v1::SelectorKind::Iban => Some(Kind::Iban),
        v1::SelectorKind::Phone => Some(Kind::Phone),
        v1::SelectorKind::Email => Some(Kind::Email),
        v1::SelectorKind::Ip => Some(Kind::Ip),
        v1::SelectorKind::Plate => Some(Kind::Plate),
        v1::SelectorKind::Address => Some(Kind::Address),
        v1::SelectorKind::Account => Some(Kind::Account),
    }
}

/// A person as every form writes one, and as a victim is referred.
fn of_person(person: &Struct) -> Vec<Term> {
    let name = text(person, "name");
    let whole = format!("{} {name}", text(person, "first_names"));
    let born = text(person, "date_of_birth");
    let mut found = named(&whole, born);
    for alias in elements(person, "aliases").filter_map(string) {
        found.extend(named(alias, born));
    }
    found.extend(documents(text(person, "identity_document")));
    found.extend(Kind::Address.terms(text(person, "address")));
    found
}

/// The number of a document, written alone or among words.
fn documents(text: &str) -> impl Iterator<Item = Term> + '_ {
    let words: Vec<_> = text.split_whitespace().take(WORDS_MAX).collect();
    let runs = (1..=NUMBER_WORDS).flat_map(move |length| {
        let runs = words.windows(length).map(|run| run.concat());
        runs.filter(|run| is_number(run)).collect::<Vec<_>>()
    });
    let all = std::iter::once(text.to_owned()).chain(runs);
    all.flat_map(|number| Kind::Document.terms(&number))
}

fn is_number(run: &str) -> bool {
    let signs = run.chars().filter(|c| c.is_alphanumeric());
    signs.count() >= NUMBER_MIN && run.contains(|c: char| c.is_ascii_digit())
}

fn elements<'a>(structure: &'a Struct, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = match structure.fields.get(name).and_then(|one| one.kind.as_ref()) {
        Some(Json::ListValue(list)) => list.values.as_slice(),
        Some(_) | None => &[],
    };
    list.iter()
}

fn object(value: &Value) -> Option<&Struct> {
    match &value.kind {
        Some(Json::StructValue(object)) => Some(object),
        Some(_) | None => None,
    }
}

fn string(value: &Value) -> Option<&str> {
    match &value.kind {
        Some(Json::StringValue(text)) => Some(text),
        Some(_) | None => None,
    }
}

fn text<'a>(structure: &'a Struct, name: &str) -> &'a str {
    let found = structure.fields.get(name).and_then(string);
    found.unwrap_or_default()
}
