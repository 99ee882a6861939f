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
//! names is confirmed. What it might have lost is noticed by the number and the sum
//! of its tags when the store opens and in every search, unless whoever changed it
//! changed these as well: that hides hits until it is made again. While it is not
//! complete, or was made by another extractor, it answers nothing.
//!
//! **Writing.** Every case is recorded and few are searched for, so the index costs the
//! writer one row at the end of a table, and a search a look at every row: of a million
//! entries, some fifty megabytes. A tree of tags would be searched in no time, and would
//! have every recorded value change a page somewhere in it: tried, and by far the dearer.

use comity_ledger::Leaf;
use ring::hmac;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    CommitError, EntryRow, Found, ReadError, Search, column, discreet::discreet, queue::Batch,
    read, rows::Stop, schema, search, vault::Vault,
};

/// A personal value by which an entry is found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    kind: &'static str,
    value: String,
}

/// Finds the values by which an entry is found in what it says and what it holds in
/// private.
#[derive(Debug, Clone, Copy)]
pub struct Extractor {
    /// Another one whenever `terms` gives others for some record: an index that was
    /// made by another number is made again.
    pub number: u32,
    /// The values of an entry, by its leaf and its record.
    pub terms: fn(&Leaf, &[u8]) -> Vec<Term>,
}

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

    pub(crate) fn tag(&self, key: &hmac::Key) -> [u8; 8] {
        let mut context = hmac::Context::with_key(key);
        context.update(self.kind.as_bytes());
        context.update(&[0]);
        context.update(self.value.as_bytes());
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
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
}

impl Indexed {
    /// Nothing is to be done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next >= self.until
    }

    /// Whether an entry is indexed.
    pub(crate) fn has_come_to(&self, index: u64) -> bool {
        index < self.next || index >= self.until
    }
}

/// What is kept beside the index.
pub(crate) struct State {
    /// Its key, wrapped.
    pub(crate) key: Vec<u8>,
    /// Number of the extractor that made it.
    extractor: i64,
    pub(crate) indexed: Indexed,
    sum: Sum,
}

impl State {
    /// The key of the index, where it opens and the extractor of this number made it.
    pub(crate) fn key_by(&self, vault: &Vault, extractor: u32) -> Option<hmac::Key> {
        let same = self.extractor == i64::from(extractor);
        vault.index_key(&self.key).filter(|_| same)
    }

    /// Whether number and sum of the tags are as it says.
    pub(crate) fn adds_up(&self, db: &Connection) -> Result<bool, ReadError> {
        Ok(self.sum == count(db)?)
    }
}

/// Number and sum of all tags, by which two states of the index are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    pub(crate) tags: i64,
    pub(crate) sum: i64,
}

impl Sum {
    /// Every bit of a tag counts, and which entry has it.
    pub(crate) fn add(&mut self, index: u64, tags: &[[u8; 8]]) {
        let factor = column::sql(index).wrapping_mul(2).wrapping_add(1);
        for tag in tags {
            self.tags = self.tags.wrapping_add(1);
            let tag = i64::from_be_bytes(*tag).wrapping_mul(factor);
            self.sum = self.sum.wrapping_add(tag);
        }
    }
}

/// Looks whether the index is what it should be, and clears it where it is not, to be
/// made again from the records by the extractor of this number. `size` is how many
/// entries there are.
pub(crate) fn open(
    (db, vault): (&Connection, &Vault),
    extractor: u32,
    size: u64,
) -> Result<(), Stop> {
    match is_whole((db, vault), extractor) {
        Ok(true) => return Ok(()),
        Ok(false) | Err(ReadError::Damaged { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if size > 0 {
        tracing::warn!(
            "the index of personal values is lost, changed or of another version; \
             it is made again"
        );
    }
    clear(db, vault, size)?;
    db.execute("UPDATE blind_state SET extractor = ?1", [extractor])?;
    Ok(())
}

fn is_whole((db, vault): (&Connection, &Vault), extractor: u32) -> Result<bool, ReadError> {
    let Some(found) = state(db)? else {
        return Ok(false);
    };
    Ok(found.key_by(vault, extractor).is_some() && found.adds_up(db)?)
}

/// Clears the index and draws it a new key, under the newest generation: entries before
/// `until` are to be indexed again, by the same extractor.
pub(crate) fn clear(db: &Connection, vault: &Vault, until: u64) -> Result<(), Stop> {
    let key = vault.draw_index_key().map_err(CommitError::from)?;
    db.execute("DELETE FROM blind", [])?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO blind_state (one, key, extractor, next, until, tags, sum) \
         VALUES (1, ?1, coalesce((SELECT extractor FROM blind_state), 0), \
         coalesce((SELECT min(idx) FROM entry), 0), ?2, 0, 0)",
    )?
    .execute(params![key, column::sql(until)])?;
    Ok(())
}

/// The tags of an entry that is about to be recorded, where the next one is `next`. An
/// index whose key does not open is cleared, to be made again: it is a help, and keeps
/// nothing off the record.
pub(crate) fn tags(
    (db, vault): (&Connection, &Vault),
    next: u64,
    terms: &[Term],
) -> Result<Vec<[u8; 8]>, Stop> {
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let key = match key(db, vault)? {
        Some(key) => Some(key),
        None => {
            tracing::error!("the key of the index of personal values does not open");
            clear(db, vault, next)?;
            key(db, vault)?
        }
    };
    let damaged = "the key of the index of personal values does not open; restart the store";
    let key = key.ok_or_else(|| CommitError::Keys(damaged.to_owned()))?;
    Ok(tags_under(&key, terms))
}

/// Indexes an entry by its tags.
pub(crate) fn insert(db: &Connection, index: u64, tags: &[[u8; 8]]) -> rusqlite::Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    put(db, index, tags)?;
    add_up(db, |sum| sum.add(index, tags))
}

fn put(db: &Connection, index: u64, tags: &[[u8; 8]]) -> rusqlite::Result<()> {
    // Whoever planted a row here is found out by the sum, and stops no recording.
    db.prepare_cached("INSERT OR REPLACE INTO blind (idx, tags) VALUES (?1, ?2)")?
        .execute(params![column::sql(index), tags.as_flattened()])?;
    Ok(())
}

fn add_up(db: &Connection, add: impl FnOnce(&mut Sum)) -> rusqlite::Result<()> {
    let mut sum = db
        .prepare_cached("SELECT tags, sum FROM blind_state")?
        .query_row([], |row| {
            let (tags, sum) = (row.get(0)?, row.get(1)?);
            Ok(Sum { tags, sum })
        })?;
    add(&mut sum);
    db.prepare_cached("UPDATE blind_state SET tags = ?1, sum = ?2")?
        .execute([sum.tags, sum.sum])?;
    Ok(())
}

/// Indexes entries that were not, under the key that was the index's when they were
/// read; refused where that is another by now, as after an erasure, or the index is to
/// go on elsewhere.
pub(crate) fn advance((db, vault): (&Connection, &Vault), batch: &Batch) -> Result<(), Stop> {
    let elsewhere = || CommitError::Conflict { current: None };
    let key = vault.index_key(&batch.key).ok_or_else(elsewhere)?;
    let [from, upto] = [batch.span.0, batch.span.1].map(column::sql);
    let changed = db
        .prepare_cached(
            "UPDATE blind_state SET next = ?2 WHERE next = ?1 AND next < until AND key = ?3",
        )?
        .execute(params![from, upto, batch.key])?;
    if changed == 0 {
        return Err(elsewhere().into());
    }
    let found = batch.found.iter();
    let tagged = found.map(|(index, terms)| (*index, tags_under(&key, terms)));
    let tagged: Vec<_> = tagged.filter(|(_, tags)| !tags.is_empty()).collect();
    for (index, tags) in &tagged {
        put(db, *index, tags)?;
    }
    let all = |sum: &mut Sum| {
        tagged
            .iter()
            .for_each(|(index, tags)| sum.add(*index, tags))
    };
    Ok(add_up(db, all)?)
}

/// A page of the entries that hold any of some values: each was opened, and is what its
/// leaf commits to and holds it.
pub(crate) fn search(
    (db, vault): (&Connection, &Vault),
    what: &Search,
    (terms, extractor): (&[Term], Extractor),
) -> Result<Found, ReadError> {
    let key = usable_key((db, vault), extractor)?;
    let of = digest(&key, what, terms);
    if what.after.is_some_and(|after| after.of != Some(of)) {
        return Err(ReadError::OtherSearch);
    }
    let among = candidates(db, &tags_under(&key, terms))?;
    let mut found = search::search(db, what, Some(&among))?;
    if let Some(next) = &mut found.next {
        next.of = Some(of);
    }
    let mut confirmed = Vec::with_capacity(found.entries.len());
    for entry in found.entries {
        if holds((db, vault), &entry, (terms, extractor))? {
            confirmed.push(entry);
        } else {
            tracing::warn!(entry = entry.index, "the index names an entry in vain");
        }
    }
    found.entries = confirmed;
    Ok(found)
}

/// All that is searched for, page and size of pages apart. Its kind is no personal value's,
/// and so the digest is in no index.
fn digest(key: &hmac::Key, what: &Search, terms: &[Term]) -> [u8; 8] {
    let Search {
        filter,
        order,
        after: _,
        limit: _,
        involving,
    } = what;
    let values: Vec<_> = terms.iter().map(|term| (term.kind, &term.value)).collect();
    let all = format!("{:?}", (filter, order, involving, values));
    Term::new("all of a search", all).tag(key)
}

/// The key of an index that is complete, and was made by this extractor.
fn usable_key(
    (db, vault): (&Connection, &Vault),
    extractor: Extractor,
) -> Result<hmac::Key, ReadError> {
    let state = state(db)?.ok_or(ReadError::Unindexed)?;
    let key = state.key_by(vault, extractor.number);
    key.filter(|_| state.indexed.is_complete())
        .ok_or(ReadError::Unindexed)
}

/// The entries that the index names; none where it is not what it should be.
fn candidates(db: &Connection, wanted: &[[u8; 8]]) -> Result<Vec<u64>, ReadError> {
    let state = state(db)?.ok_or(ReadError::Unindexed)?;
    let (mut found, mut sum) = (Vec::new(), Sum::default());
    each(db, |index, tags| {
        sum.add(index, tags);
        if tags.iter().any(|tag| wanted.contains(tag)) {
            found.push(index);
        }
    })?;
    if sum == state.sum {
        return Ok(found);
    }
    tracing::error!("the index of personal values was changed: have it made again");
    Err(ReadError::Unindexed)
}

/// Whether an entry holds any of some values in what it was recorded with.
fn holds(
    (db, vault): (&Connection, &Vault),
    entry: &EntryRow,
    (terms, extractor): (&[Term], Extractor),
) -> Result<bool, ReadError> {
    let Some(opened) = read::record(db, vault, entry.index)? else {
        return Ok(false);
    };
    let commitment = Leaf::read(&entry.leaf_bytes).map(|(_, commitment)| commitment);
    let commitment = commitment.map_err(|_| ReadError::Damaged { what: "leaf" })?;
    if !commitment.opens("record", &opened.salt, &opened.record) {
        return Err(ReadError::Damaged { what: "record" });
    }
    let held = (extractor.terms)(&entry.leaf, &opened.record);
    Ok(terms.iter().any(|term| held.contains(term)))
}

/// Each tag once.
pub(crate) fn tags_under(key: &hmac::Key, terms: &[Term]) -> Vec<[u8; 8]> {
    let mut tags: Vec<_> = terms.iter().map(|term| term.tag(key)).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The tags of an entry, one after the other; nothing where it has none.
pub(crate) fn tags_of(db: &Connection, index: u64) -> rusqlite::Result<Vec<u8>> {
    let tags = db
        .prepare_cached("SELECT tags FROM blind WHERE idx = ?1")?
        .query_row([column::sql(index)], |row| row.get(0));
    Ok(tags.optional()?.unwrap_or_default())
}

fn key(db: &Connection, vault: &Vault) -> rusqlite::Result<Option<hmac::Key>> {
    let wrapped: Option<Vec<u8>> = db
        .prepare_cached("SELECT key FROM blind_state")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(wrapped.and_then(|wrapped| vault.index_key(&wrapped)))
}

/// What is kept beside the index; none where it never was made.
pub(crate) fn state(db: &Connection) -> Result<Option<State>, ReadError> {
    if !schema::is_indexed(db)? {
        return Ok(None);
    }
    let sql = "SELECT key, extractor, next, until, tags, sum FROM blind_state";
    let found = db.prepare_cached(sql)?.query_row([], |row| {
        let number = |place| row.get::<_, i64>(place);
        let numbers = [number(1)?, number(2)?, number(3)?, number(4)?, number(5)?];
        Ok((row.get(0)?, numbers))
    });
    let Some((key, [extractor, next, until, tags, sum])) = found.optional()? else {
        return Ok(None);
    };
    Ok(Some(State {
        key,
        extractor,
        indexed: Indexed {
            next: column::count(next)?,
            until: column::count(until)?,
            values: column::count(tags)?,
        },
        sum: Sum { tags, sum },
    }))
}

/// How many tags there are, and their sum.
pub(crate) fn count(db: &Connection) -> Result<Sum, ReadError> {
    let mut sum = Sum::default();
    each(db, |index, tags| sum.add(index, tags))?;
    Ok(sum)
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
