//! What waits for humans, as they read it.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, Color, Table};
use comity::v1::{self, ClockState, ReviewTask, ReviewTaskState, UrgencyLevel, fact_value::Value};
use jiff::Timestamp;

use super::{citation, clocks, finding, instant, labels::ENGLISH};

/// A table of tasks.
pub(crate) fn table() -> Table {
    let mut table = super::table(&["task", "waits for", "what is asked", "deadline"]);
    super::keep_whole(&mut table, &[0]);
    table
}

/// A task as a row of it; emergencies are called out.
pub(crate) fn row(task: &ReviewTask) -> [Cell; 4] {
    let referral = task.referral.clone().unwrap_or_default();
    let rule = referral.rule.clone().unwrap_or_default();
    let urgency = match task.urgency() {
        UrgencyLevel::Emergency => "\nEMERGENCY",
        UrgencyLevel::Urgent => "\nurgent",
        UrgencyLevel::Routine | UrgencyLevel::Unspecified => "",
    };
    let exercise = if task.exercise { "\nexercise" } else { "" };
    let mut name = Cell::new(format!("{}{urgency}{exercise}", task.name));
    if task.urgency() == UrgencyLevel::Emergency {
        name = name.fg(Color::Red).add_attribute(Attribute::Bold);
    }
    let eyes = if referral.four_eyes {
        "\ntwo persons"
    } else {
        ""
    };
    let role = format!("{} of {}{eyes}", referral.role, referral.jurisdiction);
    let asked = format!(
        "{}\n{}\n{} [{}]",
        task.measure,
        referral.question,
        citation(&rule),
        rule.rule_id
    );
    [
        name,
        Cell::new(format!("{role}\n{}", state(task))),
        Cell::new(asked),
        Cell::new(clocks::deadline(&task.limits)),
    ]
}

/// A task in words: question, rule, facts, grounds, opinions.
pub(crate) fn task(task: &ReviewTask, now: Timestamp) -> String {
    let referral = task.referral.clone().unwrap_or_default();
    let mut text = format!("{} of {}: {}\n", task.name, task.case, state(task));
    // Writing to a string cannot fail.
    let mut line = |kind: &str, what: &str| {
        let _ = writeln!(text, "  {kind:<12} {what}");
    };
    line("question", &referral.question);
    line(
        "for",
        &format!("{} of {}", referral.role, referral.jurisdiction),
    );
    if referral.four_eyes {
        line("four eyes", "two persons must agree");
    }
    for fact in &task.facts {
        line("fact", &self::fact(fact));
    }
    let mut limits = task.limits.clone();
    limits.retain(|limit| matches!(limit.state(), ClockState::Running | ClockState::Paused));
    for limit in clocks::lines(&limits, now) {
        line("time limit", &limit);
    }
    for consultation in &task.consultations {
        line("asked", &consultation.question);
        match consultation.answered_at {
            None => line("answer", "is waited for"),
            Some(_) if consultation.answer.is_empty() => line("answer", "none in words"),
            Some(_) => line("answer", &consultation.answer),
        }
    }
    for opinion in &task.opinions {
        line("opinion", &self::opinion(opinion, &referral));
    }
    finding(&mut text, ("rule", &ENGLISH), referral.rule.as_ref(), "");
    for ground in &task.against {
        finding(&mut text, ("against", &ENGLISH), ground.rule.as_ref(), "");
    }
    for permit in &task.in_favour {
        finding(&mut text, ("in favour", &ENGLISH), Some(permit), "");
    }
    text
}

/// What reviewers of a case said, as its record keeps it.
pub(crate) fn opinions(case: &str, kept: &v1::CaseKept) -> String {
    let mut text = String::new();
    for task in &kept.tasks {
        let referral = task.referral.clone().unwrap_or_default();
        let name = case.replacen("cases/", "tasks/", 1);
        for opinion in &task.opinions {
            let opinion = super::one_line(&self::opinion(opinion, &referral));
            let _ = writeln!(
                text,
                "  {:<12} in {name}-{}: {opinion}",
                "opinion", task.number
            );
        }
    }
    text
}

fn opinion(opinion: &v1::ReviewOpinion, referral: &v1::Referral) -> String {
    let verdict = opinion.verdict().as_str_name();
    let verdict = verdict.trim_start_matches("REVIEW_VERDICT_");
    let at = opinion.given_at.as_ref().map_or_else(String::new, instant);
    let before = if opinion.basis_sha256 == referral.basis_sha256 {
        ""
    } else {
        ", before the question was put anew"
    };
    let signed = if opinion.signature.is_empty() {
        "not signed"
    } else {
        "signed"
    };
    format!(
        "{verdict} by {} on {at}{before}, {signed}: {}",
        opinion.subject, opinion.reasons
    )
}

fn fact(fact: &v1::FactUse) -> String {
    let value = fact.value.as_ref().and_then(|value| value.value.as_ref());
    let value = match value {
        Some(Value::Truth(truth)) => truth.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Set(set)) => set.values.join(", "),
        None => String::new(),
    };
    format!("{} is {value}, by {}", fact.name, fact.source)
}

fn state(task: &ReviewTask) -> &'static str {
    match task.state() {
        ReviewTaskState::Open => "open",
        ReviewTaskState::Consulting => "the issuing authority is asked",
        ReviewTaskState::Conflict => "two disagree, a third decides",
        ReviewTaskState::Answered => "answered",
        ReviewTaskState::Lapsed => "lapsed",
        ReviewTaskState::Unspecified => "",
    }
}
