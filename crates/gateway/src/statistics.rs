//! Statutory statistics, and how long answers took: from the ledger alone, and the
//! same whenever a finished period is asked about.
//!
//! An event counts in the period in which it happened: an order when it was
//! recorded as approved, an answer when it was recorded. What happens later
//! changes nothing of an earlier period.

mod orders;
mod times;

use comity::v1;
use comity_ledger::Leaf;
use comity_store::{Archive, CaseRow, OpenError, Period};
use jiff::Timestamp;

use self::{orders::Orders, times::Times};
use crate::{
    offline::OfflineError,
    wire::{encoded, to_proto},
};

/// Cases read from the store at once.
const BATCH: usize = 128;

/// A case as statistics see it.
struct Told {
    row: CaseRow,
    /// What its entries say, oldest first.
    leaves: Vec<Leaf>,
    /// What its records add up to; `None` where one is erased or damaged.
    recorded: Option<Recorded>,
}

struct Recorded {
    request: v1::CooperationRequest,
    decision: v1::Decision,
    result: Option<v1::Result>,
}

/// Counts what happened in a period. `step` is called for every case looked at.
///
/// # Errors
/// [`OfflineError`] if the data folder cannot be read.
pub(crate) fn count(
    open: impl FnOnce(Period) -> Result<Archive, OpenError>,
    period: Period,
    mut step: impl FnMut(),
) -> Result<v1::StatisticsResponse, OfflineError> {
    // Cases opened before the period may have been answered in it.
    let Period { since, until } = period;
    let mut archive = open(Period { since: None, until })?;
    let within = |at: Timestamp| {
        since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
    };
    let pruned_before = pruned_before(&mut archive, since)?;
    let (mut orders, mut times) = (Orders::default(), Times::default());
    let (mut cases, mut unread) = (0, 0);
    loop {
        let batch = archive.next_sealed(BATCH)?;
        if batch.is_empty() {
            break;
        }
        for row in batch {
            step();
            if row.exercise {
                continue;
            }
            let leaves = archive.leaves_of(&row.id)?;
            if !leaves.iter().any(|leaf| within(leaf.at)) {
                continue;
            }
            let told = Told::of(archive.unsealed(&row)?, leaves, until);
            cases += 1;
            unread += u64::from(told.recorded.is_none());
            times.add(&told, within);
            orders.add(&told, within);
        }
    }
    Ok(v1::StatisticsResponse {
        rows: orders.rows(),
        series: orders::series(),
        answer_times: times.rows(),
        cases,
        unread,
        pruned_before: pruned_before.map(to_proto::timestamp),
    })
}

/// What was recorded before this is there no more, where a period begins before it.
fn pruned_before(
    archive: &mut Archive,
    since: Option<Timestamp>,
) -> Result<Option<Timestamp>, OfflineError> {
    if archive.pruned()?.is_none() {
        return Ok(None);
    }
    let first = archive.since()?;
    Ok(first.filter(|first| since.is_none_or(|since| since < *first)))
}

impl Told {
    /// A case as it stood at the end of a period: what came later is left out, of entries
    /// and records alike.
    fn of(mut row: CaseRow, mut leaves: Vec<Leaf>, until: Option<Timestamp>) -> Self {
        let moved = |leaves: &[Leaf]| leaves.iter().filter(|leaf| leaf.state.is_some()).count();
        let mut records = std::mem::take(&mut row.records);
        // Read after the entries, and so of a case at work perhaps more.
        let whole = records.len() >= moved(&leaves);
        leaves.retain(|leaf| until.is_none_or(|until| leaf.at < until));
        records.truncate(moved(&leaves));
        let recorded = whole.then(|| Recorded::read(records)).flatten();
        let decided = leaves.iter().rfind(|leaf| leaf.outcome.is_some());
        let instrument = decided.and_then(|leaf| leaf.instrument.as_deref());
        row.instrument = instrument.and_then(|instrument| instrument.parse().ok());
        Self {
            row,
            leaves,
            recorded,
        }
    }

    /// The first entry by which the case came to one of these states.
    fn first(&self, states: &[&str]) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| {
            let state = leaf.state.as_deref();
            state.is_some_and(|state| states.contains(&state))
        })
    }
}

impl Recorded {
    fn read(records: Vec<Vec<u8>>) -> Option<Self> {
        let case = encoded::Case::add_up(records).ok()?.open().ok()?;
        Some(Self {
            request: case.request?,
            decision: case.decision?,
            result: case.result,
        })
    }
}

#[cfg(test)]
mod tests {
    use comity_domain::{CaseState, Executing, Issuing, Urgency};
    use comity_store::state_name;
    use prost::Message as _;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A case that was decided twice, under one instrument and then under another.
    fn decided_twice() -> (CaseRow, Vec<Leaf>) {
        let decided = [(1, "epoc"), (3, "eio")];
        let record = |instrument: &str| {
            let decision = v1::Decision {
                instrument: instrument.to_owned(),
                ..v1::Decision::default()
            };
            let case = encoded::Case {
                request: Some(v1::CooperationRequest::default().encode_to_vec().into()),
                decision: Some(decision.encode_to_vec().into()),
                ..encoded::Case::default()
            };
            case.encode_to_vec()
        };
        let leaf = |second, instrument: &str| Leaf {
            state: Some(state_name(CaseState::Approved).to_owned()),
            outcome: Some("APPROVED".to_owned()),
            instrument: Some(instrument.to_owned()),
            ..Leaf::new(at(second), "decision", "sta-berlin")
        };
        let row = CaseRow {
            id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            opened: 0,
            version: 2,
            state: CaseState::Approved,
            issuing: Issuing("DE".parse().unwrap()),
            executing: Executing("FR".parse().unwrap()),
            instrument: Some("eio".parse().unwrap()),
            outcome: None,
            exercise: false,
            urgency: Urgency::Routine,
            owner: String::new(),
            request_id: "one".parse().unwrap(),
            opened_at: at(1),
            changed_at: at(3),
            wake_at: None,
            reviewers: [].into(),
            team: None,
            records: decided.map(|(_, instrument)| record(instrument)).into(),
        };
        let read = Leaf::new(at(2), "evidence-read", "sta-berlin");
        let [first, second] = decided.map(|(second, instrument)| leaf(second, instrument));
        (row, vec![first, read, second])
    }

    #[test]
    fn a_case_is_counted_as_it_stood_at_the_end_of_the_period() {
        for (until, instrument) in [(None, "eio"), (Some(4), "eio"), (Some(3), "epoc")] {
            let (row, leaves) = decided_twice();
            let told = Told::of(row, leaves, until.map(at));
            assert_eq!(told.row.instrument.unwrap().as_str(), instrument);
            assert_eq!(told.recorded.unwrap().decision.instrument, instrument);
        }
        // What came between the reading of entries and of records makes nothing unread.
        let (row, mut leaves) = decided_twice();
        leaves.pop();
        let told = Told::of(row, leaves, None);
        assert_eq!(told.recorded.unwrap().decision.instrument, "epoc");
        // A record that is gone does.
        let (mut row, leaves) = decided_twice();
        row.records.pop();
        assert!(Told::of(row, leaves, Some(at(3))).recorded.is_none());
    }
}
