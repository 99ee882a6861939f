//! One rule: what it comes to, why, and what would settle it.

use std::collections::BTreeSet;

use comity_domain::{FactName, FactSource};

use super::{
    Paragraph, Point, Tone, basis, condition, entailed::entailed, teller::Teller, verdict::tone,
};
use crate::{
    Answer, Asked,
    facts::field_of,
    findings::EXECUTING_AUTHORITY,
    model::Condition,
    phrases::{Because, Verdict},
};

/// The rule with its reasons and what it entails.
pub(super) fn paragraph(teller: &Teller<'_>, asked: &Asked<'_>, verdict: Verdict) -> Paragraph {
    let rule = teller.rule(&asked.rule);
    let tongue = teller.tongue;
    let text = tongue.labelled(tongue.verdict(verdict), &rule);
    let points = reasons(teller, asked, verdict)
        .into_iter()
        .chain(said(teller, &settling(teller, asked)))
        .chain(entailed(teller, asked, verdict));
    Paragraph::toned(tone(verdict), text).with(points)
}

/// Each line that matters for the verdict, with the facts it rests on.
fn reasons(teller: &Teller<'_>, asked: &Asked<'_>, verdict: Verdict) -> Vec<Point> {
    let rule = asked.rule.rule;
    let tongue = teller.tongue;
    let mut points = Vec::new();
    if rule.when.is_empty() && rule.unless.is_empty() && asked.exception.is_none() {
        points.push(Point::of(tongue.because(&Because::Always)));
    }
    let when = rule.when.iter().zip(&asked.when);
    let unless = rule.unless.iter().zip(&asked.unless);
    for (line, asking) in when {
        let (test, basis) = told(teller, line);
        let (test, basis) = (test.as_str(), basis.as_str());
        let because = match asking.answer {
            Answer::Yes => Because::Holds { test, basis },
            Answer::Unknown(_) | Answer::Failed => Because::NotKnown { test, basis },
            Answer::No => continue,
        };
        points.push(beside(tongue.because(&because), line));
    }
    // Of what binds anyhow it is enough that nothing lifts it.
    let brief = tone(verdict) == Tone::Binding;
    let mut silent = 0;
    for (line, asking) in unless {
        let (test, basis) = told(teller, line);
        let (test, basis) = (test.as_str(), basis.as_str());
        let because = match asking.answer {
            Answer::Yes => Because::LiftedBy { test, basis },
            // What does not lift it does not matter where something else does.
            _ if verdict == Verdict::Lifted => continue,
            Answer::No if brief => {
                silent += 1;
                continue;
            }
            Answer::No => Because::WouldLift { test, basis },
            Answer::Unknown(_) | Answer::Failed => Because::MayLift { test, basis },
        };
        points.push(beside(tongue.because(&because), line));
    }
    if silent > 0 {
        let because = Because::NoneLifts { lines: silent };
        points.push(Point::of(tongue.because(&because)));
    }
    points.extend(exception(teller, asked));
    points
}

fn told(teller: &Teller<'_>, line: &Condition) -> (String, String) {
    let test = condition::words(&teller.names, line);
    let basis = basis::basis(teller, &line.facts, &test);
    (test, basis)
}

fn beside(text: String, line: &Condition) -> Point {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    Point {
        text: first.chain(letters).collect(),
        expression: Some(condition::one_line(&line.text)),
    }
}

/// The exception that lifted the rule, or may.
fn exception(teller: &Teller<'_>, asked: &Asked<'_>) -> Option<Point> {
    let exception = teller.rule_quoted(&asked.exception?);
    let because = match asked.answer {
        Answer::No => Because::LiftedByRule { rule: &exception },
        Answer::Yes | Answer::Unknown(_) | Answer::Failed => {
            Because::MayBeLiftedByRule { rule: &exception }
        }
    };
    Some(Point::of(teller.tongue.because(&because)))
}

/// What would settle a rule that could not be judged, and who can.
fn settling(teller: &Teller<'_>, asked: &Asked<'_>) -> Vec<(String, String)> {
    let Answer::Unknown(missing) = &asked.answer else {
        return Vec::new();
    };
    let missing: BTreeSet<&FactName> = missing.iter().collect();
    let of = |name: &FactName| {
        let fact = teller.declaration(name)?;
        let role = fact.role.as_deref();
        let who = match (fact.stated_by, role) {
            (FactSource::Executing | FactSource::Judgement, role) => {
                let role = role.unwrap_or(EXECUTING_AUTHORITY);
                teller.office(role, &teller.question.request.executing.0)
            }
            (FactSource::Requester, _) => {
                let who = teller.tongue.settler(FactSource::Requester);
                format!("{who}, `{}`", field_of(name))
            }
            (source @ (FactSource::Gateway | FactSource::Register), _) => {
                teller.tongue.settler(source).to_owned()
            }
        };
        Some((teller.reader.words(&fact.ask).to_string(), who))
    };
    missing.into_iter().filter_map(of).collect()
}

fn said(teller: &Teller<'_>, settling: &[(String, String)]) -> Vec<Point> {
    let points = settling.iter().map(|(ask, who)| {
        let because = Because::Settle { ask, who };
        Point::of(teller.tongue.because(&because))
    });
    points.collect()
}
