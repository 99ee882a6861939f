//! What is still to be done, and what stands in the way of a change: jobs, cases
//! that wait for reviewers, request ids used before.

use std::{cmp::Reverse, collections::BTreeMap};

use comity_domain::{CaseId, Digest, JurisdictionCode, RequestId, Urgency};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{Job, ReadError, Store, column, rows};

/// Cases that wait for one State's reviewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub cases: u64,
    /// When the oldest of them was opened.
    pub oldest: Timestamp,
}

impl Store {
    /// How much waits for the reviewers of each State for which something does.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn waiting_for_review(
        &self,
    ) -> Result<BTreeMap<JurisdictionCode, Waiting>, ReadError> {
        self.inner.readers.run(|db, _| waiting(db)).await
    }

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

    /// What a caller's request id was used for: the digest of what was asked, the case
    /// that it is about, and the entry that it left.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn request_key(
        &self,
        caller: &str,
        request_id: &RequestId,
    ) -> Result<Option<(Digest, CaseId, u64)>, ReadError> {
        let (caller, id) = (caller.to_owned(), request_id.clone());
        let readers = &self.inner.readers;
        readers
            .run(move |db, _| request_key(db, &caller, &id))
            .await
    }
}

/// See [`Store::ready`].
pub(crate) fn ready(
    db: &Connection,
    now: Timestamp,
) -> Result<Vec<(JurisdictionCode, Urgency)>, ReadError> {
    let mut first = db.prepare_cached(
        "SELECT target, urgency, ready_at FROM job WHERE (target, urgency) > (?1, ?2) \
         ORDER BY target, urgency, ready_at LIMIT 1",
    )?;
    let mut kinds = Vec::new();
    let mut last = (String::new(), i64::MAX);
    loop {
        let next = first.query_row(params![last.0, last.1], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?))
        });
        let Some((kind, at)) = next.optional()? else {
            break;
        };
        last = kind;
        // What is no State or urgency was never recorded: it is verification's to find, and
        // holds up nothing else.
        if at <= now.as_microsecond()
            && let Ok(state) = column::id(&last.0, "jurisdiction")
            && let Ok(urgency) = column::urgency(last.1)
        {
            kinds.push((state, urgency));
        }
    }
    kinds.sort_by_key(|(_, urgency)| Reverse(*urgency));
    Ok(kinds)
}

fn waiting(db: &Connection) -> Result<BTreeMap<JurisdictionCode, Waiting>, ReadError> {
    let mut all = BTreeMap::new();
    let mut select =
        db.prepare_cached("SELECT reviewers, opened_at FROM cases WHERE reviewers IS NOT NULL")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let states = column::read_reviewers(Some(&row.get::<_, String>(0)?))?;
        let opened = column::instant(row.get(1)?)?;
        for state in states {
            let waiting = all.entry(state).or_insert(Waiting {
                cases: 0,
                oldest: opened,
            });
            waiting.cases += 1;
            waiting.oldest = waiting.oldest.min(opened);
        }
    }
    Ok(all)
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
) -> Result<Option<(Digest, CaseId, u64)>, ReadError> {
    let found = db
        .prepare_cached(
            "SELECT digest, case_id, idx FROM request_key WHERE caller = ?1 AND request_id = ?2",
        )?
        .query_row(params![caller, id.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
        })
        .optional()?;
    found
        .map(|(digest, case, index)| {
            let case = column::id(&case, "case id")?;
            Ok((Digest(digest), case, column::count(index)?))
        })
        .transpose()
}
