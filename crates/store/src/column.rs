//! How domain values are written in columns, and read back strictly.

use std::{collections::BTreeSet, str::FromStr};

use comity_domain::{CaseState, JurisdictionCode, Outcome, Urgency};
use jiff::Timestamp;

use crate::ReadError;

/// Every outcome, mildest first.
pub const OUTCOMES: [Outcome; 4] = [
    Outcome::Approved,
    Outcome::Incomplete,
    Outcome::Referred,
    Outcome::Refused,
];

/// Every urgency, least urgent first: the position is the rank.
const URGENCIES: [Urgency; 3] = [Urgency::Routine, Urgency::Urgent, Urgency::Emergency];

/// The name of a state in leaves and columns.
#[must_use]
pub fn state_name(state: CaseState) -> &'static str {
    match state {
        CaseState::Received => "RECEIVED",
        CaseState::Incomplete => "INCOMPLETE",
        CaseState::UnderReview => "UNDER_REVIEW",
        CaseState::Refused => "REFUSED",
        CaseState::Approved => "APPROVED",
        CaseState::Delivering => "DELIVERING",
        CaseState::Acknowledged => "ACKNOWLEDGED",
        CaseState::Executing => "EXECUTING",
        CaseState::Postponed => "POSTPONED",
        CaseState::Concluded => "CONCLUDED",
        CaseState::NotExecuted => "NOT_EXECUTED",
        CaseState::Withdrawn => "WITHDRAWN",
        CaseState::Expired => "EXPIRED",
    }
}

/// The name of an outcome in leaves and columns.
#[must_use]
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "APPROVED",
        Outcome::Incomplete => "INCOMPLETE",
        Outcome::Referred => "REFERRED",
        Outcome::Refused => "REFUSED",
    }
}

pub(crate) fn state(name: &str) -> Result<CaseState, ReadError> {
    CaseState::ALL
        .into_iter()
        .find(|state| state_name(*state) == name)
        .ok_or(ReadError::Damaged { what: "state" })
}

pub(crate) fn outcome(name: &str) -> Result<Outcome, ReadError> {
    OUTCOMES
        .into_iter()
        .find(|outcome| outcome_name(*outcome) == name)
        .ok_or(ReadError::Damaged { what: "outcome" })
}

/// Rank of an urgency: more urgent is greater.
pub(crate) fn rank(urgency: Urgency) -> i64 {
    match urgency {
        Urgency::Routine => 0,
        Urgency::Urgent => 1,
        Urgency::Emergency => 2,
    }
}

pub(crate) fn urgency(stored: i64) -> Result<Urgency, ReadError> {
    URGENCIES
        .into_iter()
        .find(|urgency| rank(*urgency) == stored)
        .ok_or(ReadError::Damaged { what: "urgency" })
}

pub(crate) fn truth(stored: i64) -> Result<bool, ReadError> {
    match stored {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ReadError::Damaged { what: "flag" }),
    }
}

/// The States whose reviewers are waited for, each between spaces.
pub(crate) fn reviewers(states: &BTreeSet<JurisdictionCode>) -> Option<String> {
    if states.is_empty() {
        return None;
    }
    let written = states.iter().map(|state| format!("{state} "));
    Some(std::iter::once(" ".to_owned()).chain(written).collect())
}

pub(crate) fn read_reviewers(
    stored: Option<&str>,
) -> Result<BTreeSet<JurisdictionCode>, ReadError> {
    let states = stored.unwrap_or_default().split_ascii_whitespace();
    states.map(|state| id(state, "reviewers")).collect()
}

pub(crate) fn instant(micros: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_microsecond(micros).map_err(|_| ReadError::Damaged { what: "time" })
}

pub(crate) fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, ReadError> {
    text.parse().map_err(|_| ReadError::Damaged { what })
}

pub(crate) fn count(stored: i64) -> Result<u64, ReadError> {
    u64::try_from(stored).map_err(|_| ReadError::Damaged { what: "number" })
}

/// A count as SQLite holds it. Indexes and versions stay far below the bound.
pub(crate) fn sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for one in CaseState::ALL {
            assert_eq!(state(state_name(one)).unwrap(), one);
        }
        for one in OUTCOMES {
            assert_eq!(outcome(outcome_name(one)).unwrap(), one);
        }
        for one in URGENCIES {
            assert_eq!(urgency(rank(one)).unwrap(), one);
        }
        let states: BTreeSet<_> = ["FR", "US-CA"].map(|s| s.parse().unwrap()).into();
        for some in [BTreeSet::new(), states] {
            assert_eq!(read_reviewers(reviewers(&some).as_deref()).unwrap(), some);
        }
        assert!(truth(2).is_err() && urgency(3).is_err() && state("approved").is_err());
    }
}
