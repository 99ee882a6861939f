//! The thread that publishes committed entries under signed checkpoints.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use comity_ledger::{CheckpointError, Key, Pruned, PublishError, Publisher, published_entries};
use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    CommitError, Held, ReadError, Unavailable, prune,
    queue::{Op, Reply},
    read,
    witnessed::{Memory, Witnessed},
};

/// Entries read from the database at a time.
const CHUNK: usize = 256;

/// Newest published bundles, of 256 entries each, compared with their rows when
/// the store is opened. Older ones are left to a full verification.
const BUNDLES_CHECKED: u64 = 64;

/// Pause before a database is written anew again, which did not succeed: it may be large.
const PRUNED_AGAIN_AFTER: Duration = Duration::from_secs(300);

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
    /// A witness has seen another ledger.
    #[error("nothing is signed")]
    Held(#[source] Box<Held>),
    /// What a witness shows was not signed by this ledger's key.
    #[error("what the witness shows is no checkpoint of this ledger")]
    NotOurs(#[source] CheckpointError),
    /// What a witness has seen cannot be kept.
    #[error("what a witness has seen cannot be kept")]
    Keep(#[source] std::io::Error),
    /// What was pruned is still in the pages of the database.
    #[error("what was pruned cannot be taken out of the database file; it is tried again")]
    Prune(#[source] CommitError),
    /// The signed checkpoint could not be noted in the database.
    #[error("cannot note the signed checkpoint")]
    Note(#[source] CommitError),
}

/// What the publisher is asked to do out of turn.
pub(crate) enum Order {
    /// Publish now and say how far.
    Now(oneshot::Sender<Result<u64, PublicationError>>),
    /// Heed what a witness has seen.
    Heed(
        Box<Witnessed>,
        oneshot::Sender<Result<(), PublicationError>>,
    ),
    /// Witnesses need not be waited for any longer.
    Heard,
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
    /// A witness has seen another ledger.
    pub(crate) held: AtomicBool,
    /// Of that one nothing is known but its word.
    pub(crate) held_by_word: AtomicBool,
    /// Entries below this index have no bundles any more.
    pub(crate) pruned: AtomicU64,
}

pub(crate) struct Publication {
    pub(crate) dir: PathBuf,
    pub(crate) key: Key,
    pub(crate) db: Connection,
    /// `None` after a failure: opened anew, and so checked anew, next time. It heeds
    /// what witnesses have shown.
    pub(crate) publisher: Option<Publisher>,
    /// What witnesses have seen, and the store's folder, where it is kept.
    pub(crate) witnessed: Memory,
    pub(crate) folder: PathBuf,
    /// Nothing is signed before witnesses were heard.
    pub(crate) waits: bool,
    /// The database could not be written anew; to be tried again then.
    pub(crate) prune_not_before: Option<Instant>,
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
                Ok(Order::Heed(witnessed, reply)) => {
                    let _ = reply.send(self.heed(*witnessed));
                }
                Ok(Order::Heard) => self.waits = false,
                Err(RecvTimeoutError::Timeout) => self.publish_quietly(),
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => {
                    // So that what is still queued is published too.
                    if let Err(error) = ask(&self.writer, Op::Seal) {
                        tracing::warn!(%error, "closing with entries unpublished");
                    }
                    self.publish_quietly();
                    return;
                }
            }
        }
    }

    /// Publishes in its turn. What holds the store was said once, and does not go away by
    /// itself: only who asks has it looked at again.
    fn publish_quietly(&mut self) {
        if self.progress.held.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.publish() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "publication of the ledger failed"
            );
        }
    }

    fn publish(&mut self) -> Result<u64, PublicationError> {
        let size = self.try_publish().map_err(|error| self.failed(error))?;
        self.progress.hold(None);
        self.progress.failing.store(false, Ordering::Release);
        self.progress.published.store(size, Ordering::Release);
        Ok(size)
    }

    /// Keeps what a witness has seen, if it is more than was known or contradicts what
    /// is here, and looks at once what follows. What holds the store already is not
    /// replaced: only a store that was opened anew may agree with it. Where that is a
    /// word, what another witness shows is compared all the same.
    fn heed(&mut self, new: Witnessed) -> Result<(), PublicationError> {
        let held = self.progress.held.load(Ordering::Acquire);
        if held && (new.is_word() || !self.is_held_by_word()) {
            return self.publish().map(drop);
        }
        let taken = self.take_publisher();
        let mut publisher = taken.map_err(|error| self.failed(error))?;
        let fits = new.heed(&mut publisher, &self.dir).is_ok();
        if fits && !self.witnessed.is_surpassed_by(&new) {
            self.publisher = Some(publisher);
            return Ok(());
        }
        let kept = self.witnessed.keep(new, &self.folder);
        kept.map_err(PublicationError::Keep)?;
        self.publisher = fits.then_some(publisher);
        match self.publish() {
            // By another's word, which what was shown neither confirms nor contradicts.
            Err(PublicationError::Held(_)) if fits && self.is_held_by_word() => Ok(()),
            published => published.map(drop),
        }
    }

    fn is_held_by_word(&self) -> bool {
        self.progress.held_by_word.load(Ordering::Acquire)
    }

    /// Tells of a failure, and names the witness whose word it goes back to.
    fn failed(&self, error: PublicationError) -> PublicationError {
        let error = self.blamed(error);
        self.progress.hold(match &error {
            PublicationError::Held(held) => Some(held),
            PublicationError::Read(_)
            | PublicationError::Publish(_)
            | PublicationError::Gap(_)
            | PublicationError::Changed(_)
            | PublicationError::NotOurs(_)
            | PublicationError::Keep(_)
            | PublicationError::Prune(_)
            | PublicationError::Note(_) => None,
        });
        self.progress.failing.store(true, Ordering::Release);
        error
    }

    fn blamed(&self, error: PublicationError) -> PublicationError {
        let PublicationError::Publish(why) = error else {
            return error;
        };
        match self.witnessed.behind(&why) {
            Some(kept) => {
                PublicationError::Held(Box::new(kept.held(why, (&self.dir, self.key.verifier()))))
            }
            None => PublicationError::Publish(why),
        }
    }

    /// The publisher, which heeds what was witnessed. To be put back after success.
    fn take_publisher(&mut self) -> Result<Publisher, PublicationError> {
        if let Some(publisher) = self.publisher.take() {
            return Ok(publisher);
        }
        self.witnessed.settled = false;
        let mut publisher = open(&self.dir, &self.key, &self.db)?;
        if let Some(shown) = &self.witnessed.shown {
            shown.heed(&mut publisher, &self.dir)?;
        }
        Ok(publisher)
    }

    fn try_publish(&mut self) -> Result<u64, PublicationError> {
        let mut publisher = self.take_publisher()?;
        // Only what is committed, and so on disk, is ever signed.
        let committed = *self.committed.borrow_and_update();
        let permitted = publisher.permits(committed);
        let settled = permitted.and_then(|()| self.witnessed.settle(&mut publisher, &self.dir));
        if let Err(held) = settled {
            self.publisher = Some(publisher);
            return Err(held.into());
        }
        // Also where the disk was full when it was to be noted.
        let noted = read::head(&self.db)?.map_or(0, |(size, _)| size);
        let signed = publisher.signed().size;
        let done = [publisher.next(), signed, noted] == [committed; 3];
        if !done && !self.waits {
            append(&self.db, &mut publisher, committed)?;
            let signed = publisher.sign()?.clone();
            note(&self.writer, &self.db, signed.size, signed.note)?;
        }
        let signed = publisher.signed().size;
        let pruned = self.prune(&mut publisher);
        // It has nothing to do with what is signed, and is tried again.
        self.publisher = Some(publisher);
        pruned.map(|()| signed)
    }

    /// Removes what is left of entries that were pruned, from the database first.
    fn prune(&mut self, publisher: &mut Publisher) -> Result<(), PublicationError> {
        let Some(pruned) = prune::pruned(&self.db)? else {
            return Ok(());
        };
        if publisher.is_to_prune(&pruned)? {
            if self.prune_not_before.is_some_and(|at| Instant::now() < at) {
                return Ok(());
            }
            self.prune_not_before = Some(Instant::now() + PRUNED_AGAIN_AFTER);
            ask(&self.writer, Op::WriteAnew).map_err(PublicationError::Prune)?;
            self.prune_not_before = None;
        }
        self.progress.prune(publisher, &pruned)?;
        Ok(())
    }
}

impl Progress {
    /// Says what holds the store, if anything does.
    fn hold(&self, held: Option<&Held>) {
        let claimed = |held: &Held| matches!(held.why, PublishError::Claimed { .. });
        let by_word = held.is_some_and(claimed);
        self.held_by_word.store(by_word, Ordering::Release);
        self.held.store(held.is_some(), Ordering::Release);
    }

    /// Removes what is published of entries that were pruned, once that is signed.
    pub(crate) fn prune(
        &self,
        publisher: &mut Publisher,
        pruned: &Pruned,
    ) -> Result<(), PublishError> {
        if pruned.entry < publisher.signed().size {
            self.pruned.store(pruned.below, Ordering::Release);
        }
        publisher.prune(pruned)
    }
}

/// Opens the published ledger as an extension of what the database knows, and
/// rebuilds files that are missing.
pub(crate) fn open(dir: &Path, key: &Key, db: &Connection) -> Result<Publisher, PublicationError> {
    let known = read::head(db)?.map(|(_, note)| note);
    let below = prune::pruned(db)?.map_or(0, |pruned| pruned.below);
    if prune::first(db)? > below {
        return Err(PublicationError::Gap(below));
    }
    let mut publisher = Publisher::open_pruned((dir, below), key.clone(), known.as_deref())?;
    let signed = publisher.signed().size;
    let present = read::size(db)?;
    if present < signed {
        return Err(PublishError::RolledBack { signed, present }.into());
    }
    let rebuilt = publisher.next() < signed;
    append(db, &mut publisher, signed)?;
    publisher.sign()?;
    if !rebuilt {
        compare_newest((dir, below), db, signed)?;
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

/// Compares the newest published entries with their rows, from an index below which all
/// were pruned.
fn compare_newest(
    (dir, below): (&Path, u64),
    db: &Connection,
    size: u64,
) -> Result<(), PublicationError> {
    let bundles = size.div_ceil(CHUNK as u64);
    let oldest = bundles.saturating_sub(BUNDLES_CHECKED);
    for number in oldest.max(below / CHUNK as u64)..bundles {
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
