//! The published schemas are what they say they are, and every file names its
//! own, so that any editor completes, explains and underlines.

use std::fs;

use serde_json::{Map, Value};

use super::{files, shipped};

/// Schemas by file name.
fn schemas() -> Vec<(String, Value)> {
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        (name, serde_json::from_str(&text).unwrap())
    };
    files(&shipped().join("schema"))
        .into_iter()
        .map(read)
        .collect()
}

#[test]
fn they_are_json_schemas() {
    for (name, schema) in schemas() {
        let valid = jsonschema::meta::validate(&schema);
        assert!(valid.is_ok(), "{name}: {}", valid.unwrap_err());
        let draft = &schema["$schema"];
        assert_eq!(
            draft, "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
    }
}

#[test]
fn every_key_is_explained() {
    let schemas = schemas();
    for (name, schema) in &schemas {
        explained(&schemas, name, schema, name);
    }
}

/// Below this schema every key has a title and a description, its own or that
/// of what it refers to.
fn explained(schemas: &[(String, Value)], file: &str, schema: &Value, at: &str) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (key, property) in properties {
                    let at = format!("{at}/{key}");
                    for word in ["title", "description"] {
                        let said = said(schemas, file, property, word);
                        assert!(
                            said.is_some_and(|text| !text.is_empty()),
                            "{at} has no {word}"
                        );
                    }
                    explained(schemas, file, property, &at);
                }
            }
            // Conditions repeat what is explained elsewhere.
            ("if" | "allOf", _) => {}
            ("then" | "else", value) if value.get("properties").is_some_and(refuses) => {}
            (_, Value::Object(_)) => explained(schemas, file, value, &format!("{at}/{keyword}")),
            _ => {}
        }
    }
}

fn refuses(properties: &Value) -> bool {
    let properties = properties.as_object();
    properties.is_some_and(|all| all.values().all(|value| *value == Value::Bool(false)))
}

fn said<'a>(
    schemas: &'a [(String, Value)],
    file: &str,
    schema: &'a Value,
    word: &str,
) -> Option<&'a str> {
    let own = schema.get(word).and_then(Value::as_str);
    own.or_else(|| {
        let (other, pointer) = schema.get("$ref")?.as_str()?.split_once('#')?;
        let file = if other.is_empty() { file } else { other };
        let (_, root) = schemas.iter().find(|(name, _)| name == file)?;
        said(schemas, file, root.pointer(pointer)?, word)
    })
}

#[test]
fn every_example_is_valid() {
    let schemas = schemas();
    let address = |name: &str| format!("file:///schema/{name}");
    let pairs = schemas.iter().map(|(name, schema)| (address(name), schema));
    let registry = jsonschema::Registry::new()
        .extend(pairs)
        .unwrap()
        .prepare()
        .unwrap();
    let mut tried = 0;
    for (name, schema) in &schemas {
        let mut found = Vec::new();
        examples(schema, String::new(), &mut found);
        for (pointer, example) in found {
            let reference = format!("{}#{pointer}", address(name));
            let validator = jsonschema::options()
                .with_registry(&registry)
                .with_base_uri("file:///example")
                .should_validate_formats(true)
                .build(&serde_json::json!({"$ref": reference}))
                .unwrap();
            let valid = validator.validate(example);
            assert!(
                valid.is_ok(),
                "{name}#{pointer}: {example}: {}",
                valid.unwrap_err()
            );
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried} examples");
}

/// Examples and defaults, with the pointers of the schemas they stand in.
fn examples<'a>(schema: &'a Value, pointer: String, found: &mut Vec<(String, &'a Value)>) {
    let Some(map) = schema.as_object() else {
        return;
    };
    let listed = map.get("examples").and_then(Value::as_array);
    let all = listed.into_iter().flatten().chain(map.get("default"));
    found.extend(all.map(|example| (pointer.clone(), example)));
    for (key, value) in map
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "examples" | "default"))
    {
        examples(value, format!("{pointer}/{key}"), found);
    }
}

#[test]
fn every_enumeration_describes_its_values_in_order() {
    fn walk(schema: &Value, at: &str) {
        let Some(map) = schema.as_object() else {
            return;
        };
        let length = |key: &str| map.get(key).and_then(Value::as_array).map(Vec::len);
        if let Some(described) = length("enumDescriptions") {
            assert_eq!(length("enum"), Some(described), "{at}");
        }
        for (key, value) in map {
            walk(value, &format!("{at}/{key}"));
        }
    }
    for (name, schema) in schemas() {
        walk(&schema, &name);
    }
}

#[test]
fn every_file_names_its_schema() {
    let folder = shipped();
    let yaml = files(&folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let mut named = Map::new();
    for path in yaml {
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.strip_prefix(&folder).unwrap().display().to_string();
        let first = text.lines().next().unwrap_or_default();
        let schema = first
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap_or_else(|| panic!("{shown}: begin with `# yaml-language-server: $schema=…`"));
        let target = path.parent().unwrap().join(schema);
        assert!(target.exists(), "{shown}: there is no {schema}");
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = match shown.split('/').collect::<Vec<_>>().as_slice() {
            ["calendars", _] => "calendar".to_owned(),
            ["instruments", _, "module.yaml"] => "instrument".to_owned(),
            ["jurisdictions", _, "module.yaml"] => "jurisdiction".to_owned(),
            _ => stem,
        };
        assert!(
            schema.ends_with(&format!("/{expected}.schema.json"))
                || schema == format!("schema/{expected}.schema.json"),
            "{shown}: {schema}"
        );
        named.insert(shown, schema.into());
    }
    assert!(named.len() > 50, "{}", named.len());
}
