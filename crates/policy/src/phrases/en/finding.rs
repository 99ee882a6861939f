//! What decisions say, in English.

use jsonschema::JsonType;

use super::day;
use crate::phrases::{Fault, Remark, Weighed, listed};

pub(in crate::phrases) fn remark(remark: &Remark<'_>) -> String {
    match remark {
        Remark::NoPermit { module } => format!("Nothing in “{module}” permits this"),
        Remark::AttachForm { form } => format!("Attach the form: {form}"),
        Remark::FillIn { field } => format!("Fill in “{field}” of the form"),
        Remark::NoModule { of } => format!("The library has no module of `{of}`"),
        Remark::NoInstrument {
            measure,
            issuing,
            executing,
        } => format!(
            "No instrument of the library carries `{measure}` from {issuing} to {executing}"
        ),
        Remark::DoesItHold { rule } => format!("Does this hold? {rule}"),
        Remark::NotEvaluated { rule } => format!("The rule could not be evaluated: {rule}"),
        Remark::BindingUncertain { instrument, state } => {
            format!("it is not certain that {instrument} binds {state}")
        }
        Remark::IsBound { instrument, state } => {
            format!("Is {state} bound by {instrument} on this day?")
        }
        Remark::NoSource => "no module of the library".to_owned(),
    }
}

pub(in crate::phrases) fn weighed(weighed: &Weighed<'_>) -> String {
    match weighed {
        Weighed::NotInForce {
            instrument,
            reason,
            checked,
        } => {
            let checked = day(*checked);
            format!("`{instrument}` is not in force: {reason} (checked on {checked})")
        }
        Weighed::NotBound {
            instrument,
            state,
            note: Some(note),
        } => format!("{state} is not bound by `{instrument}`: {note}"),
        Weighed::NotBound {
            instrument, state, ..
        } => format!("{state} is not bound by `{instrument}`"),
        Weighed::NotYetBound {
            instrument,
            state,
            since,
        } => format!("`{instrument}` binds {state} only from {}", day(*since)),
        Weighed::NoLongerBound {
            instrument,
            state,
            ended,
        } => format!("`{instrument}` has not bound {state} since {}", day(*ended)),
        Weighed::NotBetween {
            instrument,
            issuing,
            executing,
        } => format!("`{instrument}` does not apply between {issuing} and {executing}"),
        Weighed::NotForMeasure {
            instrument,
            measure,
        } => format!("`{instrument}` does not carry `{measure}`"),
        Weighed::Named { other } => format!("`{other}` is named"),
        Weighed::WouldPrevail { other } => format!("it would prevail, but `{other}` is named"),
        Weighed::Prevails { other } => format!("`{other}` prevails over it"),
        Weighed::Preferred { other } => format!("`{other}` is preferred"),
    }
}

pub(in crate::phrases) fn fault(fault: &Fault<'_>) -> String {
    match fault {
        Fault::Missing => "is missing".to_owned(),
        Fault::Kind { expected } => {
            let kinds: Vec<_> = expected.iter().copied().map(kind).collect();
            format!("must be {}", listed(&kinds, "or"))
        }
        Fault::NotAmong { values } => format!("must be one of: {values}"),
        Fault::NoneOf { fields } => format!("must have one of: {fields}"),
        Fault::Format {
            format,
            example: Some(example),
        } => format!("must be written as `{format}`, such as `{example}`"),
        Fault::Format { format, .. } => format!("must be written as `{format}`"),
        Fault::Pattern {
            pattern,
            described: Some(described),
        } => format!("must match the pattern `{pattern}` ({described})"),
        Fault::Pattern { pattern, .. } => format!("must match the pattern `{pattern}`"),
        Fault::AtLeast { limit } => format!("must be at least {limit}"),
        Fault::AtMost { limit } => format!("must be at most {limit}"),
        Fault::MoreThan { limit } => format!("must be more than {limit}"),
        Fault::LessThan { limit } => format!("must be less than {limit}"),
        Fault::FewestCharacters { limit: 1 } => "must not be empty".to_owned(),
        Fault::FewestCharacters { limit } => format!("must have at least {limit} characters"),
        Fault::MostCharacters { limit } => format!("must have at most {limit} characters"),
        Fault::FewestEntries { limit: 1 } => "must have at least one entry".to_owned(),
        Fault::FewestEntries { limit } => format!("must have at least {limit} entries"),
        Fault::MostEntries { limit } => format!("must have at most {limit} entries"),
        Fault::Repeats => "must not repeat an entry".to_owned(),
        Fault::UnknownFields { known: "" } => "has fields that the form does not know".to_owned(),
        Fault::UnknownFields { known } => {
            format!("has fields that the form does not know; it knows: {known}")
        }
        Fault::Contradicts { field } => format!("must agree with `{field}` of the request"),
        Fault::Other { keyword } => format!("is not as the form demands (`{keyword}`)"),
    }
}

fn kind(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "empty",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Array => "a list",
        JsonType::Object => "a group of fields",
    }
}
