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
            let told = Told::of(archive.unsealed(&row)?, leaves);
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
    fn of(mut row: CaseRow, leaves: Vec<Leaf>) -> Self {
        let records = std::mem::take(&mut row.records);
        let moved = leaves.iter().filter(|leaf| leaf.state.is_some()).count();
        let whole = records.len() == moved;
        let recorded = whole.then(|| Recorded::read(records)).flatten();
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
