//! What stands in the way of a change: jobs not done yet, request ids used before.

use comity_domain::{CaseId, Digest, RequestId};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{Job, ReadError, Store, column, rows};

impl Store {
    /// A case's jobs that are not done yet, in the order of enqueuing. They are not
    /// leased by this: whoever finishes one with the lease found here does so only
    /// if nobody has claimed it since.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn jobs(&self, case: &CaseId) -> Result<Vec<Job>, ReadError> {
        let case = case.clone();
        self.inner.readers.run(move |db, _| jobs(db, &case)).await
    }

    /// What a caller's request id was used for: the digest of what was asked, and
    /// the case it led to.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn request_key(
        &self,
        caller: &str,
        request_id: &RequestId,
    ) -> Result<Option<(Digest, CaseId)>, ReadError> {
        let (caller, id) = (caller.to_owned(), request_id.clone());
        let readers = &self.inner.readers;
        readers
            .run(move |db, _| request_key(db, &caller, &id))
            .await
    }
}

fn jobs(db: &Connection, case: &CaseId) -> Result<Vec<Job>, ReadError> {
    db.prepare_cached(
        "SELECT id, fence, attempts, case_id, step, target, urgency, body FROM job \
         WHERE case_id = ?1 ORDER BY id",
    )?
    .query_and_then([case.as_str()], rows::read_job)?
    .collect()
}

fn request_key(
    db: &Connection,
    caller: &str,
    id: &RequestId,
) -> Result<Option<(Digest, CaseId)>, ReadError> {
    let found = db
        .prepare_cached(
            "SELECT digest, case_id FROM request_key WHERE caller = ?1 AND request_id = ?2",
        )?
        .query_row(params![caller, id.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    found
        .map(|(digest, case)| Ok((Digest(digest), column::id(&case, "case id")?)))
        .transpose()
}
