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
        answer::{EVENT, TIMES, UNTIL},
        encoded::{self, merge},
        to_proto,
    },
};

/// The side that receives data.
const ISSUING: &str = "issuing";

/// The conditions that obligations open. What the gateway itself takes out binds
/// nobody to anything.
pub(crate) fn opened(obligations: &[v1::Obligation]) -> Vec<v1::Condition> {
    let acts = obligations
        .iter()
        .filter(|one| one.kind() != ObligationKind::Redact);
    acts.map(condition).collect()
}

/// What a new decision changes: what it names anew, beside what the sender has `set`
/// on what it shares, and what it names no longer. Where data have `passed`, an approval
/// that falls frees nobody who has them of what binds them.
pub(crate) fn renewed(
    before: &[v1::Condition],
    decision: &v1::Decision,
    (set, passed): (&[v1::Obligation], bool),
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
        .filter(|known| known.state() != ConditionState::Confirmed)
        .filter(|known| {
            let binds = matches!(
                known.state(),
                ConditionState::Open | ConditionState::Breached
            );
            let stays = passed && binds && known.bound_party == ISSUING;
            decision.outcome() == Outcome::Approved || !stays
        });
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
    let lifted = conditions
        .iter()
        .filter(|one| one.state() == ConditionState::Lifted);
    let lifted = lifted.filter_map(|one| one.obligation_id.parse().ok());
    obliged.extend(lifted.map(Happened::Lifted));
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

/// Something of a case waits for the issuing side to receive data.
pub(crate) fn wait_for_data(conditions: &[v1::Condition]) -> bool {
    let mut conditions = conditions.iter();
    conditions.any(|one| one.state() == ConditionState::Waiting && waits_for_data(one))
}

/// It begins once the issuing side has received something.
fn waits_for_data(condition: &v1::Condition) -> bool {
    condition.kind() == ObligationKind::DeleteAfter && condition.bound_party == ISSUING
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
    of_data && condition.bound_party == ISSUING
}

/// The issuing side has, or could have, what was found.
fn is_received(before: &encoded::Case, adds: &encoded::Case) -> bool {
    let mut results = [&before.result, &adds.result].into_iter().flatten();
    let read = [before, adds].map(|case| case.kept().evidence_read);
    results.any(hold::tells) || read.contains(&true)
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
    let until = || condition.parameters.get(UNTIL)?.parse().ok();
    let ((length, unit), last_day) = match length(condition) {
        Some(length) => (length, None),
        None => ((0, ClockUnit::Days), Some(until()?)),
    };
    let (bound, state) = match condition.bound_party.as_str() {
        ISSUING => (BoundParty::Issuing, &row.issuing.0),
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
    Some(CaseClock {
        last_day,
        ..CaseClock::of_condition(rule, Arc::from(citation()), terms)
    })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use comity::v1::{Obligation, Result};
    use comity_domain::{CaseState, Executing, Issuing, Urgency};
    use comity_store::Expected;
    use prost::bytes::Bytes;

    use super::*;
    use crate::wire::encoded::Kept;

    fn row() -> CaseChange {
        CaseChange {
            id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            expected: Expected::New,
            state: CaseState::Delivering,
            issuing: Issuing("IE".parse().unwrap()),
            executing: Executing("FR".parse().unwrap()),
            instrument: None,
            outcome: None,
            exercise: false,
            urgency: Urgency::Emergency,
            owner: "garda".to_owned(),
            request_id: "one".parse().unwrap(),
            wake_at: None,
            reviewers: BTreeSet::new(),
            team: None,
            owes: true,
        }
    }

    fn obligation(id: &str, kind: ObligationKind, parameters: &[(&str, &str)]) -> Obligation {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Obligation {
            obligation_id: id.to_owned(),
            kind: kind.into(),
            bound_party: ISSUING.to_owned(),
            parameters: parameters.collect(),
            ..Obligation::default()
        }
    }

    fn deletion() -> Obligation {
        let parameters = [(EVENT, "validation-refused"), ("hours", "48")];
        obligation("epoc-4-5", ObligationKind::DeleteAfter, &parameters)
    }

    /// A case after an event; whether it sets a time for something.
    fn after(
        case: encoded::Case,
        mut adds: encoded::Case,
        event: &'static str,
    ) -> (encoded::Case, bool) {
        let event = [Happened::Event(event.into())];
        let at = Timestamp::UNIX_EPOCH;
        let obliged = take_effect((&case, &row()), &mut adds, &event, at);
        let timed = obliged
            .iter()
            .any(|one| matches!(one, Happened::Obliged(_)));
        (case.then(adds), timed)
    }

    fn answered() -> encoded::Case {
        let result = Result {
            kind: v1::ResultKind::Complete.into(),
            ..Result::default()
        };
        encoded::Case {
            result: Some(Bytes::from(result.encode_to_vec())),
            ..encoded::Case::default()
        }
    }

    fn read() -> encoded::Case {
        encoded::Case {
            kept: Some(Kept {
                evidence_read: true,
                ..Kept::default()
            }),
            ..encoded::Case::default()
        }
    }

    #[test]
    fn data_are_to_be_deleted_once_they_are_there_and_the_event_has_happened() {
        let nothing = encoded::Case::default;
        for data in [answered, read] {
            for (first, event, second, other) in [
                (nothing(), "validation-refused", data(), "progress"),
                (data(), "progress", nothing(), "validation-refused"),
            ] {
                let begun = encoded::Case {
                    conditions: opened(&[deletion()]),
                    ..encoded::Case::default()
                };
                let (case, timed) = after(begun, first, event);
                assert_eq!(case.conditions[0].state(), ConditionState::Waiting);
                assert!(!timed);
                let (case, timed) = after(case, second, other);
                assert_eq!(case.conditions[0].state(), ConditionState::Open);
                assert!(timed);
            }
        }
    }

    #[test]
    fn an_approval_that_falls_frees_nobody_who_has_data() {
        let limit = obligation("use", ObligationKind::UseLimit, &[("purpose", "the trial")]);
        let before = opened(&[limit, deletion()]);
        let refused = v1::Decision {
            outcome: Outcome::Refused.into(),
            ..v1::Decision::default()
        };
        let lifted = |passed| -> Vec<String> {
            let changed = renewed(&before, &refused, (&[], passed));
            let states = changed.iter().map(v1::Condition::state);
            assert!(
                states
                    .into_iter()
                    .all(|state| state == ConditionState::Lifted)
            );
            changed.into_iter().map(|one| one.obligation_id).collect()
        };
        assert_eq!(lifted(false), ["use", "epoc-4-5"]);
        // What waits binds nobody yet.
        assert_eq!(lifted(true), ["epoc-4-5"]);
    }

    #[test]
    fn what_has_to_be_done_until_a_day_has_that_day_and_a_clock_that_ends_with_what_it_is_of() {
        let until = obligation("x1", ObligationKind::DeleteAfter, &[(UNTIL, "2027-01-31")]);
        let [condition] = &opened(&[until])[..] else {
            panic!("one condition");
        };
        let timed = clock(condition, &row(), String::new).unwrap();
        assert_eq!(timed.last_day, "2027-01-31".parse().ok());
        let adds = &mut encoded::Case {
            conditions: vec![v1::Condition {
                state: ConditionState::Lifted.into(),
                ..condition.clone()
            }],
            ..encoded::Case::default()
        };
        let before = encoded::Case {
            conditions: vec![condition.clone()],
            ..encoded::Case::default()
        };
        let ended = take_effect((&before, &row()), adds, &[], Timestamp::UNIX_EPOCH);
        assert!(matches!(&ended[..], [Happened::Lifted(id)] if id.as_str() == "x1"));
    }
}
