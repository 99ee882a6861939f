//! An instrument's own form against its schema.

use std::fmt::Write as _;

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
    paths::LocationSegment,
};
use serde_json::Value;

use crate::{
    alternatives::{branches, meant},
    model::Form,
    phrases::{Fault, Tongue},
};

/// More mistakes than this help nobody.
pub(crate) const MAX_PROBLEMS: usize = 50;
/// More values or fields than this are not listed.
const MAX_NAMES: usize = 10;

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
    let mut found = Vec::new();
    // Errors are gathered before the first is told: most forms have none.
    if form.schema.is_valid(content) {
        return found;
    }
    for error in form.schema.iter_errors(content).take(MAX_PROBLEMS) {
        for error in meant(&error) {
            let (mut field, mut kinds) = (path(error), Vec::new());
            if let Kind::Required { property } = error.kind() {
                field = below(&field, property);
            }
            for inner in branches(error).into_iter().flatten().flatten() {
                if let Kind::Constant { expected_value } = inner.kind() {
                    field = path(inner);
                    kinds.push(plain(expected_value));
                }
            }
            let message = if kinds.is_empty() {
                fault(error, described(form, error), tongue)
            } else {
                let values = &some(kinds.into_iter());
                tongue.fault(&Fault::NotAmong { values })
            };
            found.push(FormProblem { field, message });
        }
    }
    found.truncate(MAX_PROBLEMS);
    found
}

/// Where an error is, as a path in the request or report.
fn path(error: &ValidationError<'_>) -> String {
    let mut path = "form".to_owned();
    for segment in error.instance_path() {
        // A string takes whatever is written.
        let _ = match segment {
            LocationSegment::Property(name) => write!(path, ".{name}"),
            LocationSegment::Index(index) => write!(path, "[{index}]"),
        };
    }
    path
}

fn below(path: &str, property: &Value) -> String {
    format!("{path}.{}", plain(property))
}

/// The schema whose keyword failed.
fn described<'a>(form: &'a Form, error: &ValidationError<'_>) -> Option<&'a Value> {
    let (schema, _) = error.schema_path().as_str().rsplit_once('/')?;
    form.content.pointer(schema)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON Schema has rarer demands than are worth a sentence each"
)]
fn fault(error: &ValidationError<'_>, schema: Option<&Value>, tongue: Tongue) -> String {
    let among = |values: &Value| {
        let one = std::slice::from_ref(values);
        let values = values.as_array().map_or(one, Vec::as_slice);
        let values = &some(values.iter().map(plain));
        tongue.fault(&Fault::NotAmong { values })
    };
    let described = schema.and_then(|schema| schema.get("description")?.as_str());
    let kind = error.kind();
    match kind {
        Kind::Required { .. } => tongue.fault(&Fault::Missing),
        Kind::Type { kind } => tongue.fault(&Fault::Kind {
            expected: &types(kind),
        }),
        Kind::Enum { options } => among(options),
        Kind::Constant { expected_value } => among(expected_value),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            let fields = &some(missing(error).into_iter());
            let keyword = kind.keyword();
            tongue.fault(&if fields.is_empty() {
                Fault::Other { keyword }
            } else {
                Fault::NoneOf { fields }
            })
        }
        Kind::Format { format } => tongue.fault(&Fault::Format {
            format,
            example: example(format),
        }),
        Kind::Pattern { pattern } => tongue.fault(&Fault::Pattern { pattern, described }),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            let known = schema.and_then(|schema| schema.get("properties")?.as_object());
            let names = || known.into_iter().flat_map(|known| known.keys());
            // Those that it has are the least likely to be meant by another.
            let has = |name: &&String| error.instance().get(name.as_str()).is_some();
            let free = names().filter(|name| !has(name));
            let known = &some(free.chain(names().filter(has)).cloned());
            tongue.fault(&Fault::UnknownFields { known })
        }
        other => measured(other, tongue),
    }
}

/// What is too small, too large, too short, too long or twice.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON Schema has rarer demands than are worth a sentence each"
)]
fn measured(kind: &Kind, tongue: Tongue) -> String {
    match kind {
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
        other => tongue.fault(&Fault::Other {
            keyword: other.keyword(),
        }),
    }
}

/// The fields of which one would be enough, where that is all that is wrong.
fn missing(error: &ValidationError<'_>) -> Vec<String> {
    let of_branch = |branch: &Vec<ValidationError<'_>>| {
        if let [only] = branch.as_slice()
            && let Kind::Required { property } = only.kind()
        {
            return Some(below(&path(only), property));
        }
        None
    };
    let branches = branches(error).into_iter().flatten();
    let fields: Option<_> = branches.map(of_branch).collect();
    fields.unwrap_or_default()
}

/// How a value of a format looks.
fn example(format: &str) -> Option<&'static str> {
    match format {
        "date" => Some("2026-11-26"),
        "date-time" => Some("2026-11-26T14:05:00+01:00"),
        "email" => Some("office@example.org"),
        _ => None,
    }
}

/// So many of some names as can be read, between backticks.
fn some(names: impl Iterator<Item = String>) -> String {
    let mut shown: Vec<_> = names
        .take(MAX_NAMES + 1)
        .map(|name| format!("`{name}`"))
        .collect();
    if let Some(last) = shown.get_mut(MAX_NAMES) {
        "…".clone_into(last);
    }
    shown.join(", ")
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
