//! Erasure of a case, or of an entry that no case belongs to; and of the oldest entries as
//! a whole, see [`crate::prune`].
//!
//! Its records and their data keys leave the database, but for those of who held it and
//! let it go, which say why; every other data key is wrapped
//! anew under the next key-encryption key; once that is durable the old one is
//! destroyed, on its token where one keeps it. Copies of the database made before hold
//! data keys that nothing opens, and tags of the blind index under a key that nothing
//! opens either: see [`crate::blind`].

use comity_domain::CaseId;
use comity_ledger::PRUNING;
use rusqlite::{Connection, params};

use crate::{
    CommitError, Committed, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Receipt, blind, column, legal_hold,
    prepare::Prepared,
    prune,
    rows::{self, Stop},
    vault::Vault,
};

/// The kind of an entry that erases the case it names, or the record of the entry
/// that it names in [`comity_ledger::Leaf::erases`].
pub const ERASURE: &str = "erasure";

/// What is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every record of a case.
    Case(CaseId),
    /// The record of an entry without a case.
    Entry(u64),
    /// Every entry below an index, rows and all.
    Below(u64),
}

/// Keys wrapped anew at a time.
const CHUNK: i64 = 10_000;

/// Erases a target and appends the entry that says so at the index `next`, in the
/// transaction under way. The vault keeps both generations until it is told the end.
pub(crate) fn erase(
    (db, vault): (&Connection, &Vault),
    target: &Target,
    entry: (u64, &Prepared),
) -> Result<Committed, Stop> {
    db.execute_batch("SAVEPOINT erasure")?;
    let erased = carry_out((db, vault), target, entry);
    match &erased {
        // The whole group goes, and may be gone already with its savepoints.
        Err(Stop::Database(_)) => {}
        // The group goes on without it.
        Err(Stop::Refused(_)) => db.execute_batch("ROLLBACK TO erasure; RELEASE erasure")?,
        Ok(_) => db.execute_batch("RELEASE erasure")?,
    }
    erased
}

fn carry_out(
    (db, vault): (&Connection, &Vault),
    target: &Target,
    (next, prepared): (u64, &Prepared),
) -> Result<Committed, Stop> {
    match target {
        Target::Case(case) => check_case(db, case)?,
        Target::Entry(index) => check_entry(db, *index)?,
        Target::Below(index) => prune::check(db, *index)?,
    }
    legal_hold::check(db, next, &prepared.entries)?;
    // A generation that was begun before, and used since, copies of the database may have.
    let begun = match vault.unfinished() {
        Some([_, newest]) => !is_used(db, newest)?,
        None => false,
    };
    if !begun {
        vault.begin_next().map_err(CommitError::from)?;
    }
    match target {
        Target::Case(case) => {
            // Who held it, and why, is no record of the case: it says why that was kept.
            db.prepare_cached(
                "UPDATE entry SET key = NULL, sealed = NULL \
                 WHERE case_id = ?1 AND kind NOT IN (?2, ?3)",
            )?
            .execute([case.as_str(), LEGAL_HOLD, LEGAL_HOLD_LIFTED])?;
        }
        Target::Entry(index) => {
            db.prepare_cached("UPDATE entry SET key = NULL, sealed = NULL WHERE idx = ?1")?
                .execute([column::sql(*index)])?;
        }
        Target::Below(index) => prune::delete(db, *index)?,
    }
    let mut receipts = Vec::new();
    for (index, sealed) in (next..).zip(&prepared.entries) {
        rows::insert_entry(db, vault, index, sealed)?;
        receipts.push(Receipt {
            index,
            leaf_hash: sealed.leaf_hash,
        });
    }
    wrap_anew(db, vault)?;
    // Whatever a copy of it would confirm hangs on the old generation.
    blind::clear(db, vault, next)?;
    Ok(Committed {
        version: None,
        receipts,
        held: Vec::new(),
    })
}

/// Whether anything is wrapped under a generation.
pub(crate) fn is_used(db: &Connection, generation: u32) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM entry WHERE substr(key, 1, 4) = ?1 UNION ALL \
         SELECT 1 FROM blind_state WHERE substr(key, 1, 4) = ?1",
    )?
    .exists([generation.to_be_bytes()])
}

/// Only a case at its end, of which nothing is left to do, is erased.
fn check_case(db: &Connection, case: &CaseId) -> Result<(), Stop> {
    let sql = "SELECT state, EXISTS (SELECT 1 FROM job WHERE case_id = id) \
               FROM cases WHERE id = ?1";
    let mut select = db.prepare_cached(sql)?;
    let mut found = select.query([case.as_str()])?;
    let Some(row) = found.next()? else {
        return Err(CommitError::Conflict { current: None }.into());
    };
    let busy = row.get::<_, bool>(1)?;
    let state = column::state(&row.get::<_, String>(0)?);
    let ended = state.is_ok_and(comity_domain::CaseState::is_final);
    if rows::is_erased(db, case)? {
        Err(CommitError::Conflict { current: None }.into())
    } else if busy || !ended {
        Err(CommitError::Invalid("the case has not come to its end".to_owned()).into())
    } else {
        Ok(())
    }
}

/// An entry of a case is erased with the case, and why something was erased or pruned stays.
fn check_entry(db: &Connection, index: u64) -> Result<(), Stop> {
    let sql =
        "SELECT case_id IS NULL AND kind NOT IN (?2, ?3), sealed IS NULL FROM entry WHERE idx = ?1";
    let mut select = db.prepare_cached(sql)?;
    let mut found = select.query(params![column::sql(index), ERASURE, PRUNING])?;
    let Some(row) = found.next()? else {
        return Err(CommitError::Conflict { current: None }.into());
    };
    if !row.get::<_, bool>(0)? {
        let what = "the entry belongs to a case, or says why something was erased or pruned";
        Err(CommitError::Invalid(what.to_owned()).into())
    } else if row.get(1)? {
        Err(CommitError::Conflict { current: None }.into())
    } else {
        Ok(())
    }
}

/// Wraps every data key under the newest generation. A key that does not open is a
/// damage that must not be made worse: nothing is erased then.
pub(crate) fn wrap_anew(db: &Connection, vault: &Vault) -> Result<(), Stop> {
    let mut select = db.prepare_cached(
        "SELECT idx, key FROM entry WHERE key IS NOT NULL AND idx > ?1 ORDER BY idx LIMIT ?2",
    )?;
    let mut update = db.prepare_cached("UPDATE entry SET key = ?2 WHERE idx = ?1")?;
    let mut after = -1;
    loop {
        let keys = select
            .query_map([after, CHUNK], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(i64, Vec<u8>)>>>()?;
        let Some((last, _)) = keys.last() else {
            return Ok(());
        };
        after = *last;
        for (index, wrapped) in keys {
            let Some(key) = vault.unwrap(&wrapped) else {
                let what = format!("the key of entry {index} is damaged; verify the store");
                return Err(CommitError::Keys(what).into());
            };
            let wrapped = vault.wrap(&key).map_err(CommitError::from)?;
            update.execute(params![index, wrapped])?;
        }
    }
}
