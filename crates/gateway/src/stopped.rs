//! The data folder of a gateway that is stopped, opened to be written to: to erase, to
//! hold, to index again.

use std::path::{Path, PathBuf};

use comity_ledger::{Key, KeyError, Policy, policy_beside};
use comity_store::{Archive, KeyToken, OpenError, Options, Period, PublicationError, Store};
use thiserror::Error;

use crate::{causes, intact::LEDGER, personal, start::LEDGER_KEY};

/// Why a folder is not written to.
#[derive(Debug, Error)]
pub enum StoppedError {
    /// It cannot be opened.
    #[error("the data folder `{}` cannot be opened", folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
        /// Why; [`OpenError::Locked`] while a gateway has it open.
        #[source]
        source: OpenError,
    },
    /// The ledger's key cannot be used.
    #[error("the key of the ledger cannot be used")]
    Key(#[from] KeyError),
}

/// Opens a folder to be read. First of all: one that holds no store must not get one.
pub(crate) fn archive((data, token): (&Path, Option<&KeyToken>)) -> Result<Archive, StoppedError> {
    Archive::open(data, token, Period::default()).map_err(unopened(data))
}

/// Opens a folder to be written to, and then to be read: as it opens, its keys may come to
/// be on the token. Nothing is made in one that holds no store.
pub(crate) fn both(folder: (&Path, Option<&KeyToken>)) -> Result<(Store, Archive), StoppedError> {
    archive(folder)?;
    Ok((store(folder)?, archive(folder)?))
}

/// Opens a folder to be written to. `token` keeps the key to the records, where one does.
/// Where witnesses must cosign, nothing is signed here: who was restored from an old copy
/// must first hear what they have seen.
pub(crate) fn store((data, token): (&Path, Option<&KeyToken>)) -> Result<Store, StoppedError> {
    let key = Key::load(&data.join(LEDGER_KEY))?;
    // A policy that cannot be read may demand some.
    let demanded = |policy: Option<Policy>| policy.is_some_and(|policy| policy.required > 0);
    let options = Options {
        await_witnesses: policy_beside(&data.join(LEDGER)).map_or(true, demanded),
        token: token.cloned(),
        ..personal::options()
    };
    Store::open(data, key, &options).map_err(unopened(data))
}

/// What to do where something was recorded and is not signed.
pub const TO_BE_SIGNED: &str = "`comity audit verify` names what is in the way; once that is \
     mended, the gateway signs the entry when it starts next";

/// What is told of an entry that waits for [`Signing::Waits`].
pub const SIGNED_ONCE_HEARD: &str =
    "the gateway signs it as it starts next, once it has heard its witnesses";

/// Whether what was recorded is under a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// It is.
    Done,
    /// It will be: see [`SIGNED_ONCE_HEARD`].
    Waits,
    /// It is not: why, with all causes. See [`TO_BE_SIGNED`].
    Failed(String),
}

/// Publishes what was recorded, up to an entry.
pub(crate) async fn sign(store: &Store, entry: u64) -> Signing {
    match store.publish().await {
        Ok(signed) if signed <= entry => Signing::Waits,
        // What an earlier pruning left has nothing to do with what is signed.
        Ok(_) | Err(PublicationError::Prune(_)) => Signing::Done,
        Err(error) => Signing::Failed(causes::told(&error)),
    }
}

fn unopened(data: &Path) -> impl FnOnce(OpenError) -> StoppedError + '_ {
    |source| StoppedError::Open {
        folder: data.to_owned(),
        source,
    }
}
