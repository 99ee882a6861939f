//! A case as one page for people: no script, nothing fetched, light and dark,
//! readable by screen readers and on paper.

mod decision;
mod html;
mod proof;
mod request;

use comity::v1;

use self::html::{Html, instant, name};
use super::{CaseFile, derive::Told};

const STYLE: &str = include_str!("report/report.css");

/// The page.
pub(super) fn page(case_file: &CaseFile, told: &Told) -> String {
    let case = &told.case;
    let mut body = Html::default();
    header(&mut body, case_file, case);
    body.raw("<main>\n");
    happened(&mut body, case);
    request::section(&mut body, case);
    decision::sections(&mut body, case);
    answer(&mut body, case);
    decision::law(&mut body, case_file, case);
    proof::section(&mut body, case_file);
    body.raw("</main>\n");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Case {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        case_file.case,
        body.finish()
    )
}

fn header(page: &mut Html, case_file: &CaseFile, case: &v1::Case) {
    page.raw("<header>\n<p class=\"kicker\">Case file, with personal data</p>\n");
    page.element("h1", &format!("Case {}", case_file.case));
    page.raw("<dl class=\"figures\">\n");
    let (from, to) = parties(case);
    let outcome = case.decision.as_ref().map(v1::Decision::outcome);
    let outcome = outcome.map(|outcome| name(outcome.as_str_name(), "OUTCOME_"));
    let state = name(case.state().as_str_name(), "CASE_STATE_");
    let instrument = case.decision.as_ref().map(|made| made.instrument.clone());
    for (term, value) in [
        ("Asked by", from),
        ("Asked of", to),
        ("Under", instrument.unwrap_or_default()),
        ("Decided", outcome.unwrap_or_default()),
        ("Stands at", state),
        (
            "Received",
            case.received_at.as_ref().map(instant).unwrap_or_default(),
        ),
        ("Request id", case.request_id.clone()),
    ] {
        let value = if value.is_empty() {
            "not known"
        } else {
            &value
        };
        page.raw("<div>");
        page.element("dt", term);
        page.element("dd", value);
        page.raw("</div>\n");
    }
    page.raw("</dl>\n");
    if case.exercise {
        page.element("p", "A training exercise: nothing of it is real.");
    }
    if case.request.is_none() {
        page.element(
            "p",
            "The record of the request was erased. What the ledger still says of it is below.",
        );
    }
    page.raw("</header>\n");
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

fn happened(page: &mut Html, case: &v1::Case) {
    page.section("happened", "What happened");
    page.table_head(&["", "When", "What", "Then", "Who", "Remark", "Entry"]);
    for event in &case.events {
        let remarks = [event.note.as_str(), event.remark.as_str()];
        let remarks: Vec<_> = remarks.into_iter().filter(|one| !one.is_empty()).collect();
        page.row(&[
            event.sequence.to_string(),
            event.at.as_ref().map(instant).unwrap_or_default(),
            event.kind.clone(),
            name(event.state().as_str_name(), "CASE_STATE_"),
            event.actor.clone(),
            remarks.join("; "),
            event.ledger_index.to_string(),
        ]);
    }
    page.table_foot();
    consultations(page, case);
    page.section_end();
}

/// What reviewers asked the issuing authority.
fn consultations(page: &mut Html, case: &v1::Case) {
    if case.consultations.is_empty() {
        return;
    }
    page.element("h3", "Asked of the issuing authority");
    page.table_head(&["Asked", "Question", "Answer", "Task"]);
    for asked in &case.consultations {
        page.row(&[
            asked.asked_at.as_ref().map(instant).unwrap_or_default(),
            asked.question.clone(),
            asked.answer.clone(),
            asked.task.clone(),
        ]);
    }
    page.table_foot();
}

fn answer(page: &mut Html, case: &v1::Case) {
    let Some(result) = &case.result else { return };
    page.section("answer", "What came back");
    page.terms(&[
        (
            "Executed",
            name(result.kind().as_str_name(), "RESULT_KIND_"),
        ),
        ("Reason", result.reason.clone()),
        ("Ground", result.ground.clone()),
        ("Withheld", result.redacted.join(", ")),
        ("Reference", case.reference.clone()),
    ]);
    if let Some(data) = &result.data {
        page.element("h3", "Data");
        page.structure(data);
    }
    page.section_end();
}
