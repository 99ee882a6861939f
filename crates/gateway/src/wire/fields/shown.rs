//! Values of fields, shown as the contract writes them in JSON.

use comity_ledger::Leaf;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::FieldDescriptor;
use serde_json::{Value, json};

use super::{
    Part, Shape, Take,
    shape::{CASE, EVENT},
    shape_of,
};
use crate::wire::json;

/// Shows the value of a field in the contract's JSON; as text or in hexadecimal what is
/// not of the contract.
pub(crate) fn shown(leaf: &Leaf, path: &str, value: &[u8]) -> Value {
    let shape = shape_of(leaf);
    let known = shape.and_then(|shape| of_contract(shape, path, value));
    known.unwrap_or_else(|| match std::str::from_utf8(value) {
        Ok(text) if !text.chars().any(char::is_control) => json!(text),
        Ok(_) | Err(_) => json!({"hex": hex::encode(value)}),
    })
}

fn of_contract(shape: &'static Shape, path: &str, value: &[u8]) -> Option<Value> {
    let (shape, part, place) = find(shape, path)?;
    let field = descriptor(shape, part)?;
    match (part.take, place.is_empty()) {
        (Take::Together | Take::Map, true) => of_message(&field, value),
        (Take::Whole | Take::Number | Take::Open(_) | Take::Struct, true) => {
            of_message(&field, &with_key(&field, part, value))
        }
        (Take::Each, false) => {
            let mut list = of_message(&field, &with_key(&field, part, value))?;
            list.as_array_mut()?.pop()
        }
        (Take::Struct, false) => json::of_encoding("google.protobuf.Value", value),
        (Take::Map, false) => {
            let of_value = field.kind().as_message()?.map_entry_value_field().kind();
            json::of_encoding(of_value.as_message()?.full_name(), value)
        }
        (Take::Each, true)
        | (Take::Leave, _)
        | (Take::Whole | Take::Number | Take::Open(_) | Take::Together, false) => None,
    }
}

/// The part that a path leads to, the message it is of, and where in the part.
fn find<'p>(
    mut shape: &'static Shape,
    mut path: &'p str,
) -> Option<(&'static Shape, &'static Part, &'p str)> {
    loop {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, rest) = path.split_at_checked(end)?;
        let part = shape.named(name)?;
        match (part.take, rest.strip_prefix('.')) {
            (Take::Open(inner), Some(rest)) => (shape, path) = (inner, rest),
            (_, Some(_)) => return None,
            (_, None) => return Some((shape, part, rest)),
        }
    }
}

/// The field in the contract. What an event's actor says stands in the record where the
/// contract's case has nothing, and in its event.
fn descriptor(shape: &Shape, part: &Part) -> Option<FieldDescriptor> {
    let message = match EVENT.contains(&part.name) && shape.message == CASE.message {
        true => "comity.v1.CaseEvent",
        false => shape.message,
    };
    json::message(message)?.get_field_by_name(part.name)
}

/// The value of a field in a message that has nothing else.
fn of_message(field: &FieldDescriptor, message: &[u8]) -> Option<Value> {
    let mut value = json::of_encoding(field.parent_message().full_name(), message)?;
    value.as_object_mut()?.remove(field.json_name())
}

/// A value as it stands in a message.
fn with_key(field: &FieldDescriptor, part: &Part, value: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(value.len() + 16);
    if let Take::Number = part.take {
        encode_key(field.number(), WireType::Varint, &mut message);
    } else {
        encode_key(field.number(), WireType::LengthDelimited, &mut message);
        encode_varint(value.len() as u64, &mut message);
    }
    message.extend_from_slice(value);
    message
}
