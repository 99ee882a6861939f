//! Looks for facts under which a rule holds. Facts are stated one after the
//! other, each with the values on both sides of everything the lines test; what
//! is settled early is not looked at further. Where values near the literals
//! do not tell everything, nothing is claimed.

use std::{cell::Cell, collections::BTreeSet, sync::Arc};

use comity_domain::{FactName, FactSource, FactUse, FactUseSource, FactValue, RuleId};
use jiff::civil::Date;

use super::{Law, Subject};
use crate::{
    evaluate::{Engine, Evaluator, Holds, Known, Terms},
    model::{Condition, Declarations, FactType, Rule},
    vary::{self, Domains},
};

/// States of knowledge looked at before giving up.
const MAX_STEPS: usize = 20_000;
/// Values of a set that are tried in every combination.
const MAX_MEMBERS: usize = 4;
/// A day where no line names one.
const SOME_DAY: Date = Date::constant(2000, 1, 1);

/// Whether facts exist that lead to a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Yes,
    No,
    /// Too much to look at.
    Undecided,
}

/// What is looked for: every line of `yes` holds and no line of `no` does.
#[derive(Default)]
pub(super) struct Goal<'a> {
    pub(super) yes: Vec<&'a Condition>,
    pub(super) no: Vec<&'a Condition>,
    /// And this rule does not surely hold.
    pub(super) fails: Option<&'a Rule>,
}

/// The facts that some lines read, with the values worth trying.
pub(super) struct Search<'a> {
    terms: &'a Terms,
    declarations: Declarations<'a>,
    domains: Domains,
    rule: &'a RuleId,
    steps: Cell<usize>,
}

impl<'a> Search<'a> {
    /// `None` where values near the literals do not tell what lines can say.
    pub(super) fn new(
        subject: &'a Subject<'a>,
        law: Law<'a>,
        lines: &[&Condition],
    ) -> Option<Self> {
        if !lines.iter().all(|line| vary::is_plain(line)) {
            return None;
        }
        let declarations = law.declarations(subject.model);
        let mut domains = vary::domains(declarations, lines.iter().copied());
        for (name, values) in &mut domains {
            let exact = match (&**name, &declarations.get(name)?.kind) {
                ("measure", _) => measures(subject, law, lines),
                ("issuing.state", FactType::Listed(_)) => states(&law.states(subject, true), lines),
                ("executing.state", FactType::Listed(_)) => {
                    states(&law.states(subject, false), lines)
                }
                (_, FactType::SetOf(kind)) => {
                    let all = subject.model.vocabulary.types.get(kind)?;
                    subsets(named(lines, kind), all.iter())?
                }
                (_, FactType::SetOfText) => subsets(texts(lines), [Arc::from("other")].iter())?,
                // Numbers of months, hours, days and years: none is less than nothing.
                (_, FactType::Number) => {
                    let at_least =
                        |value: &FactValue| !matches!(value, FactValue::Number(n) if *n < 0);
                    values.retain(|value| value.as_ref().is_none_or(at_least));
                    continue;
                }
                (_, FactType::Day) if values.iter().all(Option::is_none) => {
                    vec![FactValue::Day(SOME_DAY)]
                }
                _ => continue,
            };
            *values = exact.into_iter().map(Some).collect();
        }
        Some(Self {
            terms: &subject.terms,
            declarations,
            domains,
            rule: &law.rule.id,
            steps: Cell::new(0),
        })
    }

    /// Looks for facts under which the goal is reached.
    pub(super) fn reach(&self, goal: &Goal<'_>) -> Found {
        self.steps.set(0);
        self.walk(goal, &mut Known::default())
    }

    fn walk(&self, goal: &Goal<'_>, known: &mut Known) -> Found {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return Found::Undecided;
        }
        let next = match self.judge(goal, known) {
            Ok(None) => return Found::Yes,
            Ok(Some(fact)) => fact,
            Err(found) => return found,
        };
        let values = self.domains.get(&next).into_iter().flatten().flatten();
        let mut values = values.peekable();
        let mut decided = values.peek().is_some();
        for value in values {
            known.insert(Arc::clone(&next), stated(value.clone()));
            let found = self.walk(goal, known);
            known.remove(&next);
            match found {
                Found::Yes => return Found::Yes,
                Found::Undecided => decided = false,
                Found::No => {}
            }
        }
        if decided { Found::No } else { Found::Undecided }
    }

    /// What the facts so far come to: nothing more is needed, a fact is, or
    /// no further fact helps.
    fn judge(&self, goal: &Goal<'_>, known: &Known) -> Result<Option<FactName>, Found> {
        let evaluator = Evaluator::new(self.terms, self.declarations, known, Engine::default());
        let mut missing = None;
        let yes = goal.yes.iter().map(|line| (line, Holds::No));
        let no = goal.no.iter().map(|line| (line, Holds::Yes));
        for (line, against) in yes.chain(no) {
            match evaluator.line(self.rule, line) {
                Holds::Unknown(facts) => missing = missing.or_else(|| facts.into_iter().next()),
                Holds::Failed => return Err(Found::Undecided),
                settled if settled == against => return Err(Found::No),
                Holds::Yes | Holds::No => {}
            }
        }
        // More facts leave standing what holds already.
        let holds = goal.fails.map(|rule| evaluator.holds(rule));
        match (missing, holds) {
            (_, Some(Holds::Yes)) => Err(Found::No),
            (missing, _) => Ok(missing),
        }
    }
}

fn stated(value: FactValue) -> FactUse {
    FactUse {
        value,
        source: FactUseSource::Stated(FactSource::Executing),
    }
}

/// The sets of kinds that measures of the rule are of, those that the lines
/// cannot tell apart once.
fn measures(subject: &Subject<'_>, law: Law<'_>, lines: &[&Condition]) -> Vec<FactValue> {
    let named = named(lines, "Measure");
    let carried = law
        .instruments(subject)
        .filter_map(|instrument| subject.carried.get(&instrument.id));
    let measures = law.among(subject, carried.flatten().copied());
    let mut seen = BTreeSet::new();
    measures
        .into_iter()
        .filter_map(|measure| subject.model.measures.kinds.get(measure))
        .filter(|kinds| seen.insert(named.intersection(kinds).cloned().collect::<Vec<_>>()))
        .map(|kinds| FactValue::Set(kinds.iter().cloned().collect()))
        .collect()
}

/// The possible States that a line names, and one that none does.
fn states(possible: &BTreeSet<Arc<str>>, lines: &[&Condition]) -> Vec<FactValue> {
    let named = named(lines, "State");
    let other = possible.iter().find(|state| !named.contains(*state));
    let all = possible.iter().filter(|state| named.contains(*state));
    all.chain(other).cloned().map(FactValue::Text).collect()
}

/// Every set of the named values, with and without one that no line names;
/// `None` where there are too many.
fn subsets<'v>(
    named: BTreeSet<Arc<str>>,
    mut all: impl Iterator<Item = &'v Arc<str>>,
) -> Option<Vec<FactValue>> {
    if named.len() > MAX_MEMBERS {
        return None;
    }
    let other = all.find(|value| !named.contains(*value)).cloned();
    let members: Vec<Arc<str>> = named.into_iter().chain(other).collect();
    let sets = (0..1_usize << members.len()).map(|chosen| {
        let inside = members.iter().enumerate();
        let inside = inside.filter(|(bit, _)| chosen & (1 << bit) != 0);
        let set: BTreeSet<_> = inside.map(|(_, member)| Arc::clone(member)).collect();
        FactValue::Set(set.into_iter().collect())
    });
    Some(sets.collect())
}

/// Values of a listed type that the lines name.
fn named(lines: &[&Condition], kind: &str) -> BTreeSet<Arc<str>> {
    let listed = lines.iter().flat_map(|line| &line.literals.listed);
    listed
        .filter(|(of, _)| **of == *kind)
        .map(|(_, value)| Arc::clone(value))
        .collect()
}

fn texts(lines: &[&Condition]) -> BTreeSet<Arc<str>> {
    let texts = lines.iter().flat_map(|line| &line.literals.texts);
    texts.cloned().collect()
}
