//! Counting what scenarios saw, rule by rule and line by line.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use comity_domain::{ModuleId, RuleId};

use super::{Clause, ConditionCoverage, Coverage, ModuleCoverage, RuleCoverage, ScenarioIndex};
use crate::{
    Answer, Asked, Asking, Library,
    diagnostic::Source,
    model::{Condition, Module, Rule},
    yaml::{self, Node},
};

/// What one rule said in one scenario.
#[derive(Debug)]
pub(crate) struct Seen {
    rule: RuleId,
    answer: Answer,
    /// What each line said as far as lines were reached.
    lines: Vec<Answer>,
}

impl Seen {
    pub(crate) fn of(asked: &Asked<'_>) -> Self {
        Self {
            rule: asked.rule.id().clone(),
            answer: asked.answer.clone(),
            lines: reached(&asked.when, &asked.unless),
        }
    }
}

/// The answers in order, up to the one that settles the rule.
fn reached(when: &[Asking<'_>], unless: &[Asking<'_>]) -> Vec<Answer> {
    let when = when.iter().map(|line| (line, Answer::No));
    let unless = unless.iter().map(|line| (line, Answer::Yes));
    let mut answers = Vec::new();
    for (line, settles) in when.chain(unless) {
        answers.push(line.answer.clone());
        if line.answer == settles {
            break;
        }
    }
    answers
}

/// Adds up what was seen, scenario by scenario, for these modules.
pub(crate) fn of(library: &Library, modules: &[&ModuleId], seen: &[Vec<Seen>]) -> Coverage {
    let mut by_rule: BTreeMap<&RuleId, Vec<(ScenarioIndex, &Seen)>> = BTreeMap::new();
    for (index, scenario) in seen.iter().enumerate() {
        for seen in scenario {
            by_rule.entry(&seen.rule).or_default().push((index, seen));
        }
    }
    let lifted: BTreeSet<&RuleId> = library
        .rules()
        .filter_map(|info| info.rule.exception_to.as_ref())
        .collect();
    let chosen = library
        .model
        .every_module()
        .filter(|module| modules.contains(&&module.id));
    let modules = chosen.map(|module| {
        let file = File::of(module);
        let rules = module.rules.iter().enumerate().map(|(index, rule)| {
            let seen = by_rule.get(&rule.id).map_or(&[][..], Vec::as_slice);
            let mut coverage = file.rule(index, rule);
            coverage.conditional |= lifted.contains(&rule.id);
            coverage.add(seen);
            coverage
        });
        ModuleCoverage {
            rules: rules.collect(),
            id: module.id.clone(),
            title: module.title.clone(),
            path: file.source.path.to_string(),
            text: Arc::clone(&module.text),
        }
    });
    Coverage {
        modules: modules.collect(),
    }
}

impl RuleCoverage {
    fn add(&mut self, seen: &[(ScenarioIndex, &Seen)]) {
        for (scenario, seen) in seen {
            match seen.answer {
                Answer::Yes => self.fired.push(*scenario),
                Answer::No => self.silent.push(*scenario),
                Answer::Unknown(_) | Answer::Failed => self.unknown.push(*scenario),
            }
            for (line, answer) in self.conditions.iter_mut().zip(&seen.lines) {
                match answer {
                    Answer::Yes => line.yes += 1,
                    Answer::No => line.no += 1,
                    Answer::Unknown(_) | Answer::Failed => line.unknown += 1,
                }
            }
        }
    }
}

/// A module's file with its places.
struct File {
    source: Source,
    /// `None` only if the reader refused what it took when loading.
    tree: Option<Node>,
}

impl File {
    fn of(module: &Module) -> Self {
        let path = match module.id.as_str().split_once('/') {
            Some(("jurisdiction", code)) => {
                format!("jurisdictions/{}/module.yaml", code.to_ascii_lowercase())
            }
            Some((_, id)) => format!("instruments/{id}/module.yaml"),
            None => module.id.to_string(),
        };
        let source = Source {
            path: Arc::from(path),
            text: Arc::clone(&module.text),
        };
        Self {
            tree: yaml::parse(&source).ok(),
            source,
        }
    }

    /// Lines of what stands at a JSON pointer.
    fn lines(&self, pointer: &str) -> RangeInclusive<usize> {
        let node = self.tree.as_ref().and_then(|tree| tree.find(pointer));
        let span = node.map_or(0..0, |(_, node)| node.span.clone());
        self.source.line(span.start)..=self.source.line(span.end)
    }

    fn rule(&self, index: usize, rule: &Rule) -> RuleCoverage {
        let place = format!("/rules/{index}");
        let conditions = |clause, name: &str| {
            let lines = match clause {
                Clause::When => &rule.when,
                Clause::Unless => &rule.unless,
            };
            let of = |(index, line): (usize, &Condition)| ConditionCoverage {
                clause,
                text: Arc::clone(&line.text),
                lines: self.lines(&format!("{place}/{name}/{index}")),
                yes: 0,
                no: 0,
                unknown: 0,
            };
            lines.iter().enumerate().map(of).collect::<Vec<_>>()
        };
        let mut lines = conditions(Clause::When, "when");
        lines.extend(conditions(Clause::Unless, "unless"));
        RuleCoverage {
            id: rule.id.clone(),
            line: *self.lines(&format!("{place}/id")).start(),
            conditional: !lines.is_empty(),
            fired: Vec::new(),
            silent: Vec::new(),
            unknown: Vec::new(),
            conditions: lines,
        }
    }
}
