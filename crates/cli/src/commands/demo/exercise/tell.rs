//! Exercises and what became of them, in words.

use std::fmt::Write as _;

use anstream::adapter::strip_str;
use comity_domain::{Citation, Text};
use comity_gateway::offline::Drill;
use comity_policy::{Assessed, Assessment, Entry, Exercise, ExercisePoint, InHand, Library, Spare};
use comity_sandbox::register::Register;

use crate::render::{self, labels::ENGLISH};

/// Longest line of running text.
const WIDTH: usize = 100;
/// Columns of a finding before its words.
const LABEL: usize = 15;
/// How a point begins that is met, and one that is missed.
const MET: &str = "   met     ";
const MISSED: &str = "   MISSED  ";

/// Every exercise with what it trains.
pub(super) fn list(library: &Library) -> String {
    let mut text = String::new();
    for exercise in library.exercises() {
        let trains = words(&exercise.trains);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<14} {trains}", exercise.name);
    }
    text
}

/// What has happened, what is known, what is to be done.
pub(super) fn story(exercise: &Exercise, hints: bool) -> String {
    let mut text = String::new();
    let Exercise {
        title,
        state,
        authority,
        ..
    } = exercise;
    let _ = writeln!(text, "EXERCISE: {}\n", words(title));
    paragraph(&mut text, "", words(&exercise.story));
    let _ = writeln!(text, "\nYou are {authority} of {state}. You know");
    for known in &exercise.in_hand {
        let _ = writeln!(text, "  {}: {}", words(&known.text), value(known));
    }
    for (number, task) in (1..).zip(&exercise.tasks) {
        let _ = writeln!(
            text,
            "\n{number}. {} ({}.json)",
            words(&task.title),
            task.start.0
        );
        paragraph(&mut text, "   ", words(&task.text));
        let told = task.points.iter().filter_map(|point| point.hint.as_ref());
        for hint in told.filter(|_| hints) {
            paragraph(&mut text, "   hint: ", words(hint));
        }
    }
    text.push('\n');
    text
}

/// What was sent, what was decided, and every point met or missed.
pub(super) fn report(exercise: &Exercise, assessment: &Assessment<'_>, drills: &[Drill]) -> String {
    let mut text = format!("EXERCISE: what became of “{}”\n", words(&exercise.title));
    for (number, assessed) in (1..).zip(&assessment.tasks) {
        let _ = writeln!(text, "\n{number}. {}", words(&assessed.task.title));
        task(&mut text, assessed, drills);
    }
    spare(&mut text, exercise, assessment, drills);
    let (met, all) = assessment.score();
    let missed = all - met;
    let _ = match missed {
        0 => writeln!(text, "\nall {all} points met"),
        _ => writeln!(text, "\n{met} of {all} points met, {missed} missed"),
    };
    text
}

fn task(text: &mut String, assessed: &Assessed<'_>, drills: &[Drill]) {
    let last = assessed.attempts.last();
    let Some(drill) = last.and_then(|place| drills.get(*place)) else {
        let _ = writeln!(text, "   nothing was sent for it");
        for (point, _) in &assessed.points {
            missed(text, point, &[]);
        }
        return;
    };
    sent(text, drill);
    let earlier = assessed.attempts.len() - 1;
    if earlier > 0 {
        let _ = writeln!(
            text,
            "   earlier requests for it, which do not count: {earlier}"
        );
    }
    for (point, why) in &assessed.points {
        if why.is_empty() {
            point_line(text, MET, &point.title, &point.cite);
        } else {
            missed(text, point, why);
        }
    }
}

/// Where a request stands on record, and what was decided of it.
fn sent(text: &mut String, drill: &Drill) {
    let Drill {
        case,
        request_id,
        entry,
        recorded,
        ..
    } = drill;
    let file = file(request_id);
    let _ = writeln!(text, "   {file}: cases/{case}, ledger entry {entry}");
    let told = render::findings(recorded, &ENGLISH) + &render::would_apply(recorded, &ENGLISH);
    // Lines are measured, and colours have no width.
    let told = strip_str(&told).to_string();
    for line in told.lines() {
        let (label, words) = match line.split_at_checked(LABEL) {
            Some((label, words)) if line.starts_with(' ') => (label, words),
            Some(_) | None => ("", line),
        };
        paragraph(text, &format!("   {label}"), words);
    }
}

/// The file of a request that was sent from one.
fn file(request_id: &str) -> &str {
    request_id.rsplit('/').next().unwrap_or_default()
}

fn missed(text: &mut String, point: &ExercisePoint, why: &[String]) {
    point_line(text, MISSED, &point.title, &point.cite);
    for why in why {
        paragraph(text, "           ", why);
    }
    paragraph(text, "           do: ", words(&point.remedy));
}

/// What was asked though no task needs it.
fn spare(text: &mut String, exercise: &Exercise, assessment: &Assessment<'_>, drills: &[Drill]) {
    let Spare {
        title,
        cite,
        remedy,
    } = &exercise.spare;
    text.push('\n');
    if assessment.is_sparing() {
        return point_line(text, MET, title, cite);
    }
    point_line(text, MISSED, title, cite);
    for drill in assessment
        .spare
        .iter()
        .filter_map(|place| drills.get(*place))
    {
        let request = drill.question().request;
        let (measure, state) = (&request.measure, &request.executing.0);
        let file = file(&drill.request_id);
        let _ = writeln!(text, "           {file} asks {state} for {measure}");
    }
    paragraph(text, "           do: ", words(remedy));
}

fn point_line(text: &mut String, mark: &str, title: &Text, cite: &Citation) {
    let (title, cite) = (words(title), cited(cite));
    paragraph(text, mark, &format!("{title} ({cite})"));
}

/// Broken into lines; those after the first are as far in as it.
fn paragraph(text: &mut String, begin: &str, words: &str) {
    let indent = " ".repeat(begin.chars().count());
    let mut line = begin.to_owned();
    let mut empty = true;
    for word in words.split_whitespace() {
        if !empty && line.chars().count() + word.chars().count() >= WIDTH {
            let _ = writeln!(text, "{}", line.trim_end());
            line.clone_from(&indent);
        }
        line.push_str(word);
        line.push(' ');
        empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// What the sandbox's register has of the person who is meant.
fn value(known: &InHand) -> String {
    let samples = Register::samples(known.state.as_str());
    let value = samples.map(|person| match known.entry {
        Entry::Name => person.name,
        Entry::Account => person.account,
        Entry::Phone => person.phone,
        Entry::Email => person.email,
        Entry::Ip => person.ip,
        Entry::Plate => person.plate,
    });
    value.unwrap_or_else(|| "unknown".to_owned())
}

fn cited(citation: &Citation) -> String {
    format!("{} {}", citation.title, citation.provision)
}

fn words(text: &Text) -> &str {
    text.in_language("en").map_or("", |(_, words)| words)
}
