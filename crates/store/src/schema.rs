//! The database: its tables and how connections to it are opened.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::{OpenError, open::demand_shape};

/// Marks the file as a Comity store: "CMTY".
const APPLICATION_ID: i32 = 0x434d_5459;

/// Version of the tables below.
const SCHEMA_VERSION: i32 = 6;

/// The version before it, whose jobs were in no order of States.
const ONE_QUEUE: i32 = 5;

/// The version before that, which had no blind index either.
const WITHOUT_INDEX: i32 = 4;

/// How long to wait for another program that holds the database.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Room for every statement the store uses.
const STATEMENTS: usize = 72;

/// `entry` repeats in columns what search needs of its leaf; the leaf decides.
/// Of `cases`, `request_key` and `job`, the leaf of an entry commits to all that
/// does not change by itself: leases, attempts and notes of jobs do.
pub(crate) const TABLES: &str = "
CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,            -- dense, from 0
    at INTEGER NOT NULL,                -- microseconds since 1970, UTC
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    case_id TEXT,
    state TEXT,
    outcome TEXT,
    instrument TEXT,
    issuing TEXT,
    executing TEXT,
    leaf BLOB NOT NULL,
    salt BLOB NOT NULL,                 -- of what the leaf binds
    key BLOB,                           -- of the record, wrapped; none once erased
    sealed BLOB                         -- the record; none once erased
) STRICT;
CREATE INDEX entry_case ON entry (case_id, idx) WHERE case_id IS NOT NULL;

CREATE TABLE cases (
    opened INTEGER PRIMARY KEY REFERENCES entry (idx),
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    issuing TEXT NOT NULL,
    executing TEXT NOT NULL,
    instrument TEXT,
    outcome TEXT,
    exercise INTEGER NOT NULL,
    urgency INTEGER NOT NULL,
    owner TEXT NOT NULL,
    request_id TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    wake_at INTEGER,
    reviewers TEXT,                     -- jurisdictions, each between spaces
    team TEXT,                          -- a case by which a team was set up; may be itself
    owes INTEGER NOT NULL DEFAULT 1     -- a delivery or a recall; as its records say
) STRICT;
CREATE INDEX cases_owner ON cases (owner, opened);
CREATE INDEX cases_executing ON cases (executing, opened);
CREATE INDEX cases_wake ON cases (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX cases_team ON cases (team, opened) WHERE team IS NOT NULL;
CREATE INDEX cases_review ON cases (urgency, opened) WHERE reviewers IS NOT NULL;

CREATE TABLE request_key (
    caller TEXT NOT NULL,
    request_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    idx INTEGER NOT NULL REFERENCES entry (idx),
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id INTEGER PRIMARY KEY,             -- index of its entry * 256 + place
    case_id TEXT NOT NULL,
    step TEXT NOT NULL,
    target TEXT NOT NULL,
    urgency INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,          -- once it is due, and nobody has it on lease
    fence INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    note TEXT,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX job_ready ON job (target, urgency, ready_at);
CREATE INDEX job_case ON job (case_id);

CREATE TABLE head (                     -- the last signed checkpoint
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;
";

/// What the version before the last had not, or by other columns: the index of emergencies,
/// and one that no leaf commits to, see [`crate::blind`].
pub(crate) const INDEX: &str = "
DROP INDEX IF EXISTS cases_emergency;
CREATE INDEX cases_emergency ON cases (owner, opened) WHERE urgency = 2;

CREATE TABLE blind (                    -- where personal values are
    idx INTEGER PRIMARY KEY REFERENCES entry (idx),
    tags BLOB NOT NULL                  -- of its values, 8 bytes each
) STRICT;

CREATE TABLE blind_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL,                  -- of the index, wrapped
    extractor INTEGER NOT NULL,         -- number of what took the values from records
    next INTEGER NOT NULL,              -- entries from here on
    until INTEGER NOT NULL,             -- and before this are not in it yet
    tags INTEGER NOT NULL,
    sum INTEGER NOT NULL                -- of all tags and where they are
) STRICT;
";

/// What the last version had otherwise. Of its cases each may owe something.
pub(crate) const QUEUES: &str = "
ALTER TABLE cases ADD COLUMN owes INTEGER NOT NULL DEFAULT 1;
DROP INDEX job_order;
ALTER TABLE job DROP COLUMN leased_until;
ALTER TABLE job RENAME COLUMN due_at TO ready_at;
CREATE INDEX job_ready ON job (target, urgency, ready_at);
";

/// What versions before had not either, and can do without: the sizes of which a checkpoint
/// was signed, each once its files are on disk.
pub(crate) const SIGNED: &str =
    "CREATE TABLE IF NOT EXISTS signed (size INTEGER PRIMARY KEY) STRICT";

/// Opens the one connection that writes, creating the tables if need be.
///
/// Every commit is flushed before it returns (`synchronous = FULL`). `None` where the file
/// is another program's, or of another version. Nothing is changed in it then, nor where it
/// holds what the store did not make.
pub(crate) fn open_writer(path: &Path) -> Result<Option<Connection>, OpenError> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && !is_readable(&db)? {
        return Ok(None);
    }
    if tables > 0 {
        demand_shape(&db)?;
    }
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // A decision's record fills most of a page of this size: fewer are written.
    db.pragma_update(None, "page_size", 8192)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    // The one writer puts parents first, and verification looks for orphans.
    db.pragma_update(None, "foreign_keys", false)?;
    // The carrier's.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Longer than it is meant to be, it is cut as it is begun again.
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // Every commit walks the cache; what it misses, the system's cache has.
    db.pragma_update(None, "cache_size", -16_384)?;
    if tables == 0 {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} {INDEX} {SIGNED}; PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        ))?;
    }
    let index = match is_of(&db, WITHOUT_INDEX)? {
        true => INDEX,
        false => "",
    };
    if !is_ours(&db)? {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {index} {QUEUES} {SIGNED}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        ))?;
    }
    Ok(Some(db))
}

/// Opens the connection by which [`crate::carrier`] writes, beside the writer's.
pub(crate) fn open_carrier(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    // What it carries over is flushed before the log is begun again.
    db.pragma_update(None, "synchronous", "full")?;
    Ok(db)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(db)
}

/// Opens a database that nobody writes to meanwhile: no lock is taken and no file
/// made, so that it may lie on a medium that cannot be written.
pub(crate) fn open_at_rest(path: &Path) -> rusqlite::Result<Connection> {
    let path = path.to_string_lossy();
    let path = path
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    Connection::open_with_flags(
        format!("file:{path}?immutable=1"),
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

/// Whether the file holds this version's tables.
pub(crate) fn is_ours(db: &Connection) -> rusqlite::Result<bool> {
    is_of(db, SCHEMA_VERSION)
}

/// Whether the file can be read as it is: also by the versions before, but for what they had
/// not, or otherwise.
pub(crate) fn is_readable(db: &Connection) -> rusqlite::Result<bool> {
    Ok(is_ours(db)? || is_of(db, ONE_QUEUE)? || is_of(db, WITHOUT_INDEX)?)
}

/// Whether the file has the blind index.
pub(crate) fn is_indexed(db: &Connection) -> rusqlite::Result<bool> {
    Ok(is_ours(db)? || is_of(db, ONE_QUEUE)?)
}

/// The column that says from when on a job can be claimed.
pub(crate) fn ready_at(db: &Connection) -> rusqlite::Result<&'static str> {
    Ok(match is_ours(db)? {
        true => "ready_at",
        false => "due_at",
    })
}

fn is_of(db: &Connection, version: i32) -> rusqlite::Result<bool> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    Ok(pragma("application_id")? == APPLICATION_ID && pragma("user_version")? == version)
}
