//! Files against the JSON Schemas of `schema/`.

mod explanation;

use std::collections::BTreeSet;

use jsonschema::{Registry, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use crate::{
    alternatives::meant,
    diagnostic::{Code, Diagnostic},
    yaml::{self, Node},
};

use self::explanation::Explanation;

use super::files::{File, Folder, Kind};

/// Base of the schemas' addresses; nothing is ever fetched.
const BASE: &str = "file:///schema/";
/// Schemas that others refer to.
const SHARED: [&str; 2] = ["common", "rule"];
/// Schemas of files.
const KINDS: [(Kind, &str); 10] = [
    (Kind::Vocabulary, "vocabulary"),
    (Kind::Measures, "measures"),
    (Kind::Sources, "sources"),
    (Kind::Calendar, "calendar"),
    (Kind::Instrument, "instrument"),
    (Kind::Jurisdiction, "jurisdiction"),
    (Kind::Authorities, "authorities"),
    (Kind::Offences, "offences"),
    (Kind::Tests, "tests"),
    (Kind::Exercise, "exercise"),
];

/// A file that was read, and where its schema finds fault with it.
pub(crate) struct Document<'a> {
    pub(crate) file: &'a File,
    pub(crate) node: Node,
    pub(crate) json: Value,
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
    /// Compiles the schemas of the kinds of files that the folder has: one of an older
    /// day has not all of them. `None` where one is missing or broken.
    pub(super) fn compile(folder: &Folder, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let is_there = |kind| folder.files().any(|file| file.kind == kind);
        let kinds = KINDS.into_iter().filter(|(kind, _)| is_there(*kind));
        let kinds: Vec<_> = kinds.collect();
        let mut texts = Vec::new();
        for name in kinds.iter().map(|(_, name)| *name).chain(SHARED) {
            let path = format!("schema/{name}.schema.json");
            let Some(file) = folder.get(&path) else {
                found.push(
                    Diagnostic::of_file(Code::FileMissing, &path, "the file is missing")
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
        if texts.len() < kinds.len() + SHARED.len() {
            return None;
        }
        let pairs = texts.iter().map(|(uri, schema)| (uri.as_str(), schema));
        let registry = Registry::new()
            .extend(pairs)
            .and_then(|builder| builder.prepare())
            .map_err(|error| {
                found.push(Diagnostic::of_file(
                    Code::BrokenSchema,
                    "schema",
                    error.to_string(),
                ))
            })
            .ok()?;
        let mut validators = Vec::new();
        for ((kind, name), (uri, schema)) in kinds.iter().zip(&texts) {
            let compiled = jsonschema::options()
                .with_registry(&registry)
                .with_base_uri(uri.as_str())
                .should_validate_formats(true)
                .build(schema);
            match compiled {
                Ok(validator) => validators.push((*kind, validator)),
                Err(error) => found.push(Diagnostic::of_file(
                    Code::BrokenSchema,
                    &format!("schema/{name}.schema.json"),
                    format!("not a JSON Schema: {error}"),
                )),
            }
        }
        drop(registry);
        (validators.len() == kinds.len()).then_some(Self { texts, validators })
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
        let errors: Vec<_> = validator.iter_errors(&json).collect();
        let faults = errors.iter().map(|error| error.instance_path().as_str());
        let faults = faults.map(str::to_owned).collect();
        let explanations: Vec<_> = errors
            .iter()
            .flat_map(meant)
            .map(|error| Explanation {
                file,
                root: &node,
                keyword: self.keyword(error),
                error,
            })
            .collect();
        let misspelt: BTreeSet<_> = explanations
            .iter()
            .flat_map(Explanation::misspelt)
            .collect();
        for explanation in explanations {
            // A needed key that is there, and misspelt, is told once.
            let is_told = explanation
                .needed()
                .is_some_and(|key| misspelt.contains(&key));
            if !is_told {
                explanation.say(found);
            }
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

/// A key as a step of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
