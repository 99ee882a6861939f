//! Whether entries are dated as the timestamps over them have it: none later than a
//! timestamp that covers it, and none long without one while others followed.

use std::{io, path::Path};

use jiff::{SignedDuration, Timestamp};

use crate::{
    Flaw, Leaf, Timestamped,
    edge::{TILE_HEIGHT, TILE_WIDTH},
    layout::{self, Kind},
    timestamp::APART,
    timestamped::TIMESTAMPS,
    verify::{CHANGED, unreadable},
};

/// How long entries may go without a timestamp while others follow them.
const WAIT: SignedDuration = SignedDuration::from_hours(4);

const POSTDATED: &str = "the dates of the ledger are not to be believed";
const STRIPPED: &str = "timestamps were taken away, or the ledger went on without them";

/// Verifies the dates of the first `size` entries of the log in `dir` by its timestamps,
/// which were found in order, as was the log. Entries that were pruned have no date any more.
///
/// # Errors
/// The first [`Flaw`] found: an entry dated more than five minutes later than it was
/// timestamped, or one without a timestamp more than four hours before the newest.
pub fn verify_dates(dir: &Path, size: u64, timestamped: &Timestamped) -> Result<(), Flaw> {
    let bounds = bounds(&timestamped.times);
    let mut bounds = bounds.into_iter().peekable();
    let mut waiting: Option<Waiting> = None;
    for number in 0..size.div_ceil(TILE_WIDTH as u64) {
        let Some((path, dates)) = dates(dir, number, size)? else {
            continue;
        };
        for (index, at) in (number << TILE_HEIGHT..).zip(dates) {
            while bounds.next_if(|(covered, _)| *covered <= index).is_some() {}
            match bounds.peek() {
                Some((_, made)) if at.duration_since(*made) > APART => {
                    let what = format!("is dated {at}, and was timestamped at {made}");
                    return Err(Flaw::of(&path, what, POSTDATED).entry(index));
                }
                Some(_) => {}
                None => waiting = Some(Waiting::with(waiting, index, at)),
            }
        }
    }
    waiting.map_or(Ok(()), Waiting::check)
}

/// Entries without a timestamp.
#[derive(Clone, Copy)]
struct Waiting {
    index: u64,
    first: Timestamp,
    newest: Timestamp,
}

impl Waiting {
    fn with(before: Option<Self>, index: u64, at: Timestamp) -> Self {
        let before = before.unwrap_or(Self {
            index,
            first: at,
            newest: at,
        });
        Self {
            newest: before.newest.max(at),
            ..before
        }
    }

    fn check(self) -> Result<(), Flaw> {
        let Self {
            index,
            first,
            newest,
        } = self;
        if newest.duration_since(first) <= WAIT {
            return Ok(());
        }
        let what = format!(
            "none covers the entry, which was recorded at {first}, and the newest at {newest}"
        );
        Err(Flaw::of(TIMESTAMPS, what, STRIPPED).entry(index))
    }
}

/// For each timestamp, how many entries it covers and the earliest time of it and those
/// after it, which cover the same entries.
fn bounds(times: &[(u64, Timestamp)]) -> Vec<(u64, Timestamp)> {
    let mut bounds = times.to_vec();
    let mut earliest = Timestamp::MAX;
    for (_, made) in bounds.iter_mut().rev() {
        earliest = earliest.min(*made);
        *made = earliest;
    }
    bounds
}

/// The dates of the entries in one bundle, and the file that it is; `None` where it was
/// pruned: that no other is missing was seen when the log was found in order.
fn dates(dir: &Path, number: u64, size: u64) -> Result<Option<(String, Vec<Timestamp>)>, Flaw> {
    let width = usize::try_from(size - (number << TILE_HEIGHT))
        .unwrap_or(TILE_WIDTH)
        .min(TILE_WIDTH);
    let kind = Kind::Entries;
    let (path, bundle) = match layout::read_tile(dir, kind, number, width) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && width == TILE_WIDTH => {
            return Ok(None);
        }
        found => {
            found.map_err(|error| unreadable(&layout::wide_path(kind, number, width), &error))?
        }
    };
    let cut = |offset| Flaw::of(&path, "an entry is cut short", CHANGED).offset(offset);
    let entries = layout::split_bundle(&bundle).map_err(cut)?;
    let date = |(offset, entry): &(usize, &[u8])| {
        let leaf = Leaf::read(entry);
        let leaf = leaf.map_err(|error| Flaw::of(&path, error.to_string(), CHANGED));
        leaf.map(|(leaf, _)| leaf.at)
            .map_err(|flaw| flaw.offset(*offset))
    };
    let dates = entries.iter().take(width).map(date);
    let dates = dates.collect::<Result<_, _>>()?;
    Ok(Some((path, dates)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Publisher, Token};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    /// Entries dated by minutes, with timestamps over so many of them made at such
    /// minutes: the entry that is found wrong, and in what.
    fn check(dates: &[i64], times: &[(u64, i64)]) -> Option<(String, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::from_seed("log.example", [1; 32]).unwrap();
        let mut publisher = Publisher::open(folder.path(), key, None).unwrap();
        for date in dates {
            let leaf = Leaf::new(at(*date), "start", "gateway");
            let sealed = leaf.seal(b"record", &[7; 32]).unwrap();
            publisher.append(&sealed.leaf_bytes).unwrap();
        }
        publisher.sign().unwrap();
        let times: Vec<_> = times
            .iter()
            .map(|(size, made)| (*size, at(*made)))
            .collect();
        let (_, made) = *times.last().unwrap();
        let newest = Token {
            bytes: Vec::new(),
            by: "authority".to_owned(),
            at: made,
        };
        let found = Timestamped { times, newest };
        let checked = verify_dates(folder.path(), dates.len() as u64, &found);
        let flaw = checked.err()?;
        Some((flaw.file, flaw.entry.unwrap()))
    }

    #[test]
    fn entries_may_wait_a_while_and_no_longer() {
        let stripped = |index| Some(("timestamps".to_owned(), index));
        assert_eq!(check(&[0, 1, 2], &[(3, 3)]), None);
        assert_eq!(check(&[0, 1, 241], &[(1, 1)]), None);
        assert_eq!(check(&[0, 1, 242], &[(1, 1)]), stripped(1));
        // Dates that go back hide nothing.
        assert_eq!(check(&[0, 1, 242, 5], &[(1, 1)]), stripped(1));
        // A gap that was closed later.
        assert_eq!(check(&[0, 1, 900, 901], &[(1, 1), (3, 901)]), None);
        // Over more than one file of entries.
        let mut many = vec![0; 600];
        assert_eq!(check(&many, &[(300, 1)]), None);
        many[599] = 300;
        assert_eq!(check(&many, &[(300, 1)]), stripped(300));
        assert_eq!(check(&many, &[(300, 1), (600, 300)]), None);
    }

    #[test]
    fn no_entry_is_dated_later_than_a_timestamp_over_it() {
        let postdated = |index| Some(("tile/entries/000.p/3".to_owned(), index));
        assert_eq!(check(&[0, 15, 2], &[(3, 10)]), None);
        assert_eq!(check(&[0, 16, 2], &[(3, 10)]), postdated(1));
        // By the first that covers it, or a later one that is older.
        assert_eq!(check(&[0, 16, 20], &[(2, 10), (3, 20)]), postdated(1));
        assert_eq!(check(&[0, 16, 20], &[(2, 20), (3, 10)]), postdated(1));
        assert_eq!(check(&[0, 1, 16], &[(2, 10), (3, 20)]), None);
    }
}
