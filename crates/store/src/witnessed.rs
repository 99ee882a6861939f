//! What witnesses have seen of this store's ledger: nothing is signed that contradicts
//! it, not even after the whole folder was restored from an old copy.

use std::{error::Error, io, path::Path};

use comity_ledger::{
    Checkpoint, CosignerKey, Flaw, PublishError, VerifierKey, last_cosigned_by, latest, root_of,
};
use thiserror::Error;

use crate::OpenError;

const CONTRADICTED: &str =
    "the ledger was rewritten, or restored from an old copy: it is not what a witness has seen";

/// What was seen, in a store's folder: the witness's key on the first line, then the
/// checkpoint.
const WITNESSED: &str = "witnessed";

/// A checkpoint of this ledger, signed by its key, that a witness has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witnessed {
    /// The witness.
    pub(crate) by: CosignerKey,
    pub(crate) checkpoint: Checkpoint,
}

/// Why nothing is signed for the time being.
#[derive(Debug, Error)]
#[error("the witness `{by}` has seen another ledger than this one{}", same_up_to(*.agreed))]
pub struct Held {
    /// The witness.
    pub by: String,
    /// How many of the first entries it cosigned, as far as is known here: up to there
    /// both told the same story.
    pub agreed: u64,
    /// What it has seen and what is here.
    #[source]
    pub why: PublishError,
}

impl Witnessed {
    /// What was kept; `None` if nothing was.
    pub(crate) fn read(dir: &Path, key: &VerifierKey) -> Result<Option<Self>, OpenError> {
        let path = dir.join(WITNESSED);
        let damaged = || OpenError::Witnessed(path.display().to_string());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(damaged()),
        };
        let (by, note) = text.split_once('\n').ok_or_else(damaged)?;
        let checkpoint = Checkpoint::open(note.as_bytes(), key).map_err(|_| damaged())?;
        Ok(Some(Self {
            by: by.parse().map_err(|_| damaged())?,
            checkpoint,
        }))
    }

    /// Keeps it, so that it is there after this returns.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let Self { by, checkpoint } = self;
        let text = [format!("{by}\n").as_bytes(), &checkpoint.note].concat();
        comity_ledger::write_file(dir, WITNESSED, &text)
    }

    /// Whether the ledger in `ledger` is what was seen of it.
    pub(crate) fn verify(&self, ledger: &Path, key: &VerifierKey) -> Result<(), Flaw> {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        let by = self.by.name();
        let flaw = |what: String| Flaw::of(WITNESSED, what, CONTRADICTED);
        let apart = |error: &dyn Error| flaw(format!("cannot be compared: {error}"));
        let head = latest(ledger, key).map_err(|error| apart(&error))?;
        if *size > head.size {
            let what = format!("`{by}` has cosigned {size} entries, and fewer are signed here");
            return Err(flaw(what));
        }
        if root_of(ledger, &head, *size).map_err(|error| apart(&error))? != *root {
            return Err(flaw(format!(
                "`{by}` has cosigned {size} entries under root {root}, and the first {size} \
                 entries here are others"
            )));
        }
        Ok(())
    }

    /// Entries of what was seen.
    pub(crate) fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// What holds the store whose ledger lies in `ledger`.
    pub(crate) fn held(&self, why: PublishError, ledger: &Path) -> Held {
        Held {
            by: self.by.name().to_owned(),
            agreed: last_cosigned_by(ledger, &self.by).unwrap_or_default(),
            why,
        }
    }
}

fn same_up_to(size: u64) -> String {
    match size {
        0 => String::new(),
        size => format!("; up to entry {} both are known to be the same", size - 1),
    }
}
