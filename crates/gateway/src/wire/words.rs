//! Words of a request that are names of the policy library.

use std::fmt;

use comity_domain::Request;
use comity_policy::Library;

use super::{
    Violation,
    answer::{Answer, EVENT},
};

/// What of a request a library does not know, each with its field: a State without rules, a
/// measure, an instrument, an authority, a fact or a category. Such a request is not
/// decided, since nobody can say what it means.
#[must_use]
pub fn unknown(policies: &Library, request: &Request) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut require = |known: bool, field: &str, description: fmt::Arguments<'_>| {
        if !known {
            violations.push(Violation {
                field: field.to_owned(),
                description: description.to_string(),
            });
        }
    };
    for (field, code) in [
        ("issuing.jurisdiction", &request.issuing.0),
        ("executing.jurisdiction", &request.executing.0),
    ] {
        let known = policies.knows(code);
        require(
            known,
            field,
            format_args!("no rules for `{code}` are loaded: name a State of the library"),
        );
    }
    let measure = &request.measure;
    require(
        policies.measure_exists(measure),
        "measure",
        format_args!("`{measure}` is not in the measure tree: name a measure of `measures.yaml`"),
    );
    if let Some(instrument) = &request.instrument {
        require(
            policies.instrument_exists(instrument),
            "instrument",
            format_args!("no module `{instrument}` is loaded: leave it empty to have one resolved"),
        );
    }
    let executing = &request.executing.0;
    if let Some(id) = &request.executing_authority
        && policies.knows(executing)
    {
        let mut directory = policies.authorities(executing);
        require(
            directory.any(|known| **known.id == *id.as_str()),
            "executing.authority",
            format_args!(
                "`{id}` is not in the directory of {executing}: leave it empty to have the competent one named"
            ),
        );
    }
    let stated = policies.check_stated(request).into_iter();
    violations.extend(stated.map(|problem| Violation {
        field: problem.field,
        description: problem.message,
    }));
    violations
}

/// The events on which conditions of an answer hang that nobody can bring about: what hangs
/// on one would wait forever.
#[must_use]
pub(crate) fn unknown_events(policies: &Library, answer: &Answer) -> Vec<Violation> {
    let conditions = answer.conditions.iter().enumerate();
    let hanging = conditions.filter_map(|(at, one)| Some((at, one.parameters.get(EVENT)?)));
    hanging
        .filter(|(_, event)| !policies.has_event(event))
        .map(|(at, _)| Violation {
            field: format!("result.obligations[{at}].parameters[\"{EVENT}\"]"),
            description: "is no event of the library: name one of `vocabulary.yaml`".to_owned(),
        })
        .collect()
}
