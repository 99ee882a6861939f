//! What of the rules the scenarios reach: which rules fired and which were
//! silent, and what each line of `when` and `unless` said.

mod html;
mod tally;

use std::{ops::RangeInclusive, sync::Arc};

use comity_domain::{ModuleId, RuleId, Text};

pub(crate) use self::{
    html::page,
    tally::{Seen, of},
};

/// A scenario by its place among those that were run.
pub type ScenarioIndex = usize;

/// What of the modules was reached.
#[derive(Debug)]
pub struct Coverage {
    /// In the order of [`Library::modules`].
    pub modules: Vec<ModuleCoverage>,
}

/// What of one module was reached.
#[derive(Debug)]
pub struct ModuleCoverage {
    /// The module.
    pub id: ModuleId,
    /// Its name in several languages.
    pub title: Text,
    /// Its file, relative to the policy folder.
    pub path: String,
    /// The YAML text as loaded.
    pub text: Arc<str>,
    /// Its rules in the order of the file.
    pub rules: Vec<RuleCoverage>,
}

/// What one rule said, by scenario.
#[derive(Debug)]
pub struct RuleCoverage {
    /// The rule.
    pub id: RuleId,
    /// Its line in the file, from 1.
    pub line: usize,
    /// It has conditions, or exceptions: it can be silent.
    pub conditional: bool,
    /// Scenarios in which it held.
    pub fired: Vec<ScenarioIndex>,
    /// Scenarios in which it was asked and did not hold.
    pub silent: Vec<ScenarioIndex>,
    /// Scenarios in which it was asked and could not be judged.
    pub unknown: Vec<ScenarioIndex>,
    /// Its lines in the order in which they are asked.
    pub conditions: Vec<ConditionCoverage>,
}

/// What one line of a rule said. Lines are asked in order; one that an
/// earlier line left without effect was not reached.
#[derive(Debug)]
pub struct ConditionCoverage {
    /// The list it stands in.
    pub clause: Clause,
    /// As written.
    pub text: Arc<str>,
    /// Its lines in the file, from 1.
    pub lines: RangeInclusive<usize>,
    /// How often it was true.
    pub yes: usize,
    /// How often it was false.
    pub no: usize,
    /// How often it hung on a fact that nobody had stated.
    pub unknown: usize,
}

/// The list in which a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// Every line must hold.
    When,
    /// Any line lifts the rule.
    Unless,
}

/// What the scenarios have shown of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It fired and was silent.
    Covered,
    /// It fired and was never silent.
    OnlyFired,
    /// It was asked and never fired.
    NeverFired,
    /// No scenario asked it.
    NeverAsked,
}

impl Coverage {
    /// All rules.
    pub fn rules(&self) -> impl Iterator<Item = &RuleCoverage> {
        self.modules.iter().flat_map(|module| &module.rules)
    }

    /// Covered rules in percent of all; 100 where there are none.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.rules())
    }
}

impl ModuleCoverage {
    /// Covered rules in percent of all; 100 where there are none.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.rules.iter())
    }

    /// How many rules the scenarios have shown so much of.
    #[must_use]
    pub fn count(&self, reach: Reach) -> usize {
        let rules = self.rules.iter();
        rules.filter(|rule| rule.reach() == reach).count()
    }

    /// Lines of conditions that were both true and false, and all lines.
    #[must_use]
    pub fn lines(&self) -> (usize, usize) {
        let all = || self.rules.iter().flat_map(|rule| &rule.conditions);
        let both = all().filter(|line| line.yes > 0 && line.no > 0);
        (both.count(), all().count())
    }
}

impl RuleCoverage {
    /// What the scenarios have shown of it. A rule that cannot be silent is
    /// covered once it has fired.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let silent = self.silent.len() + self.unknown.len();
        match (self.fired.is_empty(), silent) {
            (true, 0) => Reach::NeverAsked,
            (true, _) => Reach::NeverFired,
            (false, 0) if self.conditional => Reach::OnlyFired,
            (false, _) => Reach::Covered,
        }
    }
}

impl ConditionCoverage {
    /// How often it was reached.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.yes + self.no + self.unknown
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "libraries have fewer rules than a float has digits"
)]
fn percent<'a>(rules: impl Iterator<Item = &'a RuleCoverage>) -> f64 {
    let (mut covered, mut all) = (0_usize, 0_usize);
    for rule in rules {
        all += 1;
        covered += usize::from(rule.reach() == Reach::Covered);
    }
    if all == 0 {
        return 100.0;
    }
    covered as f64 * 100.0 / all as f64
}
