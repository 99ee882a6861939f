//! What a schema finds wrong, said in the author's terms.

use std::ops::Range;

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, nearest, suggest},
    yaml::Node,
};

use super::{super::files::File, escape};

/// Codes that are written for languages and are none, and what is meant: mostly
/// those of the countries.
const LANGUAGES: [(&str, &str); 16] = [
    ("al", "sq"),
    ("at", "de"),
    ("cn", "zh"),
    ("cz", "cs"),
    ("dk", "da"),
    ("du", "nl"),
    ("ge", "de"),
    ("gb", "en"),
    ("gr", "el"),
    ("iw", "he"),
    ("jp", "ja"),
    ("po", "pl"),
    ("rs", "sr"),
    ("sp", "es"),
    ("ua", "uk"),
    ("us", "en"),
];

/// One schema error on its way to a diagnostic.
pub(super) struct Explanation<'a> {
    pub(super) file: &'a File,
    pub(super) root: &'a Node,
    /// The schema object whose keyword failed.
    pub(super) keyword: Option<&'a Value>,
    pub(super) error: &'a ValidationError<'a>,
}

impl Explanation<'_> {
    pub(super) fn say(&self, found: &mut Vec<Diagnostic>) {
        if let ValidationErrorKind::AdditionalProperties { unexpected } = self.error.kind() {
            found.extend(unexpected.iter().map(|key| self.unexpected(key)));
            return;
        }
        found.push(self.one());
    }

    /// The keys for which unknown ones are misspelt, each with the map in which it is.
    pub(super) fn misspelt(&self) -> Vec<(String, String)> {
        let ValidationErrorKind::AdditionalProperties { unexpected } = self.error.kind() else {
            return Vec::new();
        };
        let meant = |key: &String| nearest(key, self.known());
        let map = self.error.instance_path().as_str();
        unexpected
            .iter()
            .filter_map(|key| Some((map.to_owned(), meant(key)?.to_owned())))
            .collect()
    }

    /// The key that is missing, with the map in which it should be.
    pub(super) fn needed(&self) -> Option<(String, String)> {
        let ValidationErrorKind::Required { property } = self.error.kind() else {
            return None;
        };
        Some((
            self.error.instance_path().as_str().to_owned(),
            plain(property),
        ))
    }

    /// The keys that the schema knows where others are not allowed.
    fn known(&self) -> Vec<&str> {
        self.keyword
            .and_then(|schema| schema.get("properties")?.as_object())
            .map(|map| map.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    fn unexpected(&self, key: &str) -> Diagnostic {
        let known = self.known();
        let pointer = format!("{}/{}", self.error.instance_path(), escape(key));
        self.file
            .source
            .diagnostic(
                Code::UnknownKey,
                self.key_span(&pointer),
                format!("unknown key `{key}`"),
            )
            .why("the schema does not know it here")
            .remedy_if(suggest(key, known))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "keywords the published schemas do not use keep the library's words"
    )]
    fn one(&self) -> Diagnostic {
        let value = || plain(self.error.instance());
        let wrong = |message, why| self.at_value(Code::WrongValue, message, why);
        let diagnostic = match self.error.kind() {
            ValidationErrorKind::Required { property } => self.missing(&plain(property)),
            ValidationErrorKind::FalseSchema => self.misplaced(),
            ValidationErrorKind::Enum { options } => self.not_listed(options),
            ValidationErrorKind::Type { kind } => self.other_type(&expected(kind)),
            ValidationErrorKind::PropertyNames { error } => self.wrong_key(error.instance()),
            ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Format { .. }
                if is_no_day(&value()) =>
            {
                let message = format!("there is no such day: `{}`", value());
                wrong(message, "the calendar does not have it").remedy("write a day that there is")
            }
            ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Format { .. } => wrong(
                format!("`{}` has the wrong form", value()),
                "the schema says how it is written",
            ),
            ValidationErrorKind::MinItems { limit } => wrong(
                format!("fewer than {limit} in this list"),
                "the schema asks for more",
            ),
            ValidationErrorKind::UniqueItems => wrong(
                "something stands twice in this list".to_owned(),
                "each stands once",
            )
            .remedy("keep one of them"),
            ValidationErrorKind::MinLength { limit: 1 } => wrong(
                "nothing is written here".to_owned(),
                "the schema asks for a text",
            )
            .remedy("write it, or remove the key where it may be left out"),
            ValidationErrorKind::Minimum { limit } => {
                let message = format!("`{}` is too small", value());
                wrong(message, "the schema asks for more").remedy(format!("write {limit} or more"))
            }
            ValidationErrorKind::Maximum { limit } => {
                let message = format!("`{}` is too large", value());
                wrong(message, "the schema asks for less").remedy(format!("write {limit} or less"))
            }
            _ => wrong(self.error.to_string(), "the schema does not allow it"),
        };
        diagnostic.remedy_if(self.description())
    }

    /// A mistake of the value that the schema does not accept.
    fn at_value(&self, code: Code, message: String, why: &str) -> Diagnostic {
        let at = self.span(self.error.instance_path().as_str());
        self.file.source.diagnostic(code, at, message).why(why)
    }

    fn missing(&self, key: &str) -> Diagnostic {
        let message = format!("`{key}` is missing");
        self.at_value(Code::MissingKey, message, "the schema needs it here")
            .remedy(format!("add `{key}: …`"))
    }

    fn not_listed(&self, options: &Value) -> Diagnostic {
        let options: Vec<String> = options
            .as_array()
            .into_iter()
            .flatten()
            .map(plain)
            .collect();
        let value = plain(self.error.instance());
        let message = format!("`{value}` is not possible here");
        let meant = match options.as_slice() {
            // What else can stand there is said by the description.
            [only] if self.description().is_some() => {
                nearest(&value, [only.as_str()]).map(|meant| format!("did you mean `{meant}`?"))
            }
            _ => self
                .language(&value)
                .or_else(|| suggest(&value, options.iter().map(String::as_str))),
        };
        self.at_value(
            Code::WrongValue,
            message,
            "not among the values of the schema",
        )
        .remedy_if(meant)
    }

    fn other_type(&self, expected: &str) -> Diagnostic {
        let message = format!("expected {expected}, found {}", noun(self.error.instance()));
        self.at_value(Code::WrongType, message, "the schema asks for another type")
            .remedy_if(self.quotes(expected))
            .remedy_if(self.number(expected))
            .remedy_if(self.as_list(expected))
    }

    /// A number with signs that none has here.
    fn number(&self, expected: &str) -> Option<String> {
        let text = self.error.instance().as_str()?.trim_end_matches([' ', '%']);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_sign = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | ' ');
        let mut parts = text.split([',', '.']).skip(1);
        // Else it may be the sign before a fraction.
        let are_thousands = parts.all(|part| part.len() == 3);
        let is_number = !digits.is_empty() && text.chars().all(is_sign) && are_thousands;
        (expected.ends_with("number") && is_number)
            .then(|| format!("write the number alone: `{digits}`"))
    }

    /// One text where a list of them must stand.
    fn as_list(&self, expected: &str) -> Option<String> {
        let text = self.error.instance().as_str()?;
        let pointer = self.error.instance_path().as_str();
        let key = pointer.rsplit('/').next().unwrap_or_default();
        let name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        (expected == "a list").then(|| match text.chars().all(name) {
            true => format!("write `{key}: [{text}]`"),
            false => format!("put it on the line below `{key}:`, after `- `"),
        })
    }

    fn wrong_key(&self, key: &Value) -> Diagnostic {
        let key = plain(key);
        let language = self.language(&key);
        let map = self.error.instance_path().as_str();
        let at = self.key_span(&format!("{map}/{}", escape(&key)));
        let message = format!("`{key}` cannot be a key here");
        self.file
            .source
            .diagnostic(Code::WrongValue, at, message)
            .why("keys have a form of their own here")
            .remedy_if(language)
    }

    /// The language that is meant by the code of a country or the like.
    fn language(&self, written: &str) -> Option<String> {
        let title = self.keyword?.get("title")?;
        let (_, meant) = LANGUAGES.iter().find(|(wrong, _)| *wrong == written)?;
        (title == "Language").then(|| format!("did you mean `{meant}`?"))
    }

    /// A key that does not go with another one: effects have their own keys.
    fn misplaced(&self) -> Diagnostic {
        let pointer = self.error.instance_path().as_str();
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let effect = self
            .root
            .find(&format!("{parent}/effect"))
            .and_then(|(_, node)| node.as_text());
        let (message, remedy) = match effect {
            Some(effect) => (
                format!("`{key}` does not go with `effect: {effect}`"),
                "remove it, or choose the effect it belongs to",
            ),
            None => (
                format!("`{key}` cannot stand here"),
                "remove it, or change the key beside it that leaves no room for it",
            ),
        };
        self.file
            .source
            .diagnostic(Code::MisplacedKey, self.key_span(pointer), message)
            .why("nothing would read it")
            .remedy(remedy)
    }

    /// Numbers and the like that are meant as text.
    fn quotes(&self, expected: &str) -> Option<String> {
        let scalar = !matches!(**self.error.instance(), Value::Array(_) | Value::Object(_));
        let at = self.span(self.error.instance_path().as_str());
        let written = self.file.source.text.get(at)?;
        (expected == "text" && scalar && !written.is_empty())
            .then(|| format!("write it in quotes: \"{written}\""))
    }

    fn description(&self) -> Option<String> {
        let description = self.keyword?.get("description")?.as_str()?;
        Some(description.to_owned())
    }

    fn span(&self, pointer: &str) -> Range<usize> {
        match self.root.find(pointer) {
            // A list or map in brackets is underlined whole, else by its key.
            Some((Some(key), node)) if node.span.is_empty() => key,
            Some((_, node)) => node.span.clone(),
            None => 0..0,
        }
    }

    fn key_span(&self, pointer: &str) -> Range<usize> {
        match self.root.find(pointer) {
            Some((Some(key), _)) => key,
            Some((None, node)) => node.span.clone(),
            None => 0..0,
        }
    }
}

/// Written as days are, and none.
fn is_no_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let [4, 2, 2] = parts.iter().map(|part| part.len()).collect::<Vec<_>>()[..] else {
        return false;
    };
    parts.iter().all(is_number) && text.parse::<jiff::civil::Date>().is_err()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map of keys",
    }
}

fn expected(kind: &TypeKind) -> String {
    let name = |name: &str| match name {
        "string" => "text",
        "array" => "a list",
        "object" => "a map of keys",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "nothing",
    };
    match kind {
        TypeKind::Single(one) => name(one.as_str()).to_owned(),
        TypeKind::Multiple(many) => {
            let names: Vec<&str> = many.iter().map(|one| name(one.as_str())).collect();
            names.join(" or ")
        }
    }
}
