//! Rules that add nothing to another of the same module, and versions of a rule
//! that are law at the same time.
//!
//! A rule is shadowed by one that says the same wherever it speaks: same stage,
//! same effect with all it demands, a scope and a period that cover its own,
//! and conditions that hold whenever its own do. Grounds, refusals and permits
//! that demand nothing say the same only if they cite the same provision: two
//! articles may well forbid the same thing.

use std::collections::BTreeSet;

use comity_domain::Confidence;

use super::{
    Law, Subject,
    search::{Found, Goal, Search},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    findings::lines,
    model::{Condition, Effect, Rule},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let laws: Vec<Law<'_>> = subject.laws().collect();
    for module in laws.chunk_by(|one, other| one.home.module().id == other.home.module().id) {
        for (index, &later) in module.iter().enumerate() {
            let others = module.iter().enumerate();
            // Of two that say the same, the later one is said to.
            let mut others = others.filter(|(at, _)| *at != index);
            let said = others.find_map(|(at, &other)| {
                let mutual = at > index && shadows(subject, later, other);
                if mutual {
                    None
                } else {
                    wrong(subject, other, later)
                }
            });
            found.extend(said);
        }
    }
}

/// What is wrong with a rule beside another one.
fn wrong(subject: &Subject<'_>, other: Law<'_>, rule: Law<'_>) -> Option<Diagnostic> {
    let id = &other.rule.id;
    let place = subject.place(&rule.rule.id)?.at("id");
    if shadows(subject, other, rule) {
        return Some(
            place
                .wrong(
                    Code::RuleShadowed,
                    format!("the rule adds nothing to `{id}`"),
                )
                .why("whenever this one holds, that one holds too and says the same")
                .remedy(format!("remove it, or narrow `{id}`")),
        );
    }
    is_next_version(subject, other, rule).then(|| {
        place
            .wrong(
                Code::RuleDuplicate,
                format!("another version of `{id}`, law at the same time"),
            )
            .why("both say the same for the days on which both are law")
            .remedy(format!(
                "let `{id}` be law `until` the day this one is `since`"
            ))
    })
}

/// Whatever `rule` says, `other` says too.
fn shadows(subject: &Subject<'_>, other: Law<'_>, rule: Law<'_>) -> bool {
    say_the_same(other.rule, rule.rule)
        && other.period().covers(rule.period())
        && covers(subject, other, rule)
        && (has_all_lines(other.rule, rule.rule) || follows(subject, other, rule))
}

/// Two versions of a rule: they say the same of the same under the same lines,
/// and their periods overlap.
fn is_next_version(subject: &Subject<'_>, other: Law<'_>, rule: Law<'_>) -> bool {
    let dated = other.rule.until.is_some() && rule.rule.since > other.rule.since;
    dated
        && say_the_same(other.rule, rule.rule)
        && other.period().meets(rule.period())
        && covers(subject, other, rule)
        && covers(subject, rule, other)
}

/// Same stage, same effect, and the same provision where the effect alone says
/// too little.
pub(super) fn say_the_same(other: &Rule, rule: &Rule) -> bool {
    let silent = matches!(rule.effect, Effect::Permit | Effect::Refuse { .. });
    let mut cited = rule.citations.iter();
    let same_provision = cited.any(|cite| {
        let mut others = other.citations.iter();
        others.any(|other| other.source == cite.source && other.provision == cite.provision)
    });
    let unsure = other.confidence == Confidence::Low && rule.confidence > Confidence::Low;
    other.stage == rule.stage
        && other.effect == rule.effect
        && other.exception_to == rule.exception_to
        && (same_provision || !silent)
        && !unsure
}

/// The scope of a rule lies in that of another.
pub(super) fn covers(subject: &Subject<'_>, other: Law<'_>, rule: Law<'_>) -> bool {
    let measures = |law: Law<'_>| law.among(subject, subject.model.measures.kinds.keys());
    let instruments = match (&other.rule.instruments, &rule.rule.instruments) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(other), Some(rule)) => rule.is_subset(other),
    };
    instruments
        && within(&other.rule.counterparts, &rule.rule.counterparts)
        && measures(rule).is_subset(&measures(other))
}

/// A filter lets through no more than another; an empty one lets all through.
fn within<T: Ord>(filter: &BTreeSet<T>, part: &BTreeSet<T>) -> bool {
    filter.is_empty() || (!part.is_empty() && part.is_subset(filter))
}

/// Every line of `other` is one of `rule`: it holds whenever that one does.
fn has_all_lines(other: &Rule, rule: &Rule) -> bool {
    let has = |all: &[Condition], part: &[Condition]| {
        let mut part = part.iter();
        part.all(|line| all.iter().any(|same| same.text == line.text))
    };
    has(&rule.when, &other.when) && has(&rule.unless, &other.unless)
}

/// In every combination of facts in which `rule` holds, `other` holds too.
fn follows(subject: &Subject<'_>, other: Law<'_>, rule: Law<'_>) -> bool {
    let all: Vec<&Condition> = lines(rule.rule).chain(lines(other.rule)).collect();
    let holds = |fails| Goal {
        yes: rule.rule.when.iter().collect(),
        no: rule.rule.unless.iter().collect(),
        fails,
    };
    let search = Search::new(subject, rule, &all);
    // Of a rule that never holds that is what is said.
    search.is_some_and(|search| {
        search.reach(&holds(None)) == Found::Yes
            && search.reach(&holds(Some(other.rule))) == Found::No
    })
}
