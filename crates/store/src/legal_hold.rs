//! Legal holds: while one stands over a case, neither the case nor its evidence is erased.
//!
//! A hold is an entry of its case, and so is its lifting, which names it. What stands is
//! what these entries add up to: nothing is kept beside them that could be changed.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::CaseId;
use comity_ledger::Leaf;
use rusqlite::Connection;
use thiserror::Error;

use crate::{
    Archive, CommitError, ERASURE, EntryRow, ReadError, Record, column,
    prepare::Sealed,
    read,
    rows::{self, Stop},
};

/// The kind of an entry that puts the case it names under a legal hold.
pub const LEGAL_HOLD: &str = "legal-hold";
/// The kind of an entry that lifts the hold of its case which it names in
/// [`Leaf::lifts`].
pub const LEGAL_HOLD_LIFTED: &str = "legal-hold-lifted";
/// The kind of an entry that erases an item of evidence of the case it names.
pub const EVIDENCE_ERASED: &str = "evidence-erased";

/// Kinds of the entries that have to do with legal holds.
const CONCERNED: [&str; 4] = [LEGAL_HOLD, LEGAL_HOLD_LIFTED, EVIDENCE_ERASED, ERASURE];

/// The legal holds that stand, as entries tell in their order.
#[derive(Debug, Clone, Default)]
pub struct Holds {
    standing: BTreeMap<String, BTreeSet<u64>>,
    /// Entries below this index were pruned, and with them holds that later ones lift.
    pruned: u64,
}

/// What an entry does that legal holds do not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Breach {
    /// It erases what is held.
    #[error("cases/{case} is under the legal hold of {}", entries_in_words(.holds))]
    Held {
        /// The case.
        case: String,
        /// The entries of the holds that stand over it.
        holds: Vec<u64>,
    },
    /// It lifts what does not stand over its case.
    #[error("entry {0} is no legal hold that stands over the case")]
    NotStanding(u64),
    /// It names no case, or no hold.
    #[error("a legal hold names its case, and who lifts one names the hold")]
    Nameless,
}

impl Holds {
    /// Those that the entries from an index on tell of, where all before it were pruned:
    /// no case was, over which a hold stood.
    #[must_use]
    pub fn from(pruned: u64) -> Self {
        Self {
            pruned,
            ..Self::default()
        }
    }

    /// Goes on with the next entry.
    ///
    /// # Errors
    /// [`Breach`]; the entry is not counted then.
    pub fn follow(&mut self, index: u64, leaf: &Leaf) -> Result<(), Breach> {
        let case = leaf.case.as_ref();
        match leaf.kind.as_str() {
            LEGAL_HOLD => {
                let case = case.ok_or(Breach::Nameless)?;
                let over = self.standing.entry(case.clone()).or_default();
                over.insert(index);
                Ok(())
            }
            LEGAL_HOLD_LIFTED => {
                let (case, hold) = case.zip(leaf.lifts).ok_or(Breach::Nameless)?;
                let standing = self.standing.get_mut(case);
                let lifted = standing.is_some_and(|holds| holds.remove(&hold));
                (lifted || hold < self.pruned)
                    .then_some(())
                    .ok_or(Breach::NotStanding(hold))
            }
            ERASURE | EVIDENCE_ERASED => match case {
                Some(case) if self.over(case).next().is_some() => Err(Breach::Held {
                    case: case.clone(),
                    holds: self.over(case).collect(),
                }),
                Some(_) | None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The entries of the holds that stand over a case, oldest first.
    pub fn over(&self, case: &str) -> impl Iterator<Item = u64> + use<'_> {
        self.standing.get(case).into_iter().flatten().copied()
    }

    /// How many stand.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.standing.values().map(|holds| holds.len() as u64).sum()
    }
}

impl From<Breach> for CommitError {
    fn from(breach: Breach) -> Self {
        match breach {
            Breach::Held { case, holds } => Self::Held { case, holds },
            Breach::NotStanding(_) | Breach::Nameless => Self::Invalid(breach.to_string()),
        }
    }
}

/// Refuses entries that legal holds do not allow. The first gets the index `next`.
pub(crate) fn check(db: &Connection, next: u64, entries: &[Sealed]) -> Result<(), Stop> {
    let mut holds = Holds::default();
    let mut known = BTreeSet::new();
    let concerned = (next..)
        .zip(entries)
        .filter(|(_, entry)| CONCERNED.contains(&entry.leaf.kind.as_str()));
    for (index, Sealed { leaf, .. }) in concerned {
        if let Some(case) = &leaf.case
            && known.insert(case)
        {
            read_standing(db, case, &mut holds)?;
        }
        holds.follow(index, leaf).map_err(CommitError::from)?;
        if leaf.kind == LEGAL_HOLD {
            check_there(db, leaf)?;
        }
    }
    Ok(())
}

/// Only a case that is there, and was not erased, can be held.
fn check_there(db: &Connection, leaf: &Leaf) -> Result<(), Stop> {
    let case: CaseId = column::id(leaf.case.as_deref().unwrap_or_default(), "case id")?;
    let there = db
        .prepare_cached("SELECT 1 FROM cases WHERE id = ?1")?
        .exists([case.as_str()])?;
    if there && !rows::is_erased(db, &case)? {
        Ok(())
    } else {
        Err(CommitError::Conflict { current: None }.into())
    }
}

/// Reads which holds stand over a case. Entries that have no place in the ledger are
/// verification's to find: they hold or lift nothing here.
fn read_standing(db: &Connection, case: &str, holds: &mut Holds) -> Result<(), Stop> {
    let mut select = db.prepare_cached(
        "SELECT idx, leaf FROM entry WHERE case_id = ?1 AND kind IN (?2, ?3) ORDER BY idx",
    )?;
    let kinds = [case, LEGAL_HOLD, LEGAL_HOLD_LIFTED];
    for row in select.query_and_then(kinds, read::read_entry)? {
        let EntryRow { index, leaf, .. } = row?;
        let _ = holds.follow(index, &leaf);
    }
    Ok(())
}

impl Archive {
    /// The legal holds that stand: of each the entry with its private part, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn legal_holds(&mut self) -> Result<Vec<(EntryRow, Option<Record>)>, ReadError> {
        let mut found = self.of_kind(LEGAL_HOLD)?;
        let mut entries: Vec<_> = self.of_kind(LEGAL_HOLD_LIFTED)?;
        entries.extend(found.iter().cloned());
        entries.sort_by_key(|(row, _)| row.index);
        let mut holds = Holds::default();
        for (row, _) in &entries {
            let _ = holds.follow(row.index, &row.leaf);
        }
        found.retain(|(row, _)| {
            let case = row.leaf.case.as_deref().unwrap_or_default();
            holds.over(case).any(|hold| hold == row.index)
        });
        Ok(found)
    }
}

/// Entries by their indexes, in words: `entry 7`, `entries 7, 9`.
#[must_use]
pub fn entries_in_words(entries: &[u64]) -> String {
    let indexes: Vec<_> = entries.iter().map(ToString::to_string).collect();
    match entries {
        [_] => format!("entry {}", indexes.concat()),
        _ => format!("entries {}", indexes.join(", ")),
    }
}
