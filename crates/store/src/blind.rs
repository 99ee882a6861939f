//! The blind index: which entries hold a personal value, for whoever knows the value.
//!
//! A value stays in the sealed record. The index keeps an HMAC-SHA-256 of its kind and
//! its normalised form under a key of the index's own, which is wrapped as the keys of
//! records are. Who has the database without the key file learns how many values an
//! entry has and which entries share one, and can test no guess.
//!
//! **Length.** A tag is the first 64 bits. Safety against guessing lies in the key and
//! not in the length, and nobody gains by forging a tag, since every entry found is
//! opened and looked at before it is shown. So a tag need only be long enough that
//! strangers' records are hardly ever opened for nothing: among ten million values some
//! other one has the same tag once in 10^12 searches. 64 bits are one integer column.
//!
//! **Erasure.** A tag in an old copy of the database would confirm a guess for as long as
//! its key lives. So an erasure draws a new index key, wraps it under the generation that
//! it begins and clears the index; the old index key hangs on the generation that is
//! destroyed, and with it every tag in free pages, write-ahead log and copies is noise.
//! The records that are left are indexed again from themselves. To keep tags and re-key
//! them would take the values or digests of them in a second sealed copy: more to erase,
//! to save a pass over the records that verification makes after each erasure anyway.
//!
//! **Trust.** The index is a help and no evidence: no leaf commits to it. What it
//! names is confirmed, and what it might have lost is noticed by the number and the sum
//! of its tags when the store opens. While it is not complete it answers nothing.
//!
//! **Writing.** Every case is recorded and few are searched for, so the index costs the
//! writer one row at the end of a table, and a search a look at every row: of a million
//! entries, some fifty megabytes. A tree of tags would be searched in no time, and would
//! have every recorded value change a page somewhere in it: tried, and by far the dearer.

use comity_ledger::Leaf;
use ring::hmac;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    CommitError, EntryRow, Found, ReadError, Search, column, discreet::discreet, read, rows::Stop,
    search, vault::Vault,
};

/// The bits of tags that are summed up: no sum of theirs overflows.
const SUMMED: i64 = 0xff_ffff;

/// A personal value by which an entry is found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    kind: &'static str,
    value: String,
}

/// Finds the values by which an entry is found in what it says and what it holds in
/// private.
pub type Extract = fn(&Leaf, &[u8]) -> Vec<Term>;

impl Term {
    /// A value of a kind, so normalised that whatever is to be found by it is equal.
    #[must_use]
    pub fn new(kind: &'static str, value: String) -> Self {
        Self { kind, value }
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn tag(&self, key: &hmac::Key) -> i64 {
        let mut context = hmac::Context::with_key(key);
        context.update(self.kind.as_bytes());
        context.update(&[0]);
        context.update(self.value.as_bytes());
        let tag = context.sign();
        let first = tag.as_ref().first_chunk().copied().unwrap_or_default();
        i64::from_be_bytes(first)
    }
}

/// How far the index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// The first entry that is still to be indexed, ...
    pub next: u64,
    /// ... and the first after it that is indexed.
    pub until: u64,
    /// How many values are in it.
    pub values: u64,
    /// Sum over them, by which two states of the index are told apart.
    pub(crate) sum: u64,
}

impl Indexed {
    /// Nothing is to be done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next >= self.until
    }
}

/// Looks whether the index is what it should be, and clears it where it is not, to be
/// made again from the records. `size` is how many entries there are.
pub(crate) fn open(db: &Connection, vault: &Vault, size: u64) -> Result<(), Stop> {
    let found = match state(db)? {
        Some((key, indexed)) if vault.index_key(&key).is_some() => Some(indexed),
        Some(_) | None => None,
    };
    let counted = count(db)?;
    if found.is_some_and(|found| (found.values, found.sum) == counted) {
        return Ok(());
    }
    if size > 0 {
        tracing::warn!("the index of personal values is lost or changed; it is made again");
    }
    clear(db, vault, size)
}

/// Clears the index and draws it a new key, under the newest generation: entries before
/// `until` are to be indexed again.
pub(crate) fn clear(db: &Connection, vault: &Vault, until: u64) -> Result<(), Stop> {
    let key = vault.draw_index_key().map_err(CommitError::from)?;
    db.execute("DELETE FROM blind", [])?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO blind_state (one, key, next, until, tags, sum) \
         VALUES (1, ?1, 0, ?2, 0, 0)",
    )?
    .execute(params![key, column::sql(until)])?;
    Ok(())
}

/// Indexes an entry.
pub(crate) fn insert(
    db: &Connection,
    vault: &Vault,
    index: u64,
    terms: &[Term],
) -> Result<(), Stop> {
    if terms.is_empty() {
        return Ok(());
    }
    let key = key(db, vault)?;
    let mut tags: Vec<i64> = terms.iter().map(|term| term.tag(&key)).collect();
    tags.sort_unstable();
    tags.dedup();
    let bytes: Vec<u8> = tags.iter().flat_map(|tag| tag.to_be_bytes()).collect();
    db.prepare_cached("INSERT INTO blind (idx, tags) VALUES (?1, ?2)")?
        .execute(params![column::sql(index), bytes])?;
    let sum: i64 = tags.iter().map(|tag| tag & SUMMED).sum();
    db.prepare_cached("UPDATE blind_state SET tags = tags + ?1, sum = sum + ?2")?
        .execute([column::sql(tags.len() as u64), sum])?;
    Ok(())
}

/// Indexes the entries from `from` up to `upto` that were not; refused where the index
/// is to go on elsewhere.
pub(crate) fn advance(
    db: &Connection,
    vault: &Vault,
    (from, upto): (u64, u64),
    found: &[(u64, Vec<Term>)],
) -> Result<(), Stop> {
    let changed = db
        .prepare_cached("UPDATE blind_state SET next = ?2 WHERE next = ?1 AND next < until")?
        .execute([column::sql(from), column::sql(upto)])?;
    if changed == 0 {
        return Err(CommitError::Conflict { current: None }.into());
    }
    for (index, terms) in found {
        insert(db, vault, *index, terms)?;
    }
    Ok(())
}

/// How far the index has come.
pub(crate) fn indexed(db: &Connection) -> Result<Indexed, ReadError> {
    let state = state(db)?;
    state
        .map(|(_, indexed)| indexed)
        .ok_or(ReadError::Unindexed)
}

/// A page of the entries that hold a value: each was opened, and is what its leaf
/// commits to and holds it.
pub(crate) fn search(
    (db, vault): (&Connection, &Vault),
    what: Search,
    (term, extract): (&Term, Extract),
) -> Result<Found, ReadError> {
    let what = Search {
        among: Some(candidates(db, vault, term)?),
        ..what
    };
    let mut found = search::search(db, &what)?;
    let mut confirmed = Vec::with_capacity(found.entries.len());
    for entry in found.entries {
        if holds(db, vault, &entry, (term, extract))? {
            confirmed.push(entry);
        } else {
            tracing::warn!(entry = entry.index, "the index names an entry in vain");
        }
    }
    found.entries = confirmed;
    Ok(found)
}

/// The entries that the index names.
fn candidates(db: &Connection, vault: &Vault, term: &Term) -> Result<Vec<u64>, ReadError> {
    let Some((key, indexed)) = state(db)? else {
        return Err(ReadError::Unindexed);
    };
    let key = vault.index_key(&key).filter(|_| indexed.is_complete());
    let tag = term.tag(&key.ok_or(ReadError::Unindexed)?).to_be_bytes();
    let mut found = Vec::new();
    each(db, |index, tags| {
        if tags.contains(&tag) {
            found.push(index);
        }
    })?;
    Ok(found)
}

/// Whether an entry holds a value in what it was recorded with.
fn holds(
    db: &Connection,
    vault: &Vault,
    entry: &EntryRow,
    (term, extract): (&Term, Extract),
) -> Result<bool, ReadError> {
    let Some(opened) = read::record(db, vault, entry.index)? else {
        return Ok(false);
    };
    let commitment = Leaf::read(&entry.leaf_bytes).map(|(_, commitment)| commitment);
    let commitment = commitment.map_err(|_| ReadError::Damaged { what: "leaf" })?;
    if !commitment.opens("record", &opened.salt, &opened.record) {
        return Err(ReadError::Damaged { what: "record" });
    }
    Ok(extract(&entry.leaf, &opened.record).contains(term))
}

fn key(db: &Connection, vault: &Vault) -> Result<hmac::Key, Stop> {
    let wrapped: Vec<u8> = db
        .prepare_cached("SELECT key FROM blind_state")?
        .query_row([], |row| row.get(0))?;
    let damaged = "the key of the index of personal values does not open; restart the store";
    let key = vault.index_key(&wrapped);
    key.ok_or_else(|| CommitError::Keys(damaged.to_owned()).into())
}

/// The wrapped key and how far the index has come; none where it never was made.
fn state(db: &Connection) -> Result<Option<(Vec<u8>, Indexed)>, ReadError> {
    let sql = "SELECT key, next, until, tags, sum FROM blind_state";
    let found = db
        .prepare_cached(sql)?
        .query_row([], |row| {
            let number = |place| row.get::<_, i64>(place);
            Ok((
                row.get(0)?,
                [number(1)?, number(2)?, number(3)?, number(4)?],
            ))
        })
        .optional()?;
    let Some((key, [next, until, values, sum])) = found else {
        return Ok(None);
    };
    let indexed = Indexed {
        next: column::count(next)?,
        until: column::count(until)?,
        values: column::count(values)?,
        sum: column::count(sum)?,
    };
    Ok(Some((key, indexed)))
}

/// How many tags there are, and their sum.
fn count(db: &Connection) -> Result<(u64, u64), ReadError> {
    let (mut count, mut sum) = (0, 0);
    each(db, |_, tags| {
        count += tags.len() as u64;
        let tags = tags.iter().map(|tag| i64::from_be_bytes(*tag));
        sum += tags.map(|tag| tag & SUMMED).sum::<i64>();
    })?;
    Ok((count, column::count(sum)?))
}

/// Looks at the tags of every entry in the index.
fn each(db: &Connection, mut look: impl FnMut(u64, &[[u8; 8]])) -> Result<(), ReadError> {
    let mut select = db.prepare_cached("SELECT idx, tags FROM blind")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let tags = row.get_ref(1)?.as_blob();
        let tags = tags.map_err(|_| ReadError::Damaged { what: "index" })?;
        let (tags, _) = tags.as_chunks::<8>();
        look(column::count(row.get(0)?)?, tags);
    }
    Ok(())
}

discreet! {
    Term { kind }
}
