//! Cases that have ended, for those who decide how long they are kept.

use comity_domain::CaseState;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{Archive, CaseRow, ReadError, column, read, state_name};

/// A case that has ended and was not erased, without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The case.
    pub case: CaseRow,
    /// When it came to its end. What happened to it later does not count.
    pub at: Timestamp,
}

impl Archive {
    /// Cases that have ended and were not erased, oldest first from the one opened after
    /// `after`; at most `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn ended(&mut self, after: Option<u64>, limit: usize) -> Result<Vec<Ended>, ReadError> {
        self.read(|db, _| ended(db, after, limit))
    }
}

fn ended(db: &Connection, after: Option<u64>, limit: usize) -> Result<Vec<Ended>, ReadError> {
    let sql = format!(
        "SELECT {columns}, (SELECT min(at) FROM entry WHERE case_id = cases.id \
         AND entry.state IN ({ends})) AS ended FROM cases WHERE state IN ({ends}) \
         AND opened > ?1 AND EXISTS (SELECT 1 FROM entry WHERE idx = cases.opened \
         AND key IS NOT NULL) ORDER BY opened LIMIT ?2",
        columns = read::CASE_COLUMNS,
        ends = ends(),
    );
    let after = after.map_or(-1, column::sql);
    db.prepare_cached(&sql)?
        .query_and_then((after, read::page(limit)), |row| {
            Ok(Ended {
                case: read::read_case(row)?,
                at: column::instant(row.get("ended")?)?,
            })
        })?
        .collect()
}

/// The names of the states that a case ends in, for a query.
pub(crate) fn ends() -> String {
    let ends = CaseState::ALL.into_iter().filter(|state| state.is_final());
    let ends: Vec<_> = ends
        .map(|state| format!("'{}'", state_name(state)))
        .collect();
    ends.join(", ")
}
