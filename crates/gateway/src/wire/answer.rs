//! What an executing authority sends back, read and shown.

use std::collections::BTreeMap;

use comity::v1;
use comity_domain::ClockUnit;
use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use super::{
    Violation,
    read::{Findings, LINE_BYTES_MAX, Path, TEXT_BYTES_MAX},
    structure,
};

/// Most conditions, and most redacted places, in one answer.
pub const CONDITIONS_MAX: usize = 256;

/// Parameter that names the event on which a condition hangs.
pub(crate) const EVENT: &str = "event";
/// Parameter that names the last day of the time set for a condition.
pub(crate) const UNTIL: &str = "until";
/// Parameters that are the time set for a condition, with their units.
pub(crate) const TIMES: [(&str, ClockUnit); 4] = [
    ("hours", ClockUnit::Hours),
    ("days", ClockUnit::Days),
    ("working_days", ClockUnit::WorkingDays),
    ("months", ClockUnit::Months),
];

/// Parameters of a condition, besides [`TIMES`].
const PARAMETERS: [&str; 11] = [
    "path",
    "code",
    UNTIL,
    "purpose",
    "party",
    "role",
    "confirmer",
    EVENT,
    "exception",
    "period",
    "extension_days",
];
/// Where an answer's data are in it, as those who sent it are told.
const DATA: &str = "result.data";
/// Handling codes, as modules name them.
const HANDLING: [&str; 4] = ["H0", "H1", "H2", "H3"];

/// Longest time that a side may set for a condition, in the units that it names.
const TIME_MAX: u16 = 3650;

/// What came of a request, well-formed; the executing State's disclosure rules
/// have yet to be applied to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How far the request was executed.
    pub execution: Execution,
    /// The data, where there is some.
    pub data: Option<Map<String, Json>>,
    /// Conditions that the executing authority adds, as the contract states
    /// them: they name its own reasons, not rules of the library.
    pub conditions: Vec<v1::Obligation>,
    /// JSONPath of every value that was taken out.
    pub redacted: Vec<String>,
    /// Why it was not executed; empty otherwise.
    pub reason: String,
    /// The rule or article by which it was not executed; empty otherwise.
    pub ground: String,
}

/// How far a request was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Wholly.
    Complete,
    /// In part.
    Partial,
    /// Not, with a ground.
    NotExecuted,
    /// Wholly, and nothing was found.
    NothingFound,
}

/// The path of a field as far as the contract has it. What an answer names by itself, inside
/// its data and by keys, may say whom it is about.
pub(crate) fn of_contract(path: &str) -> &str {
    let path = path.split("[\"").next().unwrap_or(path);
    match path.strip_prefix(DATA) {
        Some(inside) if inside.starts_with(['.', '[']) => DATA,
        Some(_) | None => path,
    }
}

/// Reads an answer.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn read(result: v1::Result) -> Result<Answer, Vec<Violation>> {
    let mut findings = Findings::default();
    let v1::Result {
        kind,
        data,
        obligations,
        redacted,
        reason,
        ground,
    } = result;
    let execution = read_execution(&mut findings, kind);
    let data = data.and_then(|data| findings.json(Path::root("data"), data));
    let conditions = findings.list("obligations", CONDITIONS_MAX, obligations, own_condition);
    let redacted = findings.list(
        "redacted",
        CONDITIONS_MAX,
        redacted,
        |findings, at, path| {
            findings.bounded(at, &path, LINE_BYTES_MAX);
            Some(path)
        },
    );
    findings.bounded(Path::root("reason"), &reason, TEXT_BYTES_MAX);
    findings.bounded(Path::root("ground"), &ground, LINE_BYTES_MAX);
    if execution == Some(Execution::NotExecuted) {
        needed(
            &mut findings,
            "reason",
            &reason,
            "missing: say why the request was not executed",
        );
        needed(
            &mut findings,
            "ground",
            &ground,
            "missing: name the rule or article",
        );
        if data.is_some() {
            // Such an answer is shown whatever holds data.
            findings.reject::<()>(
                Path::root("data"),
                "a request that was not executed has none: leave them out, or say that it was \
                 executed in part",
            );
        }
    }
    let answer = execution.map(|execution| Answer {
        execution,
        data,
        conditions,
        redacted,
        reason,
        ground,
    });
    findings.conclude(answer)
}

/// Shows an answer.
#[must_use]
pub fn show(answer: Answer) -> v1::Result {
    let Answer {
        execution,
        data,
        conditions,
        redacted,
        reason,
        ground,
    } = answer;
    let kind = match execution {
        Execution::Complete => v1::ResultKind::Complete,
        Execution::Partial => v1::ResultKind::Partial,
        Execution::NotExecuted => v1::ResultKind::NotExecuted,
        Execution::NothingFound => v1::ResultKind::NothingFound,
    };
    v1::Result {
        kind: kind.into(),
        data: data.as_ref().map(structure::from_json),
        obligations: conditions,
        redacted,
        reason,
        ground,
    }
}

fn read_execution(findings: &mut Findings, kind: i32) -> Option<Execution> {
    match v1::ResultKind::try_from(kind) {
        Ok(v1::ResultKind::Complete) => Some(Execution::Complete),
        Ok(v1::ResultKind::Partial) => Some(Execution::Partial),
        Ok(v1::ResultKind::NotExecuted) => Some(Execution::NotExecuted),
        Ok(v1::ResultKind::NothingFound) => Some(Execution::NothingFound),
        Ok(v1::ResultKind::Unspecified) | Err(_) => findings.reject(
            Path::root("kind"),
            "missing or unknown: say how far it was executed",
        ),
    }
}

/// A condition that the executing authority adds. Its own is none of the law's,
/// whatever it says: the gateway alone names the rule that sets one.
fn own_condition(
    findings: &mut Findings,
    at: Path<'_>,
    condition: v1::Obligation,
) -> Option<v1::Obligation> {
    let condition = v1::Obligation {
        rule: None,
        ..condition
    };
    if condition.kind() == v1::ObligationKind::Redact {
        // The gateway looks for what the law names, not for what anybody may write.
        findings.reject::<()>(
            at.field("kind"),
            "no redaction can be set: take out of `data` what is not to leave, and list it in \
             `redacted`",
        );
    }
    self::condition(findings, at, condition)
}

/// A condition that a side adds to those of the law.
pub(super) fn condition(
    findings: &mut Findings,
    at: Path<'_>,
    condition: v1::Obligation,
) -> Option<v1::Obligation> {
    let v1::Obligation {
        obligation_id,
        rule: _,
        kind,
        parameters,
        bound_party,
    } = &condition;
    findings.bounded(at.field("obligation_id"), obligation_id, LINE_BYTES_MAX);
    if matches!(
        v1::ObligationKind::try_from(*kind),
        Ok(v1::ObligationKind::Unspecified) | Err(_)
    ) {
        findings.reject::<()>(
            at.field("kind"),
            "missing or unknown: state the kind of condition",
        );
    }
    let long = |text: &String| text.len() > TEXT_BYTES_MAX;
    if parameters.len() > CONDITIONS_MAX || parameters.iter().any(|(k, v)| long(k) || long(v)) {
        findings.reject::<()>(at.field("parameters"), "too many or too long: shorten them");
    }
    if !matches!(bound_party.as_str(), "issuing" | "executing") {
        findings.reject::<()>(at.field("bound_party"), "expected `issuing` or `executing`");
    }
    self::parameters(findings, at.field("parameters"), parameters);
    Some(condition)
}

/// What is said of a condition can be acted on.
fn parameters(findings: &mut Findings, at: Path<'_>, parameters: &BTreeMap<String, String>) {
    for (name, value) in parameters {
        let set = TIMES.iter().any(|(time, _)| time == name);
        let is_in = |time: u16| (1..=TIME_MAX).contains(&time);
        let wrong = match name.as_str() {
            name if !set && !PARAMETERS.contains(&name) => {
                let known = PARAMETERS.into_iter().chain(TIMES.map(|(time, _)| time));
                format!("is none: they are {}", known.collect::<Vec<_>>().join(", "))
            }
            _ if value.trim().is_empty() => "is empty: say what, or leave it out".to_owned(),
            "code" if !HANDLING.contains(&value.as_str()) => {
                format!("expected one of {}", HANDLING.join(", "))
            }
            "until" if value.parse::<Date>().is_err() => {
                "expected a day such as `2026-01-31`".to_owned()
            }
            _ if set && !value.parse().is_ok_and(is_in) => {
                format!("expected a whole number from 1 to {TIME_MAX}")
            }
            _ => continue,
        };
        findings.reject::<()>(at.key(name), wrong);
    }
}

fn needed(findings: &mut Findings, field: &'static str, text: &str, otherwise: &str) {
    if text.trim().is_empty() {
        findings.reject::<()>(Path::root(field), otherwise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json;

    #[track_caller]
    fn check(text: &str, fields: &[&str]) {
        let violations = read(json::parse(text).unwrap()).unwrap_err();
        let found: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(found, fields);
    }

    #[test]
    fn there_and_back() {
        let result: v1::Result = json::parse(
            r#"{
              "kind": "RESULT_KIND_PARTIAL",
              "data": {"subscriber": {"name": "A. Muster", "since": 2019}},
              "obligations": [{"kind": "OBLIGATION_KIND_SPECIALITY", "bound_party": "issuing"}],
              "redacted": ["$.victim.name"]
            }"#,
        )
        .unwrap();
        assert_eq!(show(read(result.clone()).unwrap()), result);
    }

    #[test]
    fn what_is_missing_is_named() {
        check("{}", &["kind"]);
        check(
            r#"{"kind": "RESULT_KIND_NOT_EXECUTED"}"#,
            &["reason", "ground"],
        );
        check(
            r#"{"kind": "RESULT_KIND_COMPLETE", "obligations": [{}]}"#,
            &["obligations[0].kind", "obligations[0].bound_party"],
        );
    }

    #[test]
    fn what_nobody_could_act_on_is_refused() {
        let check = |parameters: serde_json::Value, field: &str| {
            let result = serde_json::json!({
                "kind": "RESULT_KIND_COMPLETE",
                "obligations": [{
                    "kind": "OBLIGATION_KIND_RETAIN_UNTIL",
                    "bound_party": "issuing",
                    "parameters": parameters,
                }],
            });
            let field = format!("obligations[0].parameters[\"{field}\"]");
            self::check(&result.to_string(), &[&field]);
        };
        check(serde_json::json!({"until": "yesterday"}), "until");
        check(serde_json::json!({"until": "9999-02-30"}), "until");
        check(serde_json::json!({"code": "H9"}), "code");
        check(serde_json::json!({"purpose": " "}), "purpose");
        check(serde_json::json!({"foo": "bar"}), "foo");
        check(serde_json::json!({"days": "soon"}), "days");
    }

    #[test]
    fn what_would_walk_round_the_law_is_refused() {
        check(
            r#"{"kind": "RESULT_KIND_NOT_EXECUTED", "reason": "none", "ground": "art 11",
                "data": {"mailbox": "a message"}}"#,
            &["data"],
        );
        let paths = r#"{"kind": "OBLIGATION_KIND_REDACT", "bound_party": "issuing",
                        "parameters": {"path": "$..*..*..*"}}"#;
        let times = r#"{"kind": "OBLIGATION_KIND_DELETE_AFTER", "bound_party": "issuing",
                        "parameters": {"days": "30", "working_days": "4294967295", "months": "0"}}"#;
        check(
            &format!(r#"{{"kind": "RESULT_KIND_COMPLETE", "obligations": [{paths}, {times}]}}"#),
            &[
                "obligations[0].kind",
                "obligations[1].parameters[\"months\"]",
                "obligations[1].parameters[\"working_days\"]",
            ],
        );
    }
}
