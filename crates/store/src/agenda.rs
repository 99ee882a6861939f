//! Which cases have to be looked at although nobody asks, and when.

use comity_domain::CaseId;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    ReadError, column,
    read::{IS_THERE, page},
};

/// Of running clocks, these read no more than what is due.
pub(crate) fn due_sql() -> String {
    format!("SELECT id FROM cases WHERE wake_at <= ?1 AND {IS_THERE} ORDER BY wake_at LIMIT ?2")
}

pub(crate) fn next_sql() -> String {
    format!("SELECT min(wake_at) FROM cases WHERE wake_at IS NOT NULL AND {IS_THERE}")
}

/// Cases that have to be looked at by `now`, the longest due first.
pub(crate) fn due_cases(
    db: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<CaseId>, ReadError> {
    db.prepare_cached(&due_sql())?
        .query_and_then([now.as_microsecond(), page(limit)], |row| {
            column::id(&row.get::<_, String>(0)?, "case id")
        })?
        .collect()
}

/// When a case will next have to be looked at.
pub(crate) fn next_wake(db: &Connection) -> Result<Option<Timestamp>, ReadError> {
    db.prepare_cached(&next_sql())?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?
        .map(column::instant)
        .transpose()
}
