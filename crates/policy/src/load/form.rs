//! The JSON Schema of a form, and its fields that rules may test as
//! `context.form.<path>`.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{FactName, FactSource, Text};
use serde_json::{Map, Value};

use crate::{
    diagnostic::{Code, Diagnostic},
    model::{FactDeclaration, FactType, FormField, FormFields, FormSection, Restatement},
    phrases::{self, Remark},
    yaml::{self, Node},
};

use super::{context::Context, files::File, keywords, restated::restated};

/// Deepest nesting of fields that rules may test.
const MAX_DEPTH: usize = 8;
/// Most places that a schema may unfold into, each with its definitions: far more than any
/// form has.
const MAX_PLACES: usize = 20_000;
/// Words that a Cedar path cannot hold.
const RESERVED: [&str; 9] = [
    "true", "false", "if", "then", "else", "in", "is", "like", "has",
];

/// A form's schema, compiled, with its parts and fields.
#[derive(Clone)]
pub(super) struct FormFile {
    pub(super) schema: jsonschema::Validator,
    pub(super) sections: Vec<FormSection>,
    pub(super) fields: FormFields,
    pub(super) restated: Vec<Restatement>,
    pub(super) content: Value,
}

/// The schema of a form.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(file: &File, context: &mut Context) -> Result<FormFile, Vec<Diagnostic>> {
    // JSON is YAML: the same reader refuses repeated keys and knows places.
    let node = yaml::parse(&file.source)?;
    let json = node.to_json();
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&json)
        .map_err(|error| {
            let found = node.find(error.instance_path().as_str());
            let span = found.map_or(0..0, |(key, node)| key.unwrap_or(node.span.clone()));
            let message = format!("not a JSON Schema: {error}");
            vec![
                file.source
                    .diagnostic(Code::BrokenSchema, span, message)
                    .why("forms are checked against it"),
            ]
        })?;
    context
        .found
        .extend(keywords::check(&file.source, &node, &json));
    if !unfolds(
        &json,
        super::restated::MAX_DEPTH,
        &json,
        &mut MAX_PLACES.clone(),
    ) {
        let found = node.find("/properties");
        let span = found.map_or(0..0, |(key, node)| key.unwrap_or(node.span.clone()));
        let message = format!("the form unfolds into more than {MAX_PLACES} fields");
        let found = file.source.diagnostic(Code::BrokenSchema, span, message);
        return Err(vec![
            found
                .why("its definitions refer to themselves, or to others, again and again")
                .remedy(
                    "let a definition refer to itself once, or write what is meant as `object`",
                ),
        ]);
    }
    let mut fields = FormFields::new();
    collect(&json, "form", MAX_DEPTH, &json, &mut fields);
    Ok(FormFile {
        schema,
        sections: sections(&node),
        fields,
        restated: restated(&file.source, (&node, &json), context),
        content: json,
    })
}

/// The outermost parts of a form, by their headings.
fn sections(schema: &Node) -> Vec<FormSection> {
    let at = |pointer| schema.find(pointer).map(|(_, node)| node);
    let required = at("/required").map_or(&[][..], Node::items);
    let Some(yaml::Value::Map(parts)) = at("/properties").map(|parts| &parts.value) else {
        return Vec::new();
    };
    let section = |part: &yaml::Entry| {
        let title = part
            .node
            .find("/title")
            .and_then(|(_, title)| title.as_text());
        FormSection {
            title: title.map_or_else(|| Arc::from(part.key.replace('_', " ")), Arc::from),
            required: required
                .iter()
                .any(|name| name.as_text() == Some(&part.key)),
        }
    };
    parts.iter().map(section).collect()
}

/// Whether a schema unfolds into no more places than are left, down to a depth.
fn unfolds(schema: &Value, depth: usize, root: &Value, left: &mut usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    let Some(fewer) = left.checked_sub(1) else {
        return false;
    };
    *left = fewer;
    let target = Some(resolve(schema, root)).filter(|target| !std::ptr::eq(*target, schema));
    let fields = schema.get("properties").and_then(Value::as_object);
    let branches = ["oneOf", "anyOf"].map(|choice| schema.get(choice).and_then(Value::as_array));
    let below = fields.into_iter().flat_map(Map::values);
    let below = below.chain(branches.into_iter().flatten().flatten());
    let mut below = below.chain(schema.get("items")).chain(target);
    below.all(|schema| unfolds(schema, depth, root, left))
}

/// Every field with one value of a type that conditions know. Lists of
/// objects have no place in them, and nor have names that are no identifiers.
fn collect(schema: &Value, path: &str, depth: usize, root: &Value, fields: &mut FormFields) {
    let schema = resolve(schema, root);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties {
            if depth > 0 && is_identifier(name) {
                collect(schema, &format!("{path}.{name}"), depth - 1, root, fields);
            }
        }
    } else if let Some((kind, options)) = typed(schema, root) {
        let declaration = declaration(schema, path, kind);
        fields.insert(
            FactName::from(path),
            FormField {
                declaration,
                options,
            },
        );
    }
}

/// What a local `$ref` points to; nothing else is ever fetched.
pub(super) fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|target| root.pointer(target.strip_prefix('#')?));
    target.unwrap_or(schema)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name)
}

/// A field's type, and its values where they are listed.
pub(super) fn typed(schema: &Value, root: &Value) -> Option<(FactType, BTreeSet<Arc<str>>)> {
    let options = |schema: &Value| -> Option<BTreeSet<Arc<str>>> {
        let values = schema.get("enum")?.as_array()?.iter();
        values.map(|value| value.as_str().map(Arc::from)).collect()
    };
    if let Some(options) = options(schema) {
        return Some((FactType::Text, options));
    }
    let none = BTreeSet::new;
    match schema.get("type")?.as_str()? {
        "boolean" => Some((FactType::Truth, none())),
        "integer" => Some((FactType::Number, none())),
        "string" if schema.get("format").and_then(Value::as_str) == Some("date") => {
            Some((FactType::Day, none()))
        }
        "string" => Some((FactType::Text, none())),
        "array" => match typed(resolve(schema.get("items")?, root), root)? {
            (FactType::Text, options) => Some((FactType::SetOfText, options)),
            _ => None,
        },
        _ => None,
    }
}

fn declaration(schema: &Value, path: &str, kind: FactType) -> FactDeclaration {
    let words = |schema: &Map<String, Value>| {
        let title = schema.get("title").and_then(Value::as_str);
        title.map(str::to_owned)
    };
    let title = schema.as_object().and_then(words);
    let title = title.unwrap_or_else(|| path.to_owned());
    FactDeclaration {
        kind,
        stated_by: FactSource::Requester,
        ask: phrases::in_every_tongue(&Remark::FillIn { field: &title }),
        title: Text::english(&title),
        role: None,
        presumption: None,
    }
}
