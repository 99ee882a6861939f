//! Rules whose conditions no request meets, rules that are lifted whenever they
//! would hold, and lines that say the same whatever the facts are.

use super::{
    Law, Subject,
    search::{Found, Goal, Search},
    structure::settled,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    findings::lines,
    load::Place,
    model::{Condition, Rule},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for law in subject.laws() {
        let place = subject.place(&law.rule.id);
        let read = place.filter(|place| is_whole(law.rule, place));
        if let Some(place) = read {
            let wrong = built_wrong(law.rule, place).or_else(|| wrong(subject, law, place));
            found.extend(wrong.or_else(|| idle(subject, law, place)));
        }
    }
}

/// Every line of the rule could be read.
fn is_whole(rule: &Rule, place: &Place<'_>) -> bool {
    let written = |key| {
        let list = place.at(key).json().and_then(|list| list.as_array());
        list.map_or(0, Vec::len)
    };
    written("when") == rule.when.len() && written("unless") == rule.unless.len()
}

/// A line that contradicts itself, or lifts the rule, by how it is built alone.
fn built_wrong(rule: &Rule, place: &Place<'_>) -> Option<Diagnostic> {
    let find = |lines: &[Condition], holds| {
        let mut lines = lines.iter();
        lines.position(|line| settled(&line.tree) == Some(holds))
    };
    let contradiction = find(&rule.when, false);
    let contradiction = contradiction.map(|line| contradicts(&place.at("when").at(line), 0));
    contradiction.or_else(|| {
        let line = find(&rule.unless, true)?;
        Some(lifts(&place.at("unless").at(line), true))
    })
}

/// A line of `when` that always holds, or one of `unless` that never does.
fn idle(subject: &Subject<'_>, law: Law<'_>, place: &Place<'_>) -> Option<Diagnostic> {
    let says = |line: &Condition, holds: bool| {
        let (yes, no) = if holds {
            (Vec::new(), vec![line])
        } else {
            (vec![line], Vec::new())
        };
        let otherwise = Goal {
            yes,
            no,
            ..Goal::default()
        };
        let search = || Search::new(subject, law, &[line]);
        settled(&line.tree) == Some(holds)
            || search().is_some_and(|search| search.reach(&otherwise) == Found::No)
    };
    let place_of = |lines: &[Condition], holds| lines.iter().position(|line| says(line, holds));
    let of_when = || Some(("when", place_of(&law.rule.when, true)?, "always"));
    let of_unless = || Some(("unless", place_of(&law.rule.unless, false)?, "never"));
    let (key, line, how) = of_when().or_else(of_unless)?;
    let found = place
        .at(key)
        .at(line)
        .wrong(Code::LineWithoutEffect, format!("this line {how} holds"))
        .why("whatever the facts are, in the scope of the rule")
        .remedy("correct the line, or remove it: the rule says the same without it");
    Some(found)
}

fn wrong(subject: &Subject<'_>, law: Law<'_>, place: &Place<'_>) -> Option<Diagnostic> {
    let Rule { when, unless, .. } = law.rule;
    let all: Vec<&Condition> = lines(law.rule).collect();
    let search = Search::new(subject, law, &all)?;
    let never = |when: &[Condition], unless: &[&Condition]| {
        let goal = Goal {
            yes: when.iter().collect(),
            no: unless.to_vec(),
            fails: None,
        };
        search.reach(&goal) == Found::No
    };
    let every: Vec<&Condition> = unless.iter().collect();
    if !never(when, &every) {
        return None;
    }
    let contradiction = (0..when.len()).find(|&last| never(when.get(..=last).unwrap_or(when), &[]));
    if let Some(line) = contradiction {
        return Some(contradicts(&place.at("when").at(line), line));
    }
    let alone = every.iter().position(|&line| never(when, &[line]));
    let line = alone.or_else(|| {
        (0..every.len()).find(|&last| never(when, every.get(..=last).unwrap_or(&every)))
    })?;
    Some(lifts(&place.at("unless").at(line), alone.is_some()))
}

fn contradicts(line: &Place<'_>, number: usize) -> Diagnostic {
    let why = if number == 0 {
        "it contradicts itself, or the scope of the rule"
    } else {
        "it contradicts the lines before it, or the scope of the rule"
    };
    line.wrong(Code::RuleNeverHolds, "no request meets this line")
        .why(why)
        .remedy("correct the line; the rule never holds")
}

fn lifts(line: &Place<'_>, alone: bool) -> Diagnostic {
    let why = if alone {
        "it holds whenever the rule would"
    } else {
        "with the lines before it, one always holds where the rule would"
    };
    line.wrong(Code::RuleAlwaysLifted, "this line always lifts the rule")
        .why(why)
        .remedy("correct or remove the line; the rule has no effect")
}
