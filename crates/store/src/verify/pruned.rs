//! What is missing because it was pruned, and what is not.

use comity_ledger::{Flaw, Leaf, PRUNING, Pruned, Verified};
use rusqlite::Connection;

use super::{CHANGED, DIFFERS, failed, flaw, unread};
use crate::column;

/// How far the rows are pruned: as far as any of them says, each of which is verified in
/// its turn. That is no less than what is published says.
pub(super) fn rows(db: &Connection, published: &Verified) -> Result<Option<Pruned>, Flaw> {
    let mut select = db
        .prepare("SELECT idx, leaf FROM entry WHERE kind = ?1")
        .map_err(failed)?;
    let mut found = select.query([PRUNING]).map_err(failed)?;
    let mut most: Option<Pruned> = None;
    while let Some(row) = found.next().map_err(failed)? {
        let index = column::count(row.get(0).map_err(failed)?).map_err(unread)?;
        let leaf: Vec<u8> = row.get(1).map_err(failed)?;
        // A leaf that cannot be read is found in its turn.
        let said = Leaf::read(&leaf).ok();
        let said = said.and_then(|(leaf, _)| Pruned::by(index, &leaf));
        most = most.into_iter().chain(said).max_by_key(|said| said.below);
    }
    let below = most.map_or(0, |pruned| pruned.below);
    match published.pruned.filter(|pruned| pruned.below > below) {
        None => Ok(most),
        Some(pruned) => {
            let what = format!(
                "the row is missing, which says that entries below {} were pruned",
                pruned.below
            );
            Err(flaw(pruned.entry, &what, DIFFERS))
        }
    }
}

/// A row is the one that comes next.
pub(super) fn check_index(found: i64, index: u64) -> Result<(), Flaw> {
    let next = column::sql(index);
    if found == next {
        Ok(())
    } else if found > next {
        Err(flaw(index, "the row is missing", CHANGED))
    } else {
        let found = u64::try_from(found).unwrap_or(0);
        let what = "the row is there, though a later entry says that it was pruned";
        Err(flaw(found, what, CHANGED))
    }
}
