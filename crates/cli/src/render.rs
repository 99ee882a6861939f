//! What people read: decisions and tables on a terminal.

pub(crate) mod clocks;
mod conditions;
pub(crate) mod labels;
pub(crate) mod ledger;
mod preflight;
pub(crate) mod review;
pub(crate) mod team;

use std::{fmt::Write as _, io::IsTerminal as _};

use anstyle::{Ansi256Color, AnsiColor};
use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use comity::v1;
use comity_gateway::{
    visible::one_line,
    wire::{json, structure},
};
use jiff::Timestamp;
use prost_types::Struct;
use serde_json::Value;

pub(crate) use self::preflight::preflight;

use self::labels::{ENGLISH, Labels};

/// Width of lines where the terminal does not say.
const WIDTH: u16 = 120;

/// A table with a header, in the house style.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(
            header
                .iter()
                .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
        );
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    table
}

/// Keeps what stands in these columns on one line: an id that is broken cannot be
/// copied.
pub(crate) fn keep_whole(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// Fixes the columns' widths, so that rows stay low.
pub(crate) fn widths(table: &mut Table, widths: &[u16]) {
    table.set_constraints(
        widths
            .iter()
            .map(|width| ColumnConstraint::Absolute(Width::Fixed(*width + 2))),
    );
    table.set_width(widths.iter().map(|width| width + 3).sum());
}

/// An outcome in its colour.
pub(crate) fn outcome(outcome: v1::Outcome) -> Cell {
    let color = Ansi256Color::from_ansi(color(outcome)).index();
    Cell::new(outcome_name(outcome))
        .fg(Color::AnsiValue(color))
        .add_attribute(Attribute::Bold)
}

fn color(outcome: v1::Outcome) -> AnsiColor {
    match outcome {
        v1::Outcome::Unspecified => AnsiColor::White,
        v1::Outcome::Approved => AnsiColor::BrightGreen,
        v1::Outcome::Incomplete => AnsiColor::BrightYellow,
        v1::Outcome::Referred => AnsiColor::BrightCyan,
        v1::Outcome::Refused => AnsiColor::BrightRed,
    }
}

/// An outcome as people and scripts know it.
pub(crate) fn outcome_name(outcome: v1::Outcome) -> &'static str {
    outcome.as_str_name().trim_start_matches("OUTCOME_")
}

/// A decision in words: outcome, then every finding with rule and citation.
pub(crate) fn decision_in(decision: &v1::Decision, labels: &Labels) -> String {
    let mut text = findings(decision, labels);
    for obligation in &decision.obligations {
        let kind = (labels.obligation, labels);
        finding(&mut text, kind, obligation.rule.as_ref(), "");
    }
    for clock in &decision.clocks {
        finding(
            &mut text,
            (labels.time_limit, labels),
            clock.rule.as_ref(),
            &format!("; {}", labels.length(clock)),
        );
    }
    for passed in &decision.passed_over {
        let named = format!("`{}`", passed.instrument);
        let reason = match passed.reason.contains(&named) {
            true => passed.reason.clone(),
            false => format!("{named}: {}", passed.reason),
        };
        let _ = writeln!(text, "  {:<12} {reason}", labels.passed_over);
    }
    text.push_str(&would_apply(decision, labels));
    text
}

/// The instruments that would carry the request, where there are any.
pub(crate) fn would_apply(decision: &v1::Decision, labels: &Labels) -> String {
    match decision.alternatives.as_slice() {
        [] => String::new(),
        others => format!("  {:<12} {}\n", labels.would_apply, others.join(", ")),
    }
}

/// The outcome, and what stands against a better one.
pub(crate) fn findings(decision: &v1::Decision, labels: &Labels) -> String {
    let mut text = String::new();
    let instrument = match decision.instrument.as_str() {
        "" => labels.no_instrument,
        instrument => instrument,
    };
    let outcome = labels.outcome(decision.outcome());
    let style = color(decision.outcome()).on_default().bold();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{style}{outcome}{style:#} {} {instrument}, {} {}",
        labels.under, labels.law_of, decision.law_date
    );
    for ground in &decision.grounds {
        let consult = match ground.consult_first {
            true => format!("; {}", labels.consult_first),
            false => String::new(),
        };
        let kind = (labels.ground(ground.kind()), labels);
        finding(&mut text, kind, ground.rule.as_ref(), &consult);
    }
    for requirement in &decision.requirements {
        let lacking = format!("{} ({})", requirement.remedy, requirement.field);
        let kind = (labels.needed, labels);
        asked(&mut text, kind, requirement.rule.as_ref(), &lacking);
    }
    for referral in &decision.referrals {
        let who = format!("{} {} {}", referral.role, labels.of, referral.jurisdiction);
        let question = format!("{} ({who})", referral.question);
        let kind = (labels.to_judge, labels);
        asked(&mut text, kind, referral.rule.as_ref(), &question);
    }
    text
}

/// A case in words: where it stands, the decision, what is due, what came back.
pub(crate) fn case(case: &v1::Case, now: Timestamp) -> String {
    let mark = if case.exercise { ", an exercise" } else { "" };
    let mut text = format!("{} is {}{mark}\n", case.name, state_name(case.state()));
    if let Some(decided) = &case.decision {
        text.push_str(&decision_in(decided, &ENGLISH));
    }
    if !case.reference.is_empty() {
        let _ = writeln!(text, "  reference    {}", case.reference);
    }
    if case.state() == v1::CaseState::Postponed {
        let _ = writeln!(text, "  postponed    {}", case.postponement_reason);
    }
    for clock in clocks::lines(&case.clocks, now) {
        let _ = writeln!(text, "  clock        {clock}");
    }
    for hold in &case.holds {
        let _ = writeln!(text, "  hold         {}", conditions::hold(hold));
    }
    for condition in &case.conditions {
        let condition = conditions::condition(condition);
        let _ = writeln!(text, "  condition    {condition}");
    }
    if let Some(answer) = &case.result {
        text.push_str(&result(answer));
    }
    for consultation in &case.consultations {
        let _ = writeln!(text, "  asked        {}", consultation.question);
        let answer = match consultation.answered_at {
            None => "is waited for: `comity request supplement`",
            Some(_) if consultation.answer.is_empty() => "none in words",
            Some(_) => &consultation.answer,
        };
        let _ = writeln!(text, "  answer       {answer}");
    }
    for happened in &case.events {
        let _ = writeln!(text, "  {}", event(happened));
    }
    if let Some(proof) = &case.receipt {
        text.push_str(&receipt(proof));
    }
    text
}

/// Where something stands in the ledger.
pub(crate) fn receipt(receipt: &v1::Receipt) -> String {
    let proved = if receipt.checkpoint.is_empty() {
        "recorded"
    } else {
        "proved"
    };
    format!(
        "  ledger       {proved} as entry {} of {}\n",
        receipt.index, receipt.origin
    )
}

/// What came back.
fn result(result: &v1::Result) -> String {
    let kind = result
        .kind()
        .as_str_name()
        .trim_start_matches("RESULT_KIND_");
    let mut text = format!("  answer       {kind}\n");
    let mut data = Vec::new();
    match result.data.clone().map(structure::to_json) {
        None => {}
        Some(Ok(found)) => fields("data", &Value::Object(found), &mut data),
        Some(Err(error)) => data.push(error.to_string()),
    }
    for line in data {
        let _ = writeln!(text, "  found        {line}");
    }
    for path in &result.redacted {
        let _ = writeln!(text, "  withheld     {path}");
    }
    if !result.reason.is_empty() {
        let _ = writeln!(text, "  reason       {}", result.reason);
    }
    text
}

/// A case as a row of a list.
pub(crate) fn case_row(case: &v1::Case, now: Timestamp) -> [String; 6] {
    let outcome = case
        .decision
        .as_ref()
        .map_or("", |decision| outcome_name(decision.outcome()));
    let received = case.received_at.as_ref().map_or_else(String::new, instant);
    let mark = if case.exercise { "\nexercise" } else { "" };
    [
        format!("{}{mark}", case.name),
        case.request_id.clone(),
        state_name(case.state()).to_owned(),
        outcome.to_owned(),
        received,
        clocks::next(&case.clocks, now),
    ]
}

/// An event in one line, and others for what the actor said of it.
pub(crate) fn event(event: &v1::CaseEvent) -> String {
    let at = event.at.as_ref().map_or_else(String::new, instant);
    let lines = said(&event.remark, event.form.as_ref());
    let lines: String = lines
        .iter()
        .map(|line| format!("\n{:<24}{line}", ""))
        .collect();
    format!(
        "{at}  {:<20} {:<14} {}{lines}",
        event.kind,
        state_name(event.state()),
        event.note
    )
}

/// What the actor of an event said of it, and what stands on the form that came with
/// it, a line for each field.
pub(crate) fn said(remark: &str, form: Option<&Struct>) -> Vec<String> {
    let mut lines = Vec::new();
    if !remark.is_empty() {
        lines.push(format!("“{}”", one_line(remark)));
    }
    match form.map(|form| structure::to_json(form.clone())) {
        None => {}
        Some(Ok(form)) => fields("form", &Value::Object(form), &mut lines),
        Some(Err(error)) => lines.push(format!("form  {error}")),
    }
    lines
}

/// What a record holds, with texts that move no terminal and forge no line; nothing where
/// it cannot be shown.
pub(crate) fn visible<M: prost::Message + prost::Name + Default>(message: &M) -> M {
    json::visible(message).unwrap_or_default()
}

/// Every value below a path, as errors name its field.
fn fields(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields(&format!("{path}.{}", one_line(name)), value, lines);
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                fields(&format!("{path}[{index}]"), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path}  {}", one_line(text))),
        Value::Null | Value::Bool(_) | Value::Number(_) => lines.push(format!("{path}  {value}")),
    }
}

/// The findings that settled the outcome, each with its citation.
pub(crate) fn deciding(decision: &v1::Decision) -> String {
    let (words, rules): (_, Vec<_>) = match decision.outcome() {
        v1::Outcome::Refused => (
            "",
            decision
                .grounds
                .iter()
                .filter_map(|found| found.rule.as_ref())
                .collect(),
        ),
        v1::Outcome::Referred => {
            let role = decision
                .referrals
                .first()
                .map_or("", |referral| referral.role.as_str());
            (
                role,
                decision
                    .referrals
                    .iter()
                    .filter_map(|found| found.rule.as_ref())
                    .collect(),
            )
        }
        v1::Outcome::Incomplete => (
            "",
            decision
                .requirements
                .iter()
                .filter_map(|found| found.rule.as_ref())
                .collect(),
        ),
        v1::Outcome::Approved | v1::Outcome::Unspecified => ("", decision.permits.iter().collect()),
    };
    // The instrument's own rule says most; the State's rules stand beside it.
    let first = rules
        .iter()
        .find(|rule| rule.module.starts_with("instrument/"))
        .or(rules.first());
    let mut text = first.map_or_else(String::new, |rule| {
        format!("{} [{}] {}", short_citation(rule), rule.rule_id, rule.text)
    });
    if !words.is_empty() {
        let _ = write!(text, "\nto the {words}");
    }
    if !decision.alternatives.is_empty() && decision.outcome() == v1::Outcome::Refused {
        let _ = write!(text, "\nwould apply: {}", decision.alternatives.join(", "));
    }
    text
}

/// A citation in the fewest words: the source's id, then the provision.
fn short_citation(rule: &v1::RuleReference) -> String {
    let citation = rule.citation.as_ref();
    citation.map_or_else(String::new, |cited| {
        format!("{} {}", cited.source, cited.provision)
    })
}

/// A state as people know it.
pub(crate) fn state_name(state: v1::CaseState) -> &'static str {
    state.as_str_name().trim_start_matches("CASE_STATE_")
}

pub(crate) fn instant(at: &prost_types::Timestamp) -> String {
    Timestamp::from_second(at.seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

pub(crate) fn day(at: &prost_types::Timestamp) -> String {
    instant(at).chars().take(10).collect()
}

/// A clock's length in words.
pub(crate) fn length(clock: &v1::Clock) -> String {
    ENGLISH.length(clock)
}

/// A citation as lawyers write it: source, then provision.
pub(crate) fn citation(rule: &v1::RuleReference) -> String {
    rule.citation.as_ref().map_or_else(String::new, |citation| {
        format!("{} {}", citation.title, citation.provision)
            .trim()
            .to_owned()
    })
}

/// What somebody is asked on account of a rule. The rule itself comes second: one
/// that hangs on a fact has found nothing yet.
fn asked(
    text: &mut String,
    (kind, labels): (&str, &Labels),
    rule: Option<&v1::RuleReference>,
    what: &str,
) {
    let Some(rule) = rule else { return };
    let _ = writeln!(
        text,
        "  {kind:<12} {what} [{}] {}",
        citation(rule),
        rule.rule_id
    );
    let missing = rule.facts_missing.join(", ");
    let why = match missing.is_empty() {
        true => format!("{}: {}", labels.because, rule.text),
        false => format!(
            "{}: {}; {}: {missing}",
            labels.to_settle, rule.text, labels.unknown
        ),
    };
    let _ = writeln!(text, "  {:<12} {why}", "");
}

fn finding(
    text: &mut String,
    (kind, labels): (&str, &Labels),
    rule: Option<&v1::RuleReference>,
    more: &str,
) {
    let Some(rule) = rule else { return };
    let _ = writeln!(
        text,
        "  {kind:<12} {} [{}] {}{more}",
        rule.text,
        citation(rule),
        rule.rule_id
    );
    if !rule.facts_missing.is_empty() {
        let _ = writeln!(
            text,
            "  {:<12} {}: {}",
            "",
            labels.unknown,
            rule.facts_missing.join(", ")
        );
    }
}
