//! What may still become of a request, as messages of the contract.

use std::collections::BTreeSet;

use comity::v1;
use comity_domain::{FactUse, FactUseSource, GroundKind};
use comity_policy::{Foresight, Line, OpenFact, Prospect, ProspectEffect, Standing};
use jiff::Timestamp;

use super::{decision, fact_source, fact_value, rule, stage, texts};
use crate::wire::Violation;

/// The answer to a request tried out. `absent` is what the contract itself
/// demands of a submission and the request does not have.
#[must_use]
pub fn preflight(
    foresight: &Foresight,
    absent: Vec<Violation>,
    now: Timestamp,
) -> v1::PreflightResponse {
    let Foresight {
        decision: decided,
        open,
        refused,
    } = foresight;
    let by_contract = absent.into_iter().map(|violation| v1::MissingItem {
        field: violation.field,
        remedy: violation.description,
        rule: None,
    });
    let by_law = decided.requirements.iter().map(|required| v1::MissingItem {
        field: required.field.to_string(),
        remedy: required.remedy.to_string(),
        rule: Some(rule(&required.rule)),
    });
    let missing: Vec<_> = by_contract.chain(by_law).collect();
    let named: BTreeSet<&str> = missing.iter().map(|item| item.field.as_str()).collect();
    let asked = open.iter().filter(|fact| {
        let field = fact.field.as_deref();
        !field.is_some_and(|field| named.contains(field))
    });
    let (will_be_asked, may_be_raised) = open_facts(asked);
    v1::PreflightResponse {
        decision: Some(decision(decided, "", now)),
        will_be_asked,
        may_be_raised,
        would_be_refused: refused.iter().map(prospect).collect(),
        missing,
    }
}

/// Facts that are asked for, and those that are presumed until raised.
pub(super) fn open_facts<'a>(
    open: impl Iterator<Item = &'a OpenFact>,
) -> (Vec<v1::OpenFact>, Vec<v1::OpenFact>) {
    open.map(open_fact)
        .partition(|fact| fact.presumed.is_none())
}

fn open_fact(fact: &OpenFact) -> v1::OpenFact {
    let OpenFact {
        name,
        title,
        question,
        stated_by,
        field,
        role,
        presumed,
        rules,
    } = fact;
    let (presumed, presumed_because) = match presumed {
        None => (None, String::new()),
        Some(FactUse { value, source }) => {
            let because = match source {
                FactUseSource::Presumed(because) => because.to_string(),
                FactUseSource::Stated(_) | FactUseSource::Judged(_) => String::new(),
            };
            (Some(fact_value(value)), because)
        }
    };
    v1::OpenFact {
        name: name.to_string(),
        title: title.to_string(),
        question: question.to_string(),
        stated_by: fact_source(*stated_by).to_owned(),
        field: field.as_deref().unwrap_or_default().to_owned(),
        role: role.as_deref().unwrap_or_default().to_owned(),
        presumed,
        presumed_because,
        rules: rules.iter().map(rule).collect(),
    }
}

/// A rule that stands in the way, or may.
pub(super) fn prospect(prospect: &Prospect) -> v1::Prospect {
    let Prospect {
        rule: by,
        stage: side,
        standing: stands,
        effect,
        when,
        unless,
        exceptions,
    } = prospect;
    let mut message = v1::Prospect {
        rule: Some(rule(by)),
        effect: self::effect(effect).into(),
        standing: standing(*stands).into(),
        stage: stage(*side).into(),
        when: lines(when),
        unless: lines(unless),
        exceptions: exceptions.iter().map(rule).collect(),
        ..v1::Prospect::default()
    };
    match effect {
        ProspectEffect::Permit => {}
        ProspectEffect::Refuse {
            kind: _,
            consult_first,
            reroute,
        } => {
            message.consult_first = *consult_first;
            message.reroute = texts(reroute);
        }
        ProspectEffect::Require { remedy, field } => {
            message.remedy = remedy.to_string();
            message.field = field.to_string();
        }
        ProspectEffect::Refer {
            role,
            jurisdiction,
            question,
            four_eyes,
        } => {
            message.role = role.to_string();
            message.jurisdiction = jurisdiction.to_string();
            message.question = question.to_string();
            message.four_eyes = *four_eyes;
        }
    }
    message
}

fn effect(effect: &ProspectEffect) -> v1::ProspectEffect {
    match effect {
        ProspectEffect::Permit => v1::ProspectEffect::Permit,
        ProspectEffect::Refuse { kind, .. } => match kind {
            GroundKind::Mandatory => v1::ProspectEffect::Refuse,
            GroundKind::Optional => v1::ProspectEffect::MayRefuse,
            GroundKind::Return => v1::ProspectEffect::Return,
            GroundKind::NotApplicable => v1::ProspectEffect::NotApplicable,
        },
        ProspectEffect::Require { .. } => v1::ProspectEffect::Require,
        ProspectEffect::Refer { .. } => v1::ProspectEffect::Refer,
    }
}

pub(super) fn standing(standing: Standing) -> v1::Standing {
    match standing {
        Standing::Holds => v1::Standing::Holds,
        Standing::Presumed => v1::Standing::Presumed,
        Standing::Open => v1::Standing::Open,
        Standing::Dormant => v1::Standing::Dormant,
    }
}

pub(super) fn lines(lines: &[Line]) -> Vec<v1::ConditionLine> {
    let line = |line: &Line| {
        let Line { words, text, facts } = line;
        v1::ConditionLine {
            words: words.to_string(),
            text: text.to_string(),
            facts: texts(facts),
        }
    };
    lines.iter().map(line).collect()
}
