//! Conditions in a form of our own that is evaluated without building anything:
//! most lines compare a fact or two with values. Cedar stays the reference: it
//! parses and types every line, evaluates those that are not understood here,
//! and the tests hold both to the same answers.

use std::{cmp::Ordering, sync::Arc};

use comity_domain::{FactName, FactValue};
use serde_json::Value;

use crate::evaluate::Known;

/// A line in our own form.
#[derive(Debug, Clone)]
pub(crate) enum Lowered {
    Fact(FactName),
    Value(FactValue),
    Not(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    If(Box<[Self; 3]>),
    Compare(Comparison, Box<[Self; 2]>),
    /// The set holds the value.
    Contains(Box<[Self; 2]>),
    /// The first set holds all of the second.
    ContainsAll(Box<[Self; 2]>),
    /// The first set holds one of the second.
    ContainsAny(Box<[Self; 2]>),
    IsEmpty(Box<Self>),
    Calculate(Calculation, Box<[Self; 2]>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Calculation {
    Add,
    Subtract,
    Multiply,
}

/// Why a line has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A fact is unknown.
    Unknown,
    /// A number is too large, or a value is not of its type.
    Failed,
}

/// A value that is the line's own or a known fact's.
enum Found<'a> {
    Here(FactValue),
    There(&'a FactValue),
}

impl Found<'_> {
    fn value(&self) -> &FactValue {
        match self {
            Self::Here(value) => value,
            Self::There(value) => value,
        }
    }
}

impl Lowered {
    /// Reads a type-checked expression in Cedar's JSON form; `None` for what
    /// is left to Cedar.
    pub(super) fn read(tree: &Value) -> Option<Self> {
        let (operator, operands) = tree.as_object()?.iter().next()?;
        let side = |name| Self::read(operands.get(name)?);
        let both = || Some(Box::new([side("left")?, side("right")?]));
        let compare = |comparison| Some(Self::Compare(comparison, both()?));
        let calculate = |calculation| Some(Self::Calculate(calculation, both()?));
        match operator.as_str() {
            "Value" => literal(operands).map(Self::Value),
            "." => super::reading::path(tree).map(|name| Self::Fact(Arc::from(name))),
            "!" => Some(Self::Not(Box::new(side("arg")?))),
            "&&" => Some(Self::And(both()?)),
            "||" => Some(Self::Or(both()?)),
            "==" => compare(Comparison::Equal),
            "!=" => compare(Comparison::Unequal),
            "<" => compare(Comparison::Less),
            "<=" => compare(Comparison::LessOrEqual),
            ">" => compare(Comparison::Greater),
            ">=" => compare(Comparison::GreaterOrEqual),
            "+" => calculate(Calculation::Add),
            "-" => calculate(Calculation::Subtract),
            "*" => calculate(Calculation::Multiply),
            "contains" => Some(Self::Contains(both()?)),
            "containsAll" => Some(Self::ContainsAll(both()?)),
            "containsAny" => Some(Self::ContainsAny(both()?)),
            "isEmpty" => Some(Self::IsEmpty(Box::new(side("arg")?))),
            "if-then-else" => Some(Self::If(Box::new([
                side("if")?,
                side("then")?,
                side("else")?,
            ]))),
            "Set" => set(operands).map(Self::Value),
            _ => None,
        }
    }

    /// Whether the line holds.
    ///
    /// # Errors
    /// [`Stop`], as Cedar would stop: at the first operand that has no value,
    /// unless what stands before it settles the line.
    pub(crate) fn holds(&self, known: &Known) -> Result<bool, Stop> {
        match self.evaluate(known)?.value() {
            FactValue::Truth(truth) => Ok(*truth),
            FactValue::Number(_) | FactValue::Text(_) | FactValue::Day(_) | FactValue::Set(_) => {
                Err(Stop::Failed)
            }
        }
    }

    fn evaluate<'a>(&'a self, known: &'a Known) -> Result<Found<'a>, Stop> {
        let truth = |truth| Ok(Found::Here(FactValue::Truth(truth)));
        match self {
            Self::Fact(name) => {
                let fact = known.get(name).ok_or(Stop::Unknown)?;
                Ok(Found::There(&fact.value))
            }
            Self::Value(value) => Ok(Found::There(value)),
            Self::Not(operand) => truth(!operand.holds(known)?),
            Self::And(operands) => {
                let [left, right] = &**operands;
                truth(left.holds(known)? && right.holds(known)?)
            }
            Self::Or(operands) => {
                let [left, right] = &**operands;
                truth(left.holds(known)? || right.holds(known)?)
            }
            Self::If(operands) => {
                let [condition, then, otherwise] = &**operands;
                let chosen = if condition.holds(known)? {
                    then
                } else {
                    otherwise
                };
                chosen.evaluate(known)
            }
            Self::Compare(comparison, operands) => {
                let [left, right] = operands.each_ref().map(|side| side.evaluate(known));
                truth(comparison.holds(left?.value(), right?.value())?)
            }
            Self::Contains(operands) => {
                let [set, value] = operands.each_ref().map(|side| side.evaluate(known));
                let (set, value) = (set?, value?);
                match (set.value(), value.value()) {
                    (FactValue::Set(set), FactValue::Text(value)) => truth(set.contains(value)),
                    _ => Err(Stop::Failed),
                }
            }
            Self::ContainsAll(operands) => sets(operands, known, |one, other| {
                other.iter().all(|v| one.contains(v))
            }),
            Self::ContainsAny(operands) => sets(operands, known, |one, other| {
                other.iter().any(|v| one.contains(v))
            }),
            Self::IsEmpty(operand) => match operand.evaluate(known)?.value() {
                FactValue::Set(set) => truth(set.is_empty()),
                FactValue::Truth(_)
                | FactValue::Number(_)
                | FactValue::Text(_)
                | FactValue::Day(_) => Err(Stop::Failed),
            },
            Self::Calculate(calculation, operands) => {
                let [left, right] = operands.each_ref().map(|side| side.evaluate(known));
                let number = calculation.result(left?.value(), right?.value())?;
                Ok(Found::Here(FactValue::Number(number)))
            }
        }
    }
}

fn sets<'a>(
    operands: &'a [Lowered; 2],
    known: &'a Known,
    holds: impl Fn(&[Arc<str>], &[Arc<str>]) -> bool,
) -> Result<Found<'a>, Stop> {
    let [one, other] = operands.each_ref().map(|side| side.evaluate(known));
    match (one?.value(), other?.value()) {
        (FactValue::Set(one), FactValue::Set(other)) => {
            Ok(Found::Here(FactValue::Truth(holds(one, other))))
        }
        _ => Err(Stop::Failed),
    }
}

impl Comparison {
    fn holds(self, left: &FactValue, right: &FactValue) -> Result<bool, Stop> {
        let order = || match (left, right) {
            (FactValue::Number(left), FactValue::Number(right)) => Ok(left.cmp(right)),
            (FactValue::Day(left), FactValue::Day(right)) => Ok(left.cmp(right)),
            _ => Err(Stop::Failed),
        };
        Ok(match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => order()? == Ordering::Less,
            Self::LessOrEqual => order()? != Ordering::Greater,
            Self::Greater => order()? == Ordering::Greater,
            Self::GreaterOrEqual => order()? != Ordering::Less,
        })
    }
}

impl Calculation {
    fn result(self, left: &FactValue, right: &FactValue) -> Result<i64, Stop> {
        let (FactValue::Number(left), FactValue::Number(right)) = (left, right) else {
            return Err(Stop::Failed);
        };
        let number = match self {
            Self::Add => left.checked_add(*right),
            Self::Subtract => left.checked_sub(*right),
            Self::Multiply => left.checked_mul(*right),
        };
        number.ok_or(Stop::Failed)
    }
}

/// A literal; values of listed types are texts here, since no well-typed line
/// compares values of two types.
fn literal(value: &Value) -> Option<FactValue> {
    let entity = value.get("__entity").and_then(|entity| entity.get("id"));
    match value {
        Value::Bool(truth) => Some(FactValue::Truth(*truth)),
        Value::Number(number) => number.as_i64().map(FactValue::Number),
        Value::String(text) => Some(FactValue::Text(Arc::from(text.as_str()))),
        Value::Object(_) => entity?.as_str().map(|id| FactValue::Text(Arc::from(id))),
        Value::Null | Value::Array(_) => None,
    }
}

/// A set of literals, sorted and without repetition as all sets are here.
fn set(items: &Value) -> Option<FactValue> {
    let text = |item: &Value| match literal(item.get("Value")?)? {
        FactValue::Text(text) => Some(text),
        FactValue::Truth(_) | FactValue::Number(_) | FactValue::Day(_) | FactValue::Set(_) => None,
    };
    let mut texts: Vec<Arc<str>> = items.as_array()?.iter().map(text).collect::<Option<_>>()?;
    texts.sort();
    texts.dedup();
    Some(FactValue::Set(texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_an_order_as_numbers_have() {
        let day = |text: &str| FactValue::Day(text.parse().unwrap());
        let (earlier, later) = (day("2027-02-28"), day("2027-03-01"));
        for (comparison, found) in [
            (Comparison::Less, true),
            (Comparison::LessOrEqual, true),
            (Comparison::Greater, false),
            (Comparison::GreaterOrEqual, false),
        ] {
            let holds = comparison.holds(&earlier, &later);
            assert_eq!(holds.ok(), Some(found), "{comparison:?}");
        }
        let number = FactValue::Number(1);
        assert!(Comparison::Less.holds(&earlier, &number).is_err());
    }
}
