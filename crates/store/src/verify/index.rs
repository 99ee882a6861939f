//! The blind index against the records: no leaf commits to it, and a search believes it.

use comity_ledger::{Flaw, Leaf};
use ring::hmac;
use rusqlite::Connection;

use super::{failed, flaw, unread};
use crate::{
    Extractor,
    blind::{self, State},
    open::DATABASE,
    vault::Vault,
};

const HIDES: &str = "a search for a person misses entries, or opens some in vain; \
     `comity audit reindex` makes the index again from the records";

/// An index that is asked.
pub(super) struct Index<'a> {
    db: &'a Connection,
    key: hmac::Key,
    state: State,
    extractor: Extractor,
}

impl<'a> Index<'a> {
    /// The index, where its key opens and this extractor made it: any other answers nothing,
    /// and is made again by a gateway.
    pub(super) fn of(
        db: &'a Connection,
        vault: Option<&Vault>,
        extractor: Option<Extractor>,
    ) -> Result<Option<Self>, Flaw> {
        let (Some(vault), Some(extractor)) = (vault, extractor) else {
            return Ok(None);
        };
        let Some(state) = blind::state(db).map_err(unread)? else {
            return Ok(None);
        };
        let key = state.key_by(vault, extractor.number);
        Ok(key.map(|key| Self {
            db,
            key,
            state,
            extractor,
        }))
    }

    /// It has the values of an entry, and none where its record was erased.
    pub(super) fn check(&self, index: u64, leaf: &Leaf, record: Option<&[u8]>) -> Result<(), Flaw> {
        if !self.state.indexed.has_come_to(index) {
            return Ok(());
        }
        let terms = record.map(|record| (self.extractor.terms)(leaf, record));
        let made = blind::tags_under(&self.key, &terms.unwrap_or_default());
        if blind::tags_of(self.db, index).map_err(failed)? == *made.as_flattened() {
            return Ok(());
        }
        let what = "the index of personal values has others of it than its record";
        Err(flaw(index, what, HIDES))
    }

    /// It says of itself what it holds.
    pub(super) fn check_sum(&self) -> Result<(), Flaw> {
        if self.state.adds_up(self.db).map_err(unread)? {
            return Ok(());
        }
        let what = "table `blind_state` has another number or sum than the index adds up to";
        Err(Flaw::of(DATABASE, what, HIDES))
    }
}
