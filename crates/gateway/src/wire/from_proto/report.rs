//! What is said of a case that exists: remarks, references, postponements.

use comity::v1;
use comity_domain::RequestId;
use jiff::Timestamp;

use super::{Findings, Json, LINE_BYTES_MAX, Path, TEXT_BYTES_MAX, Violation};
use crate::wire::read::is_ahead;

/// A short text of one field, such as a reference.
///
/// # Errors
/// Where it is too long.
pub(crate) fn line(field: &'static str, text: &str) -> Result<String, Vec<Violation>> {
    bounded(field, text, LINE_BYTES_MAX)
}

/// The id of a call that its caller may leave out.
///
/// # Errors
/// Where it is none.
pub(crate) fn request_id(id: &str) -> Result<Option<RequestId>, Vec<Violation>> {
    let mut findings = Findings::default();
    let read = findings.optional_id(Path::root("request_id"), id);
    findings.conclude(Some(read))
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
    now: Timestamp,
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
    if until.is_some_and(|until| until <= now) {
        let wrong = "is over: say until when from now on, or leave it out";
        findings.reject::<()>(at.field("until"), wrong);
    }
    findings.conclude(Some((reason, until)))
}

/// When something was sent, as a form has it in `sent_at`: what lies in the future was not.
///
/// # Errors
/// One violation, of that field.
pub(crate) fn sent(form: &Json, now: Timestamp) -> Result<(), Vec<Violation>> {
    let Some(sent_at) = form.get("sent_at").and_then(Json::as_str) else {
        return Ok(());
    };
    let wrong = match sent_at.parse::<Timestamp>() {
        Ok(sent_at) if !is_ahead(sent_at, now) => return Ok(()),
        Ok(_) => {
            "more than 5 minutes in the future: report what was sent, and check date, time and the \
             offset from UTC"
        }
        Err(_) => "no moment: write it as `2026-01-31T12:00:00+01:00`",
    };
    let mut findings = Findings::default();
    let none = findings.reject(Path::root("form").field("sent_at"), wrong);
    findings.conclude(none)
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
            let now = Timestamp::from_second(7).unwrap();
            postponement(v1::Postponement { reason, until }, now)
        };
        let until = Timestamp::new(7, 1).unwrap();
        assert_eq!(read("art 15", 1).unwrap().1, Some(until));
        let fields = |reason: &str, nanos| -> Vec<_> {
            let wrong = read(reason, nanos).unwrap_err().into_iter();
            wrong.map(|violation| violation.field).collect()
        };
        assert_eq!(
            fields(" ", -1),
            ["postponement.reason", "postponement.until"]
        );
        // What is over is no postponement.
        assert_eq!(fields("art 15", 0), ["postponement.until"]);
    }

    #[test]
    fn what_was_sent_was_sent_before() {
        let now: Timestamp = "2026-11-26T13:05:00Z".parse().unwrap();
        let wrong = |sent_at: &str| {
            let read = sent(&serde_json::json!({"sent_at": sent_at}), now);
            read.err()
                .map(|wrong| (wrong[0].field.clone(), wrong[0].description.clone()))
        };
        // As far as clocks may be apart.
        for past in ["2026-11-26T14:10:00+01:00", "2026-11-26T13:04:00Z"] {
            assert_eq!(wrong(past), None, "{past}");
        }
        for (future, why) in [
            ("2026-11-26T14:10:01+01:00", "in the future"),
            ("2026-11-26T13:05:00-01:00", "in the future"),
            ("yesterday", "no moment"),
        ] {
            let (field, description) = wrong(future).unwrap();
            assert_eq!(field, "form.sent_at");
            assert!(description.contains(why), "{description}");
        }
    }

    #[test]
    fn what_is_said_is_bounded() {
        assert!(line("reference", &"x".repeat(513)).is_err());
        assert!(note("note", &"x".repeat(4096)).is_ok());
    }
}
