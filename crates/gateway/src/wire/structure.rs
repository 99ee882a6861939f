//! `google.protobuf.Struct` to JSON and back.

use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::{Map, Number, Value as Json};
use thiserror::Error;

/// Deepest nesting of a structure that is accepted.
pub const DEPTH_MAX: usize = 32;
/// Most values in one structure, nested ones included.
pub const VALUES_MAX: usize = 100_000;

/// A structure that cannot be taken as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidStructure {
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels: flatten it")]
    TooDeep,
    /// More values than [`VALUES_MAX`].
    #[error("more than {VALUES_MAX} values: send large matter as evidence")]
    TooLarge,
    /// A number that JSON does not have.
    #[error("holds a number that is infinite or not a number: leave it out")]
    NotANumber,
    /// A value of no kind.
    #[error("holds a value of no kind: set one, `null` included")]
    NoKind,
}

/// Longest name that is shown in the place of a fault.
const NAME_MAX: usize = 64;

/// Where a structure cannot be taken as JSON, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Misfit {
    /// The path inside the structure, for example `.files[0].size`; up to the first name
    /// that is not fit to be shown, and empty where it is the structure as a whole.
    pub at: String,
    /// What is wrong.
    pub why: InvalidStructure,
}

impl Misfit {
    /// The same seen from around a field of this name.
    fn in_field(self, name: &str) -> Self {
        // Others may be anything, and personal.
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        match name.len() <= NAME_MAX && name.bytes().all(is_name) && !name.is_empty() {
            true => self.below(&format!(".{name}")),
            false => Self {
                at: String::new(),
                ..self
            },
        }
    }

    fn below(self, step: &str) -> Self {
        match self.why {
            InvalidStructure::NotANumber | InvalidStructure::NoKind => Self {
                at: format!("{step}{}", self.at),
                ..self
            },
            // Nobody looks for the one too many.
            InvalidStructure::TooDeep | InvalidStructure::TooLarge => self,
        }
    }
}

impl From<InvalidStructure> for Misfit {
    fn from(why: InvalidStructure) -> Self {
        Self {
            at: String::new(),
            why,
        }
    }
}

/// The JSON object that `structure` stands for; whole numbers that a double
/// holds exactly become integers.
///
/// # Errors
/// [`Misfit`] when it is too deep, too large, or no JSON.
pub fn to_json(structure: Struct) -> Result<Map<String, Json>, Misfit> {
    object(structure, &mut Budget { values: VALUES_MAX }, DEPTH_MAX)
}

/// The structure that stands for a JSON object. Integers beyond 2^53 lose
/// their last digits: the format knows doubles only.
#[must_use]
pub fn from_json(object: &Map<String, Json>) -> Struct {
    let fields = object
        .iter()
        .map(|(name, value)| (name.clone(), value_from_json(value)));
    Struct {
        fields: fields.collect(),
    }
}

struct Budget {
    values: usize,
}

impl Budget {
    fn spend(&mut self) -> Result<(), InvalidStructure> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or(InvalidStructure::TooLarge)?;
        Ok(())
    }
}

fn object(
    structure: Struct,
    budget: &mut Budget,
    depth_left: usize,
) -> Result<Map<String, Json>, Misfit> {
    let Struct { fields } = structure;
    let below = depth_left.checked_sub(1).ok_or(InvalidStructure::TooDeep)?;
    fields
        .into_iter()
        .map(|(name, value)| match json(value, budget, below) {
            Ok(value) => Ok((name, value)),
            Err(misfit) => Err(misfit.in_field(&name)),
        })
        .collect()
}

fn array(list: ListValue, budget: &mut Budget, depth_left: usize) -> Result<Json, Misfit> {
    let ListValue { values } = list;
    let below = depth_left.checked_sub(1).ok_or(InvalidStructure::TooDeep)?;
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let value = json(value, budget, below);
            value.map_err(|misfit| misfit.below(&format!("[{index}]")))
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Json::Array)
}

fn json(value: Value, budget: &mut Budget, depth_left: usize) -> Result<Json, Misfit> {
    budget.spend()?;
    let Value { kind } = value;
    match kind.ok_or(InvalidStructure::NoKind)? {
        Kind::NullValue(_) => Ok(Json::Null),
        Kind::NumberValue(number) => Ok(number_to_json(number)?),
        Kind::StringValue(text) => Ok(Json::String(text)),
        Kind::BoolValue(truth) => Ok(Json::Bool(truth)),
        Kind::StructValue(structure) => object(structure, budget, depth_left).map(Json::Object),
        Kind::ListValue(list) => array(list, budget, depth_left),
    }
}

/// From here on neighbouring integers share a double.
const INTEGERS_EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The integer that a double stands for exactly, where it does.
pub(super) fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < INTEGERS_EXACT_BELOW).then_some(number as i64)
}

fn number_to_json(number: f64) -> Result<Json, InvalidStructure> {
    if let Some(whole) = whole(number) {
        return Ok(Json::Number(Number::from(whole)));
    }
    Number::from_f64(number)
        .map(Json::Number)
        .ok_or(InvalidStructure::NotANumber)
}

fn value_from_json(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(truth) => Kind::BoolValue(*truth),
        // Only a number wider than a double has no `as_f64`, and none is read.
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(values) => Kind::ListValue(ListValue {
            values: values.iter().map(value_from_json).collect(),
        }),
        Json::Object(object) => Kind::StructValue(from_json(object)),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(value: Value) -> Struct {
        Struct {
            fields: [("x".to_owned(), value)].into(),
        }
    }

    #[track_caller]
    fn check(kind: Kind, expected: Result<Json, InvalidStructure>) {
        assert_eq!(
            to_json(one(Value { kind: Some(kind) })).map_err(|misfit| misfit.why),
            expected.map(|x| Map::from_iter([("x".to_owned(), x)]))
        );
    }

    #[test]
    fn whole_numbers_become_integers() {
        check(Kind::NumberValue(36.0), Ok(json!(36)));
        check(Kind::NumberValue(-0.0), Ok(json!(0)));
        check(Kind::NumberValue(1.5), Ok(json!(1.5)));
        check(Kind::NumberValue(1e300), Ok(json!(1e300)));
        check(
            Kind::NumberValue(f64::NAN),
            Err(InvalidStructure::NotANumber),
        );
        check(
            Kind::NumberValue(f64::INFINITY),
            Err(InvalidStructure::NotANumber),
        );
    }

    #[test]
    fn a_value_of_no_kind_is_not_null() {
        assert_eq!(
            to_json(one(Value { kind: None })).unwrap_err(),
            Misfit {
                at: ".x".to_owned(),
                why: InvalidStructure::NoKind
            }
        );
    }

    #[test]
    fn a_fault_has_its_place_as_far_as_names_can_be_shown() {
        let list = |value| Value {
            kind: Some(Kind::ListValue(ListValue {
                values: vec![Value::from(1.0), value],
            })),
        };
        let object = |name: &str, value| Value {
            kind: Some(Kind::StructValue(Struct {
                fields: [(name.to_owned(), value)].into(),
            })),
        };
        let at = |value| to_json(one(value)).unwrap_err().at;
        let wrong = || Value::from(f64::NAN);
        assert_eq!(at(list(object("size_1", wrong()))), ".x[1].size_1");
        assert_eq!(at(list(object("Erika", wrong()))), ".x[1]");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels| {
            (1..levels).fold(Struct::default(), |inner, _| {
                one(Value {
                    kind: Some(Kind::StructValue(inner)),
                })
            })
        };
        assert!(to_json(nested(DEPTH_MAX)).is_ok());
        assert_eq!(
            to_json(nested(DEPTH_MAX + 1)).unwrap_err(),
            InvalidStructure::TooDeep.into()
        );
    }

    #[test]
    fn size_is_bounded() {
        let list = |length| {
            let values = vec![
                Value {
                    kind: Some(Kind::BoolValue(true))
                };
                length
            ];
            one(Value {
                kind: Some(Kind::ListValue(ListValue { values })),
            })
        };
        assert!(to_json(list(VALUES_MAX - 1)).is_ok());
        let misfit = to_json(list(VALUES_MAX)).unwrap_err();
        assert_eq!(misfit, InvalidStructure::TooLarge.into());
    }

    #[test]
    fn there_and_back() {
        let json = json!({"a": [1, 2.5, "x", null, {"b": true}], "c": {}});
        let structure = from_json(json.as_object().unwrap());
        assert_eq!(to_json(structure).map(Json::Object), Ok(json));
    }
}
