//! Which cases have to be looked at although nobody asks, and when.

use comity_domain::CaseId;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{ReadError, column, read::page};

/// Of running clocks, these read no more than what is due. As [`crate::read::IS_THERE`] has it, a case
/// whose opening was pruned waits for nothing.
pub(crate) const DUE_CASES: &str = "SELECT id FROM cases WHERE wake_at <= ?1 \
     AND opened >= (SELECT coalesce(min(idx), 0) FROM entry) ORDER BY wake_at LIMIT ?2";
pub(crate) const NEXT_WAKE: &str = "SELECT min(wake_at) FROM cases WHERE wake_at IS NOT NULL \
     AND opened >= (SELECT coalesce(min(idx), 0) FROM entry)";

/// Cases that have to be looked at by `now`, the longest due first.
pub(crate) fn due_cases(
    db: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<CaseId>, ReadError> {
    db.prepare_cached(DUE_CASES)?
        .query_and_then([now.as_microsecond(), page(limit)], |row| {
            column::id(&row.get::<_, String>(0)?, "case id")
        })?
        .collect()
}

/// When a case will next have to be looked at.
pub(crate) fn next_wake(db: &Connection) -> Result<Option<Timestamp>, ReadError> {
    db.prepare_cached(NEXT_WAKE)?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?
        .map(column::instant)
        .transpose()
}
