//! What a condition reads, and what it may not say.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use comity_domain::FactName;
use serde_json::Value;

use crate::{diagnostic::Diagnostic, model::Vocabulary};

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
    pub(super) found: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// Walks an expression in Cedar's JSON form: one operator with its operands.
    pub(super) fn walk(&mut self, tree: &Value) {
        let Some((operator, operands)) = tree.as_object().and_then(|map| map.iter().next()) else {
            return;
        };
        match operator.as_str() {
            "Value" => {}
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
        let mut names = Vec::new();
        let mut tree = tree;
        while let Some(access) = tree.get(".") {
            names.extend(access.get("attr").and_then(Value::as_str));
            tree = access.get("left").unwrap_or(&Value::Null);
        }
        if tree.get("Var").and_then(Value::as_str) == Some("context") {
            names.reverse();
            let name = names.join(".");
            let is_group = |fact: &FactName| {
                fact.strip_prefix(&*name)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            if self.vocabulary.facts.keys().any(is_group) {
                self.refuse(
                    &format!("context.{name}"),
                    "this is a group of facts",
                    &format!("name one of them: `context.{name}.<name>`"),
                );
            }
            // Names the vocabulary does not have are the type check's business.
            self.facts.insert(Arc::from(name));
        } else {
            self.walk(tree);
        }
    }

    fn refuse(&mut self, word: &str, why: &str, remedy: &str) {
        let at = find_word(self.line.text(), word);
        self.found.push(
            self.line
                .diagnostic(at, format!("`{word}` cannot be used here"))
                .why(why)
                .remedy(remedy),
        );
    }
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
