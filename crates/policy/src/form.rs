//! An instrument's own form against its schema.

use jsonschema::{
    JsonType,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use crate::{
    model::Form,
    phrases::{Fault, Tongue},
};

/// More mistakes than this help nobody.
const MAX_PROBLEMS: usize = 50;

/// Events that have calls, or fields of calls, of their own: these may come without a form.
pub const OWN_CALL: [&str; 9] = [
    "acknowledged",
    "concluded",
    "extended",
    "issued",
    "not-executed",
    "objected",
    "postponed",
    "received",
    "withdrawn",
];

/// Events by which the issuing State lifts an order to which the law of a third country
/// was objected, and by which a legal remedy succeeds: they are told in words.
pub const LIFTED: &str = "order-lifted";
/// See [`LIFTED`].
pub const REMEDIED: &str = "remedy-upheld";

/// A field of an instrument's form that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormProblem {
    /// Path in the request or report, for example `form.offence.place`.
    pub field: String,
    /// What is wrong, without the value: it may be personal data.
    pub message: String,
}

/// The form that an instrument prescribes for the report of an event.
#[derive(Debug, Clone, Copy)]
pub struct ReportForm<'a>(pub(crate) &'a Form);

impl ReportForm<'_> {
    /// The event is not reported without it.
    #[must_use]
    pub fn is_required(self) -> bool {
        self.0.required
    }

    /// Everything wrong with one that comes with a report, in English.
    #[must_use]
    pub fn check(self, content: &Value) -> Vec<FormProblem> {
        errors(self.0, content, Tongue::English)
    }
}

/// Everything wrong with a form.
pub(crate) fn errors(form: &Form, content: &Value, tongue: Tongue) -> Vec<FormProblem> {
    let errors = form.schema.iter_errors(content).take(MAX_PROBLEMS);
    errors
        .map(|error| {
            let mut field = String::from("form");
            for part in error.instance_path().as_str().split('/').skip(1) {
                field.push('.');
                field.push_str(part);
            }
            if let Kind::Required { property } = error.kind() {
                field.push('.');
                field.push_str(property.as_str().unwrap_or_default());
            }
            let message = fault(error.kind(), tongue);
            FormProblem { field, message }
        })
        .collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON Schema has rarer demands than are worth a sentence each"
)]
fn fault(kind: &Kind, tongue: Tongue) -> String {
    let among = |values: &Value| {
        let one = std::slice::from_ref(values);
        let values = values.as_array().map_or(one, Vec::as_slice);
        let values: Vec<_> = values
            .iter()
            .map(|value| format!("`{}`", plain(value)))
            .collect();
        tongue.fault(&Fault::NotAmong {
            values: &values.join(", "),
        })
    };
    match kind {
        Kind::Required { .. } => tongue.fault(&Fault::Missing),
        Kind::Type { kind } => tongue.fault(&Fault::Kind {
            expected: &types(kind),
        }),
        Kind::Enum { options } => among(options),
        Kind::Constant { expected_value } => among(expected_value),
        Kind::Format { format } => tongue.fault(&Fault::Format { format }),
        Kind::Pattern { pattern } => tongue.fault(&Fault::Pattern { pattern }),
        Kind::Minimum { limit } => tongue.fault(&Fault::AtLeast {
            limit: &plain(limit),
        }),
        Kind::Maximum { limit } => tongue.fault(&Fault::AtMost {
            limit: &plain(limit),
        }),
        Kind::ExclusiveMinimum { limit } => tongue.fault(&Fault::MoreThan {
            limit: &plain(limit),
        }),
        Kind::ExclusiveMaximum { limit } => tongue.fault(&Fault::LessThan {
            limit: &plain(limit),
        }),
        Kind::MinLength { limit } => tongue.fault(&Fault::FewestCharacters { limit: *limit }),
        Kind::MaxLength { limit } => tongue.fault(&Fault::MostCharacters { limit: *limit }),
        Kind::MinItems { limit } => tongue.fault(&Fault::FewestEntries { limit: *limit }),
        Kind::MaxItems { limit } => tongue.fault(&Fault::MostEntries { limit: *limit }),
        Kind::UniqueItems => tongue.fault(&Fault::Repeats),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            tongue.fault(&Fault::UnknownFields)
        }
        other => tongue.fault(&Fault::Other {
            keyword: other.keyword(),
        }),
    }
}

fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(several) => several.iter().collect(),
    }
}

/// A value of the schema without quotes.
fn plain(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}
