//! Making the blind index again from the records, batch by batch beside other work.

use comity_ledger::Leaf;

use crate::{
    CommitError, EntryFilter, Extract, Found, Indexed, Page, ReadError, Record, Search, Store,
    Term, blind, queue::Op, read,
};

/// Entries indexed in one transaction.
const BATCH: u64 = 256;

impl Store {
    /// A page of the entries that hold a personal value, of those that `what` lets
    /// through. Each was opened and looked at by `extract`, so that a page may be short.
    ///
    /// # Errors
    /// [`ReadError::Unindexed`] while the index is not complete.
    pub async fn search_personal(
        &self,
        what: Search,
        term: Term,
        extract: Extract,
    ) -> Result<Found, ReadError> {
        let readers = &self.inner.readers;
        readers
            .run(move |db, vault| blind::search((db, vault), what, (&term, extract)))
            .await
    }

    /// How far the index of personal values has come.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn indexed(&self) -> Result<Indexed, ReadError> {
        self.inner.readers.run(|db, _| blind::indexed(db)).await
    }

    /// Clears the index of personal values, to be made again from the records.
    ///
    /// # Errors
    /// [`CommitError`] if the store takes no work.
    pub async fn clear_index(&self) -> Result<(), CommitError> {
        self.ask(Op::ClearIndex).await
    }

    /// Indexes the next entries that are not yet; `None` once all are. Damaged records
    /// are passed over: verification names them.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if somebody else does the same.
    pub async fn index_more(&self, extract: Extract) -> Result<Option<Indexed>, CommitError> {
        let readers = &self.inner.readers;
        let batch = readers.run(move |db, vault| {
            let indexed = blind::indexed(db)?;
            let upto = indexed.until.min(indexed.next + BATCH);
            let mut found = Vec::new();
            let filter = EntryFilter::default();
            let limit = usize::try_from(upto.saturating_sub(indexed.next)).unwrap_or_default();
            for entry in read::entries(db, Page::From(indexed.next), &filter, limit)? {
                let record = read::record(db, vault, entry.index);
                let terms = terms(&entry.leaf, record, extract)?;
                found.push((entry.index, terms));
            }
            Ok((indexed, upto, found))
        });
        let (indexed, upto, found) = batch.await.map_err(unread)?;
        if indexed.is_complete() {
            return Ok(None);
        }
        let span = (indexed.next, upto);
        self.ask(|reply| Op::Index { span, found, reply }).await?;
        self.indexed().await.map(Some).map_err(unread)
    }
}

fn terms(
    leaf: &Leaf,
    record: Result<Option<Record>, ReadError>,
    extract: Extract,
) -> Result<Vec<Term>, ReadError> {
    match record {
        Ok(Some(opened)) => Ok(extract(leaf, &opened.record)),
        Ok(None) | Err(ReadError::Damaged { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn unread(error: ReadError) -> CommitError {
    CommitError::Invalid(error.to_string())
}
