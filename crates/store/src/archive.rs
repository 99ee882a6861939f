//! A store read from its files without opening it: what reports on the past
//! need, whether or not a gateway is at work on it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use comity_domain::CaseId;
use comity_ledger::Leaf;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    CaseRow, ERASURE, EntryFilter, EntryRow, Extractor, Found, KeyToken, Names, OpenError, Page,
    ReadError, Record, Search, Store, Term, blind,
    open::{DATABASE, LEDGER, VAULT, WRITE_AHEAD_LOG, demand_shape},
    read, schema,
    search::search,
    vault::Vault,
};

/// Entries of a case read at once.
const ENTRIES: usize = 512;

/// See the module. Cases come in the order of opening, batch by batch, so that
/// no more than one batch is held.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    db: Connection,
    vault: Arc<Vault>,
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
    /// Opens the store in `dir` for reading the cases opened in a period; also one that
    /// the version before has left, which has no index of personal values. `token` keeps
    /// the key of its records, where one does.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is ever written.
    pub fn open(dir: &Path, token: Option<&KeyToken>, period: Period) -> Result<Self, OpenError> {
        let vault = || Vault::open(dir.join(VAULT), token, false);
        let archive = Self::opened(dir, || Ok(Arc::new(vault()?)), period)?;
        demand_shape(&archive.db)?;
        Ok(archive)
    }

    /// The same folder once more, from its first case on.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is ever written.
    pub fn again(&self, period: Period) -> Result<Self, OpenError> {
        Self::opened(&self.dir, || Ok(Arc::clone(&self.vault)), period)
    }

    fn opened(
        dir: &Path,
        vault: impl FnOnce() -> Result<Arc<Vault>, OpenError>,
        period: Period,
    ) -> Result<Self, OpenError> {
        let at_rest = !dir.join(WRITE_AHEAD_LOG).exists();
        let db = connect(dir, at_rest)?;
        if !schema::is_readable(&db)? {
            return Err(OpenError::Foreign);
        }
        Ok(Self {
            dir: dir.to_owned(),
            db,
            vault: vault()?,
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
        read::count_cases(&self.db, self.after, self.period)
    }

    /// The next cases with the records of their events, at most `limit`; none
    /// once all were read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next(&mut self, limit: usize) -> Result<Vec<CaseRow>, ReadError> {
        let cases = self.next_sealed(limit)?;
        cases.iter().map(|case| self.unsealed(case)).collect()
    }

    /// As [`Archive::next`], without the records.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_sealed(&mut self, limit: usize) -> Result<Vec<CaseRow>, ReadError> {
        let (after, period) = (self.after, self.period);
        let cases = self.read(|db, _| read::cases_opened(db, after, period, limit))?;
        self.after = cases.last().map(|case| case.opened).or(self.after);
        Ok(cases)
    }

    /// A case of [`Archive::next_sealed`] with its records; without, where they are damaged.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn unsealed(&mut self, case: &CaseRow) -> Result<CaseRow, ReadError> {
        self.read(|db, vault| read::with_sound_records(db, vault, case))
    }

    /// A page of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn search(&mut self, what: &Search) -> Result<Found, ReadError> {
        self.read(|db, _| search(db, what, None))
    }

    /// What all entries name of what can be searched for by a name; reads all of them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn names(&mut self) -> Result<Names, ReadError> {
        self.read(|db, _| Names::read(db))
    }

    /// A page of the entries that hold a personal value: see
    /// [`Store::search_personal`].
    ///
    /// # Errors
    /// [`ReadError::Unindexed`] where the index is not complete, was changed or is of
    /// another version; [`ReadError::OtherSearch`] where the page before was one of another
    /// search; [`ReadError`].
    pub fn search_personal(
        &mut self,
        what: &Search,
        terms: &[Term],
        extractor: Extractor,
    ) -> Result<Found, ReadError> {
        self.read(|db, vault| {
            // The index and its sum, of one moment; nothing is to be undone as it ends.
            let _moment = db.unchecked_transaction()?;
            blind::search((db, vault), what, (terms, extractor))
        })
    }

    /// One entry with its private part, where that was not erased.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entry(&mut self, index: u64) -> Result<Option<(EntryRow, Option<Record>)>, ReadError> {
        self.read(|db, vault| {
            let found = read::entries(db, Page::From(index), &EntryFilter::default(), 1)?;
            let entry = found.into_iter().find(|entry| entry.index == index);
            entry
                .map(|entry| Ok((entry, read::record(db, vault, index)?)))
                .transpose()
        })
    }

    /// Every entry of a case with its private part, oldest first; none if there
    /// is no such case.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entries_of(
        &mut self,
        case: &CaseId,
    ) -> Result<Vec<(EntryRow, Option<Record>)>, ReadError> {
        self.matching(&EntryFilter {
            case: Some(case.clone()),
            ..EntryFilter::default()
        })
    }

    /// Every entry that says that something was erased, with its private part, oldest
    /// first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn erasures(&mut self) -> Result<Vec<(EntryRow, Option<Record>)>, ReadError> {
        self.of_kind(ERASURE)
    }

    pub(crate) fn of_kind(
        &mut self,
        kind: &str,
    ) -> Result<Vec<(EntryRow, Option<Record>)>, ReadError> {
        self.matching(&EntryFilter {
            kind: Some(kind.to_owned()),
            ..EntryFilter::default()
        })
    }

    fn matching(
        &mut self,
        filter: &EntryFilter,
    ) -> Result<Vec<(EntryRow, Option<Record>)>, ReadError> {
        self.read(|db, vault| {
            let mut found = Vec::new();
            let mut from = 0;
            loop {
                let page = read::entries(db, Page::From(from), filter, ENTRIES)?;
                let Some(last) = page.last() else {
                    return Ok(found);
                };
                from = last.index + 1;
                for entry in page {
                    let record = read::record(db, vault, entry.index)?;
                    found.push((entry, record));
                }
            }
        })
    }

    /// Whether there is a case: one whose opening was pruned is none any more.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn has_case(&mut self, case: &CaseId) -> Result<bool, ReadError> {
        self.read(|db, _| {
            let sql = format!("SELECT 1 FROM cases WHERE id = ?1 AND {}", read::IS_THERE);
            Ok(db.prepare_cached(&sql)?.exists([case.as_str()])?)
        })
    }

    /// What every entry of a case says, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn leaves_of(&mut self, case: &CaseId) -> Result<Vec<Leaf>, ReadError> {
        let filter = EntryFilter {
            case: Some(case.clone()),
            ..EntryFilter::default()
        };
        self.read(|db, _| {
            let mut leaves = Vec::new();
            let mut from = 0;
            loop {
                let page = read::entries(db, Page::From(from), &filter, ENTRIES)?;
                let Some(last) = page.last() else {
                    return Ok(leaves);
                };
                from = last.index + 1;
                leaves.extend(page.into_iter().map(|entry| entry.leaf));
            }
        })
    }

    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// The folder of the published ledger, C2SP tlog-tiles.
    #[must_use]
    pub fn ledger_dir(&self) -> PathBuf {
        self.dir.join(LEDGER)
    }

    /// Runs a query; again where the store came into use meanwhile, from then on
    /// as others write to it.
    pub(crate) fn read<T>(
        &mut self,
        query: impl Fn(&Connection, &Vault) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let result = query(&self.db, &self.vault);
        if self.at_rest && self.dir.join(WRITE_AHEAD_LOG).exists() {
            self.db = schema::open_reader(&self.dir.join(DATABASE))?;
            self.at_rest = false;
            return query(&self.db, &self.vault);
        }
        result
    }
}

impl Store {
    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        let ledger = self.ledger_dir();
        ledger.parent().unwrap_or(ledger)
    }

    /// The store for reading its past, without asking for its key again.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn archive(&self, period: Period) -> Result<Archive, OpenError> {
        let vault = || Ok(Arc::clone(&self.inner.vault));
        Archive::opened(self.folder(), vault, period)
    }
}

/// Opens the database in a store's folder for reading.
pub(crate) fn connect(dir: &Path, at_rest: bool) -> Result<Connection, OpenError> {
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
