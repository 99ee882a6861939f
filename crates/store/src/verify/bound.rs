//! What entries commit to besides their records: cases, request keys, jobs.

use comity_domain::{CaseId, Digest};
use comity_ledger::{Flaw, Hash, Leaf};
use rusqlite::{Connection, Row};

use super::{CHANGED, failed, flaw, unread};
use crate::{
    CaseChange, CaseRow, Expected, ReadError, RequestKey, column,
    open::DATABASE,
    prepare::{case_image, key_image},
    read, rows,
};

/// Cases read at a time.
const CHUNK: usize = 200;

/// Every case is as its last event left it, and none is gone of which an event is there:
/// those below an index were pruned.
pub(super) fn check_cases(db: &Connection, below: u64) -> Result<u64, Flaw> {
    let lost: Option<i64> = db
        .query_row(
            "SELECT min(idx) FROM entry WHERE state IS NOT NULL \
             AND case_id NOT IN (SELECT id FROM cases)",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if let Some(index) = lost {
        let index = column::count(index).map_err(unread)?;
        return Err(flaw(
            index,
            "the case it belongs to is missing in table `cases`",
            CHANGED,
        ));
    }
    let mut count = 0;
    let mut after = None;
    loop {
        let chunk = read::cases_after(db, after, CHUNK).map_err(unread)?;
        let Some(last) = chunk.last() else {
            return Ok(count);
        };
        after = Some(last.opened);
        count += chunk.len() as u64;
        for case in chunk {
            check_case((db, below), case)?;
        }
    }
}

fn check_case((db, below): (&Connection, u64), case: CaseRow) -> Result<(), Flaw> {
    let id = case.id.clone();
    let wrong = |what: &str| {
        let what = format!("table `cases`, case {id}: {what}");
        Flaw::of(DATABASE, what, CHANGED).entry(case.opened)
    };
    let (first, last, versions): (Option<i64>, Option<i64>, i64) = db
        .prepare_cached(
            "SELECT min(idx), max(idx), count(*) FROM entry \
             WHERE case_id = ?1 AND state IS NOT NULL",
        )
        .and_then(|mut select| {
            select.query_row([id.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
        })
        .map_err(failed)?;
    let (Some(first), Some(last)) = (first, last) else {
        return Err(wrong("no event says that it exists"));
    };
    let bound = |index| read::bound(db, index).map_err(unread);
    let (Some((opening, _)), Some((latest, salt))) = (bound(first)?, bound(last)?) else {
        return Err(wrong("its events are missing"));
    };
    let version = case.version;
    // Of a case whose opening was pruned only later events are left; to its version the last
    // of them commits all the same.
    let cut = case.opened < below;
    let counted = column::count(versions).map_err(unread)?;
    for (name, same) in [
        ("opened", cut || column::sql(case.opened) == first),
        (
            "version",
            if cut {
                version > counted
            } else {
                version == counted
            },
        ),
        ("opened_at", cut || is_at(&opening, case.opened_at)),
        ("changed_at", is_at(&latest, case.changed_at)),
        (
            "state",
            latest.state.as_deref() == Some(column::state_name(case.state)),
        ),
    ] {
        if !same {
            return Err(wrong(&format!(
                "column `{name}` is not what its events say"
            )));
        }
    }
    if opens(&latest, "case", &salt, &case_image(&change(case), version)) {
        Ok(())
    } else {
        let what =
            format!("table `cases`, case {id}: the row is not what its last event commits to");
        Err(flaw(column::count(last).map_err(unread)?, &what, CHANGED))
    }
}

fn is_at(leaf: &Leaf, at: jiff::Timestamp) -> bool {
    leaf.at.as_microsecond() == at.as_microsecond()
}

/// The change that leads to a row.
fn change(case: CaseRow) -> CaseChange {
    let CaseRow {
        id,
        opened: _,
        version,
        state,
        issuing,
        executing,
        instrument,
        outcome,
        exercise,
        urgency,
        owner,
        request_id,
        opened_at: _,
        changed_at: _,
        wake_at,
        reviewers,
        team,
        // Entries commit to these themselves.
        records: _,
    } = case;
    CaseChange {
        id,
        expected: Expected::Version(version.saturating_sub(1)),
        state,
        issuing,
        executing,
        instrument,
        outcome,
        exercise,
        urgency,
        owner,
        request_id,
        wake_at,
        reviewers,
        team,
        // No entry commits to it.
        owes: false,
    }
}

/// Every request key is one that an entry commits to, and none is gone.
pub(super) fn check_keys(db: &Connection, expected: u64) -> Result<(), Flaw> {
    let mut select = db
        .prepare("SELECT caller, request_id, digest, case_id, idx FROM request_key")
        .map_err(failed)?;
    let mut found = select.query([]).map_err(failed)?;
    let mut count = 0;
    while let Some(row) = found.next().map_err(failed)? {
        let index: i64 = row.get(4).map_err(failed)?;
        let (key, case) = read_key(row).map_err(unread)?;
        let committed = read::bound(db, index)
            .map_err(unread)?
            .is_some_and(|(leaf, salt)| opens(&leaf, "key", &salt, &key_image(&key, &case)));
        if !committed {
            let index = column::count(index).map_err(unread)?;
            let what = "a row of table `request_key` is not what the entry commits to";
            return Err(flaw(index, what, CHANGED));
        }
        count += 1;
    }
    if count == expected {
        Ok(())
    } else {
        let what = format!("table `request_key` has {count} rows, the entries tell of {expected}");
        Err(Flaw::of(DATABASE, what, CHANGED))
    }
}

fn read_key(row: &Row<'_>) -> Result<(RequestKey, CaseId), ReadError> {
    let key = RequestKey {
        caller: row.get(0)?,
        request_id: column::id(&row.get::<_, String>(1)?, "request id")?,
        digest: Digest(row.get(2)?),
    };
    Ok((key, column::id(&row.get::<_, String>(3)?, "case id")?))
}

/// Every job is one that an entry enqueued.
pub(super) fn check_jobs(db: &Connection) -> Result<u64, Flaw> {
    let mut select = db
        .prepare("SELECT id, fence, attempts, case_id, step, target, urgency, body FROM job")
        .map_err(failed)?;
    let mut found = select.query([]).map_err(failed)?;
    let mut count = 0;
    while let Some(row) = found.next().map_err(failed)? {
        let job = rows::read_job(row).map_err(unread)?;
        if !rows::is_authentic(db, &job).map_err(unread)? {
            let index = column::count(job.lease.job / rows::JOBS_PER_ENTRY).map_err(unread)?;
            let what = "a row of table `job` is not what the entry enqueued";
            return Err(flaw(index, what, CHANGED));
        }
        count += 1;
    }
    Ok(count)
}

/// Whether a leaf commits to one thing of a name, and this is it.
fn opens(leaf: &Leaf, name: &str, salt: &[u8; 32], image: &[u8]) -> bool {
    let commitments: Option<&[Hash]> = leaf.binds.get(name).map(Vec::as_slice);
    matches!(commitments, Some([one]) if one.opens(name, salt, image))
}
