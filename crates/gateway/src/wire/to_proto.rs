//! Domain values to messages of the contract.

mod atlas;
mod ledger;
mod outlook;
mod record;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use comity::v1;
use comity_domain::{
    BoundParty, CaseState, Citation, Clock, ClockUnit, Confidence, Decision, FactSource, FactUse,
    FactUseSource, FactValue, Ground, GroundKind, Judgement, ModuleRef, Obligation, ObligationKind,
    Outcome, PassedOver, Referral, Requirement, RuleRef, Ruled, Ruling, RunsOut, Stage,
};
use jiff::Timestamp;

pub use self::{
    atlas::atlas,
    ledger::{category_name, cosign_request, entry, proved},
    outlook::preflight,
    record::{Event, Published, Receipt, event, receipt},
};

/// A decision as the contract shows it.
#[must_use]
pub fn decision(decision: &Decision, decision_id: &str, decided_at: Timestamp) -> v1::Decision {
    let Decision {
        outcome: found,
        instrument,
        passed_over: passed,
        alternatives,
        grounds,
        requirements,
        referrals,
        obligations,
        clocks,
        permits,
        modules,
        bundle,
        law_date,
        facts,
        rulings,
    } = decision;
    v1::Decision {
        decision_id: decision_id.to_owned(),
        outcome: outcome(*found).into(),
        instrument: instrument
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        passed_over: passed.iter().map(passed_over).collect(),
        alternatives: texts(alternatives),
        grounds: grounds.iter().map(ground).collect(),
        requirements: requirements.iter().map(requirement).collect(),
        referrals: referrals.iter().map(referral).collect(),
        obligations: self::obligations(obligations),
        clocks: clocks.iter().map(clock).collect(),
        permits: permits.iter().map(rule).collect(),
        modules: modules.iter().map(module).collect(),
        bundle_sha256: bundle.to_string(),
        law_date: law_date.to_string(),
        decided_at: Some(timestamp(decided_at)),
        facts: facts
            .iter()
            .map(|(name, used)| fact_use(name, used))
            .collect(),
        rulings: rulings.iter().map(ruled).collect(),
    }
}

/// A moment.
#[must_use]
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    // Before 1970 a moment of the domain counts back from the next second, one
    // of the contract forward from the last.
    let nanos = time.subsec_nanosecond();
    let (seconds, nanos) = if nanos < 0 {
        (time.as_second() - 1, nanos + 1_000_000_000)
    } else {
        (time.as_second(), nanos)
    };
    prost_types::Timestamp { seconds, nanos }
}

/// The state of a case.
#[must_use]
pub fn case_state(state: CaseState) -> v1::CaseState {
    match state {
        CaseState::Received => v1::CaseState::Received,
        CaseState::Incomplete => v1::CaseState::Incomplete,
        CaseState::UnderReview => v1::CaseState::UnderReview,
        CaseState::Refused => v1::CaseState::Refused,
        CaseState::Approved => v1::CaseState::Approved,
        CaseState::Delivering => v1::CaseState::Delivering,
        CaseState::Acknowledged => v1::CaseState::Acknowledged,
        CaseState::Executing => v1::CaseState::Executing,
        CaseState::Postponed => v1::CaseState::Postponed,
        CaseState::Concluded => v1::CaseState::Concluded,
        CaseState::NotExecuted => v1::CaseState::NotExecuted,
        CaseState::Withdrawn => v1::CaseState::Withdrawn,
        CaseState::Expired => v1::CaseState::Expired,
    }
}

/// The conditions of a decision. Their rule is their id within the case.
#[must_use]
pub fn obligations(obligations: &[Obligation]) -> Vec<v1::Obligation> {
    obligations.iter().map(obligation).collect()
}

fn obligation(obligation: &Obligation) -> v1::Obligation {
    let Obligation {
        rule: from,
        kind,
        parameters,
        bound,
    } = obligation;
    v1::Obligation {
        obligation_id: from.rule.to_string(),
        rule: Some(rule(from)),
        kind: obligation_kind(*kind).into(),
        parameters: parameters
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect::<BTreeMap<_, _>>(),
        bound_party: party(*bound).to_owned(),
    }
}

/// The name of a side.
pub(super) fn party(party: BoundParty) -> &'static str {
    match party {
        BoundParty::Issuing => "issuing",
        BoundParty::Executing => "executing",
    }
}

/// A question for a human.
#[must_use]
pub fn referral(referral: &Referral) -> v1::Referral {
    let Referral {
        rule: by,
        role,
        jurisdiction,
        question,
        four_eyes,
        stage: side,
        basis,
        settles,
    } = referral;
    v1::Referral {
        rule: Some(rule(by)),
        role: role.to_string(),
        jurisdiction: jurisdiction.to_string(),
        question: question.to_string(),
        four_eyes: *four_eyes,
        stage: stage(*side).into(),
        basis_sha256: basis.to_string(),
        fact: settles
            .as_ref()
            .map(|settles| settles.fact.to_string())
            .unwrap_or_default(),
        fact_if_released: settles.as_ref().is_some_and(|settles| settles.if_released),
    }
}

/// A human's answer that a decision rests on.
fn ruled(ruled: &Ruled) -> v1::Ruling {
    let Ruled {
        rule: by,
        ruling: Ruling {
            basis,
            judgement,
            task,
        },
        fact,
    } = ruled;
    v1::Ruling {
        rule: Some(rule(by)),
        released: *judgement == Judgement::Release,
        task: task.to_string(),
        basis_sha256: basis.to_string(),
        fact: fact.as_deref().unwrap_or_default().to_owned(),
    }
}

/// A legal time limit.
#[must_use]
pub fn clock(clock: &Clock) -> v1::Clock {
    let Clock {
        rule: by,
        measures,
        length,
        unit,
        starts,
        stops,
        suspends,
        resumes,
        calendar,
        extension,
        runs_out,
        holds_release,
        bound,
        started_at,
        due_at,
    } = clock;
    v1::Clock {
        rule: Some(rule(by)),
        measures: measures.to_string(),
        length: *length,
        unit: clock_unit(*unit).into(),
        starts: starts.to_string(),
        stops: texts(stops),
        calendar: calendar
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        started_at: started_at.map(timestamp),
        due_at: due_at.map(timestamp),
        suspends: texts(suspends),
        resumes: texts(resumes),
        extension_max: extension.map_or(0, |extension| extension.length),
        extension_by: extension
            .map_or("", |extension| party(extension.by))
            .to_owned(),
        runs_out: clock_end(*runs_out).into(),
        holds_release: *holds_release,
        bound_party: party(*bound).to_owned(),
    }
}

/// Where a rule stands in the law.
#[must_use]
pub fn citation(citation: &Citation) -> v1::Citation {
    let Citation {
        source,
        provision,
        title,
        url,
    } = citation;
    v1::Citation {
        source: source.to_string(),
        provision: provision.to_string(),
        title: title.to_string(),
        url: url.as_deref().unwrap_or_default().to_owned(),
    }
}

/// The value of a fact; a day is written `YYYY-MM-DD`.
#[must_use]
pub fn fact_value(value: &FactValue) -> v1::FactValue {
    use v1::fact_value::Value;
    let value = match value {
        FactValue::Truth(truth) => Value::Truth(*truth),
        FactValue::Number(number) => Value::Number(*number),
        FactValue::Text(text) => Value::Text(text.to_string()),
        FactValue::Day(day) => Value::Text(day.to_string()),
        FactValue::Set(values) => Value::Set(v1::FactValueSet {
            values: texts(values),
        }),
    };
    v1::FactValue { value: Some(value) }
}

/// What becomes of a request.
#[must_use]
pub fn outcome(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::Approved => v1::Outcome::Approved,
        Outcome::Incomplete => v1::Outcome::Incomplete,
        Outcome::Referred => v1::Outcome::Referred,
        Outcome::Refused => v1::Outcome::Refused,
    }
}

fn rule(rule: &RuleRef) -> v1::RuleReference {
    let RuleRef {
        rule,
        module,
        module_digest,
        citation: cited,
        text,
        language,
        facts_used,
        facts_missing,
        confidence,
    } = rule;
    v1::RuleReference {
        rule_id: rule.to_string(),
        module: module.to_string(),
        module_sha256: module_digest.to_string(),
        citation: Some(citation(cited)),
        text: text.to_string(),
        language: language.to_string(),
        facts_used: texts(facts_used),
        facts_missing: texts(facts_missing),
        confidence: self::confidence(*confidence).to_owned(),
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

fn ground(ground: &Ground) -> v1::Ground {
    let Ground {
        rule: by,
        kind,
        consult_first,
        stage: side,
    } = ground;
    v1::Ground {
        rule: Some(rule(by)),
        kind: ground_kind(*kind).into(),
        consult_first: *consult_first,
        stage: stage(*side).into(),
    }
}

fn requirement(requirement: &Requirement) -> v1::Requirement {
    let Requirement {
        rule: by,
        remedy,
        field,
        stage: side,
    } = requirement;
    v1::Requirement {
        rule: Some(rule(by)),
        remedy: remedy.to_string(),
        field: field.to_string(),
        stage: stage(*side).into(),
    }
}

fn module(module: &ModuleRef) -> v1::ModuleReference {
    let ModuleRef {
        module,
        digest,
        stage: at,
    } = module;
    v1::ModuleReference {
        module: module.to_string(),
        sha256: digest.to_string(),
        stage: stage(*at).into(),
    }
}

fn passed_over(passed: &PassedOver) -> v1::PassedOver {
    let PassedOver {
        instrument,
        reason,
        citation: cited,
    } = passed;
    v1::PassedOver {
        instrument: instrument.to_string(),
        reason: reason.to_string(),
        citation: cited.as_ref().map(citation),
    }
}

fn fact_use(name: &str, used: &FactUse) -> v1::FactUse {
    let FactUse { value, source } = used;
    let (source, reason) = match source {
        FactUseSource::Stated(source) => (fact_source(*source), ""),
        FactUseSource::Presumed(reason) => ("presumption", &**reason),
        FactUseSource::Judged(task) => (fact_source(FactSource::Judgement), &**task),
    };
    v1::FactUse {
        name: name.to_owned(),
        value: Some(fact_value(value)),
        source: source.to_owned(),
        reason: reason.to_owned(),
    }
}

fn fact_source(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "requester",
        FactSource::Gateway => "gateway",
        FactSource::Register => "register",
        FactSource::Executing => "executing",
        FactSource::Judgement => "judgement",
    }
}

fn stage(stage: Stage) -> v1::Stage {
    match stage {
        Stage::Outbound => v1::Stage::Outbound,
        Stage::Instrument => v1::Stage::Instrument,
        Stage::Inbound => v1::Stage::Inbound,
        Stage::Disclosure => v1::Stage::Disclosure,
    }
}

fn ground_kind(kind: GroundKind) -> v1::GroundKind {
    match kind {
        GroundKind::Mandatory => v1::GroundKind::Mandatory,
        GroundKind::Optional => v1::GroundKind::Optional,
        GroundKind::Return => v1::GroundKind::Return,
        GroundKind::NotApplicable => v1::GroundKind::NotApplicable,
    }
}

fn obligation_kind(kind: ObligationKind) -> v1::ObligationKind {
    match kind {
        ObligationKind::UseLimit => v1::ObligationKind::UseLimit,
        ObligationKind::Speciality => v1::ObligationKind::Speciality,
        ObligationKind::HandlingCode => v1::ObligationKind::HandlingCode,
        ObligationKind::Redact => v1::ObligationKind::Redact,
        ObligationKind::RetainUntil => v1::ObligationKind::RetainUntil,
        ObligationKind::DeleteAfter => v1::ObligationKind::DeleteAfter,
        ObligationKind::Notify => v1::ObligationKind::Notify,
        ObligationKind::NoOnwardTransfer => v1::ObligationKind::NoOnwardTransfer,
        ObligationKind::ConfirmWithin => v1::ObligationKind::ConfirmWithin,
    }
}

/// The unit of a clock.
pub(super) fn clock_unit(unit: ClockUnit) -> v1::ClockUnit {
    match unit {
        ClockUnit::Hours => v1::ClockUnit::Hours,
        ClockUnit::Days => v1::ClockUnit::Days,
        ClockUnit::WorkingDays => v1::ClockUnit::WorkingDays,
        ClockUnit::Months => v1::ClockUnit::Months,
        ClockUnit::Open => v1::ClockUnit::Open,
    }
}

/// What it means that a clock has run out.
pub(super) fn clock_end(end: RunsOut) -> v1::ClockEnd {
    match end {
        RunsOut::Breach => v1::ClockEnd::Breach,
        RunsOut::Lapse => v1::ClockEnd::Lapse,
        RunsOut::Expire => v1::ClockEnd::Expire,
    }
}

pub(super) fn texts(texts: &[Arc<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
