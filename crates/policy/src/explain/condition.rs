//! A condition in words: facts by their titles, comparisons as sentences.
//! What has no words is shown as it is written.

use comity_domain::FactName;
use serde_json::Value;

use super::{names::Names, teller::MEASURE_FACT};
use crate::{
    condition::path,
    model::{Condition, FactType},
    phrases::Test,
};

/// From so many alternatives of yes-or-no facts on they are told as a list.
const LIST_FROM: usize = 3;

/// A line in words.
pub(crate) fn words(names: &Names<'_>, line: &Condition) -> String {
    test(names, &line.tree).unwrap_or_else(|| {
        names.reader.tongue().test(&Test::Expression {
            text: &one_line(&line.text),
        })
    })
}

/// An expression on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an expression says; `None` where there are no words for it.
fn test(names: &Names<'_>, tree: &Value) -> Option<String> {
    if let Some(name) = path(tree) {
        let fact = names.fact(&FactName::from(name));
        return Some(names.reader.tongue().test(&Test::Is { fact: &fact }));
    }
    let (operator, operands) = tree.as_object()?.iter().next()?;
    let side = |name| operands.get(name);
    match operator.as_str() {
        "&&" => all_of(names, tree),
        "||" => any_of(names, tree),
        "!" => negation(names, side("arg")?),
        "isEmpty" => {
            let fact = Side::of(names, side("arg")?)?.fact(names)?;
            Some(names.reader.tongue().test(&Test::Empty { fact: &fact }))
        }
        operator => {
            let left = Side::of(names, side("left")?)?;
            let right = Side::of(names, side("right")?)?;
            compare(names, operator, &left, &right)
        }
    }
}

fn negation(names: &Names<'_>, inner: &Value) -> Option<String> {
    if let Some(name) = path(inner) {
        let fact = names.fact(&FactName::from(name));
        return Some(names.reader.tongue().test(&Test::IsNot { fact: &fact }));
    }
    let test = test(names, inner)?;
    Some(names.reader.tongue().test(&Test::Not { test: &test }))
}

fn all_of(names: &Names<'_>, tree: &Value) -> Option<String> {
    let parts = flat("&&", tree).into_iter().map(|part| {
        let words = test(names, part)?;
        let is_choice = part.get("||").is_some();
        Some(if is_choice {
            format!("({words})")
        } else {
            words
        })
    });
    let tests: Vec<_> = parts.collect::<Option<_>>()?;
    Some(names.reader.tongue().test(&Test::And { tests: &tests }))
}

fn any_of(names: &Names<'_>, tree: &Value) -> Option<String> {
    let parts = flat("||", tree);
    let facts: Option<Vec<_>> = parts.iter().map(|part| path(part)).collect();
    if let Some(facts) = facts.filter(|facts| facts.len() >= LIST_FROM) {
        let facts: Vec<_> = facts
            .into_iter()
            .map(|name| names.fact(&name.into()))
            .collect();
        return Some(names.reader.tongue().test(&Test::AnyOf {
            facts: &facts.join(", "),
        }));
    }
    let parts = parts.into_iter().map(|part| {
        let words = test(names, part)?;
        let is_chain = part.get("&&").is_some();
        Some(if is_chain {
            format!("({words})")
        } else {
            words
        })
    });
    let tests: Vec<_> = parts.collect::<Option<_>>()?;
    Some(names.reader.tongue().test(&Test::Or { tests: &tests }))
}

/// The operands of a chain of one operator, however it nests.
fn flat<'t>(operator: &str, tree: &'t Value) -> Vec<&'t Value> {
    match tree.get(operator) {
        Some(operands) => ["left", "right"]
            .iter()
            .filter_map(|side| operands.get(side))
            .flat_map(|operand| flat(operator, operand))
            .collect(),
        None => vec![tree],
    }
}

/// One side of a comparison.
enum Side {
    Fact(FactName),
    Truth(bool),
    Day(String),
    /// A value in words.
    Value(String),
    Values(Vec<String>),
}

impl Side {
    fn of(names: &Names<'_>, tree: &Value) -> Option<Self> {
        if let Some(name) = path(tree) {
            return Some(Self::Fact(name.into()));
        }
        let (kind, content) = tree.as_object()?.iter().next()?;
        match kind.as_str() {
            "Value" => Self::literal(names, content),
            "Set" => {
                let members = content.as_array()?.iter();
                let members = members.map(|member| match Self::of(names, member)? {
                    Self::Value(value) | Self::Day(value) => Some(value),
                    Self::Fact(_) | Self::Truth(_) | Self::Values(_) => None,
                });
                members.collect::<Option<_>>().map(Self::Values)
            }
            "datetime" => {
                let text = content.get(0)?.get("Value")?.as_str()?;
                Some(Self::Day(names.reader.tongue().day(text.parse().ok()?)))
            }
            _ => None,
        }
    }

    fn literal(names: &Names<'_>, value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Truth(*truth)),
            Value::Number(number) => Some(Self::Value(number.to_string())),
            Value::String(text) => Some(Self::Value(format!("`{text}`"))),
            Value::Array(members) => {
                let members = members
                    .iter()
                    .map(|member| match Self::literal(names, member)? {
                        Self::Value(value) => Some(value),
                        Self::Fact(_) | Self::Truth(_) | Self::Day(_) | Self::Values(_) => None,
                    });
                members.collect::<Option<_>>().map(Self::Values)
            }
            Value::Object(map) => {
                let entity = map.get("__entity")?;
                let (kind, id) = (entity.get("type")?.as_str()?, entity.get("id")?.as_str()?);
                Some(Self::Value(names.listed(kind, id)))
            }
            Value::Null => None,
        }
    }

    fn fact(&self, names: &Names<'_>) -> Option<String> {
        match self {
            Self::Fact(name) => Some(names.fact(name)),
            Self::Truth(_) | Self::Day(_) | Self::Value(_) | Self::Values(_) => None,
        }
    }
}

fn compare(names: &Names<'_>, operator: &str, left: &Side, right: &Side) -> Option<String> {
    match (left, right) {
        (Side::Fact(fact), other) => fact_against(names, operator, fact, other),
        (Side::Values(values), Side::Fact(fact)) if operator == "contains" => {
            let fact = names.fact(fact);
            Some(names.reader.tongue().test(&Test::OneOf {
                fact: &fact,
                values,
            }))
        }
        (value, Side::Fact(fact)) => fact_against(names, mirrored(operator)?, fact, value),
        (Side::Truth(_) | Side::Day(_) | Side::Value(_) | Side::Values(_), _) => None,
    }
}

/// The operator with its sides exchanged.
fn mirrored(operator: &str) -> Option<&str> {
    Some(match operator {
        "==" | "!=" => operator,
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        _ => return None,
    })
}

fn fact_against(
    names: &Names<'_>,
    operator: &str,
    name: &FactName,
    other: &Side,
) -> Option<String> {
    let fact = &*names.fact(name);
    let of_measure = &**name == MEASURE_FACT;
    let test = match (operator, other) {
        ("==", Side::Truth(true)) | ("!=", Side::Truth(false)) => Test::Is { fact },
        ("==", Side::Truth(false)) | ("!=", Side::Truth(true)) => Test::IsNot { fact },
        ("==", Side::Value(value) | Side::Day(value)) => Test::Equals { fact, value },
        ("!=", Side::Value(value) | Side::Day(value)) => Test::Differs { fact, value },
        ("<", Side::Value(value)) => Test::LessThan { fact, value },
        ("<=", Side::Value(value)) => Test::AtMost { fact, value },
        (">", Side::Value(value)) => Test::MoreThan { fact, value },
        (">=", Side::Value(value)) => Test::AtLeast { fact, value },
        ("<", Side::Day(day)) => Test::Before { fact, day },
        ("<=", Side::Day(day)) => Test::UpTo { fact, day },
        (">", Side::Day(day)) => Test::After { fact, day },
        (">=", Side::Day(day)) => Test::From { fact, day },
        ("contains", Side::Value(kind)) if of_measure => Test::MeasureIs {
            kind: &names.reader.tongue().quoted(kind),
        },
        ("contains", Side::Value(value)) => Test::Includes { fact, value },
        ("containsAll", Side::Values(values)) => Test::IncludesAll { fact, values },
        ("containsAny", Side::Values(values)) => Test::IncludesAny { fact, values },
        (_, Side::Fact(second)) => return two_facts(names, operator, name, second),
        _ => return None,
    };
    Some(names.reader.tongue().test(&test))
}

/// Two facts side by side.
fn two_facts(
    names: &Names<'_>,
    operator: &str,
    first: &FactName,
    second: &FactName,
) -> Option<String> {
    let is_day = |name| {
        names
            .declaration(name)
            .is_some_and(|fact| fact.kind == FactType::Day)
    };
    let value = names.fact(second);
    let value = match is_day(second) {
        true => Side::Day(value),
        false => Side::Value(value),
    };
    fact_against(names, operator, first, &value)
}
