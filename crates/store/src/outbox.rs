//! What the outbox has to hold: that follows from the cases. A job that is not there was
//! lost outside the gateway; whoever knows what it was has it made again, from the entry
//! that enqueued it, which commits to it: nothing that was never recorded is made here.

use comity_domain::{CaseId, CaseState, JurisdictionCode, Urgency};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    Archive, CaseRow, CommitError, ReadError, Store, column,
    prepare::job_image,
    queue::Op,
    read::{self, Query},
    rows::{JOBS_PER_ENTRY, Stop},
    schema,
};

/// Where a case stands that owes a delivery, whatever its column says.
const UNDELIVERED: [CaseState; 2] = [CaseState::Approved, CaseState::Delivering];

/// A job that a case needs, as the case stands at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The case.
    pub case: CaseId,
    /// Its version: at another one it may need the job no more.
    pub version: u64,
    /// What is to be done, as in [`crate::NewJob::step`]. Of each the case has one.
    pub step: &'static str,
    /// The jurisdiction it goes to.
    pub target: JurisdictionCode,
    /// As it was enqueued.
    pub urgency: Urgency,
    /// What the deliverer needs.
    pub body: Vec<u8>,
}

impl Archive {
    /// The entry that enqueued a job which a case needs and the outbox does not hold; `None`
    /// where it does, where the case is at another version, or where nothing enqueued it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn lost(&mut self, owed: &Owed) -> Result<Option<u64>, ReadError> {
        let id = self.read(|db, _| lost(db, owed))?;
        id.map(|id| column::count(id / JOBS_PER_ENTRY)).transpose()
    }

    /// Whether the row of a case that owes something says, at the same version, that it owes
    /// nothing: then what it owes and lost would not be made again.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn is_denied(&mut self, owed: &Owed) -> Result<bool, ReadError> {
        self.read(|db, _| {
            if !schema::is_ours(db)? {
                return Ok(false);
            }
            let mut select = db.prepare_cached(
                "SELECT 1 FROM cases WHERE id = ?1 AND version = ?2 AND owes = 0",
            )?;
            Ok(select.exists(params![owed.case.as_str(), column::sql(owed.version)])?)
        })
    }

    /// The first job that is to be tried later than `latest`: its case, and the entry that
    /// enqueued it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn postponed_beyond(
        &mut self,
        latest: Timestamp,
    ) -> Result<Option<(CaseId, u64)>, ReadError> {
        let found = self.read(|db, _| {
            let ready_at = schema::ready_at(db)?;
            let mut select = db.prepare_cached(&format!(
                "SELECT case_id, id FROM job WHERE {ready_at} > ?1 ORDER BY id"
            ))?;
            let row = select.query_row([latest.as_microsecond()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            });
            Ok(row.optional()?)
        })?;
        let found = found.map(|(case, id)| {
            let case = column::id(&case, "case id")?;
            Ok((case, column::count(id / JOBS_PER_ENTRY)?))
        });
        found.transpose()
    }
}

impl Store {
    /// Cases that owe something, after the one whose opening has this index, with the records
    /// of their events; some that owe nothing may be among them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn owing(&self, after: Option<u64>, limit: usize) -> Result<Vec<CaseRow>, ReadError> {
        let readers = &self.inner.readers;
        readers
            .run(move |db, vault| {
                let mut query = Query::cases();
                // Whoever has taken the one away has not changed the other, which is bound.
                let [approved, delivering] = UNDELIVERED.map(column::state_name);
                let owes = format!("(owes = ? OR state IN ('{approved}', '{delivering}'))");
                query.and(&owes, true);
                query.and_if("opened > ?", after.map(column::sql));
                let cases = query.rows(db, "opened", limit, read::read_case)?;
                let cases = cases.iter();
                let read = |case| read::with_sound_records(db, vault, case);
                cases.map(read).collect()
            })
            .await
    }

    /// Has the outbox hold what cases need, each job as the entry that enqueued it commits
    /// to. Says which were made again.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was changed then.
    pub async fn mend_outbox(&self, owed: Vec<Owed>) -> Result<Vec<Owed>, CommitError> {
        self.ask(|reply| Op::Mend(owed, reply)).await
    }
}

/// See [`Store::mend_outbox`].
pub(crate) fn mend(db: &Connection, owed: Vec<Owed>) -> Result<Vec<Owed>, Stop> {
    let mut made = Vec::new();
    for owed in owed {
        let Some(id) = lost(db, &owed)? else { continue };
        // An attempt that nobody knows of any more may have had its effect.
        db.prepare_cached(
            "INSERT INTO job (id, case_id, step, target, urgency, ready_at, body, attempts) \
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 1)",
        )?
        .execute(params![
            id,
            owed.case.as_str(),
            owed.step,
            owed.target.as_str(),
            column::rank(owed.urgency),
            owed.body,
        ])?;
        made.push(owed);
    }
    Ok(made)
}

/// The id of a job that the outbox lacks, see [`Archive::lost`].
fn lost(db: &Connection, owed: &Owed) -> Result<Option<i64>, ReadError> {
    let mut select = db.prepare_cached(
        "SELECT version = ?2 AND NOT EXISTS (SELECT 1 FROM job WHERE case_id = ?1 AND step = ?3) \
         FROM cases WHERE id = ?1",
    )?;
    let asked = params![owed.case.as_str(), column::sql(owed.version), owed.step];
    let lacks = select.query_row(asked, |row| row.get(0)).optional()?;
    if lacks != Some(true) {
        return Ok(None);
    }
    let Owed {
        case,
        version: _,
        step,
        target,
        urgency,
        body,
    } = owed;
    let image = job_image(case, step, target, *urgency, body);
    let mut select =
        db.prepare_cached("SELECT idx FROM entry WHERE case_id = ?1 ORDER BY idx DESC")?;
    for index in select.query_map([case.as_str()], |row| row.get::<_, i64>(0))? {
        let index = index?;
        let Some((leaf, salt)) = read::bound(db, index)? else {
            continue;
        };
        let mut jobs = leaf.binds.get("job").into_iter().flatten();
        if let Some(place) = jobs.position(|job| job.opens("job", &salt, &image)) {
            return Ok(Some(index * JOBS_PER_ENTRY + column::sql(place as u64)));
        }
    }
    Ok(None)
}
