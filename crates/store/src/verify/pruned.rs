//! What is missing because it was pruned, and what is not.

use comity_ledger::{Flaw, Leaf, PRUNING, Pruned, Verified};
use rusqlite::{Connection, params};

use super::{CHANGED, DIFFERS, failed, flaw, unread};
use crate::column;

/// How far the rows are pruned: as far as one of them says that is signed, each of which is
/// verified in its turn, and no further than they are there.
pub(super) fn rows(db: &Connection, published: &Verified) -> Result<Option<Pruned>, Flaw> {
    let first = db.query_row("SELECT min(idx) FROM entry", [], |row| row.get(0));
    let first: Option<i64> = first.map_err(failed)?;
    let first = column::count(first.unwrap_or(0)).map_err(unread)?;
    if first == 0 {
        return Ok(None);
    }
    let mut select = db
        .prepare("SELECT idx, leaf FROM entry WHERE kind = ?1 AND idx < ?2")
        .map_err(failed)?;
    let signed = params![PRUNING, column::sql(published.size)];
    let mut found = select.query(signed).map_err(failed)?;
    let mut most: Option<Pruned> = None;
    while let Some(row) = found.next().map_err(failed)? {
        let index = column::count(row.get(0).map_err(failed)?).map_err(unread)?;
        let leaf: Vec<u8> = row.get(1).map_err(failed)?;
        // A leaf that cannot be read is found in its turn.
        let said = Leaf::read(&leaf).ok();
        let said = said.and_then(|(leaf, _)| Pruned::by(index, &leaf));
        let said = said.filter(|said| said.below <= first);
        most = most.into_iter().chain(said).max_by_key(|said| said.below);
    }
    match published.pruned.filter(|pruned| pruned.below == first) {
        Some(pruned) if most.is_none_or(|most| most.below < first) => {
            let what = format!(
                "the row is missing, which says that entries below {} were pruned",
                pruned.below
            );
            Err(flaw(pruned.entry, &what, DIFFERS))
        }
        Some(_) | None => Ok(most),
    }
}

/// A row is the one that comes next.
pub(super) fn check_index(found: i64, index: u64) -> Result<(), Flaw> {
    if found == column::sql(index) {
        return Ok(());
    }
    Err(flaw(index, "the row is missing", CHANGED))
}
