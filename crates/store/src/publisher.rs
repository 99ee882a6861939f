//! The thread that publishes committed entries under signed checkpoints.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use comity_ledger::{Key, PublishError, Publisher, published_entries};
use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    CommitError, ReadError, Unavailable, read,
    writer::{Op, Reply},
};

/// Entries read from the database at a time.
const CHUNK: usize = 256;

/// Newest published bundles, of 256 entries each, compared with their rows when
/// the store is opened. Older ones are left to a full verification.
const BUNDLES_CHECKED: u64 = 64;

/// Why entries are not published.
#[derive(Debug, Error)]
pub enum PublicationError {
    /// The rows cannot be read.
    #[error("cannot read the entries to publish")]
    Read(#[from] ReadError),
    /// The files cannot be written, or must not be extended.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// An index is missing among the rows.
    #[error("entry {0} is missing in the database; verify the store")]
    Gap(u64),
    /// A published entry is not the one in the database.
    #[error(
        "entry {0} in the database is not the one that was published and signed; \
         verify the store and restore the database"
    )]
    Changed(u64),
    /// The signed checkpoint could not be noted in the database.
    #[error("cannot note the signed checkpoint")]
    Note(#[source] CommitError),
}

/// What the publisher is asked to do out of turn.
pub(crate) enum Order {
    /// Publish now and say how far.
    Now(oneshot::Sender<Result<u64, PublicationError>>),
    /// Publish what there is and end.
    Close,
}

/// What the publisher tells everybody else.
#[derive(Default)]
pub(crate) struct Progress {
    /// Entries under the last signed checkpoint.
    pub(crate) published: AtomicU64,
    /// The last attempt did not succeed.
    pub(crate) failing: AtomicBool,
}

pub(crate) struct Publication {
    pub(crate) dir: PathBuf,
    pub(crate) key: Key,
    pub(crate) db: Connection,
    /// `None` after a failure: opened anew, and so checked anew, next time.
    pub(crate) publisher: Option<Publisher>,
    pub(crate) writer: mpsc::Sender<Op>,
    pub(crate) committed: watch::Receiver<u64>,
    pub(crate) progress: Arc<Progress>,
}

impl Publication {
    pub(crate) fn run(mut self, every: Duration, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(every) {
                Ok(Order::Now(reply)) => {
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(self.publish());
                }
                Err(RecvTimeoutError::Timeout) => self.publish_quietly(),
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => {
                    // So that what is still queued is published too.
                    if let Err(error) = ask(&self.writer, Op::Barrier) {
                        tracing::warn!(%error, "closing with entries unpublished");
                    }
                    self.publish_quietly();
                    return;
                }
            }
        }
    }

    fn publish_quietly(&mut self) {
        if let Err(error) = self.publish() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "publication of the ledger failed"
            );
        }
    }

    fn publish(&mut self) -> Result<u64, PublicationError> {
        let result = self.try_publish();
        self.progress
            .failing
            .store(result.is_err(), Ordering::Release);
        match &result {
            Ok(size) => self.progress.published.store(*size, Ordering::Release),
            Err(_) => self.publisher = None,
        }
        result
    }

    fn try_publish(&mut self) -> Result<u64, PublicationError> {
        let publisher = match self.publisher.take() {
            Some(publisher) => self.publisher.insert(publisher),
            None => self.publisher.insert(open(&self.dir, &self.key, &self.db)?),
        };
        // Only what is committed, and so on disk, is ever signed.
        let committed = *self.committed.borrow_and_update();
        if publisher.next() == committed && publisher.signed().size == committed {
            return Ok(committed);
        }
        append(&self.db, publisher, committed)?;
        let signed = publisher.sign()?.clone();
        note(&self.writer, &self.db, signed.size, signed.note)?;
        Ok(signed.size)
    }
}

/// Opens the published ledger as an extension of what the database knows, and
/// rebuilds files that are missing.
pub(crate) fn open(dir: &Path, key: &Key, db: &Connection) -> Result<Publisher, PublicationError> {
    let known = read::head(db)?.map(|(_, note)| note);
    let mut publisher = Publisher::open(dir, key.clone(), known.as_deref())?;
    let signed = publisher.signed().size;
    let present = read::size(db)?;
    if present < signed {
        return Err(PublishError::RolledBack { signed, present }.into());
    }
    let rebuilt = publisher.next() < signed;
    append(db, &mut publisher, signed)?;
    publisher.sign()?;
    if !rebuilt {
        compare_newest(dir, db, signed)?;
    }
    Ok(publisher)
}

/// Notes a signed checkpoint in the database, if it is newer than the one there.
fn note(
    writer: &mpsc::Sender<Op>,
    db: &Connection,
    size: u64,
    note: Vec<u8>,
) -> Result<(), PublicationError> {
    let previous = read::head(db)?.map_or(0, |(size, _)| size);
    ask(writer, |reply| Op::Head {
        previous,
        size,
        note,
        reply,
    })
    .map_err(PublicationError::Note)
}

fn ask(writer: &mpsc::Sender<Op>, op: impl FnOnce(Reply<()>) -> Op) -> Result<(), CommitError> {
    let (reply, answer) = oneshot::channel();
    let closed = CommitError::Unavailable(Unavailable::Closed);
    if writer.blocking_send(op(reply)).is_err() {
        return Err(closed);
    }
    answer.blocking_recv().unwrap_or(Err(closed))
}

/// Appends rows up to, and without, the index `until`.
fn append(db: &Connection, publisher: &mut Publisher, until: u64) -> Result<(), PublicationError> {
    while publisher.next() < until {
        let next = publisher.next();
        let chunk = usize::try_from(until - next).unwrap_or(CHUNK).min(CHUNK);
        let leaves = read::leaves(db, next, chunk)?;
        if leaves.is_empty() {
            return Err(PublicationError::Gap(next));
        }
        for (index, leaf) in leaves {
            if index != publisher.next() {
                return Err(PublicationError::Gap(publisher.next()));
            }
            publisher.append(&leaf)?;
        }
    }
    Ok(())
}

/// Compares the newest published entries with their rows.
fn compare_newest(dir: &Path, db: &Connection, size: u64) -> Result<(), PublicationError> {
    let bundles = size.div_ceil(CHUNK as u64);
    for number in bundles.saturating_sub(BUNDLES_CHECKED)..bundles {
        let first = number * CHUNK as u64;
        let rows = read::leaves(db, first, CHUNK)?;
        let published = published_entries(dir, number, size)?.unwrap_or_default();
        let mut rows = rows.into_iter();
        for (index, entry) in (first..).zip(published) {
            match rows.next() {
                Some((at, row)) if at == index && row == entry => {}
                Some((at, _)) if at == index => return Err(PublicationError::Changed(index)),
                Some(_) | None => return Err(PublicationError::Gap(index)),
            }
        }
    }
    Ok(())
}
