//! Names of tasks, opinions on them, and withdrawals.

use comity::v1::{self, ReviewVerdict};
use comity_domain::CaseId;

use super::read_case_name;
use crate::wire::{
    Violation,
    read::{Findings, Path, TEXT_BYTES_MAX},
};

/// The case and the number that a resource name `tasks/<case id>-<number>` names.
///
/// # Errors
/// One violation of the field `name`.
pub fn task_name(name: &str) -> Result<(CaseId, u32), Vec<Violation>> {
    let mut findings = Findings::default();
    let task = read_task_name(&mut findings, name);
    findings.conclude(task)
}

/// Reads an opinion on a task.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn opinion(message: &v1::DecideRequest) -> Result<(CaseId, u32), Vec<Violation>> {
    let v1::DecideRequest {
        name,
        verdict: _,
        reasons,
        question,
        // Compared with what they are to match.
        etag: _,
        signature: _,
        request_id: _,
    } = message;
    let mut findings = Findings::default();
    let task = read_task_name(&mut findings, name);
    stated(&mut findings, "reasons", reasons, "the reasons");
    let consult = message.verdict() == ReviewVerdict::Consult;
    if consult {
        let what = "what the issuing authority is asked";
        stated(&mut findings, "question", question, what);
    } else if !question.is_empty() {
        findings.reject::<()>(
            Path::root("question"),
            "is for consultation only: leave it out, or choose `REVIEW_VERDICT_CONSULT`",
        );
    }
    if message.verdict() == ReviewVerdict::Unspecified {
        findings.reject::<()>(Path::root("verdict"), "expected release, refuse or consult");
    }
    findings.conclude(task)
}

/// The case that is withdrawn, and why.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn withdrawal(message: &v1::WithdrawRequest) -> Result<(CaseId, String), Vec<Violation>> {
    let v1::WithdrawRequest {
        name,
        reason,
        request_id: _,
    } = message;
    let mut findings = Findings::default();
    let case = read_case_name(&mut findings, Path::root("name"), name);
    stated(&mut findings, "reason", reason, "why, in one sentence");
    findings.conclude(case.map(|case| (case, reason.clone())))
}

fn read_task_name(findings: &mut Findings, name: &str) -> Option<(CaseId, u32)> {
    let task = name
        .strip_prefix("tasks/")
        .and_then(|name| name.rsplit_once('-'));
    let task = task.and_then(|(case, number)| {
        let number = number.parse::<u32>().ok().filter(|number| *number > 0)?;
        Some((case.parse().ok()?, number))
    });
    // One name for each: neither a sign nor leading zeros.
    let task = task.filter(|(case, number)| name == format!("tasks/{case}-{number}"));
    task.or_else(|| {
        findings.reject(
            Path::root("name"),
            "expected `tasks/`, a case's id, a hyphen and a number, as the gateway gave it",
        )
    })
}

/// A text that must be there.
fn stated(findings: &mut Findings, field: &'static str, text: &str, what: &str) {
    let at = Path::root(field);
    findings.bounded(at, text, TEXT_BYTES_MAX);
    if text.trim().is_empty() {
        findings.reject::<()>(at, format!("missing: state {what}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "0b0e7f0a-7b1f-4c59-9d4e-0b8a6f0b6a11";

    #[test]
    fn a_task_has_one_name() {
        let (case, number) = task_name(&format!("tasks/{CASE}-12")).unwrap();
        assert_eq!((case.as_str(), number), (CASE, 12));
        for bad in ["", "-0", "-01", "-+1", "-x", "-1-1"] {
            let name = format!("tasks/{CASE}{bad}");
            assert_eq!(task_name(&name).unwrap_err()[0].field, "name", "{name}");
        }
    }

    #[track_caller]
    fn check(verdict: ReviewVerdict, reasons: &str, question: &str, wrong: &[&str]) {
        let message = v1::DecideRequest {
            name: format!("tasks/{CASE}-1"),
            verdict: verdict.into(),
            reasons: reasons.to_owned(),
            question: question.to_owned(),
            ..v1::DecideRequest::default()
        };
        let violations = opinion(&message).err().unwrap_or_default();
        let fields: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, wrong);
    }

    #[test]
    fn an_opinion_is_reasoned_and_asks_only_in_consultation() {
        check(ReviewVerdict::Release, "because", "", &[]);
        check(ReviewVerdict::Refuse, " ", "", &["reasons"]);
        check(ReviewVerdict::Refuse, "because", "what?", &["question"]);
        check(ReviewVerdict::Consult, "because", "what?", &[]);
        check(ReviewVerdict::Consult, "because", "", &["question"]);
        check(ReviewVerdict::Unspecified, "", "", &["reasons", "verdict"]);
    }
}
