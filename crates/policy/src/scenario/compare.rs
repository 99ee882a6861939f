//! What is expected of a decision against what it says.

use std::{collections::BTreeSet, fmt::Display};

use comity_domain::{Clock, ClockUnit, Decision, GroundKind, ObligationKind, Outcome, RuleRef};

use super::Expected;

/// Every difference, in words.
pub(super) fn differences(expected: &Expected, decision: &Decision) -> Vec<String> {
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
    comparison.rest();
    if !comparison.found.is_empty() {
        comparison
            .found
            .push(format!("the decision: {}", summary(decision)));
    }
    comparison.found
}

struct Comparison<'a> {
    expected: &'a Expected,
    decision: &'a Decision,
    found: Vec<String>,
}

impl Comparison<'_> {
    fn outcome(&mut self) {
        let outcome = outcome(self.decision.outcome);
        if self.expected.outcome != outcome {
            let expected = &self.expected.outcome;
            self.found
                .push(format!("outcome is {outcome}, expected {expected}"));
        }
    }

    fn rules(&mut self) {
        let found: BTreeSet<&str> = rules(self.decision)
            .map(|rule| rule.rule.as_str())
            .collect();
        for rule in &self.expected.rules {
            if !found.contains(rule.as_str()) {
                self.found
                    .push(format!("rule `{rule}` is not among the findings"));
            }
        }
        for rule in &self.expected.absent {
            if found.contains(rule.as_str()) {
                self.found.push(format!(
                    "rule `{rule}` is among the findings and should not be"
                ));
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
                self.found
                    .push(format!("`{rule}` is {kind}, expected {expected}"));
            }
        }
    }

    fn instruments(&mut self) {
        let carrier = self
            .decision
            .instrument
            .as_ref()
            .map(|instrument| instrument.as_str());
        if let Some(expected) = &self.expected.instrument
            && carrier != Some(expected)
        {
            let carrier = carrier.unwrap_or("none");
            self.found
                .push(format!("instrument is {carrier}, expected {expected}"));
        }
        // Contained in this order, others in between.
        let mut alternatives = self.decision.alternatives.iter();
        for expected in &self.expected.alternatives {
            if !alternatives.any(|alternative| **alternative == **expected) {
                self.found.push(format!(
                    "alternatives are [{}], expected {expected} at its place",
                    list(&self.decision.alternatives)
                ));
                break;
            }
        }
        for expected in &self.expected.passed_over {
            let passed_over = &self.decision.passed_over;
            if !passed_over
                .iter()
                .any(|other| other.instrument.as_str() == expected)
            {
                self.found.push(format!("`{expected}` is not passed over"));
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
                let lengths = list(&lengths);
                self.found.push(format!(
                    "clock `{measures}` is [{lengths}], expected {expected}"
                ));
            }
        }
    }

    fn rest(&mut self) {
        for expected in &self.expected.obligations {
            let mut obligations = self.decision.obligations.iter();
            if !obligations.any(|obligation| obligation_kind(obligation.kind) == expected) {
                self.found.push(format!("no obligation `{expected}`"));
            }
        }
        let missing: BTreeSet<&str> = rules(self.decision)
            .flat_map(|rule| &rule.facts_missing)
            .map(|fact| &**fact)
            .collect();
        for expected in &self.expected.missing {
            if !missing.contains(expected.as_str()) {
                self.found.push(format!("fact `{expected}` is not missing"));
            }
        }
    }
}

/// The rules behind every finding.
fn rules(decision: &Decision) -> impl Iterator<Item = &RuleRef> {
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
fn summary(decision: &Decision) -> String {
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
        parts.push(format!("`{}` required by {rule}", requirement.field));
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

fn list<T: Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    items.join(", ")
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "APPROVED",
        Outcome::Incomplete => "INCOMPLETE",
        Outcome::Referred => "REFERRED",
        Outcome::Refused => "REFUSED",
    }
}

fn ground_kind(kind: GroundKind) -> &'static str {
    match kind {
        GroundKind::Mandatory => "mandatory",
        GroundKind::Optional => "optional",
        GroundKind::Return => "return",
        GroundKind::NotApplicable => "not-applicable",
    }
}

fn obligation_kind(kind: ObligationKind) -> &'static str {
    match kind {
        ObligationKind::UseLimit => "use-limit",
        ObligationKind::Speciality => "speciality",
        ObligationKind::HandlingCode => "handling-code",
        ObligationKind::Redact => "redact",
        ObligationKind::RetainUntil => "retain-until",
        ObligationKind::DeleteAfter => "delete-after",
        ObligationKind::Notify => "notify",
        ObligationKind::NoOnwardTransfer => "no-onward-transfer",
        ObligationKind::ConfirmWithin => "confirm-within",
    }
}

fn length(clock: &Clock) -> String {
    let unit = match clock.unit {
        ClockUnit::Hours => "hours",
        ClockUnit::Days => "days",
        ClockUnit::WorkingDays => "working-days",
    };
    format!("{} {unit}", clock.length)
}
