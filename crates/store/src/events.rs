//! The entries by which one case came to stand as it does, in their order. Others of the
//! case, of its evidence, are passed over, and there may be many of them.

use comity_domain::CaseId;
use rusqlite::{Connection, OptionalExtension, Params};

use crate::{EntryRow, Event, ReadError, Store, column, read, vault::Vault};

impl Store {
    /// The entries after a sequence number by which a case came to stand as it
    /// does, oldest first, at most `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events(
        &self,
        case: &CaseId,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let case = case.clone();
        self.inner
            .readers
            .run(move |db, vault| after((db, vault), &case, sequence, limit))
            .await
    }

    /// Those before an entry of the ledger, newest first, at most `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events_before(
        &self,
        case: &CaseId,
        index: u64,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let case = case.clone();
        self.inner
            .readers
            .run(move |db, vault| before((db, vault), &case, index, limit))
            .await
    }

    /// The ledger index of the entry by which a case came to a version; `None`
    /// where it has not come to it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn index_of(&self, case: &CaseId, version: u64) -> Result<Option<u64>, ReadError> {
        let case = case.clone();
        let readers = &self.inner.readers;
        readers.run(move |db, _| index_of(db, &case, version)).await
    }

    /// The entry by which a case came to a version.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn event_of(&self, case: &CaseId, version: u64) -> Result<Option<Event>, ReadError> {
        let case = case.clone();
        let readers = &self.inner.readers;
        readers
            .run(move |db, vault| of_version((db, vault), &case, version))
            .await
    }
}

/// Those after a place in the case, oldest first, at most `limit` (and 1000).
fn after(
    db: (&Connection, &Vault),
    case: &CaseId,
    sequence: u64,
    limit: usize,
) -> Result<Vec<Event>, ReadError> {
    let last = match sequence.checked_sub(1) {
        None => None,
        Some(before) => {
            let sql = "SELECT idx FROM entry WHERE case_id = ?1 ORDER BY idx LIMIT 1 OFFSET ?2";
            let place = rusqlite::params![case.as_str(), column::sql(before)];
            let mut last = db.0.prepare_cached(sql)?;
            match last
                .query_row(place, |row| row.get::<_, i64>(0))
                .optional()?
            {
                Some(last) => Some(last),
                // There are not so many.
                None => return Ok(Vec::new()),
            }
        }
    };
    let found = events(
        db,
        "SELECT idx, leaf, key, sealed FROM entry \
         WHERE case_id = ?1 AND idx > ?2 AND state IS NOT NULL ORDER BY idx LIMIT ?3",
        rusqlite::params![case.as_str(), last.unwrap_or(-1), read::page(limit)],
    )?;
    numbered(db.0, case, (last, sequence), found)
}

/// Those before an entry, newest first, at most `limit` (and 1000).
fn before(
    db: (&Connection, &Vault),
    case: &CaseId,
    index: u64,
    limit: usize,
) -> Result<Vec<Event>, ReadError> {
    let mut found = events(
        db,
        "SELECT idx, leaf, key, sealed FROM entry \
         WHERE case_id = ?1 AND idx < ?2 AND state IS NOT NULL ORDER BY idx DESC LIMIT ?3",
        rusqlite::params![case.as_str(), column::sql(index), read::page(limit)],
    )?;
    found.reverse();
    let mut numbered = numbered(db.0, case, (None, 0), found)?;
    numbered.reverse();
    Ok(numbered)
}

/// Where the entry by which a case came to a version is in the ledger.
fn index_of(db: &Connection, case: &CaseId, version: u64) -> Result<Option<u64>, ReadError> {
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
fn of_version(
    db: (&Connection, &Vault),
    case: &CaseId,
    version: u64,
) -> Result<Option<Event>, ReadError> {
    match index_of(db.0, case, version)? {
        Some(index) => Ok(before(db, case, index + 1, 1)?.pop()),
        None => Ok(None),
    }
}

/// What a query finds, not numbered yet.
fn events(
    (db, vault): (&Connection, &Vault),
    sql: &str,
    which: impl Params,
) -> Result<Vec<Event>, ReadError> {
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_and_then(which, |row| {
        let key: Option<Vec<u8>> = row.get(2)?;
        let sealed: Option<Vec<u8>> = row.get(3)?;
        let record = match key.zip(sealed) {
            Some((key, sealed)) => read::open(vault, &key, &sealed)?.record,
            None => Vec::new(),
        };
        let EntryRow { index, leaf, .. } = read::read_entry(row)?;
        Ok::<_, ReadError>(Event {
            sequence: 0,
            index,
            leaf,
            record,
        })
    })?;
    found.collect()
}

/// Numbers entries, oldest first, by how many the case has up to each: after one of which
/// that is known.
fn numbered(
    db: &Connection,
    case: &CaseId,
    (mut last, mut sequence): (Option<i64>, u64),
    mut found: Vec<Event>,
) -> Result<Vec<Event>, ReadError> {
    let mut between = db.prepare_cached(
        "SELECT count(*) FROM entry WHERE case_id = ?1 AND idx > ?2 AND idx <= ?3",
    )?;
    for event in &mut found {
        let index = column::sql(event.index);
        let range = rusqlite::params![case.as_str(), last.unwrap_or(-1), index];
        sequence += column::count(between.query_row(range, |row| row.get(0))?)?;
        event.sequence = sequence;
        last = Some(index);
    }
    Ok(found)
}
