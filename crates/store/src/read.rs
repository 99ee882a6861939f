//! Queries, on connections that only read.
//!
//! A reader sees committed rows only, and with `synchronous = FULL` what is
//! committed is on disk.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use comity_domain::{CaseId, Executing, Issuing, JurisdictionCode, RequestId};
use comity_ledger::{Hash, Leaf};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value};
use tokio::sync::Semaphore;

use crate::{
    CaseFilter, CaseRow, EntryFilter, EntryRow, OfTeam, Page, Period, ReadError, Record, Reviewed,
    column, schema, vault::Vault,
};

/// Connections for reading, and so queries at once.
pub(crate) const READERS: usize = 4;
/// Those for what may read the whole ledger, beside them: whoever searches keeps nobody from
/// a case.
pub(crate) const SEARCHERS: usize = 2;

/// Greatest number of rows of one page.
const MAX_PAGE: usize = 1000;

/// Connections that only read, lent one query at a time.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    vault: Arc<Vault>,
}

impl Readers {
    pub(crate) fn open(path: &Path, vault: Arc<Vault>, many: usize) -> rusqlite::Result<Self> {
        let idle = (0..many)
            .map(|_| schema::open_reader(path))
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(many)),
            vault,
        })
    }

    /// Lends nothing any more. What is lent is closed when it comes back.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.pool().clear();
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query off the async threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection, &Vault) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| ReadError::Closed)?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || {
            // The permit outlives the loan, so that there is always one to lend.
            let _permit = permit;
            let db = readers.pool().pop().ok_or(ReadError::Closed)?;
            let result = snapshot(&db, &readers.vault, query);
            let mut pool = readers.pool();
            if !readers.permits.is_closed() {
                pool.push(db);
            }
            result
        })
        .await
        .map_err(|_| ReadError::Closed)?
    }
}

/// Runs a query in one read transaction: all that it reads is of one moment.
fn snapshot<T>(
    db: &Connection,
    vault: &Vault,
    query: impl FnOnce(&Connection, &Vault) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    // Kept prepared, unlike those of `rusqlite::Transaction`.
    db.prepare_cached("BEGIN DEFERRED")?.execute([])?;
    let result = query(db, vault);
    let end = || db.prepare_cached("COMMIT")?.execute([]);
    // A query that failed may have ended it.
    if !db.is_autocommit()
        && let Err(error) = end()
    {
        // The connection is lent again. It fails only where nothing is left to end.
        let _ = db.execute_batch("ROLLBACK");
        return result.and(Err(error.into()));
    }
    result
}

pub(crate) const CASE_COLUMNS: &str = "id, opened, version, state, issuing, executing, instrument, outcome, \
     exercise, urgency, owner, request_id, opened_at, changed_at, wake_at, reviewers, team";

/// Of a case whose opening was pruned the row is kept as long as one of its events is, for
/// verification: to all others it is gone.
pub(crate) const IS_THERE: &str = "opened >= (SELECT coalesce(min(idx), 0) FROM entry)";

pub(crate) fn read_case(row: &Row<'_>) -> Result<CaseRow, ReadError> {
    let text = |index| row.get::<_, String>(index);
    let optional = |index| row.get::<_, Option<String>>(index);
    Ok(CaseRow {
        id: column::id(&text(0)?, "case id")?,
        opened: column::count(row.get(1)?)?,
        version: column::count(row.get(2)?)?,
        state: column::state(&text(3)?)?,
        issuing: Issuing(column::id(&text(4)?, "jurisdiction")?),
        executing: Executing(column::id(&text(5)?, "jurisdiction")?),
        instrument: optional(6)?
            .map(|id| column::id(&id, "instrument"))
            .transpose()?,
        outcome: optional(7)?
            .map(|name| column::outcome(&name))
            .transpose()?,
        exercise: column::truth(row.get(8)?)?,
        urgency: column::urgency(row.get(9)?)?,
        owner: text(10)?,
        request_id: column::id(&text(11)?, "request id")?,
        opened_at: column::instant(row.get(12)?)?,
        changed_at: column::instant(row.get(13)?)?,
        wake_at: row
            .get::<_, Option<i64>>(14)?
            .map(column::instant)
            .transpose()?,
        reviewers: column::read_reviewers(optional(15)?.as_deref())?,
        team: optional(16)?
            .map(|id| column::id(&id, "case id"))
            .transpose()?,
        records: Vec::new(),
    })
}

/// A case with the records of its events; none if it was erased.
fn with_records(db: &Connection, vault: &Vault, case: CaseRow) -> Result<CaseRow, ReadError> {
    let records = db
        .prepare_cached(
            "SELECT key, sealed FROM entry \
             WHERE case_id = ?1 AND state IS NOT NULL AND sealed IS NOT NULL ORDER BY idx",
        )?
        .query_and_then([case.id.as_str()], |row| Ok(unseal(vault, row)?.record))?
        .collect::<Result<_, ReadError>>()?;
    Ok(CaseRow { records, ..case })
}

/// The record of a row that begins with `key` and `sealed`.
fn unseal(vault: &Vault, row: &Row<'_>) -> Result<Record, ReadError> {
    open(
        vault,
        &row.get::<_, Vec<u8>>(0)?,
        &row.get::<_, Vec<u8>>(1)?,
    )
}

pub(crate) fn open(vault: &Vault, key: &[u8], sealed: &[u8]) -> Result<Record, ReadError> {
    let opened = vault.unwrap(key).and_then(|key| key.open(sealed));
    opened.ok_or(ReadError::Damaged { what: "record" })
}

pub(crate) fn case(
    db: &Connection,
    vault: &Vault,
    id: &CaseId,
) -> Result<Option<CaseRow>, ReadError> {
    one(
        (db, vault),
        &format!("SELECT {CASE_COLUMNS} FROM cases WHERE id = ?1 AND {IS_THERE}"),
        &[id.as_str()],
    )
}

pub(crate) fn case_by_key(
    db: &Connection,
    vault: &Vault,
    caller: &str,
    request_id: &RequestId,
) -> Result<Option<CaseRow>, ReadError> {
    one(
        (db, vault),
        &format!(
            "SELECT {CASE_COLUMNS} FROM cases WHERE id = \
             (SELECT case_id FROM request_key WHERE caller = ?1 AND request_id = ?2) \
             AND {IS_THERE}"
        ),
        &[caller, request_id.as_str()],
    )
}

fn one(
    (db, vault): (&Connection, &Vault),
    sql: &str,
    values: &[&str],
) -> Result<Option<CaseRow>, ReadError> {
    let case = db
        .prepare_cached(sql)?
        .query_row(params_from_iter(values), |row| Ok(read_case(row)))
        .optional()?;
    case.transpose()?
        .map(|case| with_records(db, vault, case))
        .transpose()
}

/// Every row of a case in the order of opening, from the first opened after `after`,
/// without records; also of cases whose opening was pruned.
pub(crate) fn cases_after(
    db: &Connection,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<CaseRow>, ReadError> {
    let mut query = Query::select(&format!("SELECT {CASE_COLUMNS} FROM cases"));
    query.and_if("opened > ?", after.map(column::sql));
    query.rows(db, "opened", limit, read_case)
}

/// The cases opened in a period, in the order of opening, from the first opened
/// after `after`, without records.
pub(crate) fn cases_opened(
    db: &Connection,
    after: Option<u64>,
    period: Period,
    limit: usize,
) -> Result<Vec<CaseRow>, ReadError> {
    let Period { since, until } = period;
    let mut query = Query::cases();
    query.and_if("opened > ?", after.map(column::sql));
    query.and_if("opened_at >= ?", since.map(Timestamp::as_microsecond));
    query.and_if("opened_at < ?", until.map(Timestamp::as_microsecond));
    query.rows(db, "opened", limit, read_case)
}

/// A case with its records; one whose records are damaged has none, so that others can
/// be read.
pub(crate) fn with_sound_records(
    db: &Connection,
    vault: &Vault,
    case: &CaseRow,
) -> Result<CaseRow, ReadError> {
    match with_records(db, vault, case.clone()) {
        Err(ReadError::Damaged { .. }) => Ok(case.clone()),
        read => read,
    }
}

/// How many cases [`cases_opened`] has to come.
pub(crate) fn count_cases(
    db: &Connection,
    after: Option<u64>,
    period: Period,
) -> Result<u64, ReadError> {
    let Period { since, until } = period;
    let count = db.query_row(
        &format!(
            "SELECT count(*) FROM cases \
             WHERE opened > ?1 AND opened_at >= ?2 AND opened_at < ?3 AND {IS_THERE}"
        ),
        rusqlite::params![
            after.map_or(-1, column::sql),
            since.map_or(i64::MIN, Timestamp::as_microsecond),
            until.map_or(i64::MAX, Timestamp::as_microsecond),
        ],
        |row| row.get(0),
    )?;
    column::count(count)
}

pub(crate) fn cases(
    (db, vault): (&Connection, &Vault),
    filter: &CaseFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<CaseRow>, ReadError> {
    let CaseFilter {
        party,
        owner,
        state,
        issuing,
        executing,
        instrument,
        team,
    } = filter;
    let mut query = Query::cases();
    if let Some(party) = party {
        match &party.executing {
            None => query.and("owner = ?", party.owner.clone()),
            Some(state) => {
                query.and("(owner = ?", party.owner.clone());
                query.or("executing = ?)", state.to_string());
            }
        }
    }
    query.and_if("owner = ?", owner.clone());
    query.and_if("state = ?", state.map(|s| column::state_name(s).to_owned()));
    query.and_if("issuing = ?", issuing.as_ref().map(ToString::to_string));
    query.and_if("executing = ?", executing.as_ref().map(ToString::to_string));
    query.and_if(
        "instrument = ?",
        instrument.as_ref().map(ToString::to_string),
    );
    match team {
        None => {}
        Some(OfTeam::SetUp) => query.and_that("team = id"),
        Some(OfTeam::SharedIn(team)) => {
            query.and("team = ?", team.to_string());
            query.and("id <> ?", team.to_string());
        }
    }
    query.and_if("opened < ?", before.map(column::sql));
    let cases = query.rows(db, "opened DESC", limit, read_case)?;
    let cases = cases.into_iter();
    cases.map(|case| with_records(db, vault, case)).collect()
}

/// Cases with an open task for a State's reviewers: most urgent first, then
/// oldest, beginning after `after`.
pub(crate) fn cases_to_review(
    (db, vault): (&Connection, &Vault),
    state: &JurisdictionCode,
    after: Option<Reviewed>,
    limit: usize,
) -> Result<Vec<CaseRow>, ReadError> {
    let mut query = Query::cases();
    query.and("reviewers LIKE ?", format!("% {state} %"));
    if let Some(Reviewed { urgency, opened }) = after {
        let urgency = column::rank(urgency);
        query.and("(urgency < ?", urgency);
        query.or("urgency = ?", urgency);
        query.and("opened > ?)", column::sql(opened));
    }
    let cases = query.rows(db, "urgency DESC, opened", limit, read_case)?;
    let cases = cases.into_iter();
    cases.map(|case| with_records(db, vault, case)).collect()
}

pub(crate) fn entries(
    db: &Connection,
    start: Page,
    filter: &EntryFilter,
    limit: usize,
) -> Result<Vec<EntryRow>, ReadError> {
    let mut query = Query::entries(filter);
    let order = match start {
        Page::From(index) => {
            query.and("idx >= ?", column::sql(index));
            "idx"
        }
        Page::Before(index) => {
            query.and("idx < ?", column::sql(index));
            "idx DESC"
        }
        Page::Newest => "idx DESC",
    };
    query.rows(db, order, limit, read_entry)
}

pub(crate) fn read_entry(row: &Row<'_>) -> Result<EntryRow, ReadError> {
    let leaf_bytes: Vec<u8> = row.get(1)?;
    let (leaf, _) = Leaf::read(&leaf_bytes).map_err(|_| ReadError::Damaged { what: "leaf" })?;
    Ok(EntryRow {
        index: column::count(row.get(0)?)?,
        leaf_hash: Hash::of_leaf(&leaf_bytes),
        leaf,
        leaf_bytes,
    })
}

/// The private part of an entry; `None` if it was erased, or is not there.
pub(crate) fn record(
    db: &Connection,
    vault: &Vault,
    index: u64,
) -> Result<Option<Record>, ReadError> {
    let found = db
        .prepare_cached("SELECT key, sealed FROM entry WHERE idx = ?1 AND sealed IS NOT NULL")?
        .query_row([column::sql(index)], |row| Ok(unseal(vault, row)))
        .optional()?;
    found.transpose()
}

/// The leaf of an entry and the salt of its commitments.
pub(crate) fn bound(db: &Connection, index: i64) -> Result<Option<(Leaf, [u8; 32])>, ReadError> {
    db.prepare_cached("SELECT leaf, salt FROM entry WHERE idx = ?1")?
        .query_row([index], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, [u8; 32]>(1)?))
        })
        .optional()?
        .map(|(leaf, salt)| {
            let (leaf, _) = Leaf::read(&leaf).map_err(|_| ReadError::Damaged { what: "leaf" })?;
            Ok((leaf, salt))
        })
        .transpose()
}

/// How many entries there are.
pub(crate) fn size(db: &Connection) -> Result<u64, ReadError> {
    let last: Option<i64> = db.query_row("SELECT max(idx) FROM entry", [], |row| row.get(0))?;
    last.map_or(Ok(0), |last| Ok(column::count(last)? + 1))
}

/// The last signed checkpoint as the database knows it.
pub(crate) fn head(db: &Connection) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    db.query_row("SELECT size, note FROM head", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?))
    })
    .optional()?
    .map(|(size, note)| Ok((column::count(size)?, note)))
    .transpose()
}

/// The leaves from the index `from` on, at most `limit`.
pub(crate) fn leaves(
    db: &Connection,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
    db.prepare_cached("SELECT idx, leaf FROM entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2")?
        .query_and_then([column::sql(from), column::sql(limit as u64)], |row| {
            Ok((column::count(row.get(0)?)?, row.get(1)?))
        })?
        .collect()
}

/// A query under conditions. Which ones there are decides its text, so that each
/// combination is prepared once and uses its index.
pub(crate) struct Query {
    sql: String,
    values: Vec<Value>,
    has_conditions: bool,
}

impl Query {
    fn select(sql: &str) -> Self {
        Self {
            sql: sql.to_owned(),
            values: Vec::new(),
            has_conditions: false,
        }
    }

    /// The cases that are there.
    pub(crate) fn cases() -> Self {
        let mut query = Self::select(&format!("SELECT {CASE_COLUMNS} FROM cases"));
        query.and_that(IS_THERE);
        query
    }

    /// The entries that a filter lets through.
    pub(crate) fn entries(filter: &EntryFilter) -> Self {
        let EntryFilter {
            kind,
            case,
            actor,
            outcome,
            state,
            instrument,
            issuing,
            executing,
            category,
            since,
            until,
        } = filter;
        let mut query = Self::select("SELECT idx, leaf FROM entry");
        query.and_if("case_id = ?", case.as_ref().map(ToString::to_string));
        query.and_if("kind = ?", kind.clone());
        query.and_if("actor = ?", actor.clone());
        query.and_if("outcome = ?", outcome.clone());
        query.and_if("state = ?", state.clone());
        query.and_if(
            "instrument = ?",
            instrument.as_ref().map(ToString::to_string),
        );
        query.and_if("issuing = ?", issuing.as_ref().map(ToString::to_string));
        query.and_if("executing = ?", executing.as_ref().map(ToString::to_string));
        query.and_if(
            "json_extract(CAST(leaf AS TEXT), '$.entry.category') = ?",
            category.clone(),
        );
        query.and_if("at >= ?", since.map(Timestamp::as_microsecond));
        query.and_if("at < ?", until.map(Timestamp::as_microsecond));
        query
    }

    pub(crate) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.and_that(condition);
        self.values.push(value.into());
    }

    /// A condition without a value.
    fn and_that(&mut self, condition: &str) {
        self.sql.push_str(if self.has_conditions {
            " AND "
        } else {
            " WHERE "
        });
        self.sql.push_str(condition);
        self.has_conditions = true;
    }

    fn or(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql.push_str(" OR ");
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    pub(crate) fn and_if(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    pub(crate) fn rows<T>(
        mut self,
        db: &Connection,
        order: &str,
        limit: usize,
        read: fn(&Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.values.push(page(limit).into());
        let sql = format!("{} ORDER BY {order} LIMIT ?", self.sql);
        db.prepare_cached(&sql)?
            .query_and_then(params_from_iter(self.values), read)?
            .collect()
    }
}

pub(crate) fn page(limit: usize) -> i64 {
    column::sql(limit.min(MAX_PAGE) as u64)
}
