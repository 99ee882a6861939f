//! The contract's JSON mapping: what the command line and the console read
//! and write.
//!
//! Names are printed in protobuf's canonical lowerCamelCase; those of the
//! `.proto` files are read as well. What is unknown is an error, never ignored.

mod ordered;

use std::{collections::BTreeSet, sync::LazyLock};

use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _,
    SerializeOptions, Value,
};
use serde_path_to_error::{Path, Segment, Track};
use thiserror::Error;

use self::ordered::{Ordered, shape};
use crate::visible::one_line;

/// Less alike than this, a name is not suggested.
const LIKENESS_MIN: f64 = 0.8;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(comity::DESCRIPTORS).ok());

/// JSON that does not stand for the message asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct JsonError {
    /// Line, from 1; 0 where the fault has no place.
    pub line: usize,
    /// Column in bytes, from 1; 0 at the end of a line.
    pub column: usize,
    /// What is wrong, without the values of the document.
    pub message: String,
}

/// Reads a message.
///
/// # Errors
/// The first place that does not fit the contract.
pub fn parse<M: Message + Name + Default>(text: &str) -> Result<M, JsonError> {
    let descriptor = descriptor::<M>()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let message = DynamicMessage::deserialize(descriptor.clone(), tracked)
        .map_err(|error| explain(&error, &track.path(), &descriptor))?;
    let nowhere = Track::new().path();
    let end = deserializer.end();
    end.map_err(|error| explain(&error, &nowhere, &descriptor))?;
    message.transcode_to().map_err(|_| internal())
}

/// Prints a message in indented lines, default values left out.
///
/// # Errors
/// A message whose text JSON cannot carry, such as a number that is infinite
/// inside a `google.protobuf.Struct`.
pub fn print<M: Message + Name>(message: &M) -> Result<String, JsonError> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message).map_err(|_| internal())?;
    let pretty = |ordered: &Ordered<'_>| serde_json::to_string_pretty(ordered);
    in_order(&dynamic, pretty).map_err(JsonError::whole)
}

fn in_order<T>(
    message: &DynamicMessage,
    write: impl FnOnce(&Ordered<'_>) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let unordered =
        message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())?;
    write(&Ordered {
        json: &unordered,
        shape: shape(message.descriptor()),
    })
}

/// A message whose texts are [`one_line`] each, for whoever shows it to people.
///
/// # Errors
/// As [`print`].
pub fn visible<M: Message + Name + Default>(message: &M) -> Result<M, JsonError> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message).map_err(|_| internal())?;
    make_visible(&mut dynamic);
    dynamic.transcode_to().map_err(|_| internal())
}

fn make_visible(message: &mut DynamicMessage) {
    message
        .fields_mut()
        .for_each(|(_, value)| value_visible(value));
}

fn value_visible(value: &mut Value) {
    match value {
        Value::String(text) => *text = one_line(text),
        Value::Message(message) => make_visible(message),
        Value::List(values) => values.iter_mut().for_each(value_visible),
        Value::Map(values) => {
            let all = std::mem::take(values).into_iter();
            values.extend(all.map(|(key, mut value)| {
                value_visible(&mut value);
                let name = key.as_str().map(one_line);
                (name.map_or(key, MapKey::String), value)
            }));
        }
        Value::Bool(_)
        | Value::I32(_)
        | Value::I64(_)
        | Value::U32(_)
        | Value::U64(_)
        | Value::F32(_)
        | Value::F64(_)
        | Value::Bytes(_)
        | Value::EnumNumber(_) => {}
    }
}

/// A message as JSON, by the names of the `.proto` files, default values left out.
///
/// # Errors
/// As [`print`].
pub fn by_name<M: Message + Name>(message: &M) -> Result<serde_json::Value, JsonError> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message).map_err(|_| internal())?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(JsonError::whole)
}

/// A message of a name as JSON, from its encoding; `None` where that is none of it.
pub(super) fn of_encoding(name: &str, encoding: &[u8]) -> Option<serde_json::Value> {
    let dynamic = DynamicMessage::decode(message(name)?, encoding).ok()?;
    in_order(&dynamic, |ordered| serde_json::to_value(ordered)).ok()
}

/// A message of the contract by its full name.
pub(super) fn message(name: &str) -> Option<MessageDescriptor> {
    POOL.as_ref()?.get_message_by_name(name)
}

fn descriptor<M: Name>() -> Result<MessageDescriptor, JsonError> {
    message(&M::full_name()).ok_or_else(internal)
}

impl JsonError {
    /// A fault of the message as a whole.
    fn whole(message: impl ToString) -> Self {
        Self {
            line: 0,
            column: 0,
            message: message.to_string(),
        }
    }
}

/// Only a build whose descriptors and types differ comes here.
fn internal() -> JsonError {
    JsonError::whole("message and descriptor do not fit")
}

fn explain(error: &serde_json::Error, path: &Path, descriptor: &MessageDescriptor) -> JsonError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let text = text.strip_suffix(&place).unwrap_or(&text);
    let quoted = |prefix| text.strip_prefix(prefix)?.strip_suffix('\'');
    let message = if let Some(name) = quoted("unrecognized field name '") {
        with_suggestion(format!("unknown field `{name}`"), name, &fields(descriptor))
    } else if let Some(name) = quoted("unrecognized enum value '") {
        let known = values(descriptor, path);
        let problem = with_suggestion(format!("unknown value `{name}`"), name, &known);
        let known: Vec<_> = known.iter().map(|value| format!("`{value}`")).collect();
        match known.as_slice() {
            [] => problem,
            known => format!("{problem}; known are {}", known.join(", ")),
        }
    } else {
        without_value(text)
    };
    let message = match path.iter().next() {
        Some(_) => format!("`{path}`: {message}"),
        None => message,
    };
    JsonError {
        line,
        column,
        message,
    }
}

fn with_suggestion(problem: String, name: &str, known: &BTreeSet<String>) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((likeness, candidate)) if likeness >= LIKENESS_MIN => {
            format!("{problem}; did you mean `{candidate}`?")
        }
        Some(_) | None => problem,
    }
}

/// Leaves out the value in `invalid type: string "…", expected …`: it may be
/// personal data.
fn without_value(text: &str) -> String {
    match text.split_once(": ").zip(text.rsplit_once(", expected ")) {
        Some(((problem @ ("invalid type" | "invalid value"), found), (_, expected))) => {
            let kind = found.split([' ', '"', '`']).next().unwrap_or_default();
            format!("{problem}: found {kind}, expected {expected}")
        }
        Some(_) | None => text.to_owned(),
    }
}

/// What may stand at a path, where that is one of listed values; that for nothing said
/// is left out.
fn values(descriptor: &MessageDescriptor, path: &Path) -> BTreeSet<String> {
    let mut at = Some(Kind::Message(descriptor.clone()));
    for segment in path {
        let (Segment::Map { key }, Some(Kind::Message(message))) = (segment, &at) else {
            // A place in a list, or a key of a map, of what stands in it.
            continue;
        };
        if message.is_map_entry() {
            at = Some(message.map_entry_value_field().kind());
            continue;
        }
        let field = message.get_field_by_json_name(key);
        let field = field.or_else(|| message.get_field_by_name(key));
        at = field.map(|field| field.kind());
    }
    let Some(Kind::Enum(listed)) = at else {
        return BTreeSet::new();
    };
    let said = listed.values().filter(|value| value.number() != 0);
    said.map(|value| value.name().to_owned()).collect()
}

/// Every name of a field that may stand somewhere in a message.
fn fields(descriptor: &MessageDescriptor) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut fields = BTreeSet::new();
    let mut open = vec![descriptor.clone()];
    while let Some(message) = open.pop() {
        if !seen.insert(message.full_name().to_owned()) {
            continue;
        }
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                open.push(inner);
            }
            fields.insert(field.json_name().to_owned());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use comity::v1;

    use super::*;

    #[track_caller]
    fn rejects(text: &str, line: usize, message: &str) {
        let error = parse::<v1::CooperationRequest>(text).unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (line, message));
    }

    #[test]
    fn there_and_back() {
        let text = r#"{
  "requestId": "r-1",
  "issuing": {
    "jurisdiction": "DE"
  },
  "persons": [
    {
      "role": "PERSON_ROLE_VICTIM"
    }
  ],
  "facts": {
    "a": {
      "number": "3"
    },
    "b": {
      "truth": false
    }
  },
  "form": {
    "x": [
      1,
      2.5,
      null
    ]
  },
  "issuedAt": "2026-01-31T12:00:00Z"
}"#;
        let request: v1::CooperationRequest = parse(text).unwrap();
        assert_eq!(request.request_id, "r-1");
        assert_eq!(print(&request).unwrap(), text);
    }

    #[test]
    fn the_names_of_the_proto_files_are_read() {
        let request: v1::CooperationRequest = parse(r#"{"request_id": "r-1"}"#).unwrap();
        assert_eq!(request.request_id, "r-1");
    }

    #[test]
    fn what_is_unknown_is_an_error_with_a_suggestion() {
        rejects(
            "{\n \"requestid\": \"r-1\"}",
            2,
            "unknown field `requestid`; did you mean `requestId`?",
        );
        rejects(r#"{"zzz": 1}"#, 1, "unknown field `zzz`");
        rejects(
            r#"{"persons": [{"role": "PERSON_ROLE_VICTIMS"}]}"#,
            1,
            "`persons[0].role`: unknown value `PERSON_ROLE_VICTIMS`; did you mean \
             `PERSON_ROLE_VICTIM`?; known are `PERSON_ROLE_SUSPECT`, \
             `PERSON_ROLE_THIRD_PARTY`, `PERSON_ROLE_VICTIM`, `PERSON_ROLE_WITNESS`",
        );
    }

    #[test]
    fn values_are_not_repeated() {
        rejects(
            r#"{"persons": "Erika, expected"}"#,
            1,
            "`persons`: invalid type: found string, expected a list",
        );
    }

    #[test]
    fn nothing_may_follow() {
        rejects("{}\n{}", 2, "trailing characters");
    }

    #[test]
    fn every_message_of_the_contract_prints() {
        assert_eq!(print(&v1::Decision::default()).unwrap(), "{}");
        assert_eq!(print(&v1::Case::default()).unwrap(), "{}");
    }
}
