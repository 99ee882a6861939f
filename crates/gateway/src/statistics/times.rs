//! From receipt to answer, by pair of States and instrument.

use std::collections::BTreeMap;

use comity::v1;
use jiff::Timestamp;

use super::Told;

/// States in which the executing State has answered.
const ANSWERED: [&str; 2] = ["CONCLUDED", "NOT_EXECUTED"];

/// Microseconds, by asking State, asked State and instrument.
#[derive(Default)]
pub(super) struct Times(BTreeMap<[String; 3], Vec<i64>>);

impl Times {
    /// Takes in a case, if its answer came in the period.
    pub(super) fn add(&mut self, told: &Told, within: impl Fn(Timestamp) -> bool) {
        let Some(answer) = told.first(&ANSWERED).filter(|leaf| within(leaf.at)) else {
            return;
        };
        let row = &told.row;
        let took = answer.at.as_microsecond() - row.opened_at.as_microsecond();
        let instrument = row.instrument.as_ref().map(ToString::to_string);
        let key = [
            row.issuing.0.to_string(),
            row.executing.0.to_string(),
            instrument.unwrap_or_default(),
        ];
        self.0.entry(key).or_default().push(took);
    }

    pub(super) fn rows(self) -> Vec<v1::AnswerTimes> {
        let rows = self.0.into_iter().map(|(key, mut took)| {
            took.sort_unstable();
            let [issuing, executing, instrument] = key;
            v1::AnswerTimes {
                issuing,
                executing,
                instrument,
                answers: took.len() as u64,
                median: rank(&took, 50).map(duration),
                p90: rank(&took, 90).map(duration),
            }
        });
        rows.collect()
    }
}

/// The least value that so many of a hundred do not exceed.
fn rank(sorted: &[i64], of_hundred: usize) -> Option<i64> {
    let place = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(place.checked_sub(1)?).copied()
}

/// A duration of the contract.
pub(super) fn duration(micros: i64) -> prost_types::Duration {
    prost_types::Duration {
        seconds: micros / 1_000_000,
        nanos: i32::try_from(micros % 1_000_000 * 1000).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_values_that_occur() {
        let all: Vec<i64> = (1..=10).collect();
        assert_eq!((rank(&all, 50), rank(&all, 90)), (Some(5), Some(9)));
        assert_eq!((rank(&[7], 50), rank(&[7], 90)), (Some(7), Some(7)));
        assert_eq!(rank(&[1, 2, 3], 50), Some(2));
        assert_eq!(rank(&[], 50), None);
    }

    #[test]
    fn durations_keep_the_microsecond() {
        let expected = prost_types::Duration {
            seconds: 2,
            nanos: 500_001_000,
        };
        assert_eq!(duration(2_500_001), expected);
    }
}
