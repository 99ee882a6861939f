//! Which items of evidence the ledger says are stored, read without the key to its records.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use comity_domain::CaseId;
use comity_ledger::Evidence;
use rusqlite::{Connection, params};

use crate::{
    ERASURE, EVIDENCE_ERASED, ReadError, column,
    open::{DATABASE, WRITE_AHEAD_LOG},
    read, schema,
};

/// The kind of an entry that says that an item of evidence of its case is complete.
pub const EVIDENCE_STORED: &str = "evidence-stored";

/// Entries read at once.
const PAGE: usize = 256;

/// An item that is stored, as an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The entry.
    pub entry: u64,
    /// The case.
    pub case: CaseId,
    /// What the entry says of it.
    pub evidence: Evidence,
}

/// The items that are stored, in the order of storing. Few are held at once.
#[derive(Debug)]
pub struct Items {
    dir: PathBuf,
    db: Connection,
    /// Opened as a file that nobody writes to.
    at_rest: bool,
    page: VecDeque<Item>,
    /// Entries from here on are not read yet; `None` after the last.
    next: Option<u64>,
}

impl Items {
    /// Those of the store in `dir`, which may be in use.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let at_rest = !dir.join(WRITE_AHEAD_LOG).exists();
        let database = dir.join(DATABASE);
        let db = match at_rest {
            true => schema::open_at_rest(&database)?,
            false => schema::open_reader(&database)?,
        };
        Ok(Self {
            dir: dir.to_owned(),
            db,
            at_rest,
            page: VecDeque::new(),
            next: Some(0),
        })
    }

    /// How many entries there are by now.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entries(&mut self) -> Result<u64, ReadError> {
        self.read(read::size)
    }

    /// Whether no entry says that an item was erased since.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn stands(&mut self, item: &Item) -> Result<bool, ReadError> {
        self.read(|db| stands(db, item))
    }

    /// The next ones, passed over those erased since; none after the last.
    fn turn_page(&mut self) -> Result<(), ReadError> {
        while let Some(from) = self.next.filter(|_| self.page.is_empty()) {
            let (page, next) = self.read(|db| page(db, from))?;
            self.page = page;
            self.next = next;
        }
        Ok(())
    }

    /// Runs a query; again where the store came into use meanwhile.
    fn read<T>(
        &mut self,
        query: impl Fn(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let result = query(&self.db);
        if self.at_rest && self.dir.join(WRITE_AHEAD_LOG).exists() {
            self.db = schema::open_reader(&self.dir.join(DATABASE))?;
            self.at_rest = false;
            return query(&self.db);
        }
        result
    }
}

impl Iterator for Items {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.turn_page() {
            Ok(()) => self.page.pop_front().map(Ok),
            Err(error) => {
                self.next = None;
                Some(Err(error))
            }
        }
    }
}

/// Items of a page of entries, and from where the next page is.
fn page(db: &Connection, from: u64) -> Result<(VecDeque<Item>, Option<u64>), ReadError> {
    let mut select = db.prepare_cached(
        "SELECT idx, leaf FROM entry WHERE idx >= ?1 AND kind = ?2 AND case_id IS NOT NULL \
         ORDER BY idx LIMIT ?3",
    )?;
    let asked = params![column::sql(from), EVIDENCE_STORED, read::page(PAGE)];
    let rows = select.query_and_then(asked, read::read_entry)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let next = rows.last().map(|row| row.index + 1);
    let mut items = VecDeque::new();
    for row in rows {
        let named = row.leaf.evidence.zip(row.leaf.case);
        let Some((evidence, case)) = named else {
            continue;
        };
        let item = Item {
            entry: row.index,
            case: column::id(&case, "case id")?,
            evidence,
        };
        if stands(db, &item)? {
            items.push_back(item);
        }
    }
    Ok((items, next))
}

fn stands(db: &Connection, item: &Item) -> Result<bool, ReadError> {
    let mut select = db.prepare_cached(
        "SELECT idx, leaf FROM entry WHERE case_id = ?1 AND idx > ?2 AND kind IN (?3, ?4)",
    )?;
    let asked = params![
        item.case.as_str(),
        column::sql(item.entry),
        EVIDENCE_ERASED,
        ERASURE
    ];
    for row in select.query_and_then(asked, read::read_entry)? {
        let leaf = row?.leaf;
        let erased = leaf.evidence.map(|erased| erased.sha256);
        // With the case went all that was stored for it.
        if leaf.kind == ERASURE || erased == Some(item.evidence.sha256) {
            return Ok(false);
        }
    }
    Ok(true)
}
