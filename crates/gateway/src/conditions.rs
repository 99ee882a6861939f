//! What became of the obligations of a case: which bind already, until when, and
//! which were confirmed or breached.
//!
//! The time that the law sets for one is a clock of the case under the same id, so
//! that the engine of the time limits reminds of it and records its breach.

use std::sync::Arc;

use comity::v1::{self, ConditionState, ObligationKind, Outcome};
use comity_domain::{BoundParty, CaseClock, ClockTerms, ClockUnit, RuleId, RunsOut};
use comity_store::CaseChange;
use jiff::Timestamp;
use prost::Message as _;

use crate::{
    clocks::Happened,
    hold,
    wire::{
        answer::{EVENT, TIMES},
        encoded::{self, merge},
        to_proto,
    },
};

/// The conditions that obligations open. What the gateway itself takes out binds
/// nobody to anything.
pub(crate) fn opened(obligations: &[v1::Obligation]) -> Vec<v1::Condition> {
    let acts = obligations
        .iter()
        .filter(|one| one.kind() != ObligationKind::Redact);
    acts.map(condition).collect()
}

/// What a new decision changes: what it names anew, beside what the sender has `set`
/// on what it shares, and what it names no longer.
pub(crate) fn renewed(
    before: &[v1::Condition],
    decision: &v1::Decision,
    set: &[v1::Obligation],
) -> Vec<v1::Condition> {
    let named = match decision.outcome() {
        Outcome::Approved => {
            let mut named = opened(&decision.obligations);
            named.extend(opened(set));
            named
        }
        Outcome::Unspecified | Outcome::Incomplete | Outcome::Referred | Outcome::Refused => {
            Vec::new()
        }
    };
    let fallen = before
        .iter()
        .filter(|known| find(&named, &known.obligation_id).is_none())
        .filter(|known| known.state() != ConditionState::Confirmed);
    let mut changed: Vec<_> = fallen
        .map(|known| v1::Condition {
            state: ConditionState::Lifted.into(),
            ..known.clone()
        })
        .collect();
    changed.extend(named.into_iter().filter(|new| {
        let known = find(before, &new.obligation_id);
        known.is_none_or(|known| known.state() == ConditionState::Lifted)
    }));
    changed
}

/// What an answer adds to the conditions of its case.
pub(crate) fn added(
    before: &[v1::Condition],
    obligations: &[v1::Obligation],
) -> Vec<v1::Condition> {
    let mut added = opened(obligations);
    added.retain(|new| find(before, &new.obligation_id).is_none());
    added
}

/// A condition by its id.
pub(crate) fn find<'a>(conditions: &'a [v1::Condition], id: &str) -> Option<&'a v1::Condition> {
    conditions.iter().find(|one| one.obligation_id == id)
}

/// The event that ends the time set for a condition.
pub(crate) fn confirmed(id: &str) -> String {
    format!("{id}-confirmed")
}

/// Has conditions wait no more for an event that has happened.
pub(crate) fn happened(conditions: &mut [v1::Condition], event: &str, at: Timestamp) {
    let waiting = conditions
        .iter_mut()
        .filter(|one| one.state() == ConditionState::Waiting && one.event_at.is_none());
    for condition in waiting {
        if condition
            .parameters
            .get(EVENT)
            .is_some_and(|due| due == event)
        {
            condition.event_at = Some(to_proto::timestamp(at));
        }
    }
}

/// Lets what waits for an event bind once it has happened, and begins the time set
/// for what binds.
pub(crate) fn take_effect(
    (before, row): (&encoded::Case, &CaseChange),
    adds: &mut encoded::Case,
    events: &[Happened],
    at: Timestamp,
) -> Vec<Happened> {
    let mut conditions = before.conditions.clone();
    merge(&mut conditions, std::mem::take(&mut adds.conditions), id);
    for event in events {
        if let Happened::Event(event) = event {
            happened(&mut conditions, event, at);
        }
    }
    let mut obliged = Vec::new();
    for condition in &mut conditions {
        let waits = condition.parameters.contains_key(EVENT) && condition.event_at.is_none();
        if condition.state() == ConditionState::Waiting
            && !waits
            && (!waits_for_data(condition) || is_received(before, adds))
        {
            condition.state = ConditionState::Open.into();
        }
        if condition.state() == ConditionState::Open && condition.due_at.is_none() {
            let clock = clock(condition, row, || citation(before, adds, condition));
            obliged.extend(clock.map(|clock| Happened::Obliged(Box::new(clock))));
        }
    }
    conditions.retain(|one| find(&before.conditions, &one.obligation_id) != Some(one));
    adds.conditions = conditions;
    obliged
}

/// Takes over until when conditions have to be met, and which were not.
pub(crate) fn time(before: &[v1::Condition], adds: &mut encoded::Case, changed: &[v1::CaseClock]) {
    for clock in changed {
        let changed = find(&adds.conditions, &clock.clock_id);
        let Some(known) = changed.or_else(|| find(before, &clock.clock_id)) else {
            continue;
        };
        let mut condition = v1::Condition {
            due_at: clock.due_at,
            breached_at: clock.breached_at.or(known.breached_at),
            ..known.clone()
        };
        if condition.state() == ConditionState::Open && condition.breached_at.is_some() {
            condition.state = ConditionState::Breached.into();
        }
        if condition != *known {
            merge(&mut adds.conditions, vec![condition], id);
        }
    }
}

fn id(condition: &v1::Condition) -> &str {
    &condition.obligation_id
}

fn condition(obligation: &v1::Obligation) -> v1::Condition {
    let condition = v1::Condition {
        obligation_id: obligation.obligation_id.clone(),
        kind: obligation.kind,
        bound_party: obligation.bound_party.clone(),
        parameters: obligation.parameters.clone(),
        ..v1::Condition::default()
    };
    let waits = condition.parameters.contains_key(EVENT) || waits_for_data(&condition);
    let state = if waits {
        ConditionState::Waiting
    } else {
        ConditionState::Open
    };
    v1::Condition {
        state: state.into(),
        ..condition
    }
}

/// It begins once the issuing side has received something.
fn waits_for_data(condition: &v1::Condition) -> bool {
    condition.kind() == ObligationKind::DeleteAfter && condition.bound_party == "issuing"
}

/// It says how the issuing side deals with what it receives.
pub(crate) fn is_about_data(condition: &v1::Condition) -> bool {
    let of_data = match condition.kind() {
        ObligationKind::UseLimit
        | ObligationKind::HandlingCode
        | ObligationKind::RetainUntil
        | ObligationKind::NoOnwardTransfer => true,
        // That waits by itself. The others are of people, too, and of what others are told.
        ObligationKind::DeleteAfter
        | ObligationKind::Speciality
        | ObligationKind::Notify
        | ObligationKind::ConfirmWithin
        | ObligationKind::Redact
        | ObligationKind::Unspecified => false,
    };
    of_data && condition.bound_party == "issuing"
}

/// The issuing side has, or could have, what was found.
fn is_received(before: &encoded::Case, adds: &encoded::Case) -> bool {
    let mut results = [&before.result, &adds.result].into_iter().flatten();
    results.any(hold::tells)
}

/// The time set for a condition, where the law sets one.
fn clock(
    condition: &v1::Condition,
    row: &CaseChange,
    citation: impl FnOnce() -> String,
) -> Option<CaseClock> {
    let measures = match condition.kind() {
        ObligationKind::DeleteAfter => "delete",
        ObligationKind::ConfirmWithin => "confirm",
        ObligationKind::Notify => "notify",
        ObligationKind::Unspecified
        | ObligationKind::UseLimit
        | ObligationKind::Speciality
        | ObligationKind::HandlingCode
        | ObligationKind::Redact
        | ObligationKind::RetainUntil
        | ObligationKind::NoOnwardTransfer => return None,
    };
    let rule: RuleId = condition.obligation_id.parse().ok()?;
    let (length, unit) = length(condition)?;
    let (bound, state) = match condition.bound_party.as_str() {
        "issuing" => (BoundParty::Issuing, &row.issuing.0),
        _ => (BoundParty::Executing, &row.executing.0),
    };
    let terms = ClockTerms {
        measures: measures.into(),
        length,
        unit,
        starts: "".into(),
        stops: vec![confirmed(&condition.obligation_id).into()],
        suspends: Vec::new(),
        resumes: Vec::new(),
        calendar: unit.counts_days().then(|| state.clone()),
        extension: None,
        runs_out: RunsOut::Breach,
        holds_release: false,
        bound,
    };
    Some(CaseClock::of_condition(rule, Arc::from(citation()), terms))
}

fn length(condition: &v1::Condition) -> Option<(u32, ClockUnit)> {
    TIMES.into_iter().find_map(|(name, unit)| {
        let length = condition.parameters.get(name)?.parse().ok()?;
        Some((length, unit))
    })
}

/// Source and provision of a condition's rule; empty where no law sets it.
fn citation(before: &encoded::Case, adds: &encoded::Case, condition: &v1::Condition) -> String {
    let decision = adds.decision.as_ref().or(before.decision.as_ref());
    let decision = decision.and_then(|bytes| v1::Decision::decode(bytes.clone()).ok());
    let obligations = decision.unwrap_or_default().obligations.into_iter();
    let rules = obligations.filter(|one| one.obligation_id == condition.obligation_id);
    let mut cited = rules.filter_map(|one| one.rule?.citation);
    let cited = cited.next();
    cited.map_or_else(String::new, |cited| {
        format!("{} {}", cited.source, cited.provision)
    })
}
