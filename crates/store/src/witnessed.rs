//! What witnesses have seen of this store's ledger: nothing is signed that contradicts
//! it, not even after the whole folder was restored from an old copy.

use std::{error::Error, io, path::Path};

use comity_ledger::{
    Checkpoint, CosignerKey, Flaw, PublishError, Publisher, VerifierKey, heed_word,
    last_cosigned_by, latest, read_size, root_of,
};
use thiserror::Error;

use crate::OpenError;

const CONTRADICTED: &str =
    "the ledger was rewritten, or restored from an old copy: it is not what a witness has seen";

/// What was seen, in a store's folder: the witness's key on the first line, then the
/// checkpoint, or the word of the witness.
const WITNESSED: &str = "witnessed";

/// What the word of a witness begins with; no checkpoint does, as no origin has a space.
const WORD: &str = "cosigned ";

/// What a witness has seen of this ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witnessed {
    /// The witness.
    pub(crate) by: CosignerKey,
    pub(crate) seen: Seen,
}

/// See [`Witnessed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A checkpoint that this ledger's key signed.
    Signed(Checkpoint),
    /// So many entries, by the witness's word alone. It is settled where it cosigns as
    /// many here.
    Said(u64),
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
        let seen = match note.strip_prefix(WORD).map(|size| size.strip_suffix('\n')) {
            Some(size) => Seen::Said(size.and_then(read_size).ok_or_else(damaged)?),
            None => Seen::Signed(Checkpoint::open(note.as_bytes(), key).map_err(|_| damaged())?),
        };
        Ok(Some(Self {
            by: by.parse().map_err(|_| damaged())?,
            seen,
        }))
    }

    /// Keeps it, so that it is there after this returns.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let said = match &self.seen {
            Seen::Signed(checkpoint) => checkpoint.note.clone(),
            Seen::Said(size) => format!("{WORD}{size}\n").into_bytes(),
        };
        let text = [format!("{}\n", self.by).as_bytes(), &said].concat();
        comity_ledger::write_file(dir, WITNESSED, &text)
    }

    /// Has the publisher of the ledger in `ledger` heed it.
    pub(crate) fn heed(
        &self,
        publisher: &mut Publisher,
        ledger: &Path,
    ) -> Result<(), PublishError> {
        match &self.seen {
            Seen::Signed(checkpoint) => publisher.heed(checkpoint),
            Seen::Said(size) => heed_word(ledger, publisher.signed().size, (&self.by, *size)),
        }
    }

    /// Whether the ledger in `ledger` is what was seen of it.
    pub(crate) fn verify(&self, ledger: &Path, key: &VerifierKey) -> Result<(), Flaw> {
        let (size, by) = (self.size(), self.by.name());
        let flaw = |what: String| Flaw::of(WITNESSED, what, CONTRADICTED);
        let apart = |error: &dyn Error| flaw(format!("cannot be compared: {error}"));
        let head = latest(ledger, key).map_err(|error| apart(&error))?;
        let here = last_cosigned_by(ledger, &self.by).map_err(|error| apart(&error))?;
        if matches!(self.seen, Seen::Said(_)) && here >= size {
            return Ok(());
        }
        if size > head.size {
            let what = format!("`{by}` has cosigned {size} entries, and fewer are signed here");
            return Err(flaw(what));
        }
        match &self.seen {
            Seen::Said(_) => Err(flaw(format!(
                "`{by}` says that it has cosigned {size} entries, and has cosigned {here} here"
            ))),
            Seen::Signed(Checkpoint { root, .. })
                if root_of(ledger, &head, size).map_err(|error| apart(&error))? != *root =>
            {
                Err(flaw(format!(
                    "`{by}` has cosigned {size} entries under root {root}, and the first {size} \
                     entries here are others"
                )))
            }
            Seen::Signed(_) => Ok(()),
        }
    }

    /// Entries of what was seen.
    pub(crate) fn size(&self) -> u64 {
        match &self.seen {
            Seen::Signed(checkpoint) => checkpoint.size,
            Seen::Said(size) => *size,
        }
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
