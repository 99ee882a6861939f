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
