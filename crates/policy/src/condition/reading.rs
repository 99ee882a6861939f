//! What a condition reads, and what it may not say.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use comity_domain::FactName;
use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, suggest},
    model::{Literals, Vocabulary},
};

use super::{Line, limits::outside_literals};

/// Operators a condition may use, by their name in Cedar's JSON form.
const OPERATORS: &[&str] = &[
    "!",
    "!=",
    "&&",
    "*",
    "+",
    "-",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "||",
    "neg",
    "in",
    "if-then-else",
];
/// Operators that set two values side by side.
const COMPARE: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "contains"];
/// Functions a condition may use. All are total but for overflow.
pub(super) const FUNCTIONS: &[&str] = &[
    "contains",
    "containsAll",
    "containsAny",
    "isEmpty",
    "datetime",
    "duration",
    "offset",
    "durationSince",
    "toDate",
    "toTime",
    "toMilliseconds",
    "toSeconds",
    "toMinutes",
    "toHours",
    "toDays",
];

/// Collects the facts a line reads and refuses what rules may not say.
pub(super) struct Reading<'a> {
    pub(super) line: &'a Line<'a>,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) facts: BTreeSet<FactName>,
    pub(super) literals: Literals,
    pub(super) found: Vec<Diagnostic>,
    /// Texts that stand for other values; the types of the rest can be checked.
    pub(super) mistyped: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// Walks an expression in Cedar's JSON form: one operator with its operands.
    pub(super) fn walk(&mut self, tree: &Value) {
        let Some((operator, operands)) = tree.as_object().and_then(|map| map.iter().next()) else {
            return;
        };
        match operator.as_str() {
            "Value" => self.literal(operands),
            "Var" => self.variable(operands),
            "." => self.access(tree),
            "has" => self.refuse(
                "has",
                "a fact nobody stated is unknown, never absent",
                "write the condition on the fact itself",
            ),
            "like" => self.refuse(
                "like",
                "patterns over free text do not make law",
                "declare a listed type in vocabulary.yaml and compare with its values",
            ),
            "Set" => operands
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|item| self.walk(item)),
            name if OPERATORS.contains(&name) || FUNCTIONS.contains(&name) => match operands {
                _ if COMPARE.contains(&name) => self.compare(name, operands),
                Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
                Value::Object(map) => map.values().for_each(|item| self.walk(item)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            },
            name => self.refuse(
                name,
                "not part of the rule language",
                "compare facts with values",
            ),
        }
    }

    /// Notes a value that stands in the line.
    fn literal(&mut self, value: &Value) {
        let text = |value: &Value, key| value.get(key)?.as_str().map(Arc::<str>::from);
        if let Some(number) = value.as_i64() {
            self.literals.numbers.insert(number);
        } else if let Some(written) = value.as_str() {
            self.literals.texts.insert(Arc::from(written));
            self.literals
                .days
                .extend(written.parse::<jiff::civil::Date>());
        } else if let Some(entity) = value.get("__entity") {
            let listed = text(entity, "type").zip(text(entity, "id"));
            self.literals.listed.extend(listed);
        }
    }

    /// Operands of a comparison: what a form's field is compared with must be
    /// a value that the form lists.
    fn compare(&mut self, name: &str, operands: &Value) {
        let operand = |side| operands.get(side).unwrap_or(&Value::Null);
        let (left, right) = (operand("left"), operand("right"));
        self.walk(left);
        self.walk(right);
        let mistyped = self.text_for_other(name, [left, right]);
        let mistyped = mistyped.or_else(|| self.listed_for_other(name, [left, right]));
        self.mistyped.extend(mistyped);
        let field = |tree: &Value| path(tree).filter(|name| name.starts_with("form."));
        let (field, value) = match (field(left), field(right)) {
            (Some(field), None) => (field, right),
            (None, Some(field)) if name != "contains" => (field, left),
            (Some(_) | None, _) => return,
        };
        let Some(form) = &self.line.form else {
            return;
        };
        let options = form.fields.get(&*field).map(|field| &field.options);
        let options = options.filter(|options| !options.is_empty());
        let written = value.get("Value").and_then(Value::as_str);
        if let Some((options, written)) = options.zip(written)
            && !options.contains(written)
        {
            let at = self.line.text().find(&format!("\"{written}\""));
            let at = at.map(|start| start..start + written.len() + 2);
            self.found.push(
                self.line
                    .diagnostic(
                        Code::UnknownValue,
                        at,
                        format!("`{written}` is not a value of `{field}`"),
                    )
                    .why("the form lists its values")
                    .remedy_if(suggest(written, options.iter().map(|option| &**option))),
            );
        }
    }

    fn variable(&mut self, name: &Value) {
        match name.as_str() {
            Some("context") => self.refuse(
                "context",
                "this is all facts together",
                "name one fact: `context.<name>`",
            ),
            Some(name) => self.refuse(
                name,
                "rules see facts alone",
                "use a fact of vocabulary.yaml: `context.<name>`",
            ),
            None => {}
        }
    }

    fn access(&mut self, tree: &Value) {
        if let Some(name) = path(tree) {
            let is_group = |fact: &FactName| {
                fact.strip_prefix(&*name)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            let form = self.line.form.as_ref();
            let fields = form.into_iter().flat_map(|form| form.fields.keys());
            if self.vocabulary.facts.keys().chain(fields).any(is_group) {
                self.refuse(
                    &format!("context.{name}"),
                    "this is a group of facts",
                    &format!("name one of them: `context.{name}.<name>`"),
                );
            }
            // Names the vocabulary does not have are the type check's business.
            let known = self.vocabulary.facts.get_key_value(&*name);
            let name = known.map_or_else(|| Arc::from(name), |(known, _)| Arc::clone(known));
            self.facts.insert(name);
        } else {
            self.walk(
                tree.get(".")
                    .and_then(|tree| tree.get("left"))
                    .unwrap_or(&Value::Null),
            );
        }
    }

    fn refuse(&mut self, word: &str, why: &str, remedy: &str) {
        let at = find_word(self.line.text(), word);
        self.found.push(
            self.line
                .diagnostic(
                    Code::ConditionForbidden,
                    at,
                    format!("`{word}` cannot be used here"),
                )
                .why(why)
                .remedy(remedy),
        );
    }
}

/// The dotted name of the fact that an access reads.
pub(crate) fn path(tree: &Value) -> Option<String> {
    let mut names = Vec::new();
    let mut tree = tree;
    while let Some(access) = tree.get(".") {
        names.push(access.get("attr")?.as_str()?);
        tree = access.get("left")?;
    }
    (tree.get("Var")?.as_str()? == "context" && !names.is_empty()).then(|| {
        names.reverse();
        names.join(".")
    })
}

/// The first place of a word outside string literals.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    outside_literals(text)
        .map(|(offset, _)| offset)
        .find(|&offset| {
            let after = text.get(offset..).and_then(|rest| rest.strip_prefix(word));
            let before = text.get(..offset).and_then(|text| text.chars().next_back());
            after.is_some_and(|rest| !rest.starts_with(is_word)) && !before.is_some_and(is_word)
        })
        .map(|offset| offset..offset + word.len())
}
