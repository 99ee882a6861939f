//! The vocabulary as a Cedar schema.

use std::collections::BTreeMap;

use cedar_policy::{Schema, SchemaError};
use serde_json::{Value, json};

use crate::model::{FactType, Vocabulary};

/// The vocabulary as a Cedar schema: one action `decide`, whose context holds
/// every fact. All facts are declared as present; what nobody stated is left
/// out of the evaluated context, so that touching it is an error naming it.
///
/// # Errors
/// What Cedar finds wrong, which the checks of the vocabulary rule out.
pub(crate) fn schema(vocabulary: &Vocabulary) -> Result<Schema, Box<SchemaError>> {
    let mut types = serde_json::Map::from_iter([
        ("Requester".to_owned(), json!({})),
        ("Case".to_owned(), json!({})),
    ]);
    for (name, values) in &vocabulary.types {
        let values: Vec<&str> = values.iter().map(|value| &**value).collect();
        types.insert(name.to_string(), json!({ "enum": values }));
    }
    let mut attributes = serde_json::Map::new();
    let mut groups: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
    for (name, declaration) in &vocabulary.facts {
        let kind = cedar_type(&declaration.kind);
        match name.split_once('.') {
            Some((group, member)) => {
                groups
                    .entry(group)
                    .or_default()
                    .insert(member.to_owned(), kind);
            }
            None => {
                attributes.insert(name.to_string(), kind);
            }
        }
    }
    for (group, members) in groups {
        let record = json!({"type": "Record", "attributes": members});
        attributes.insert(group.to_owned(), record);
    }
    let schema = json!({"": {
        "entityTypes": types,
        "actions": {"decide": {"appliesTo": {
            "principalTypes": ["Requester"],
            "resourceTypes": ["Case"],
            "context": {"type": "Record", "attributes": attributes},
        }}},
    }});
    Schema::from_json_value(schema).map_err(Box::new)
}

fn cedar_type(kind: &FactType) -> Value {
    match kind {
        FactType::Truth => json!({"type": "Boolean"}),
        FactType::Number => json!({"type": "Long"}),
        FactType::Text => json!({"type": "String"}),
        FactType::Day => json!({"type": "Extension", "name": "datetime"}),
        FactType::Listed(name) => json!({"type": "Entity", "name": &**name}),
        FactType::SetOf(name) => {
            json!({"type": "Set", "element": {"type": "Entity", "name": &**name}})
        }
        FactType::SetOfText => json!({"type": "Set", "element": {"type": "String"}}),
    }
}
