//! The data folder of a gateway that is stopped, opened to be written to: to erase, to
//! hold, to index again.

use std::path::{Path, PathBuf};

use comity_ledger::{Key, KeyError};
use comity_store::{Archive, KeyToken, OpenError, Options, Period, PublicationError, Store};
use thiserror::Error;

use crate::{causes, personal, start::LEDGER_KEY};

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

/// Opens a folder to be written to. `token` keeps the key to the records, where one does.
pub(crate) fn store((data, token): (&Path, Option<&KeyToken>)) -> Result<Store, StoppedError> {
    let key = Key::load(&data.join(LEDGER_KEY))?;
    let options = Options {
        token: token.cloned(),
        ..personal::options()
    };
    Store::open(data, key, &options).map_err(unopened(data))
}

/// What to do where something was recorded and is not signed.
pub const TO_BE_SIGNED: &str = "`comity audit verify` names what is in the way; once that is \
     mended, the gateway signs the entry when it starts next";

/// Publishes what was recorded. Why that is not under a signed checkpoint, with all its
/// causes; `None` where it is.
pub(crate) async fn unsigned(store: &Store) -> Option<String> {
    match store.publish().await {
        // What an earlier pruning left has nothing to do with what is signed.
        Ok(_) | Err(PublicationError::Prune(_)) => None,
        Err(error) => Some(causes::told(&error)),
    }
}

fn unopened(data: &Path) -> impl FnOnce(OpenError) -> StoppedError + '_ {
    |source| StoppedError::Open {
        folder: data.to_owned(),
        source,
    }
}
