//! Redaction: values that must not leave the executing State are taken out of
//! the data itself, not hidden in its presentation.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use serde_json::Value;
use serde_json_path::JsonPath;
use thiserror::Error;

/// What stands where a value was, so that the reader sees that one existed.
const WITHHELD: &str = "[withheld]";

/// A path that is not RFC 9535 JSONPath. Whoever meets it must withhold the
/// whole result: what was meant to be taken out is not known.
#[derive(Debug, Error)]
#[error("a redaction path is not JSONPath: mend the rule that carries it")]
pub(crate) struct UnreadablePath(#[source] serde_json_path::ParseError);

/// Replaces every value that one of `paths` selects, and returns where they
/// were, as normalized paths, sorted.
pub(crate) fn apply<'a>(
    data: &mut Value,
    paths: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, UnreadablePath> {
    let mut found = Vec::new();
    for path in paths {
        let path = parsed(path)?;
        let located = path.query_located(data);
        found.extend(
            located
                .locations()
                .map(|at| (at.to_string(), at.to_json_pointer())),
        );
    }
    found.sort();
    found.dedup();
    for (_, pointer) in &found {
        if let Some(value) = data.pointer_mut(pointer) {
            *value = Value::from(WITHHELD);
        }
    }
    Ok(found.into_iter().map(|(path, _)| path).collect())
}

/// A path, parsed once by a thread: the rules carry a few, and answers carry these again
/// and again.
fn parsed(path: &str) -> Result<Rc<JsonPath>, UnreadablePath> {
    PARSED.with_borrow_mut(|known| {
        if let Some(parsed) = known.get(path) {
            return Ok(Rc::clone(parsed));
        }
        let parsed = Rc::new(JsonPath::parse(path).map_err(UnreadablePath)?);
        if known.len() >= PARSED_MOST {
            known.clear();
        }
        known.insert(path.to_owned(), Rc::clone(&parsed));
        Ok(parsed)
    })
}

/// Paths that a thread remembers before it begins anew.
const PARSED_MOST: usize = 256;

thread_local! {
    static PARSED: RefCell<HashMap<String, Rc<JsonPath>>> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_victims_values_go() {
        let mut data = json!({"persons": [
            {"role": "victim", "name": "A", "date_of_birth": "2011-01-01"},
            {"role": "suspect", "name": "B"},
        ]});
        let paths = [
            "$.persons[?(@.role=='victim')].name",
            "$.persons[?(@.role=='victim')].date_of_birth",
        ];
        let redacted = apply(&mut data, paths.into_iter()).unwrap();
        assert_eq!(
            redacted,
            [
                "$['persons'][0]['date_of_birth']",
                "$['persons'][0]['name']"
            ]
        );
        assert_eq!(
            data,
            json!({"persons": [
                {"role": "victim", "name": WITHHELD, "date_of_birth": WITHHELD},
                {"role": "suspect", "name": "B"},
            ]})
        );
    }

    #[test]
    fn an_unreadable_path_is_an_error_and_changes_nothing() {
        let mut data = json!({"a": 1});
        assert!(apply(&mut data, ["$.a", "$[["].into_iter()).is_err());
        assert_eq!(data, json!({"a": 1}));
    }
}
