//! Searching the ledger in pages that neither shift nor end in themselves: the
//! reading of each page is an entry too.

use std::collections::BTreeSet;

use comity_domain::JurisdictionCode;
use rusqlite::Connection;

use crate::{EntryFilter, EntryRow, ReadError, column, read};

/// What to find, in which order, and which page of it.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Which entries.
    pub filter: EntryFilter,
    /// In which order.
    pub order: Order,
    /// The page before; `None` for the first.
    pub after: Option<Cursor>,
    /// At most so many on a page, and no more than 999.
    pub limit: usize,
    /// Only entries that this State asks or is asked in.
    pub involving: Option<JurisdictionCode>,
}

/// An order of entries. Equals follow by index, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// What decides.
    pub by: SortBy,
    /// Greatest first.
    pub descending: bool,
}

/// What decides an order of entries; what an entry does not have is least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// Its place in the ledger.
    #[default]
    Index,
    /// When it happened.
    At,
    /// What it records.
    Kind,
    /// Who did it.
    Actor,
    /// The case it belongs to.
    Case,
    /// Outcome of a decision.
    Outcome,
    /// Where the case stands after it.
    State,
    /// The legal basis.
    Instrument,
    /// The State that asks.
    Issuing,
    /// The State that is asked.
    Executing,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Index of its last entry.
    pub last: u64,
    /// Entries there were when the first page was read: later ones are left out
    /// of all pages.
    pub below: u64,
    /// Of a search by personal values, what it is a page of: a digest of all that is
    /// searched for, under a key, so that it confirms no guess.
    pub of: Option<[u8; 8]>,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entries.
    pub entries: Vec<EntryRow>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl SortBy {
    /// The expression that decides, never null.
    fn sql(self) -> &'static str {
        match self {
            Self::Index => "idx",
            Self::At => "at",
            Self::Kind => "kind",
            Self::Actor => "actor",
            Self::Case => "coalesce(case_id, '')",
            Self::Outcome => "coalesce(outcome, '')",
            Self::State => "coalesce(state, '')",
            Self::Instrument => "coalesce(instrument, '')",
            Self::Issuing => "coalesce(issuing, '')",
            Self::Executing => "coalesce(executing, '')",
        }
    }
}

/// What all entries name of what can be searched for by a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Kinds of entries.
    pub kinds: BTreeSet<String>,
    /// Legal bases.
    pub instruments: BTreeSet<String>,
    /// Asking States.
    pub issuing: BTreeSet<String>,
    /// Asked States.
    pub executing: BTreeSet<String>,
}

impl Names {
    /// Reads every entry.
    pub(crate) fn read(db: &Connection) -> Result<Self, ReadError> {
        let all = |column: &str| -> Result<BTreeSet<String>, ReadError> {
            let sql = format!("SELECT DISTINCT {column} FROM entry WHERE {column} IS NOT NULL");
            let mut select = db.prepare(&sql)?;
            let rows = select.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        Ok(Self {
            kinds: all("kind")?,
            instruments: all("instrument")?,
            issuing: all("issuing")?,
            executing: all("executing")?,
        })
    }
}

/// A page of what is searched for, of all entries or `among` some.
pub(crate) fn search(
    db: &Connection,
    search: &Search,
    among: Option<&[u64]>,
) -> Result<Found, ReadError> {
    let Search {
        filter,
        order: Order { by, descending },
        after,
        limit,
        involving,
    } = search;
    let below = match after {
        Some(cursor) => cursor.below,
        None => read::size(db)?,
    };
    let key = by.sql();
    let (beyond, direction) = if *descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some(cursor) = after {
        // What was pruned since says nothing of where to go on.
        let mut last = db.prepare_cached("SELECT 1 FROM entry WHERE idx = ?1")?;
        if !last.exists([column::sql(cursor.last)])? {
            return Err(ReadError::OtherSearch);
        }
    }
    let mut query = read::Query::entries(filter);
    query.and("idx < ?", column::sql(below));
    query.and_if(
        "? IN (issuing, executing)",
        involving.as_ref().map(ToString::to_string),
    );
    query.and_if(
        "idx IN (SELECT value FROM json_each(?))",
        among.map(|indexes| format!("{indexes:?}")),
    );
    query.and_if(
        &format!("({key}, idx) {beyond} (SELECT {key}, idx FROM entry WHERE idx = ?)"),
        after.map(|cursor| column::sql(cursor.last)),
    );
    // One more than asked for tells whether there are more.
    let order = format!("{key} {direction}, idx {direction}");
    let mut entries = query.rows(db, &order, limit + 1, read::read_entry)?;
    let more = entries.len() > *limit;
    entries.truncate(*limit);
    let next = entries.last().filter(|_| more).map(|last| Cursor {
        last: last.index,
        below,
        of: None,
    });
    Ok(Found { entries, next })
}
