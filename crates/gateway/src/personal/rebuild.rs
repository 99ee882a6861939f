//! Making the index of personal values again: as a gateway starts, where it is not
//! complete, and by command.

use std::path::Path;

use comity_store::{CommitError, KeyToken, OpenError, ReadError, Store};
use thiserror::Error;

use super::OF_RECORDS;
use crate::stopped::{self, StoppedError};

/// What making the index again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reindexed {
    /// Entries that were looked at.
    pub entries: u64,
    /// Values of theirs that are in the index.
    pub values: u64,
    /// It had been complete, and is as it was.
    pub unchanged: bool,
}

/// Why the index was not made again.
#[derive(Debug, Error)]
pub enum ReindexError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] StoppedError),
    /// The data folder cannot be read.
    #[error("the data folder cannot be read")]
    Read(#[from] ReadError),
    /// The store refused.
    #[error("the index is not complete: run the command again")]
    Commit(#[from] CommitError),
}

/// Makes the index again in the data folder of a gateway that is stopped. `step` is
/// told how many of how many entries are done. `token` keeps the key to the records, where
/// one does.
///
/// # Errors
/// [`ReindexError`]; while a gateway has the folder open it is [`StoppedError::Open`].
pub async fn reindex(
    (data, token): (&Path, Option<&KeyToken>),
    step: impl FnMut(u64, u64),
) -> Result<Reindexed, ReindexError> {
    // One of an earlier version is brought up to date as the store opens.
    match stopped::archive((data, token)) {
        Ok(_)
        | Err(StoppedError::Open {
            source: OpenError::Foreign,
            ..
        }) => {}
        Err(error) => return Err(error.into()),
    }
    let store = stopped::store((data, token))?;
    let done = again(&store, step).await;
    store.close().await;
    done
}

async fn again(store: &Store, step: impl FnMut(u64, u64)) -> Result<Reindexed, ReindexError> {
    let before = store.indexed().await?;
    store.clear_index().await?;
    let entries = store.indexed().await?.until;
    rebuild(store, step).await?;
    let after = store.indexed().await?;
    Ok(Reindexed {
        entries,
        values: after.values,
        unchanged: before.is_complete() && before.values == after.values,
    })
}

/// Indexes what is not in the index yet.
///
/// # Errors
/// [`CommitError`]; what was done stays done.
pub(crate) async fn rebuild(
    store: &Store,
    mut step: impl FnMut(u64, u64),
) -> Result<(), CommitError> {
    while let Some((done, of)) = store.index_more(OF_RECORDS).await? {
        step(done, of);
    }
    Ok(())
}
