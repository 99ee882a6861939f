//! Obligations, requirements and referrals: whatever the scenario says of one
//! must be said by one finding together.

use comity_domain::{BoundParty, Obligation, ObligationKind, Referral, Requirement};

use super::{Comparison, list};
use crate::scenario::expected::{
    ExpectedObligation, ExpectedReferral, ExpectedRequirement, ObligationDetails,
    RequirementDetails, parameter,
};

impl Comparison<'_> {
    pub(super) fn details(&mut self) {
        let decision = self.decision;
        for expected in &self.expected.obligations {
            let found = &decision.obligations;
            if !found.iter().any(|found| obliges(expected, found)) {
                let found: Vec<_> = found.iter().map(obligation).collect();
                self.differs("obligation", expected, list(&found));
            }
        }
        for expected in &self.expected.requirements {
            let found = &decision.requirements;
            if !found.iter().any(|found| requires(expected, found)) {
                let found: Vec<_> = found.iter().map(requirement).collect();
                self.differs("requirement", expected, list(&found));
            }
        }
        for expected in &self.expected.referrals {
            let found = &decision.referrals;
            if !found.iter().any(|found| refers(expected, found)) {
                let found: Vec<_> = found.iter().map(referral).collect();
                self.differs("referral", expected, list(&found));
            }
        }
    }
}

fn is(expected: Option<&String>, found: &str) -> bool {
    expected.is_none_or(|expected| expected == found)
}

fn obliges(expected: &ExpectedObligation, found: &Obligation) -> bool {
    match expected {
        ExpectedObligation::Kind(kind) => kind == obligation_kind(found.kind),
        ExpectedObligation::Detailed(ObligationDetails {
            kind,
            rule,
            bound,
            parameters,
        }) => {
            let carries = |(name, value): (&String, _)| {
                let found = found.parameters.get(name.as_str());
                found.is_some_and(|found| **found == *parameter(value))
            };
            is(kind.as_ref(), obligation_kind(found.kind))
                && is(rule.as_ref(), found.rule.rule.as_str())
                && is(bound.as_ref(), party(found.bound))
                && parameters.iter().all(carries)
        }
    }
}

fn requires(expected: &ExpectedRequirement, found: &Requirement) -> bool {
    match expected {
        ExpectedRequirement::Field(field) => **field == *found.field,
        ExpectedRequirement::Detailed(RequirementDetails {
            rule,
            field,
            remedy,
        }) => {
            is(rule.as_ref(), found.rule.rule.as_str())
                && is(field.as_ref(), &found.field)
                && is(remedy.as_ref(), &found.remedy)
        }
    }
}

fn refers(expected: &ExpectedReferral, found: &Referral) -> bool {
    let ExpectedReferral {
        rule,
        role,
        jurisdiction,
        question,
        four_eyes,
    } = expected;
    is(rule.as_ref(), found.rule.rule.as_str())
        && is(role.as_ref(), &found.role)
        && is(jurisdiction.as_ref(), found.jurisdiction.as_str())
        && is(question.as_ref(), &found.question)
        && four_eyes.is_none_or(|four_eyes| four_eyes == found.four_eyes)
}

fn obligation(found: &Obligation) -> String {
    let kind = obligation_kind(found.kind);
    let parameters = found.parameters.iter();
    let parameters = parameters.map(|(name, value)| format!("; {name}: {value}"));
    let parameters: String = parameters.collect();
    format!("{kind} ({}{parameters})", party(found.bound))
}

fn requirement(found: &Requirement) -> String {
    format!("{} by {}", found.field, found.rule.rule)
}

fn referral(found: &Referral) -> String {
    let Referral {
        rule,
        role,
        jurisdiction,
        ..
    } = found;
    format!("{} to {role} of {jurisdiction}", rule.rule)
}

fn party(party: BoundParty) -> &'static str {
    match party {
        BoundParty::Issuing => "issuing",
        BoundParty::Executing => "executing",
    }
}

pub(crate) fn obligation_kind(kind: ObligationKind) -> &'static str {
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
