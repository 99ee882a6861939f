//! Making the blind index again from the records, batch by batch beside other work.

use comity_ledger::Leaf;
use rusqlite::Connection;

use crate::{
    CommitError, EntryFilter, Extractor, Found, Indexed, Page, ReadError, Record, Search, Store,
    Term,
    blind::{self, State},
    queue::{Batch, Op},
    read,
};

/// Entries indexed in one transaction.
const BATCH: u64 = 256;

impl Store {
    /// A page of the entries that hold any of some personal values, of those that `what`
    /// lets through. Each was opened and looked at by the extractor, so that a page may
    /// be short. Every row of the index is read.
    ///
    /// # Errors
    /// [`ReadError::Unindexed`] while the index is not complete, was changed or was made
    /// by another extractor; [`ReadError::OtherSearch`] where the page before was one of
    /// another search.
    pub async fn search_personal(
        &self,
        what: Search,
        terms: Vec<Term>,
        extractor: Extractor,
    ) -> Result<Found, ReadError> {
        let searchers = &self.inner.searchers;
        searchers
            .run(move |db, vault| blind::search((db, vault), &what, (&terms, extractor)))
            .await
    }

    /// How far the index of personal values has come.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn indexed(&self) -> Result<Indexed, ReadError> {
        let readers = &self.inner.readers;
        readers.run(|db, _| Ok(state(db)?.indexed)).await
    }

    /// Clears the index of personal values, to be made again from the records.
    ///
    /// # Errors
    /// [`CommitError`] if the store takes no work.
    pub async fn clear_index(&self) -> Result<(), CommitError> {
        self.ask(Op::ClearIndex).await
    }

    /// Indexes the next entries that are not yet, and answers up to which of how many it
    /// has come; `None` once all are. Damaged records are passed over: verification names
    /// them.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if somebody else does the same, or erased something.
    pub async fn index_more(
        &self,
        extractor: Extractor,
    ) -> Result<Option<(u64, u64)>, CommitError> {
        let readers = &self.inner.readers;
        let batch = readers.run(move |db, vault| {
            let State { key, indexed, .. } = state(db)?;
            let upto = indexed.until.min(indexed.next + BATCH);
            let mut found = Vec::new();
            let filter = EntryFilter::default();
            let limit = usize::try_from(upto.saturating_sub(indexed.next)).unwrap_or_default();
            for entry in read::entries(db, Page::From(indexed.next), &filter, limit)? {
                let record = read::record(db, vault, entry.index);
                let terms = terms(&entry.leaf, record, extractor)?;
                found.push((entry.index, terms));
            }
            Ok((key, indexed, upto, found))
        });
        let (key, indexed, upto, found) = batch.await.map_err(unread)?;
        if indexed.is_complete() {
            return Ok(None);
        }
        let span = (indexed.next, upto);
        let batch = Batch { span, key, found };
        self.ask(|reply| Op::Index(batch, reply)).await?;
        Ok(Some((upto, indexed.until)))
    }
}

fn state(db: &Connection) -> Result<State, ReadError> {
    blind::state(db)?.ok_or(ReadError::Unindexed)
}

fn terms(
    leaf: &Leaf,
    record: Result<Option<Record>, ReadError>,
    extractor: Extractor,
) -> Result<Vec<Term>, ReadError> {
    match record {
        Ok(Some(opened)) => Ok((extractor.terms)(leaf, &opened.record)),
        Ok(None) | Err(ReadError::Damaged { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn unread(error: ReadError) -> CommitError {
    CommitError::Invalid(error.to_string())
}
