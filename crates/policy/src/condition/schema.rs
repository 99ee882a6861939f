//! The vocabulary as a Cedar schema.

use std::collections::BTreeMap;

use cedar_policy::{Schema, SchemaError};
use serde_json::{Map, Value, json};

use crate::model::{FactDeclaration, FactType, FormFields, Vocabulary};

/// Name of the action under which conditions are checked: the one of rules
/// that may read certain forms, else that of all others.
pub(crate) fn action(form: Option<&str>) -> String {
    form.map_or_else(|| "decide".to_owned(), |form| format!("decide-{form}"))
}

/// The vocabulary as a Cedar schema: an action whose context holds every
/// fact, and one for each set of forms, whose context holds their fields besides. All
/// facts are declared as present; what nobody stated is left out of the
/// evaluated context, so that touching it is an error naming it.
///
/// # Errors
/// What Cedar finds wrong, which the checks of the vocabulary rule out.
pub(crate) fn schema(
    vocabulary: &Vocabulary,
    forms: &BTreeMap<&str, &FormFields>,
) -> Result<Schema, Box<SchemaError>> {
    let mut types = Map::from_iter([
        ("Requester".to_owned(), json!({})),
        ("Case".to_owned(), json!({})),
    ]);
    for (name, values) in &vocabulary.types {
        let values: Vec<&str> = values.iter().map(|value| &**value).collect();
        types.insert(name.to_string(), json!({ "enum": values }));
    }
    let facts = record(vocabulary.facts.iter().map(|(name, fact)| (&**name, fact)));
    let applies_to = |context: Map<String, Value>| {
        json!({"appliesTo": {
            "principalTypes": ["Requester"],
            "resourceTypes": ["Case"],
            "context": {"type": "Record", "attributes": context},
        }})
    };
    let mut actions = Map::from_iter([(action(None), applies_to(facts.clone()))]);
    for (instrument, fields) in forms {
        let fields = fields
            .iter()
            .map(|(name, field)| (&**name, &field.declaration));
        let context = facts.clone().into_iter().chain(record(fields)).collect();
        actions.insert(action(Some(instrument)), applies_to(context));
    }
    let schema = json!({"": {"entityTypes": types, "actions": actions}});
    Schema::from_json_value(schema).map_err(Box::new)
}

/// Facts as the attributes of a record, those whose names begin alike as a
/// record in it.
fn record<'a>(facts: impl Iterator<Item = (&'a str, &'a FactDeclaration)>) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut groups: BTreeMap<&str, Vec<(&str, &FactDeclaration)>> = BTreeMap::new();
    for (name, declaration) in facts {
        match name.split_once('.') {
            Some((group, member)) => groups.entry(group).or_default().push((member, declaration)),
            None => {
                attributes.insert(name.to_owned(), cedar_type(&declaration.kind));
            }
        }
    }
    for (group, members) in groups {
        let members = record(members.into_iter());
        attributes.insert(
            group.to_owned(),
            json!({"type": "Record", "attributes": members}),
        );
    }
    attributes
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
