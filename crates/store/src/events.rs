//! The entries of one case, in their order.

use comity_domain::CaseId;
use rusqlite::{Connection, OptionalExtension};

use crate::{EntryRow, Event, ReadError, column, read, vault::Vault};

/// Those after a place in the case, at most `limit` (and 1000).
pub(crate) fn after(
    (db, vault): (&Connection, &Vault),
    case: &CaseId,
    sequence: u64,
    limit: usize,
) -> Result<Vec<Event>, ReadError> {
    db.prepare_cached(
        "SELECT idx, leaf, key, sealed FROM entry \
         WHERE case_id = ?1 ORDER BY idx LIMIT ?2 OFFSET ?3",
    )?
    .query_and_then(
        rusqlite::params![case.as_str(), read::page(limit), column::sql(sequence)],
        |row| {
            let key: Option<Vec<u8>> = row.get(2)?;
            let sealed: Option<Vec<u8>> = row.get(3)?;
            let record = match key.zip(sealed) {
                Some((key, sealed)) => read::open(vault, &key, &sealed)?.record,
                None => Vec::new(),
            };
            Ok::<_, ReadError>((read::read_entry(row)?, record))
        },
    )?
    .zip(sequence..)
    .map(|(row, before)| {
        let (EntryRow { index, leaf, .. }, record) = row?;
        Ok(Event {
            sequence: before + 1,
            index,
            leaf,
            record,
        })
    })
    .collect()
}

/// Where the entry by which a case came to a version is in the ledger.
pub(crate) fn index_of(
    db: &Connection,
    case: &CaseId,
    version: u64,
) -> Result<Option<u64>, ReadError> {
    let index: Option<i64> = db
        .prepare_cached(
            "SELECT idx FROM entry WHERE case_id = ?1 AND state IS NOT NULL \
             ORDER BY idx LIMIT 1 OFFSET ?2",
        )?
        .query_row(
            rusqlite::params![case.as_str(), column::sql(version.saturating_sub(1))],
            |row| row.get(0),
        )
        .optional()?;
    index.map(column::count).transpose()
}

/// The entry by which a case came to a version.
pub(crate) fn of_version(
    (db, vault): (&Connection, &Vault),
    case: &CaseId,
    version: u64,
) -> Result<Option<Event>, ReadError> {
    let Some(index) = index_of(db, case, version)? else {
        return Ok(None);
    };
    let before: i64 = db
        .prepare_cached("SELECT count(*) FROM entry WHERE case_id = ?1 AND idx < ?2")?
        .query_row(
            rusqlite::params![case.as_str(), column::sql(index)],
            |row| row.get(0),
        )?;
    Ok(after((db, vault), case, column::count(before)?, 1)?.pop())
}
