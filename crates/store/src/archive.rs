//! The cases of a store, read from its files without opening it: what reports on
//! the past need, whether or not a gateway is at work on it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    CaseRow, OpenError, ReadError, column,
    open::{DATABASE, VAULT, WRITE_AHEAD_LOG},
    read, schema,
    vault::Vault,
};

/// See the module. Cases come in the order of opening, batch by batch, so that
/// no more than one batch is held.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    db: Connection,
    vault: Vault,
    /// Opened as a file that nobody writes to.
    at_rest: bool,
    period: Period,
    /// The last case read.
    after: Option<u64>,
}

/// When cases were opened: not before the first, and before the second instant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Period {
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

impl Archive {
    /// Opens the store in `dir` for reading the cases opened in a period.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is ever written.
    pub fn open(dir: &Path, period: Period) -> Result<Self, OpenError> {
        let at_rest = !dir.join(WRITE_AHEAD_LOG).exists();
        let db = connect(dir, at_rest)?;
        if !schema::is_ours(&db)? {
            return Err(OpenError::Foreign);
        }
        Ok(Self {
            dir: dir.to_owned(),
            db,
            vault: Vault::open(dir.join(VAULT), false)?,
            at_rest,
            period,
            after: None,
        })
    }

    /// How many cases are still to come.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn remaining(&self) -> Result<u64, ReadError> {
        let Period { since, until } = self.period;
        let count = self.db.query_row(
            "SELECT count(*) FROM cases WHERE opened > ?1 AND opened_at >= ?2 AND opened_at < ?3",
            rusqlite::params![
                self.after.map_or(-1, column::sql),
                since.map_or(i64::MIN, Timestamp::as_microsecond),
                until.map_or(i64::MAX, Timestamp::as_microsecond),
            ],
            |row| row.get(0),
        )?;
        column::count(count)
    }

    /// The next cases with the records of their events, at most `limit`; none
    /// once all were read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next(&mut self, limit: usize) -> Result<Vec<CaseRow>, ReadError> {
        if self.at_rest && self.dir.join(WRITE_AHEAD_LOG).exists() {
            // It came into use: from now on as others write to it.
            self.db = schema::open_reader(&self.dir.join(DATABASE))?;
            self.at_rest = false;
        }
        let cases =
            read::cases_with_records((&self.db, &self.vault), self.after, self.period, limit)?;
        self.after = cases.last().map(|case| case.opened).or(self.after);
        Ok(cases)
    }
}

fn connect(dir: &Path, at_rest: bool) -> Result<Connection, OpenError> {
    let database = dir.join(DATABASE);
    if !database.is_file() {
        let missing = std::io::Error::new(
            std::io::ErrorKind::NotFound,
            format!("it holds no `{DATABASE}`"),
        );
        return Err(OpenError::Folder {
            path: dir.display().to_string(),
            source: missing,
        });
    }
    let open = if at_rest {
        schema::open_at_rest
    } else {
        schema::open_reader
    };
    Ok(open(&database)?)
}
