//! Values for which a JSON Schema leaves a choice of several schemas.

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};

/// Where one of several schemas must accept a value, what is wrong by the one that is for
/// such a value and finds least; the error itself where no single one is.
pub(crate) fn meant<'e>(error: &'e ValidationError<'e>) -> Vec<&'e ValidationError<'e>> {
    let Some(branches) = branches(error) else {
        return vec![error];
    };
    let for_other = |inner: &ValidationError<'_>| is_for_other(inner, error);
    let fitting = || {
        let branches = branches.iter();
        branches.filter(|branch| !branch.iter().any(for_other))
    };
    let least = fitting().map(Vec::len).min();
    let mut best = fitting().filter(|branch| Some(branch.len()) == least);
    match (best.next(), best.next()) {
        (Some(branch), None) => branch.iter().flat_map(meant).collect(),
        _ => vec![error],
    }
}

/// What is wrong by each of several schemas of which one must accept the value.
pub(crate) fn branches<'e>(
    error: &'e ValidationError<'_>,
) -> Option<&'e Vec<Vec<ValidationError<'static>>>> {
    if let Kind::AnyOf { context } | Kind::OneOfNotValid { context } = error.kind() {
        return Some(context);
    }
    None
}

/// The schema that finds this is for values of another type or kind.
fn is_for_other(inner: &ValidationError<'_>, outer: &ValidationError<'_>) -> bool {
    let same_place = inner.instance_path() == outer.instance_path();
    if let Kind::Enum { options } = inner.kind() {
        let mut options = options.as_array().into_iter().flatten();
        return same_place && options.all(|one| one.is_string()) && !inner.instance().is_string();
    }
    let other_type = same_place && matches!(inner.kind(), Kind::Type { .. });
    other_type || matches!(inner.kind(), Kind::Constant { .. })
}
