//! Files against the JSON Schemas of `schema/`, said in the author's terms.

use std::ops::Range;

use jsonschema::{Registry, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use crate::{
    diagnostic::{Diagnostic, suggest},
    yaml::{self, Node},
};

use super::files::{File, Folder, Kind};

/// Base of the schemas' addresses; nothing is ever fetched.
const BASE: &str = "file:///schema/";
/// Schemas that others refer to.
const SHARED: [&str; 2] = ["common", "rule"];
/// Schemas of files.
const KINDS: [(Kind, &str); 9] = [
    (Kind::Vocabulary, "vocabulary"),
    (Kind::Measures, "measures"),
    (Kind::Sources, "sources"),
    (Kind::Calendar, "calendar"),
    (Kind::Instrument, "instrument"),
    (Kind::Jurisdiction, "jurisdiction"),
    (Kind::Authorities, "authorities"),
    (Kind::Offences, "offences"),
    (Kind::Tests, "tests"),
];

/// A file that was read, and where its schema finds fault with it.
pub(super) struct Document<'a> {
    pub(super) file: &'a File,
    pub(super) node: Node,
    pub(super) json: Value,
    faults: Vec<String>,
}

impl Document<'_> {
    /// Whether the schema accepts the part at a JSON pointer.
    pub(super) fn accepts(&self, pointer: &str) -> bool {
        !self.faults.iter().any(|fault| below(fault, pointer))
    }

    /// Whether the schema accepts everything outside the part at a JSON pointer.
    pub(super) fn accepts_outside(&self, pointer: &str) -> bool {
        self.faults.iter().all(|fault| below(fault, pointer))
    }
}

fn below(fault: &str, pointer: &str) -> bool {
    fault
        .strip_prefix(pointer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The published schemas, compiled.
pub(super) struct Schemas {
    texts: Vec<(String, Value)>,
    validators: Vec<(Kind, Validator)>,
}

impl Schemas {
    /// Compiles the schemas of the folder; `None` where one is missing or broken.
    pub(super) fn compile(folder: &Folder, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut texts = Vec::new();
        for name in KINDS.iter().map(|(_, name)| *name).chain(SHARED) {
            let path = format!("schema/{name}.schema.json");
            let Some(file) = folder.get(&path) else {
                found.push(
                    Diagnostic::of_file(&path, "the file is missing")
                        .why("every policy file is checked against its JSON Schema")
                        .remedy("restore the folder `schema` of the policy library"),
                );
                continue;
            };
            match yaml::parse(&file.source) {
                Ok(node) => texts.push((format!("{BASE}{name}.schema.json"), node.to_json())),
                Err(diagnostics) => found.extend(diagnostics),
            }
        }
        if texts.len() < KINDS.len() + SHARED.len() {
            return None;
        }
        let pairs = texts.iter().map(|(uri, schema)| (uri.as_str(), schema));
        let registry = Registry::new()
            .extend(pairs)
            .and_then(|builder| builder.prepare())
            .map_err(|error| found.push(Diagnostic::of_file("schema", error.to_string())))
            .ok()?;
        let mut validators = Vec::new();
        for ((kind, name), (uri, schema)) in KINDS.iter().zip(&texts) {
            let compiled = jsonschema::options()
                .with_registry(&registry)
                .with_base_uri(uri.as_str())
                .should_validate_formats(true)
                .build(schema);
            match compiled {
                Ok(validator) => validators.push((*kind, validator)),
                Err(error) => found.push(Diagnostic::of_file(
                    &format!("schema/{name}.schema.json"),
                    format!("not a JSON Schema: {error}"),
                )),
            }
        }
        drop(registry);
        (validators.len() == KINDS.len()).then_some(Self { texts, validators })
    }

    /// Reads a file and checks it; `None` where it cannot be read at all or
    /// has no schema.
    pub(super) fn check<'a>(
        &self,
        file: &'a File,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Document<'a>> {
        let (_, validator) = self
            .validators
            .iter()
            .find(|(kind, _)| *kind == file.kind)?;
        let node = yaml::parse(&file.source)
            .map_err(|diagnostics| found.extend(diagnostics))
            .ok()?;
        let json = node.to_json();
        let mut faults = Vec::new();
        for error in validator.iter_errors(&json) {
            faults.push(error.instance_path().as_str().to_owned());
            let explanation = Explanation {
                file,
                root: &node,
                keyword: self.keyword(&error),
                error: &error,
            };
            explanation.say(found);
        }
        Some(Document {
            file,
            node,
            json,
            faults,
        })
    }

    /// The schema object that holds the keyword an error speaks of.
    fn keyword(&self, error: &ValidationError<'_>) -> Option<&Value> {
        if let ValidationErrorKind::PropertyNames { error } = error.kind() {
            return self.keyword(error);
        }
        let location = error.absolute_keyword_location()?.as_str();
        let (uri, pointer) = location.split_once('#')?;
        let (_, schema) = self.texts.iter().find(|(known, _)| known == uri)?;
        let (parent, _) = pointer.rsplit_once('/')?;
        // Fragments are percent-encoded; `$` is what our pointers hold of that.
        schema.pointer(&parent.replace("%24", "$"))
    }
}

/// One schema error on its way to a diagnostic.
struct Explanation<'a> {
    file: &'a File,
    root: &'a Node,
    /// The schema object whose keyword failed.
    keyword: Option<&'a Value>,
    error: &'a ValidationError<'a>,
}

impl Explanation<'_> {
    fn say(&self, found: &mut Vec<Diagnostic>) {
        if let ValidationErrorKind::AdditionalProperties { unexpected } = self.error.kind() {
            found.extend(unexpected.iter().map(|key| self.unexpected(key)));
            return;
        }
        found.push(self.one());
    }

    fn unexpected(&self, key: &str) -> Diagnostic {
        let known: Vec<&str> = self
            .keyword
            .and_then(|schema| schema.get("properties")?.as_object())
            .map(|map| map.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let pointer = format!("{}/{}", self.error.instance_path(), escape(key));
        self.file
            .source
            .diagnostic(self.key_span(&pointer), format!("unknown key `{key}`"))
            .remedy_if(suggest(key, known))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "keywords the published schemas do not use keep the library's words"
    )]
    fn one(&self) -> Diagnostic {
        let pointer = self.error.instance_path().as_str();
        let value = self.error.instance();
        let source = &self.file.source;
        let diagnostic = match self.error.kind() {
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                source
                    .diagnostic(self.span(pointer), format!("`{name}` is missing"))
                    .remedy(format!("add `{name}: …`"))
            }
            ValidationErrorKind::FalseSchema => self.misplaced(pointer),
            ValidationErrorKind::Enum { options } => {
                let options: Vec<String> = options
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(plain)
                    .collect();
                source
                    .diagnostic(
                        self.span(pointer),
                        format!("`{}` is not possible here", plain(value)),
                    )
                    .remedy_if(suggest(&plain(value), options.iter().map(String::as_str)))
            }
            ValidationErrorKind::Type { kind } => source
                .diagnostic(
                    self.span(pointer),
                    format!("expected {}, found {}", expected(kind), noun(value)),
                )
                .remedy_if(self.quotes(&expected(kind), pointer)),
            ValidationErrorKind::PropertyNames { error } => {
                let name = plain(error.instance());
                let at = self.key_span(&format!("{pointer}/{}", escape(&name)));
                source.diagnostic(at, format!("`{name}` cannot be a key here"))
            }
            ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Format { .. } => source
                .diagnostic(
                    self.span(pointer),
                    format!("`{}` has the wrong form", plain(value)),
                ),
            ValidationErrorKind::MinItems { limit } => source.diagnostic(
                self.span(pointer),
                format!("fewer than {limit} in this list"),
            ),
            ValidationErrorKind::UniqueItems => {
                source.diagnostic(self.span(pointer), "something stands twice in this list")
            }
            _ => source.diagnostic(self.span(pointer), self.error.to_string()),
        };
        match self.description() {
            Some(text) if diagnostic.remedy.is_none() => diagnostic.remedy(text),
            Some(_) | None => diagnostic,
        }
    }

    /// A key that does not go with another one: effects have their own keys.
    fn misplaced(&self, pointer: &str) -> Diagnostic {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let effect = self
            .root
            .find(&format!("{parent}/effect"))
            .and_then(|(_, node)| node.as_text());
        let message = match effect {
            Some(effect) => format!("`{key}` does not go with `effect: {effect}`"),
            None => format!("`{key}` cannot stand here"),
        };
        self.file
            .source
            .diagnostic(self.key_span(pointer), message)
            .remedy("remove it, or choose the effect it belongs to")
    }

    /// Numbers and the like that are meant as text.
    fn quotes(&self, expected: &str, pointer: &str) -> Option<String> {
        let scalar = !matches!(**self.error.instance(), Value::Array(_) | Value::Object(_));
        let written = self.file.source.text.get(self.span(pointer))?;
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

/// A key as a step of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
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

fn expected(kind: &jsonschema::error::TypeKind) -> String {
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
        jsonschema::error::TypeKind::Single(one) => name(one.as_str()).to_owned(),
        jsonschema::error::TypeKind::Multiple(many) => {
            let names: Vec<&str> = many.iter().map(|one| name(one.as_str())).collect();
            names.join(" or ")
        }
    }
}
