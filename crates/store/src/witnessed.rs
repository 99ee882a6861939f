//! What witnesses have seen of this store's ledger: nothing is signed that contradicts
//! it, not even after the whole folder was restored from an old copy.

use std::{error::Error, io, path::Path};

use comity_ledger::{
    Checkpoint, CosignerKey, Flaw, PublishError, Publisher, VerifierKey, heed_word,
    last_cosigned_by, latest, read_regular_text, read_size, root_of,
};
use thiserror::Error;

use crate::OpenError;

const CONTRADICTED: &str =
    "the ledger was rewritten, or restored from an old copy: it is not what a witness has seen";

/// What was seen, in a store's folder: the witness's key on the first line, then the
/// checkpoint. Of an earlier version it may be the word of a witness instead.
pub(crate) const WITNESSED: &str = "witnessed";

/// The word of a witness, likewise.
pub(crate) const WITNESSED_WORD: &str = "witnessed-word";

/// What the word of a witness begins with; no checkpoint does, as no origin has a space.
const WORD: &str = "cosigned ";

/// What is kept of what witnesses have seen. A word never takes the place of a checkpoint:
/// whoever says it shows nothing that the ledger signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The largest checkpoint that one showed, or the one that holds the store.
    pub(crate) shown: Option<Witnessed>,
    /// The largest word of one, or the one that holds the store.
    pub(crate) said: Option<Witnessed>,
    /// What was said is no more than what the witness has cosigned here.
    pub(crate) settled: bool,
}

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

impl Memory {
    /// What was kept in a store's folder.
    pub(crate) fn read(dir: &Path, key: &VerifierKey) -> Result<Self, OpenError> {
        let shown = Witnessed::read((dir, WITNESSED), key)?;
        let said = Witnessed::read((dir, WITNESSED_WORD), key)?;
        if said.as_ref().is_some_and(|said| !said.is_word()) {
            let path = dir.join(WITNESSED_WORD);
            return Err(OpenError::Witnessed(path.display().to_string()));
        }
        Ok(match shown {
            Some(word) if word.is_word() => Self {
                said: said.or(Some(word)),
                ..Self::default()
            },
            shown => Self {
                shown,
                said,
                settled: false,
            },
        })
    }

    /// Whether it says more than what is kept.
    pub(crate) fn is_surpassed_by(&self, new: &Witnessed) -> bool {
        let size = |kept: &Option<Witnessed>| kept.as_ref().map_or(0, Witnessed::size);
        let shown = size(&self.shown);
        match new.seen {
            Seen::Signed(_) => new.size() > shown,
            Seen::Said(_) => new.size() > shown.max(size(&self.said)),
        }
    }

    /// Keeps it beside what is of the other sort, so that it is there after this returns.
    pub(crate) fn keep(&mut self, new: Witnessed, dir: &Path) -> io::Result<()> {
        if new.is_word() {
            new.write((dir, WITNESSED_WORD))?;
            self.said = Some(new);
            self.settled = false;
        } else {
            // It may stand in the place that the checkpoint takes.
            if let Some(said) = &self.said {
                said.write((dir, WITNESSED_WORD))?;
            }
            new.write((dir, WITNESSED))?;
            self.shown = Some(new);
        }
        Ok(())
    }

    /// Heeds the word, until the witness has cosigned as many entries of the ledger in
    /// `ledger`.
    pub(crate) fn settle(
        &mut self,
        publisher: &mut Publisher,
        ledger: &Path,
    ) -> Result<(), PublishError> {
        if let Some(said) = self.said.as_ref().filter(|_| !self.settled) {
            said.heed(publisher, ledger)?;
        }
        self.settled = true;
        Ok(())
    }

    /// What a refusal to sign goes back to; `None` where that is none of these.
    pub(crate) fn behind(&self, why: &PublishError) -> Option<&Witnessed> {
        let apart = matches!(
            why,
            PublishError::Behind { .. } | PublishError::Forked { .. }
        );
        let claimed = matches!(why, PublishError::Claimed { .. });
        let shown = self.shown.as_ref().filter(|_| apart);
        shown.or(self.said.as_ref().filter(|_| claimed))
    }

    /// Whether the ledger in `ledger` is what was seen of it.
    pub(crate) fn verify(&self, ledger: &Path, key: &VerifierKey) -> Result<(), Flaw> {
        let mut kept = [&self.shown, &self.said].into_iter().flatten();
        kept.try_for_each(|kept| kept.verify(ledger, key))
    }
}

/// Most bytes of what is kept, a checkpoint with its signatures: far more than any has.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;

impl Witnessed {
    /// What was kept in a file of a folder; `None` if nothing was.
    fn read((dir, file): (&Path, &str), key: &VerifierKey) -> Result<Option<Self>, OpenError> {
        let path = dir.join(file);
        let damaged = || OpenError::Witnessed(path.display().to_string());
        let text = match read_regular_text(&path, MAX_FILE_BYTES) {
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

    fn write(&self, (dir, file): (&Path, &str)) -> io::Result<()> {
        let said = match &self.seen {
            Seen::Signed(checkpoint) => checkpoint.note.clone(),
            Seen::Said(size) => format!("{WORD}{size}\n").into_bytes(),
        };
        let text = [format!("{}\n", self.by).as_bytes(), &said].concat();
        comity_ledger::write_file(dir, file, &text)
    }

    /// Nothing that the ledger signed was shown.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self.seen, Seen::Said(_))
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
    fn verify(&self, ledger: &Path, key: &VerifierKey) -> Result<(), Flaw> {
        let (size, by) = (self.size(), self.by.name());
        let file = match self.is_word() {
            true => WITNESSED_WORD,
            false => WITNESSED,
        };
        let flaw = |what: String| Flaw::of(file, what, CONTRADICTED);
        let apart = |error: &dyn Error| flaw(format!("cannot be compared: {error}"));
        let head = latest(ledger, key).map_err(|error| apart(&error))?;
        let here = last_cosigned_by(ledger, &self.by, head.size).map_err(|error| apart(&error))?;
        if self.is_word() && here >= size {
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
    pub(crate) fn held(&self, why: PublishError, (ledger, key): (&Path, &VerifierKey)) -> Held {
        let signed = latest(ledger, key).map_or(0, |head| head.size);
        Held {
            by: self.by.name().to_owned(),
            agreed: last_cosigned_by(ledger, &self.by, signed).unwrap_or_default(),
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
