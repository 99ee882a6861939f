//! Values written in another way than the type of their fact wants them: said
//! with the value as it must be written.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, suggest},
    model::FactType,
};

use super::reading::{Reading, path};

impl Reading<'_> {
    /// The mistake of a text that is compared with a fact of another type.
    pub(super) fn text_for_other(
        &self,
        name: &str,
        [left, right]: [&Value; 2],
    ) -> Option<Diagnostic> {
        let kind = |tree: &Value| self.kind(&path(tree)?);
        let (kind, text) = match (kind(left), text(right), text(left), kind(right)) {
            (Some(FactType::SetOf(of)), Some(text), ..) if name == "contains" => {
                (FactType::Listed(of), text)
            }
            (Some(kind), Some(text), ..) | (_, _, Some(text), Some(kind)) => (kind, text),
            _ => return None,
        };
        let (why, remedy) = self.as_it_must_be(&kind, text)?;
        let at = self.line.text().find(&format!("\"{text}\""));
        let at = at.map(|start| start..start + text.len() + 2);
        let message = format!("the text \"{text}\" is no {}", noun(&kind));
        let found = self.line.diagnostic(Code::ConditionType, at, message);
        Some(found.why(why).remedy(remedy))
    }

    /// The mistake of a value of one list that is compared with a fact of another, or
    /// with one that is a set of such values.
    pub(super) fn listed_for_other(
        &self,
        name: &str,
        [left, right]: [&Value; 2],
    ) -> Option<Diagnostic> {
        let fact = |tree: &Value| path(tree).and_then(|fact| Some((self.kind(&fact)?, fact)));
        let (kind, fact, (of, value)) = match (fact(left), listed(right)) {
            (Some((kind, fact)), Some(value)) => (kind, fact, value),
            _ => fact(right)
                .zip(listed(left))
                .map(|((kind, fact), value)| (kind, fact, value))?,
        };
        let written = format!("{of}::\"{value}\"");
        let (message, why, remedy) = match &kind {
            FactType::SetOf(own) if **own == *of && name != "contains" => (
                format!("`{fact}` is a set, no single value"),
                "a set is asked what it contains",
                format!("write `context.{fact}.contains({written})`"),
            ),
            FactType::Listed(own) | FactType::SetOf(own) if **own != *of => {
                let values = self.vocabulary.types.get(own)?;
                let known = values.iter().map(|known| &**known);
                let meant = suggest(value, known).map(|hint| format!("; {hint}"));
                (
                    format!("`{fact}` is of type `{own}`, not `{of}`"),
                    "they are never the same",
                    format!("write `{own}::\"<value>\"`{}", meant.unwrap_or_default()),
                )
            }
            FactType::Truth
            | FactType::Number
            | FactType::Text
            | FactType::Day
            | FactType::Listed(_)
            | FactType::SetOf(_)
            | FactType::SetOfText => return None,
        };
        let at = self.line.text().find(&written);
        let at = at.map(|start| start..start + written.len());
        let found = self.line.diagnostic(Code::ConditionType, at, message);
        Some(found.why(why).remedy(remedy))
    }

    fn kind(&self, name: &str) -> Option<FactType> {
        let fact = self.vocabulary.facts.get(name);
        let field = || self.line.form.as_ref()?.fields.get(name);
        let declared = fact.or_else(|| Some(&field()?.declaration));
        declared.map(|fact| fact.kind.clone())
    }

    /// Why a text is wrong for a type, and what to write.
    fn as_it_must_be(&self, kind: &FactType, text: &str) -> Option<(&'static str, String)> {
        let plain = || format!("write it without quotation marks: `{text}`");
        match kind {
            FactType::Listed(name) => {
                let values = self.vocabulary.types.get(name)?;
                let why = "values of a list are written with its name";
                if values.contains(text) {
                    return Some((why, format!("write `{name}::\"{text}\"`")));
                }
                let known = values.iter().map(|value: &Arc<str>| &**value);
                let hint = suggest(text, known).map(|hint| format!("; {hint}"));
                let hint = hint.unwrap_or_default();
                Some((why, format!("write `{name}::\"<value>\"`{hint}")))
            }
            FactType::Number if text.parse::<i64>().is_ok() => {
                Some(("numbers stand without quotation marks", plain()))
            }
            FactType::Truth if matches!(text, "true" | "false") => {
                Some(("yes-or-no facts are `true` or `false`", plain()))
            }
            FactType::Day if text.parse::<jiff::civil::Date>().is_ok() => Some((
                "days are written as such",
                format!("write `datetime(\"{text}\")`"),
            )),
            FactType::Number
            | FactType::Truth
            | FactType::Day
            | FactType::Text
            | FactType::SetOf(_)
            | FactType::SetOfText => None,
        }
    }
}

fn noun(kind: &FactType) -> String {
    match kind {
        FactType::Truth => "yes-or-no value".to_owned(),
        FactType::Number => "number".to_owned(),
        FactType::Day => "day".to_owned(),
        FactType::Listed(name) => format!("value of `{name}`"),
        FactType::Text | FactType::SetOf(_) | FactType::SetOfText => "such value".to_owned(),
    }
}

/// A text that stands in a condition, alone or in a list.
fn text(tree: &Value) -> Option<&str> {
    let items = tree.get("Set").and_then(Value::as_array);
    let mut items = items.into_iter().flatten();
    tree.get("Value")
        .and_then(Value::as_str)
        .or_else(|| items.find_map(|item| item.get("Value")?.as_str()))
}

/// A value of a list that stands in a condition, after the name of its list.
fn listed(tree: &Value) -> Option<(&str, &str)> {
    let entity = tree.get("Value")?.get("__entity")?;
    let part = |key| entity.get(key)?.as_str();
    Some((part("type")?, part("id")?))
}
