//! Rules whose conditions no request meets, and rules that are lifted whenever
//! they would hold.

use super::{
    Law, Subject,
    search::{Found, Goal, Search},
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
            found.extend(wrong(subject, law, place));
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
