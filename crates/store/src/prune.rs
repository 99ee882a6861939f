//! Pruning: the oldest entries go, rows and published bundles, when the law wants logs to
//! end. What stays, and what proves it, is in [`comity_ledger::Pruned`].
//!
//! The entry that says so is recorded, published and signed first: that rows are missing is
//! explained by nothing less. Then the rows go, and with them the data keys of their
//! records, in copies too: as an erasure does it, see [`crate::erase`]. Cut short before
//! that, nothing has gone, and who wants it pruned says so again. Then the publisher has
//! the database written anew, without the pages that still hold what was deleted, and
//! removes the bundles. Cut short there, it is done at the next start: while a bundle is
//! there, so may be such pages.
//!
//! Of a case only entries that were erased are pruned. Its row, and its request keys, go
//! with the entries that commit to them: the row with the last event, so that what is left
//! of a case can be verified. Once its opening is gone nobody else is shown the case.

use std::{thread, time::Duration};

use comity_ledger::{PRUNING, Pruned};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, ffi, params};

use crate::{
    Archive, CommitError, Committed, Durable, Entry, PublicationError, ReadError, Store,
    Transaction, column,
    erase::Target,
    prepare::told,
    read::{self, page},
    rows::{JOBS_PER_ENTRY, Stop},
    schema,
};

/// Entries of one published bundle: what is pruned are whole ones.
const BUNDLE: u64 = 256;

/// How often the log is tried to be cut, and how long apart.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Cases in the way that are named, at most.
const NAMED: usize = 20;

/// What can be pruned, and what stands in the way of more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// Entries below this index are pruned already.
    pub from: u64,
    /// Entries below this index can be: a multiple of 256, and `from` where none can.
    pub below: u64,
    /// Up to where it would be if no case stood in the way.
    pub wanted: u64,
    /// Cases with entries below `wanted` that are not to go yet, by their first entries:
    /// the first 20.
    pub in_the_way: Vec<InTheWay>,
}

/// A case whose entries are not to go yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// The case, without `cases/`.
    pub case: String,
    /// Its first entry that is there.
    pub first: u64,
    /// Why.
    pub why: Why,
}

/// Why entries of a case are not to go yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It has not come to its end.
    UnderWay,
    /// It has ended and was not erased.
    NotErased,
    /// Legal holds stand over it, by their entries.
    Held(Vec<u64>),
    /// Of what was erased something is still stored elsewhere.
    Stored,
}

impl Store {
    /// Prunes the ledger: entries below an index go with their records, also in every copy
    /// of the database, while every checkpoint and proof stays. `entry` says so, and is
    /// signed before anything goes; its leaf is of kind [`PRUNING`] and names the index in
    /// [`comity_ledger::Leaf::prunes`]. The published bundles go at the next publication.
    ///
    /// # Errors
    /// [`CommitError::Invalid`] if the index is no multiple of 256, below it are entries
    /// that are not signed yet or belong to cases that are not erased, nothing would go, or
    /// the entry that says so cannot be signed; [`CommitError::Keys`] and
    /// [`CommitError::OldKey`] as for [`Store::erase`].
    pub async fn prune(&self, below: u64, entry: Entry) -> Result<Durable<Committed>, CommitError> {
        let leaf = &entry.leaf;
        if leaf.kind != PRUNING || leaf.case.is_some() || leaf.prunes != Some(below) {
            let what = "the entry of a pruning says so and names up to where";
            return Err(CommitError::Invalid(what.to_owned()));
        }
        let goes = self.inner.readers.run(move |db, _| Ok(goes(db, below)));
        match goes.await.map_err(Stop::from).flatten() {
            Ok(()) => {}
            Err(Stop::Refused(refused)) => return Err(refused),
            Err(Stop::Database(error)) => {
                let why = format!("what it would take along cannot be read: {error}");
                return Err(CommitError::Invalid(why));
            }
        }
        let transaction = Transaction {
            entries: vec![entry],
            essential: true,
            ..Transaction::default()
        };
        let said = self.commit(transaction).await?;
        match self.publish().await {
            // What an earlier pruning left has nothing to do with what is signed.
            Ok(_) | Err(PublicationError::Prune(_)) => {}
            Err(error) => {
                let why = told(&error);
                let what = "the entry that says so is not signed, and nothing has gone";
                return Err(CommitError::Invalid(format!("{what}: {why}")));
            }
        }
        self.erase_as(Target::Below(below), Transaction::default())
            .await?;
        Ok(said)
    }

    /// How far the ledger is pruned.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn pruned(&self) -> Result<Option<Pruned>, ReadError> {
        self.inner.readers.run(|db, _| pruned(db)).await
    }
}

impl Archive {
    /// How far the ledger is pruned.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn pruned(&mut self) -> Result<Option<Pruned>, ReadError> {
        self.read(|db, _| pruned(db))
    }

    /// When the first entry that is there was recorded.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn since(&mut self) -> Result<Option<Timestamp>, ReadError> {
        self.read(|db, _| {
            let first: Option<i64> = db
                .prepare_cached("SELECT at FROM entry ORDER BY idx LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            first.map(column::instant).transpose()
        })
    }

    /// What can be pruned of the first `settled` entries, those which are signed: entries
    /// recorded before a moment, with all before them. Of the cases `stored` something is
    /// stored elsewhere: where they were erased, that is to go first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn prunable(
        &mut self,
        before: Timestamp,
        settled: u64,
        stored: &[String],
    ) -> Result<Prunable, ReadError> {
        let holds = self.legal_holds()?;
        let mut prunable = self.read(|db, _| {
            let from = pruned(db)?.map_or(0, |pruned| pruned.below);
            let old = older(db, before)?.min(settled);
            let wanted = (old / BUNDLE * BUNDLE).max(from);
            let mut in_the_way = unerased(db, wanted)?;
            for case in stored {
                let first = first_of(db, case, wanted)?;
                if let Some(first) =
                    first.filter(|_| in_the_way.iter().all(|one| one.case != *case))
                {
                    in_the_way.push(InTheWay {
                        case: case.clone(),
                        first,
                        why: Why::Stored,
                    });
                }
            }
            in_the_way.sort_by_key(|one| one.first);
            in_the_way.dedup_by(|later, one| later.case == one.case);
            let free = in_the_way.first().map_or(wanted, |one| one.first);
            let below = (free / BUNDLE * BUNDLE).max(from);
            Ok(Prunable {
                from,
                below,
                wanted,
                in_the_way,
            })
        })?;
        for one in &mut prunable.in_the_way {
            let over = holds
                .iter()
                .filter(|(row, _)| row.leaf.case.as_ref() == Some(&one.case));
            let over: Vec<_> = over.map(|(row, _)| row.index).collect();
            if one.why == Why::NotErased && !over.is_empty() {
                one.why = Why::Held(over);
            }
        }
        prunable.in_the_way.truncate(NAMED);
        Ok(prunable)
    }
}

/// How far the rows are pruned, as the entry that did it says: one that is signed.
pub(crate) fn pruned(db: &Connection) -> Result<Option<Pruned>, ReadError> {
    let first = first(db)?;
    if first == 0 {
        return Ok(None);
    }
    let done = said(db)?.into_iter().filter(|said| said.below <= first);
    Ok(done.max_by_key(|said| said.below))
}

/// What signed entries say of pruning, also where it was not done yet.
fn said(db: &Connection) -> Result<Vec<Pruned>, ReadError> {
    let signed = read::head(db)?.map_or(0, |(size, _)| size);
    // Spelled out, as in the index.
    let sql = format!("SELECT idx, leaf FROM entry WHERE kind = '{PRUNING}' AND idx < ?1");
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_and_then([column::sql(signed)], read::read_entry)?;
    let said = rows.map(|row| row.map(|row| Pruned::by(row.index, &row.leaf)));
    said.filter_map(Result::transpose).collect()
}

/// The index of the first row.
pub(crate) fn first(db: &Connection) -> Result<u64, ReadError> {
    let first: Option<i64> = db
        .prepare_cached("SELECT min(idx) FROM entry")?
        .query_row([], |row| row.get(0))?;
    column::count(first.unwrap_or(0))
}

/// Refuses what is not to go, or of which no signed entry says so.
pub(crate) fn check(db: &Connection, below: u64) -> Result<(), Stop> {
    goes(db, below)?;
    match said(db)?.iter().any(|said| said.below == below) {
        true => Ok(()),
        false => Err(CommitError::Invalid("no signed entry says so".to_owned()).into()),
    }
}

/// Refuses what is not to go; who asks has looked before what stands in the way.
fn goes(db: &Connection, below: u64) -> Result<(), Stop> {
    let invalid = |what: String| Err(CommitError::Invalid(what).into());
    let from = pruned(db)?.map_or(0, |pruned| pruned.below);
    if below <= from || !below.is_multiple_of(BUNDLE) {
        return invalid(format!("{below} is no multiple of {BUNDLE} above {from}"));
    }
    let signed = read::head(db)?.map_or(0, |(size, _)| size);
    if signed < below {
        return invalid(format!("only {signed} entries are signed"));
    }
    match unerased(db, below)?.first() {
        Some(one) => invalid(format!("cases/{} is not erased", one.case)),
        None => Ok(()),
    }
}

/// Deletes the rows. Pages of the file still hold them until [`write_anew`].
pub(crate) fn delete(db: &Connection, below: u64) -> rusqlite::Result<()> {
    let below = [column::sql(below)];
    db.execute("DELETE FROM request_key WHERE idx < ?1", below)?;
    db.execute(
        "DELETE FROM cases WHERE opened < ?1 AND NOT EXISTS (SELECT 1 FROM entry \
         WHERE case_id = id AND idx >= ?1 AND entry.state IS NOT NULL)",
        below,
    )?;
    db.execute("DELETE FROM entry WHERE idx < ?1", below)?;
    db.execute_batch(&index())
}

/// What makes the index by which a store that was pruned is found to be, whenever it is
/// asked how far.
pub(crate) fn index() -> String {
    format!("CREATE INDEX IF NOT EXISTS entry_pruning ON entry (idx) WHERE kind = '{PRUNING}'")
}

/// Writes the database anew, so that it holds what is there and nothing else; outside of
/// any transaction.
pub(crate) fn write_anew(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("VACUUM")?;
    // Nobody commits meanwhile: each try is over at once.
    db.busy_timeout(Duration::ZERO)?;
    let cut = cut_log(db);
    db.busy_timeout(schema::BUSY)?;
    cut
}

fn cut_log(db: &Connection) -> rusqlite::Result<()> {
    // While the carrier is at it, or somebody reads, what was deleted may be in the log.
    // That it is busy is no error of this pragma, but its first column.
    let mut cut = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)")?;
    for _ in 0..TRIES {
        let busy: bool = cut.query_row([], |row| row.get(0))?;
        if !busy {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    let busy = ffi::Error::new(ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(busy, None))
}

/// The first entry that was not recorded before a moment.
fn older(db: &Connection, before: Timestamp) -> Result<u64, ReadError> {
    let first: Option<i64> = db.query_row(
        "SELECT min(idx) FROM entry WHERE at >= ?1",
        [before.as_microsecond()],
        |row| row.get(0),
    )?;
    first.map_or_else(|| read::size(db), column::count)
}

/// The first entry of a case below an index.
fn first_of(db: &Connection, case: &str, below: u64) -> Result<Option<u64>, ReadError> {
    let first: Option<i64> = db
        .prepare_cached("SELECT min(idx) FROM entry WHERE case_id = ?1 AND idx < ?2")?
        .query_row(params![case, column::sql(below)], |row| row.get(0))?;
    first.map(column::count).transpose()
}

/// Cases with entries below an index that were not erased, or of which something is still
/// to be done, by their first entries.
fn unerased(db: &Connection, below: u64) -> Result<Vec<InTheWay>, ReadError> {
    let mut select = db.prepare_cached(
        "SELECT c.id, min(e.idx) AS first, c.state FROM entry e JOIN cases c ON c.id = e.case_id \
         WHERE e.idx < ?1 AND (EXISTS (SELECT 1 FROM entry o WHERE o.idx = c.opened \
         AND o.key IS NOT NULL) OR EXISTS (SELECT 1 FROM job WHERE job.case_id = c.id)) \
         GROUP BY c.id UNION ALL SELECT case_id, id / ?2, '' FROM job WHERE id < ?1 * ?2 \
         ORDER BY first LIMIT ?3",
    )?;
    let below = column::sql(below);
    select
        .query_and_then(params![below, JOBS_PER_ENTRY, page(usize::MAX)], |row| {
            let state = column::state(&row.get::<_, String>(2)?);
            let ended = state.is_ok_and(comity_domain::CaseState::is_final);
            Ok(InTheWay {
                case: row.get(0)?,
                first: column::count(row.get(1)?)?,
                why: if ended { Why::NotErased } else { Why::UnderWay },
            })
        })?
        .collect()
}
