//! One order for printed JSON: fields as the contract numbers them, entries of
//! maps by their key. The dynamic messages below it keep maps in no order.

use prost_reflect::{Kind, MessageDescriptor};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::wire::structure;

/// What a JSON object stands for.
#[derive(Clone)]
pub(super) enum Shape {
    /// A message of the contract.
    Message(MessageDescriptor),
    /// A map, whose values have this shape.
    Map(Box<Shape>),
    /// Anything else.
    Free,
}

/// Field of an entry of the ledger that says which it is: of the first one too.
const INDEX: &str = "index";

/// A value that is printed in order.
pub(super) struct Ordered<'a> {
    pub(super) json: &'a Json,
    pub(super) shape: Shape,
}

/// The shape of a message; well-known types have JSON of their own.
pub(super) fn shape(message: MessageDescriptor) -> Shape {
    if message.package_name() == "google.protobuf" {
        Shape::Free
    } else {
        Shape::Message(message)
    }
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let child = |json, shape| Ordered { json, shape };
        match self.json {
            Json::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                let first = (INDEX.to_owned(), Json::from("0"));
                if self.shape.is_entry() && !object.contains_key(INDEX) {
                    entries.push((&first.0, &first.1));
                }
                entries.sort_by_key(|(name, _)| (self.shape.number(name), *name));
                to.collect_map(
                    entries
                        .into_iter()
                        .map(|(name, json)| (name, child(json, self.shape.below(name)))),
                )
            }
            Json::Array(array) => {
                to.collect_seq(array.iter().map(|json| child(json, self.shape.clone())))
            }
            // Free-form structures know doubles only; a count need not show it.
            Json::Number(number) => match number.as_f64().and_then(structure::whole) {
                Some(whole) => to.serialize_i64(whole),
                None => number.serialize(to),
            },
            Json::Null | Json::Bool(_) | Json::String(_) => self.json.serialize(to),
        }
    }
}

impl Shape {
    /// An entry of the ledger.
    fn is_entry(&self) -> bool {
        matches!(self, Self::Message(message) if message.full_name() == "comity.v1.LedgerEntry")
    }

    /// Number of a field; `None` where names alone give the order.
    fn number(&self, name: &str) -> Option<u32> {
        match self {
            Self::Message(message) => message
                .get_field_by_json_name(name)
                .map(|field| field.number()),
            Self::Map(_) | Self::Free => None,
        }
    }

    /// Shape of what stands under a name.
    fn below(&self, name: &str) -> Self {
        match self {
            Self::Message(message) => message
                .get_field_by_json_name(name)
                .map_or(Self::Free, |field| Self::of(&field.kind())),
            Self::Map(values) => (**values).clone(),
            Self::Free => Self::Free,
        }
    }

    fn of(kind: &Kind) -> Self {
        match kind.as_message() {
            None => Self::Free,
            Some(entry) if entry.is_map_entry() => {
                Self::Map(Box::new(Self::of(&entry.map_entry_value_field().kind())))
            }
            Some(message) => shape(message.clone()),
        }
    }
}
