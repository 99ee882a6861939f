//! What is expected of a decision against what it says.

mod details;

pub(crate) use self::details::obligation_kind;

use std::{collections::BTreeSet, fmt::Display};

use comity_domain::{Clock, ClockUnit, Decision, GroundKind, Outcome, RuleRef};

use super::{Mismatch, expected::Expected};
use crate::findings::deciding;

/// Every difference.
pub(crate) fn differences(expected: &Expected, decision: &Decision) -> Vec<Mismatch> {
    let mut comparison = Comparison {
        expected,
        decision,
        found: Vec::new(),
    };
    comparison.outcome();
    comparison.rules();
    comparison.kinds();
    comparison.instruments();
    comparison.clocks();
    comparison.missing();
    comparison.details();
    comparison.language();
    comparison.found
}

struct Comparison<'a> {
    expected: &'a Expected,
    decision: &'a Decision,
    found: Vec<Mismatch>,
}

impl Comparison<'_> {
    fn differs(&mut self, what: impl Into<String>, expected: impl Display, found: impl Display) {
        self.found.push(Mismatch {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }

    fn outcome(&mut self) {
        let outcome = outcome(self.decision.outcome);
        if let Some(expected) = &self.expected.outcome
            && expected != outcome
        {
            self.differs("outcome", expected, outcome);
        }
    }

    fn rules(&mut self) {
        let found: BTreeSet<&str> = rules(self.decision)
            .map(|rule| rule.rule.as_str())
            .collect();
        for rule in &self.expected.rules {
            if !found.contains(rule.as_str()) {
                self.differs("rule", rule, "not among the findings");
            }
        }
        for rule in &self.expected.absent {
            if found.contains(rule.as_str()) {
                self.differs("rule", format!("no {rule}"), "among the findings");
            }
        }
    }

    fn kinds(&mut self) {
        for (rule, expected) in &self.expected.kinds {
            let grounds = &self.decision.grounds;
            let ground = grounds
                .iter()
                .find(|ground| ground.rule.rule.as_str() == rule);
            let kind = ground.map_or("no ground", |ground| ground_kind(ground.kind));
            if kind != expected {
                self.differs(format!("kind of {rule}"), expected, kind);
            }
        }
    }

    fn instruments(&mut self) {
        let Decision {
            instrument,
            alternatives,
            passed_over,
            ..
        } = self.decision;
        let carrier = instrument.as_ref().map_or("none", |id| id.as_str());
        if let Some(expected) = &self.expected.instrument
            && carrier != expected
        {
            self.differs("instrument", expected, carrier);
        }
        // Contained in this order, others in between.
        let mut found = alternatives.iter();
        let mut expected = self.expected.alternatives.iter();
        if !expected.all(|expected| found.any(|found| **found == **expected)) {
            let expected = list(&self.expected.alternatives);
            self.differs("alternatives", expected, list(alternatives));
        }
        let found: Vec<_> = passed_over.iter().map(|other| &other.instrument).collect();
        for expected in &self.expected.passed_over {
            if !found.iter().any(|found| found.as_str() == expected) {
                self.differs("passed over", expected, list(&found));
            }
        }
    }

    fn clocks(&mut self) {
        for (measures, expected) in &self.expected.clocks {
            let clocks = self.decision.clocks.iter();
            let lengths: Vec<_> = clocks
                .filter(|clock| *clock.measures == **measures)
                .map(length)
                .collect();
            if !lengths.contains(expected) {
                self.differs(format!("clock {measures}"), expected, list(&lengths));
            }
        }
    }

    fn missing(&mut self) {
        let missing: BTreeSet<&str> = rules(self.decision)
            .flat_map(|rule| &rule.facts_missing)
            .map(|fact| &**fact)
            .collect();
        for expected in &self.expected.missing {
            if !missing.contains(expected.as_str()) {
                let missing: Vec<_> = missing.iter().collect();
                self.differs("fact missing", expected, list(&missing));
            }
        }
    }

    fn language(&mut self) {
        let Some(expected) = &self.expected.text_language else {
            return;
        };
        let other = deciding(self.decision).filter(|rule| *rule.language != **expected);
        let found: Vec<_> = other
            .map(|rule| format!("{} of {}", rule.language, rule.rule))
            .collect();
        if !found.is_empty() {
            self.differs("language of texts", expected, list(&found));
        }
    }
}

/// The rules behind every finding.
pub(crate) fn rules(decision: &Decision) -> impl Iterator<Item = &RuleRef> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let obligations = decision.obligations.iter().map(|found| &found.rule);
    let clocks = decision.clocks.iter().map(|found| &found.rule);
    grounds
        .chain(requirements)
        .chain(referrals)
        .chain(obligations)
        .chain(clocks)
        .chain(&decision.permits)
}

/// What settled the outcome, in one line.
pub(super) fn summary(decision: &Decision) -> String {
    let mut parts = Vec::new();
    if let Some(instrument) = &decision.instrument {
        parts.push(format!("under {instrument}"));
    }
    for ground in &decision.grounds {
        parts.push(format!("refused by {}", because(&ground.rule)));
    }
    for referral in &decision.referrals {
        parts.push(format!("referred by {}", because(&referral.rule)));
    }
    for requirement in &decision.requirements {
        let rule = because(&requirement.rule);
        parts.push(format!("{} required by {rule}", requirement.field));
    }
    for permit in &decision.permits {
        parts.push(format!("permitted by {}", permit.rule));
    }
    parts.join("; ")
}

fn because(rule: &RuleRef) -> String {
    if rule.facts_missing.is_empty() {
        rule.rule.to_string()
    } else {
        format!("{} (unknown: {})", rule.rule, list(&rule.facts_missing))
    }
}

/// Items in a row; `none` where there are none.
fn list<T: Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(", ")
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "APPROVED",
        Outcome::Incomplete => "INCOMPLETE",
        Outcome::Referred => "REFERRED",
        Outcome::Refused => "REFUSED",
    }
}

pub(crate) fn ground_kind(kind: GroundKind) -> &'static str {
    match kind {
        GroundKind::Mandatory => "mandatory",
        GroundKind::Optional => "optional",
        GroundKind::Return => "return",
        GroundKind::NotApplicable => "not-applicable",
    }
}

fn length(clock: &Clock) -> String {
    let unit = match clock.unit {
        ClockUnit::Hours => "hours",
        ClockUnit::Days => "days",
        ClockUnit::WorkingDays => "working-days",
        ClockUnit::Months => "months",
        ClockUnit::Open => return "open".to_owned(),
    };
    format!("{} {unit}", clock.length)
}
