//! The published schemas and the types that read the files say the same: the
//! same keys, the same of them needed, the same values.

use std::{collections::BTreeSet, fs, path::Path};

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

use super::{
    Authorities, Calendar, Exercise, Instrument, Jurisdiction, Measures, Offences, Rule, Sources,
    Vocabulary,
};

type Set<'a> = BTreeSet<&'a str>;

/// A published schema and that of the type which reads what it describes.
struct Pair {
    published: Value,
    common: Value,
    derived: Value,
}

impl Pair {
    fn of<T: JsonSchema>(name: &str) -> Self {
        let derived = SchemaGenerator::default().into_root_schema_for::<T>();
        Self {
            published: published(name),
            common: published("common"),
            derived: derived.into(),
        }
    }

    /// What a published schema says, with what it refers to; its own words
    /// stand before those.
    fn written(&self, schema: &Value) -> Map<String, Value> {
        let mut own = schema.as_object().cloned().unwrap_or_default();
        let Some(reference) = own.remove("$ref") else {
            return own;
        };
        let (file, pointer) = reference
            .as_str()
            .unwrap()
            .split_once('#')
            .unwrap_or_default();
        let root = match file {
            "" => &self.published,
            "common.schema.json" => &self.common,
            _ => panic!("{reference} is followed by nobody"),
        };
        let referred = root
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{reference} is not there"));
        let mut all = match file {
            "" => self.written(referred),
            _ => self.of_common(referred),
        };
        all.extend(own);
        all
    }

    fn of_common(&self, schema: &Value) -> Map<String, Value> {
        let common = Self {
            published: self.common.clone(),
            common: Value::Null,
            derived: Value::Null,
        };
        let mut written = common.written(schema);
        // What lies below refers within the shared file still.
        for value in written.values_mut() {
            *value = serde_json::from_str(
                &value
                    .to_string()
                    .replace("\"$ref\":\"#", "\"$ref\":\"common.schema.json#"),
            )
            .unwrap();
        }
        written
    }

    /// What a derived schema says, without the `null` of what is optional.
    fn read<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            return self.read(self.derived.pointer(pointer).unwrap());
        }
        let options = schema.get("anyOf").and_then(Value::as_array);
        let mut options = options.into_iter().flatten();
        match options.find(|option| option["type"] != "null") {
            Some(option)
                if schema["anyOf"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|o| o["type"] == "null") =>
            {
                self.read(option)
            }
            _ => schema,
        }
    }

    fn compare(&self, published: &Value, derived: &Value, at: &str) {
        let written = self.written(published);
        let read = self.read(derived);
        if let Some(properties) = read.get("properties") {
            same(at, keys(written.get("properties")), keys(Some(properties)));
            same(
                at,
                names(written.get("required")),
                names(read.get("required")),
            );
            assert_eq!(
                written.get("additionalProperties"),
                Some(&Value::Bool(false)),
                "{at}"
            );
            for (key, derived) in properties.as_object().unwrap() {
                self.compare(&written["properties"][key], derived, &format!("{at}/{key}"));
            }
        } else if let Some(derived) = read.get("additionalProperties") {
            let published = written.get("additionalProperties").unwrap_or(&Value::Null);
            self.compare(published, derived, &format!("{at}/*"));
        } else if let Some(derived) = read.get("items") {
            self.compare(&written["items"], derived, &format!("{at}[]"));
        } else {
            self.compare_values(&written, read, at);
        }
    }

    fn compare_values(&self, written: &Map<String, Value>, read: &Value, at: &str) {
        let values = values(read);
        if let Some(condition) = written.get("then") {
            // Text or a map, as its branches say.
            let variants = read["oneOf"].as_array().unwrap();
            let (maps, texts): (Vec<_>, Vec<_>) =
                variants.iter().partition(|v| v.get("properties").is_some());
            let texts = texts.into_iter().flat_map(self::values).collect();
            same(at, names(condition.get("enum")), texts);
            for map in maps {
                self.compare(&written["else"], map, at);
            }
        } else if !values.is_empty() {
            same(at, names(written.get("enum")), values);
        } else if read.get("type").is_some() {
            let node = Value::Object(written.clone());
            let written = match node.get("enum").and_then(Value::as_array) {
                Some(listed) => listed.iter().map(kind).collect(),
                None => kinds(&node),
            };
            let kinds = kinds(read);
            same(at, written, kinds);
        }
    }
}

fn published(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../policies/schema")
        .join(format!("{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn same(at: &str, written: Set<'_>, read: Set<'_>) {
    let only = |one: &Set<'_>, other: &Set<'_>| format!("{:?}", one - other);
    assert!(
        written == read,
        "{at}: only in the schema {}, only in the type {}",
        only(&written, &read),
        only(&read, &written)
    );
}

fn keys(map: Option<&Value>) -> Set<'_> {
    let map = map.and_then(Value::as_object);
    map.into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect()
}

fn names(list: Option<&Value>) -> Set<'_> {
    let list = list.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The values of an enumeration.
fn values(read: &Value) -> Set<'_> {
    let variants = read.get("oneOf").and_then(Value::as_array);
    let variants = variants.into_iter().flatten().flat_map(values);
    let one = read.get("const").and_then(Value::as_str);
    names(read.get("enum"))
        .into_iter()
        .chain(one)
        .chain(variants)
        .collect()
}

/// The types of a schema but for `null`.
fn kinds(schema: &Value) -> Set<'_> {
    let one = schema["type"].as_str();
    let all = names(schema.get("type")).into_iter().chain(one);
    all.filter(|kind| *kind != "null").collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => "string",
    }
}

#[test]
fn files_and_types_have_the_same_keys() {
    for pair in [
        ("vocabulary", Pair::of::<Vocabulary>("vocabulary")),
        ("measures", Pair::of::<Measures>("measures")),
        ("sources", Pair::of::<Sources>("sources")),
        ("calendar", Pair::of::<Calendar>("calendar")),
        ("instrument", Pair::of::<Instrument>("instrument")),
        ("jurisdiction", Pair::of::<Jurisdiction>("jurisdiction")),
        ("authorities", Pair::of::<Authorities>("authorities")),
        ("offences", Pair::of::<Offences>("offences")),
        ("exercise", Pair::of::<Exercise>("exercise")),
    ] {
        let (name, pair) = pair;
        pair.compare(&pair.published, &pair.derived, name);
    }
}

/// Rules have the keys of all and those of their effect.
#[test]
fn rules_have_the_keys_of_their_effect() {
    let pair = Pair::of::<Rule>("rule");
    let (published, derived) = (&pair.published, &pair.derived);
    let own = keys(derived.get("properties"));
    let mut all = own.clone();
    let effects = derived["oneOf"].as_array().unwrap();
    for effect in effects {
        let effect = pair.read(effect);
        let properties = effect["properties"].as_object().unwrap();
        let name = properties["effect"]["const"].as_str().unwrap();
        let with = keys(effect.get("properties"));
        all.extend(&with);
        let (needed, refused) = branches(published, name);
        let possible: Set<'_> = keys(published.get("properties"));
        let possible = possible.difference(&refused).copied().collect();
        same(name, possible, own.union(&with).copied().collect());
        let read = names(effect.get("required"));
        same(
            name,
            needed,
            read.into_iter().filter(|key| *key != "effect").collect(),
        );
        for (key, derived) in properties
            .iter()
            .filter(|(key, _)| *key != "effect" && *key != "kind")
        {
            pair.compare(
                &published["properties"][key],
                derived,
                &format!("rule/{key}"),
            );
        }
    }
    let names_of_effects: Set<'_> = effects
        .iter()
        .map(|effect| {
            pair.read(effect)["properties"]["effect"]["const"]
                .as_str()
                .unwrap()
        })
        .collect();
    same(
        "effect",
        names(published["properties"]["effect"].get("enum")),
        names_of_effects,
    );
    let mut needed = names(derived.get("required"));
    needed.insert("effect");
    same("rule", names(published.get("required")), needed);
    for (key, derived) in derived["properties"].as_object().unwrap() {
        if key != "cite" {
            pair.compare(
                &published["properties"][key],
                derived,
                &format!("rule/{key}"),
            );
        }
    }
}

/// What the schema of rules needs and refuses under an effect.
fn branches<'a>(published: &'a Value, effect: &str) -> (Set<'a>, Set<'a>) {
    let (mut needed, mut refused) = (Set::new(), Set::new());
    for branch in published["allOf"].as_array().unwrap() {
        let condition = &branch["if"]["properties"]["effect"];
        let holds = condition["const"] == effect || names(condition.get("enum")).contains(effect);
        if holds {
            needed.extend(names(branch.pointer("/then/required")));
        } else {
            refused.extend(keys(branch.pointer("/else/properties")));
        }
    }
    (needed, refused)
}
