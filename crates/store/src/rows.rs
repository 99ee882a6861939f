//! What the writer does to rows: every check before the first write.

use std::mem;

use comity_domain::{CaseId, CaseState};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    CaseChange, CommitError, Committed, Expected, Job, Lease, NewJob, ReadError, Receipt,
    RequestKey, Wanted, blind, column, legal_hold,
    prepare::{Prepared, Sealed, job_image, next_version},
    read,
    vault::Vault,
};

/// Jobs of one entry; their ids leave this much room.
pub(crate) const JOBS_PER_ENTRY: i64 = 256;

/// Why an operation ends early.
pub(crate) enum Stop {
    /// It is refused; the group goes on without it.
    Refused(CommitError),
    /// The database failed; the group ends.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => Self::Database(error),
            other @ (ReadError::Damaged { .. }
            | ReadError::Proof(_)
            | ReadError::Unindexed
            | ReadError::OtherSearch
            | ReadError::Closed) => Self::Refused(CommitError::Invalid(other.to_string())),
        }
    }
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

/// Carries out one transaction whose first entry gets the index `next`, unless
/// it has to be refused; `refused` is why work that is no repetition would be.
///
/// Refusals are found before anything is written, so that a refused transaction
/// leaves no trace in its group.
pub(crate) fn commit(
    (db, vault): (&Connection, &Vault),
    next: u64,
    prepared: &mut Prepared,
    refused: Option<CommitError>,
) -> Result<Committed, Stop> {
    if let Some(key) = &prepared.key {
        check_key(db, key)?;
    }
    if let Some(refused) = refused {
        return Err(refused.into());
    }
    if let Some(lease) = prepared.finish {
        check_lease(db, lease)?;
    }
    if let Some(case) = &prepared.case {
        check_case(db, case)?;
    }
    if let Some((case, version)) = &prepared.unmoved {
        check_unmoved(db, case, *version)?;
    }
    legal_hold::check(db, next, &prepared.entries)?;
    let tags = blind::tags((db, vault), next, &prepared.terms)?;
    let mut receipts = Vec::with_capacity(prepared.entries.len());
    for (index, sealed) in (next..).zip(&prepared.entries) {
        insert_entry(db, vault, index, sealed)?;
        receipts.push(Receipt {
            index,
            leaf_hash: sealed.leaf_hash,
        });
    }
    let last = next + (prepared.entries.len() as u64).saturating_sub(1);
    blind::insert(db, last, &tags)?;
    if let (Some(case), Some(entry)) = (&prepared.case, prepared.entries.last()) {
        write_case(db, case, last, entry.leaf.at)?;
        if let Some(key) = &prepared.key {
            insert_key(db, key, &case.id, last)?;
        }
    }
    let mut held = Vec::new();
    for (place, job) in (0..).zip(mem::take(&mut prepared.enqueue)) {
        held.extend(insert_job(
            db,
            column::sql(last) * JOBS_PER_ENTRY + place,
            job,
        )?);
    }
    if let Some(lease) = prepared.finish {
        db.prepare_cached("DELETE FROM job WHERE id = ?1")?
            .execute([lease.job])?;
    }
    Ok(Committed {
        version: prepared
            .case
            .as_ref()
            .map(|case| next_version(case.expected)),
        receipts,
        held,
    })
}

fn check_key(db: &Connection, key: &RequestKey) -> Result<(), Stop> {
    let found = db
        .prepare_cached(
            "SELECT digest, case_id FROM request_key WHERE caller = ?1 AND request_id = ?2",
        )?
        .query_row(params![key.caller, key.request_id.as_str()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    match found {
        None => Ok(()),
        Some((digest, case)) if digest == key.digest.0 => {
            Err(CommitError::Replay(column::id(&case, "case id")?).into())
        }
        Some(_) => Err(CommitError::Mismatch.into()),
    }
}

fn check_lease(db: &Connection, lease: Lease) -> Result<(), Stop> {
    let held = db
        .prepare_cached("SELECT 1 FROM job WHERE id = ?1 AND fence = ?2")?
        .exists([lease.job, lease.fence])?;
    if held {
        Ok(())
    } else {
        Err(CommitError::LeaseLost.into())
    }
}

fn check_case(db: &Connection, case: &CaseChange) -> Result<(), Stop> {
    match case.expected {
        Expected::New => check_new(db, case),
        Expected::Version(version) => check_next(db, case, version),
    }
}

fn check_new(db: &Connection, case: &CaseChange) -> Result<(), Stop> {
    let current = version(db, &case.id)?;
    if current.is_some() {
        return Err(CommitError::Conflict { current }.into());
    }
    Ok(step(CaseState::Received, case.state)?)
}

fn check_next(db: &Connection, case: &CaseChange, expected: u64) -> Result<(), Stop> {
    let found = db
        .prepare_cached(
            "SELECT version, state, issuing = ?2 AND executing = ?3 AND exercise = ?4 \
             AND urgency = ?5 AND owner = ?6 AND request_id = ?7 AND team IS ?8 FROM cases WHERE id = ?1",
        )?
        .query_row(
            params![
                case.id.as_str(),
                case.issuing.0.as_str(),
                case.executing.0.as_str(),
                i64::from(case.exercise),
                column::rank(case.urgency),
                case.owner,
                case.request_id.as_str(),
                case.team.as_ref().map(CaseId::as_str),
            ],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, bool>(2)?,
                ))
            },
        )
        .optional()?;
    let Some((current, from, same)) = found else {
        return Err(CommitError::Conflict { current: None }.into());
    };
    let (current, from) = (column::count(current)?, column::state(&from)?);
    if current != expected {
        let current = Some(current);
        return Err(CommitError::Conflict { current }.into());
    }
    if !same {
        let what = "whose case it is, between whom and how urgent, stays as it was opened";
        return Err(CommitError::Invalid(what.to_owned()).into());
    }
    if from.is_final() && is_erased(db, &case.id)? {
        return Err(CommitError::Conflict { current: None }.into());
    }
    Ok(step(from, case.state)?)
}

/// A case may stay in its state, or take one step of the table.
fn step(from: CaseState, to: CaseState) -> Result<(), CommitError> {
    if to != from {
        from.step(to)?;
    }
    Ok(())
}

fn check_unmoved(db: &Connection, case: &CaseId, version: u64) -> Result<(), Stop> {
    let current = self::version(db, case)?;
    if current == Some(version) {
        Ok(())
    } else {
        Err(CommitError::Conflict { current }.into())
    }
}

/// The version that a case is at, where there is one.
fn version(db: &Connection, case: &CaseId) -> Result<Option<u64>, ReadError> {
    let version = db
        .prepare_cached("SELECT version FROM cases WHERE id = ?1")?
        .query_row([case.as_str()], |row| row.get(0))
        .optional()?;
    version.map(column::count).transpose()
}

/// Whether the records of a case were erased: also where the entry that opened it was
/// pruned since.
pub(crate) fn is_erased(db: &Connection, case: &CaseId) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM cases LEFT JOIN entry ON idx = opened WHERE id = ?1 AND key IS NULL",
    )?
    .exists([case.as_str()])
}

pub(crate) fn insert_entry(
    db: &Connection,
    vault: &Vault,
    index: u64,
    entry: &Sealed,
) -> Result<(), Stop> {
    let Sealed {
        leaf,
        leaf_bytes,
        leaf_hash: _,
        salt,
        locked,
    } = entry;
    let key = vault.newest(&locked.key, &locked.wrapped);
    let key = key.map_err(CommitError::from)?;
    db.prepare_cached(
        "INSERT INTO entry (idx, at, kind, actor, case_id, state, outcome, instrument, \
         issuing, executing, leaf, salt, key, sealed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        column::sql(index),
        leaf.at.as_microsecond(),
        leaf.kind,
        leaf.actor,
        leaf.case,
        leaf.state,
        leaf.outcome,
        leaf.instrument,
        leaf.issuing,
        leaf.executing,
        leaf_bytes,
        salt,
        key,
        locked.record,
    ])?;
    Ok(())
}

fn write_case(
    db: &Connection,
    case: &CaseChange,
    index: u64,
    at: Timestamp,
) -> rusqlite::Result<()> {
    match case.expected {
        Expected::New => insert_case(db, case, index, at),
        Expected::Version(_) => update_case(db, case, at),
    }
}

fn insert_case(
    db: &Connection,
    case: &CaseChange,
    index: u64,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO cases (id, version, state, issuing, executing, instrument, outcome, \
         exercise, urgency, owner, request_id, opened, opened_at, changed_at, wake_at, \
         reviewers, team, owes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
         ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        case.id.as_str(),
        column::sql(next_version(case.expected)),
        column::state_name(case.state),
        case.issuing.0.as_str(),
        case.executing.0.as_str(),
        case.instrument.as_ref().map(|id| id.as_str()),
        case.outcome.map(column::outcome_name),
        i64::from(case.exercise),
        column::rank(case.urgency),
        case.owner,
        case.request_id.as_str(),
        column::sql(index),
        at.as_microsecond(),
        case.wake_at.map(Timestamp::as_microsecond),
        column::reviewers(&case.reviewers),
        case.team.as_ref().map(CaseId::as_str),
        case.owes,
    ])?;
    Ok(())
}

/// Columns of an index that is named here are written again even where nothing changed.
fn update_case(db: &Connection, case: &CaseChange, at: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE cases SET version = ?2, state = ?3, instrument = ?4, outcome = ?5, \
         changed_at = ?6, wake_at = ?7, reviewers = ?8, owes = ?9 WHERE id = ?1",
    )?
    .execute(params![
        case.id.as_str(),
        column::sql(next_version(case.expected)),
        column::state_name(case.state),
        case.instrument.as_ref().map(|id| id.as_str()),
        case.outcome.map(column::outcome_name),
        at.as_microsecond(),
        case.wake_at.map(Timestamp::as_microsecond),
        column::reviewers(&case.reviewers),
        case.owes,
    ])?;
    Ok(())
}

fn insert_key(
    db: &Connection,
    key: &RequestKey,
    case: &CaseId,
    index: u64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO request_key (caller, request_id, digest, case_id, idx) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        key.caller,
        key.request_id.as_str(),
        key.digest.0,
        case.as_str(),
        column::sql(index),
    ])?;
    Ok(())
}

/// Inserts a job and, where its maker keeps it, hands it over as a first attempt.
fn insert_job(db: &Connection, id: i64, job: NewJob) -> rusqlite::Result<Option<Job>> {
    let attempts = u32::from(job.held_until.is_some());
    db.prepare_cached(
        "INSERT INTO job (id, case_id, step, target, urgency, ready_at, body, attempts) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        id,
        job.case.as_str(),
        job.step,
        job.target.as_str(),
        column::rank(job.urgency),
        job.held_until.unwrap_or(job.due).as_microsecond(),
        job.body,
        attempts,
    ])?;
    Ok(job.held_until.map(|_| Job {
        // A new row's fence is the column's default.
        lease: Lease { job: id, fence: 0 },
        case: job.case,
        step: job.step,
        target: job.target,
        urgency: job.urgency,
        attempts,
        body: job.body,
    }))
}

/// Leases jobs that are ready, of the kinds wanted: of each the first to have become so.
pub(crate) fn claim(
    db: &Connection,
    wanted: &[Wanted],
    (now, until): (Timestamp, Timestamp),
) -> Result<Vec<Job>, Stop> {
    let mut ready = db.prepare_cached(
        "SELECT id FROM job WHERE target = ?1 AND urgency = ?2 AND ready_at <= ?3 \
         ORDER BY ready_at, id LIMIT ?4",
    )?;
    let mut ids = Vec::new();
    for Wanted {
        target,
        urgency,
        limit,
    } in wanted
    {
        let kind = params![
            target.as_str(),
            column::rank(*urgency),
            now.as_microsecond(),
            column::sql(*limit as u64),
        ];
        for id in ready.query_map(kind, |row| row.get::<_, i64>(0))? {
            ids.push(id?);
        }
    }
    let mut lease = db.prepare_cached(
        "UPDATE job SET fence = fence + 1, attempts = attempts + 1, ready_at = ?2 \
         WHERE id = ?1 RETURNING id, fence, attempts, case_id, step, target, urgency, body",
    )?;
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        let job = lease.query_row([id, until.as_microsecond()], |row| Ok(read_job(row)))?;
        let authentic = job.and_then(|job| Ok(is_authentic(db, &job)?.then_some(job)));
        match authentic {
            Ok(Some(job)) => jobs.push(job),
            Err(ReadError::Database(error)) => return Err(error.into()),
            // Nothing but what was recorded may be delivered. It stays leased, so
            // that it does not hold up the others.
            Ok(None) | Err(_) => {
                tracing::error!(job = id, "a job is not what was recorded; verify the store");
            }
        }
    }
    Ok(jobs)
}

/// Whether a job is what the entry that enqueued it commits to.
pub(crate) fn is_authentic(db: &Connection, job: &Job) -> Result<bool, ReadError> {
    let id = job.lease.job;
    let Some((leaf, salt)) = read::bound(db, id / JOBS_PER_ENTRY)? else {
        return Ok(false);
    };
    let place = usize::try_from(id % JOBS_PER_ENTRY).unwrap_or(usize::MAX);
    let image = job_image(&job.case, &job.step, &job.target, job.urgency, &job.body);
    Ok(leaf
        .binds
        .get("job")
        .and_then(|jobs| jobs.get(place))
        .is_some_and(|commitment| commitment.opens("job", &salt, &image)))
}

/// Reads the columns that [`claim`] returns.
pub(crate) fn read_job(row: &Row<'_>) -> Result<Job, ReadError> {
    Ok(Job {
        lease: Lease {
            job: row.get(0)?,
            fence: row.get(1)?,
        },
        attempts: row.get(2)?,
        case: column::id(&row.get::<_, String>(3)?, "case id")?,
        step: row.get(4)?,
        target: column::id(&row.get::<_, String>(5)?, "jurisdiction")?,
        urgency: column::urgency(row.get(6)?)?,
        body: row.get(7)?,
    })
}

/// Gives a job back to be tried again.
pub(crate) fn retry(
    db: &Connection,
    lease: Lease,
    when: Timestamp,
    note: &str,
) -> Result<(), Stop> {
    let changed = db
        .prepare_cached(
            "UPDATE job SET ready_at = ?3, note = ?4 \
             WHERE id = ?1 AND fence = ?2",
        )?
        .execute(params![lease.job, lease.fence, when.as_microsecond(), note])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(CommitError::LeaseLost.into())
    }
}

/// Replaces the last signed checkpoint, if it is still the one of `previous`
/// entries.
pub(crate) fn set_head(db: &Connection, previous: u64, size: u64, note: &[u8]) -> Result<(), Stop> {
    let changed = db
        .prepare_cached(
            "INSERT INTO head (one, size, note) VALUES (1, ?2, ?3) \
             ON CONFLICT (one) DO UPDATE SET size = ?2, note = ?3 WHERE size = ?1",
        )?
        .execute(params![column::sql(previous), column::sql(size), note])?;
    if changed != 1 {
        return Err(CommitError::Conflict { current: None }.into());
    }
    db.prepare_cached("INSERT OR IGNORE INTO signed (size) VALUES (?1)")?
        .execute([column::sql(size)])?;
    Ok(())
}
