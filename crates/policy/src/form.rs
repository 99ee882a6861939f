//! An instrument's own form against its schema.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::model::Form;

/// More mistakes than this help nobody.
const MAX_PROBLEMS: usize = 50;

/// A field of an instrument's form that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormProblem {
    /// Path in the request, for example `form.offence.place`.
    pub field: String,
    /// What is wrong, without the value: it may be personal data.
    pub message: String,
}

/// Everything wrong with a form.
pub(crate) fn errors(form: &Form, content: &Value) -> Vec<FormProblem> {
    let errors = form.schema.iter_errors(content).take(MAX_PROBLEMS);
    errors
        .map(|error| {
            let mut field = String::from("form");
            for part in error.instance_path().as_str().split('/').skip(1) {
                field.push('.');
                field.push_str(part);
            }
            let message = if let ValidationErrorKind::Required { property } = error.kind() {
                field.push('.');
                field.push_str(property.as_str().unwrap_or_default());
                "is missing".to_owned()
            } else {
                error.masked_with("the value").to_string()
            };
            FormProblem { field, message }
        })
        .collect()
}
