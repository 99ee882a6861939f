//! Whether a form's schema says what it seems to: JSON Schema passes over every
//! keyword that it does not know, and a form would no longer be held to it.

use serde_json::{Map, Value};

use crate::{
    diagnostic::{Code, Diagnostic, Source, nearest},
    yaml::Node,
};

use super::schema::escape;

/// Keywords of JSON Schema 2020-12, and our own. Source: its core, applicator,
/// validation, unevaluated, format, content and meta-data vocabularies.
const KEYWORDS: &str = "$anchor $comment $defs $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary \
    additionalProperties allOf anyOf const contains contentEncoding contentMediaType contentSchema default \
    definitions dependentRequired dependentSchemas deprecated description else enum examples exclusiveMaximum \
    exclusiveMinimum format if items maxContains maxItems maxLength maxProperties maximum minContains minItems \
    minLength minProperties minimum multipleOf not oneOf pattern patternProperties prefixItems properties \
    propertyNames readOnly required restates then title type unevaluatedItems unevaluatedProperties uniqueItems \
    writeOnly";
/// Hold schemas by names of their own.
pub(crate) const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];
/// Hold schemas of the same value as the schema that they stand in.
const SAME_VALUE: [&str; 7] = ["allOf", "anyOf", "oneOf", "if", "then", "else", "not"];
/// Hold schemas of parts of the value.
const OF_PARTS: [&str; 8] = [
    "prefixItems",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];

/// Words of a schema that nothing reads, and fields that it cannot mean.
pub(super) fn check(source: &Source, node: &Node, schema: &Value) -> Vec<Diagnostic> {
    let mut reading = Reading {
        source,
        node,
        found: Vec::new(),
    };
    reading.schema(schema, "", None);
    reading.found
}

struct Reading<'a> {
    source: &'a Source,
    node: &'a Node,
    found: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// One schema. `closed` has the only fields that its value may have, where a
    /// schema around it for the same value says so.
    fn schema<'s>(
        &mut self,
        schema: &'s Value,
        pointer: &str,
        closed: Option<&'s Map<String, Value>>,
    ) {
        let Value::Object(keywords) = schema else {
            // A list of schemas holds each of them.
            for (index, one) in schema.as_array().into_iter().flatten().enumerate() {
                self.schema(one, &format!("{pointer}/{index}"), closed);
            }
            return;
        };
        let closed = only_fields(keywords).or(closed);
        for (keyword, value) in keywords {
            let at = format!("{pointer}/{}", escape(keyword));
            match keyword.as_str() {
                named if NAMED.contains(&named) => {
                    for (name, schema) in value.as_object().into_iter().flatten() {
                        self.schema(schema, &format!("{at}/{}", escape(name)), None);
                    }
                }
                same if SAME_VALUE.contains(&same) => self.schema(value, &at, closed),
                parts if OF_PARTS.contains(&parts) => self.schema(value, &at, None),
                "required" => self.required(value, &at, closed),
                known if KEYWORDS.split(' ').any(|keyword| keyword == known) => {}
                unknown => self.unknown(unknown, &at),
            }
        }
    }

    fn unknown(&mut self, keyword: &str, at: &str) {
        let meant = nearest(keyword, KEYWORDS.split(' '));
        let remedy = meant.map_or_else(
            || "remove it, or write it into the `description`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let key = self.node.find(at).and_then(|(key, _)| key);
        let message = format!("JSON Schema has no keyword `{keyword}`");
        self.found.push(
            self.source
                .diagnostic(Code::UnknownKey, key.unwrap_or(0..0), message)
                .why("forms would not be held to it")
                .remedy(remedy),
        );
    }

    /// What must be there may be there.
    fn required(&mut self, names: &Value, at: &str, closed: Option<&Map<String, Value>>) {
        let names = names.as_array().into_iter().flatten().enumerate();
        let names = names.filter_map(|(index, name)| Some((index, name.as_str()?)));
        for (index, name) in names {
            let Some(fields) = closed.filter(|fields| !fields.contains_key(name)) else {
                continue;
            };
            let found = self.node.find(&format!("{at}/{index}"));
            let span = found.map_or(0..0, |(_, node)| node.span.clone());
            let message = format!("the form has no field `{name}`");
            let meant = nearest(name, fields.keys().map(String::as_str));
            let remedy = meant.map_or_else(
                || "add it to `properties`, or take it out of here".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.found.push(
                self.source
                    .diagnostic(Code::BrokenSchema, span, message)
                    .why("it is not among the `properties`, and others are not allowed")
                    .remedy(remedy),
            );
        }
    }
}

/// The only fields that an object of this schema may have, where it names them all.
fn only_fields(keywords: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let closed = keywords.get("additionalProperties") == Some(&Value::Bool(false));
    let free = keywords.contains_key("patternProperties");
    let fields = keywords.get("properties")?.as_object()?;
    (closed && !free).then_some(fields)
}
