//! JSON as `google.protobuf.Struct`.

use prost_types::{ListValue, Struct, Value as Wire, value::Kind};
use serde_json::Value;

/// The structure of a JSON object; of anything else, an empty one.
pub(crate) fn from_json(json: Value) -> Struct {
    match json {
        Value::Object(object) => Struct {
            fields: object
                .into_iter()
                .map(|(key, value)| (key, wire(value)))
                .collect(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Struct::default()
        }
    }
}

fn wire(value: Value) -> Wire {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(truth) => Kind::BoolValue(truth),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(values) => Kind::ListValue(ListValue {
            values: values.into_iter().map(wire).collect(),
        }),
        object @ Value::Object(_) => Kind::StructValue(from_json(object)),
    };
    Wire { kind: Some(kind) }
}
