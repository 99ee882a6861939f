//! What is said of a case that exists: remarks, references, postponements.

use comity::v1;
use jiff::Timestamp;

use super::{Findings, LINE_BYTES_MAX, Path, TEXT_BYTES_MAX, Violation};

/// A short text of one field, such as a reference.
///
/// # Errors
/// Where it is too long.
pub(crate) fn line(field: &'static str, text: &str) -> Result<String, Vec<Violation>> {
    bounded(field, text, LINE_BYTES_MAX)
}

/// What somebody says in a few sentences.
///
/// # Errors
/// Where it is too long.
pub(crate) fn note(field: &'static str, text: &str) -> Result<String, Vec<Violation>> {
    bounded(field, text, TEXT_BYTES_MAX)
}

/// Why execution is postponed, and until when, where known.
///
/// # Errors
/// Every field that is not as the contract demands.
pub(crate) fn postponement(
    postponement: v1::Postponement,
) -> Result<(String, Option<Timestamp>), Vec<Violation>> {
    let v1::Postponement { reason, until } = postponement;
    let mut findings = Findings::default();
    let at = Path::root("postponement");
    findings.bounded(at.field("reason"), &reason, TEXT_BYTES_MAX);
    if reason.trim().is_empty() {
        findings.reject::<()>(
            at.field("reason"),
            "missing: say why execution is postponed, with the article",
        );
    }
    let until = findings.time(at.field("until"), until);
    findings.conclude(Some((reason, until)))
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<String, Vec<Violation>> {
    let mut findings = Findings::default();
    findings.bounded(Path::root(field), text, max);
    findings.conclude(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postponement_has_a_reason_and_perhaps_an_end() {
        let read = |reason: &str, nanos| {
            let until = Some(prost_types::Timestamp { seconds: 7, nanos });
            let reason = reason.to_owned();
            postponement(v1::Postponement { reason, until })
        };
        let until = Timestamp::from_second(7).unwrap();
        assert_eq!(read("art 15", 0).unwrap().1, Some(until));
        let fields: Vec<_> = read(" ", -1)
            .unwrap_err()
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["postponement.reason", "postponement.until"]);
    }

    #[test]
    fn what_is_said_is_bounded() {
        assert!(line("reference", &"x".repeat(513)).is_err());
        assert!(note("note", &"x".repeat(4096)).is_ok());
    }
}
