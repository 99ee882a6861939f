//! Whether there is room for new work, and how much is taken up.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use comity_domain::JurisdictionCode;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{ReadError, Store, Unavailable, column, rows::JOBS_PER_ENTRY};

/// What the writer found, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Room {
    over_limit: AtomicBool,
    full: AtomicBool,
    refused: AtomicU64,
}

/// Deliveries and other errands to one State that are not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outstanding {
    /// How many.
    pub jobs: u64,
    /// When the oldest of them came into the ledger.
    pub oldest: Timestamp,
}

impl Room {
    /// Notes whether the database is larger than it may be.
    pub(crate) fn measured(&self, over_limit: bool) {
        self.over_limit.store(over_limit, Ordering::Release);
    }

    /// Notes that the disk had no room for what so many asked for.
    pub(crate) fn full(&self, refused: usize) {
        self.full.store(true, Ordering::Release);
        self.refused(refused);
    }

    /// Notes that so much was refused for want of room.
    pub(crate) fn refused(&self, refused: usize) {
        self.refused.fetch_add(refused as u64, Ordering::AcqRel);
    }

    /// Notes that the disk took something.
    pub(crate) fn found(&self) {
        self.full.store(false, Ordering::Release);
    }

    /// Why there is none.
    pub(crate) fn lacks(&self) -> Option<Unavailable> {
        let full = self.full.load(Ordering::Acquire);
        let over = self.over_limit.load(Ordering::Acquire);
        full.then_some(Unavailable::DiskFull)
            .or(over.then_some(Unavailable::SizeLimit))
    }
}

impl Store {
    /// How much was refused since the store opened because there was no room for it.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.inner.signals.room.refused.load(Ordering::Acquire)
    }

    /// Says that the disk has room again, as whoever tried found out: nothing may come
    /// meanwhile that the store itself would see it by. It is full again if it is not true.
    pub fn found_room(&self) {
        self.inner.signals.room.found();
    }

    /// Size of the database, bytes, as [`crate::Options::size_limit_bytes`] bounds it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn bytes(&self) -> Result<u64, ReadError> {
        let bytes = self.inner.readers.run(|db, _| Ok(bytes(db)?)).await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// How many jobs there are for each State for which there are any.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn outstanding(&self) -> Result<BTreeMap<JurisdictionCode, Outstanding>, ReadError> {
        self.inner.readers.run(|db, _| outstanding(db)).await
    }
}

/// The pages in use.
pub(crate) fn bytes(db: &Connection) -> rusqlite::Result<i64> {
    let pragma = |sql: &str| {
        db.prepare_cached(sql)?
            .query_row([], |row| row.get::<_, i64>(0))
    };
    let pages = pragma("PRAGMA page_count")? - pragma("PRAGMA freelist_count")?;
    Ok(pages.saturating_mul(pragma("PRAGMA page_size")?))
}

/// A job's id says which entry it came with. Where that was pruned, nothing is left to do.
fn outstanding(db: &Connection) -> Result<BTreeMap<JurisdictionCode, Outstanding>, ReadError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT target, jobs, entry.at FROM (SELECT target, count(*) AS jobs, \
         min(id) / {JOBS_PER_ENTRY} AS first FROM job GROUP BY target) \
         JOIN entry ON entry.idx = first"
    ))?;
    let mut rows = select.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let state = column::id(&row.get::<_, String>(0)?, "State of a job")?;
        let outstanding = Outstanding {
            jobs: column::count(row.get(1)?)?,
            oldest: column::instant(row.get(2)?)?,
        };
        all.insert(state, outstanding);
    }
    Ok(all)
}
