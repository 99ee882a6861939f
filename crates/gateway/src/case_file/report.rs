//! A case for people: what a report says, shown as HTML and as PDF.

mod decision;
mod html;
mod parts;
mod pdf;
mod proof;
mod request;

use comity::v1;
use comity_domain::CaseId;

use self::parts::{Report, Section, moment, name};
use super::{CaseFile, derive::Told};
use crate::review::tasks;

/// The report, to be shown.
pub(super) struct Written(Report);

/// Writes the report on a case.
pub(super) fn write(case_file: &CaseFile, told: &Told) -> Written {
    let case = &told.case;
    let mut sections = vec![
        happened(case),
        reviewed(&case_file.case, &told.kept),
        request::section(case),
    ];
    sections.extend(decision::sections(case));
    sections.extend([
        answer(case),
        decision::law(case_file, case),
        proof::section(case_file),
    ]);
    sections.retain(|section| !section.blocks.is_empty());
    Written(Report {
        title: format!("Case {}", case_file.case),
        kicker: "Case file, with personal data",
        figures: figures(case),
        remarks: remarks(case),
        sections,
    })
}

impl Written {
    /// As one page of HTML.
    pub(super) fn html(&self) -> String {
        html::page(&self.0)
    }

    /// As PDF/A-2a and PDF/UA-1, made at `at`; or why it cannot be, in one line without
    /// personal data or quotation marks.
    pub(super) fn pdf(&self, at: jiff::Timestamp) -> Result<Vec<u8>, String> {
        pdf::file(&self.0, at)
    }
}

fn figures(case: &v1::Case) -> Vec<parts::Term> {
    let (from, to) = parties(case);
    let outcome = case.decision.as_ref().map(v1::Decision::outcome);
    let outcome = outcome.map(|outcome| name(outcome.as_str_name(), "OUTCOME_"));
    let state = name(case.state().as_str_name(), "CASE_STATE_");
    let instrument = case.decision.as_ref().map(|made| made.instrument.clone());
    let figures = [
        ("Asked by", from),
        ("Asked of", to),
        ("Under", instrument.unwrap_or_default()),
        ("Decided", outcome.unwrap_or_default()),
        ("Stands at", state),
        ("Received", moment(case.received_at.as_ref())),
        ("Request id", case.request_id.clone()),
    ];
    let known = figures.map(|(term, value)| match value.as_str() {
        "" => (term, "not known".to_owned()),
        _ => (term, value),
    });
    known.to_vec()
}

fn remarks(case: &v1::Case) -> Vec<String> {
    let exercise = case
        .exercise
        .then_some("A training exercise: nothing of it is real.");
    let erased = case.request.is_none().then_some(
        "The record of the request was erased. What the ledger still says of it is below.",
    );
    let remarks = [exercise, erased].into_iter().flatten();
    remarks.map(str::to_owned).collect()
}

fn parties(case: &v1::Case) -> (String, String) {
    let request = case.request.as_ref();
    let issuing = request.and_then(|request| request.issuing.as_ref());
    let executing = request.and_then(|request| request.executing.as_ref());
    let joined = |state: &str, authority: &str| match authority {
        "" => state.to_owned(),
        authority => format!("{state}, {authority}"),
    };
    (
        issuing.map_or_else(String::new, |party| {
            joined(&party.jurisdiction, &party.authority)
        }),
        executing.map_or_else(String::new, |party| {
            joined(&party.jurisdiction, &party.authority)
        }),
    )
}

fn happened(case: &v1::Case) -> Section {
    let mut section = Section::new("happened", "What happened");
    let rows = case.events.iter().map(|event| {
        let remarks = [event.note.as_str(), event.remark.as_str()];
        let remarks: Vec<_> = remarks.into_iter().filter(|one| !one.is_empty()).collect();
        vec![
            event.sequence.to_string(),
            moment(event.at.as_ref()),
            event.kind.clone(),
            name(event.state().as_str_name(), "CASE_STATE_"),
            event.actor.clone(),
            remarks.join("; "),
            event.ledger_index.to_string(),
        ]
    });
    section.table(
        &["No", "When", "What", "Then", "Who", "Remark", "Entry"],
        rows,
    );
    for event in &case.events {
        if let Some(form) = &event.form {
            let heading = format!("The form of {}, {}", event.sequence, event.kind);
            section.structure(&heading, form);
        }
    }
    // What reviewers asked the issuing authority.
    let asked = case.consultations.iter().map(|asked| {
        vec![
            moment(asked.asked_at.as_ref()),
            asked.question.clone(),
            asked.answer.clone(),
            asked.task.clone(),
        ]
    });
    let heading = "Asked of the issuing authority";
    section.table_under(heading, &["Asked", "Question", "Answer", "Task"], asked);
    section
}

/// What reviewers said, and why: no party to the case is shown it.
fn reviewed(case: &CaseId, kept: &v1::CaseKept) -> Section {
    let mut section = Section::new("reviewed", "What reviewers said");
    let opinions = kept.tasks.iter().flat_map(|task| {
        let rule = task.referral.as_ref().and_then(|put| put.rule.as_ref());
        let rule = rule.map_or("", |rule| rule.rule_id.as_str());
        let asked = tasks::name(case, task.number);
        task.opinions.iter().map(move |opinion| {
            vec![
                asked.clone(),
                rule.to_owned(),
                name(opinion.verdict().as_str_name(), "REVIEW_VERDICT_"),
                opinion.reasons.clone(),
                format!("{}, {}", opinion.subject, opinion.reviewer),
                moment(opinion.given_at.as_ref()),
            ]
        })
    });
    section.table(
        &["Task", "Rule", "Verdict", "Reasons", "Who", "When"],
        opinions,
    );
    section
}

fn answer(case: &v1::Case) -> Section {
    let mut section = Section::new("answer", "What came back");
    let Some(result) = &case.result else {
        return section;
    };
    let kind = name(result.kind().as_str_name(), "RESULT_KIND_");
    section.terms([
        ("Executed", kind),
        ("Reason", result.reason.clone()),
        ("Ground", result.ground.clone()),
        ("Withheld", result.redacted.join(", ")),
        ("Reference", case.reference.clone()),
    ]);
    if let Some(data) = &result.data {
        section.structure("Data", data);
    }
    section
}
