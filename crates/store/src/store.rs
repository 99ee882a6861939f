//! The store as the rest of the gateway sees it.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use comity_domain::{CaseId, RequestId};
use comity_ledger::{Proof, VerifierKey};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    CaseFilter, CaseRow, CommitError, Committed, Durable, EntryFilter, EntryRow, Event, Found,
    Health, Job, Lease, Page, PublicationError, ReadError, Record, Search, Transaction,
    Unavailable, prepare,
    publisher::{Order, Progress},
    read::{self, Readers},
    search,
    writer::{Op, Reply, Signals},
};

/// Durable cases, ledger entries and jobs. Clones share one store.
///
/// It ends when the last clone is dropped or [`Store::close`] is called: what
/// was asked before is still done, and the ledger published to its end.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) queue: mpsc::Sender<Op>,
    pub(crate) orders: std_mpsc::Sender<Order>,
    pub(crate) readers: Readers,
    pub(crate) signals: Arc<Signals>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) ledger: PathBuf,
    pub(crate) verifier: VerifierKey,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the store is open.
    pub(crate) _lock: File,
}

impl Store {
    /// Makes a transaction durable. Once queued it takes place even if the
    /// caller stops waiting.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the transaction was written then.
    pub async fn commit(
        &self,
        transaction: Transaction,
    ) -> Result<Durable<Committed>, CommitError> {
        let prepared = Box::new(prepare::prepare(transaction)?);
        self.ask(|reply| Op::Commit(prepared, reply)).await
    }

    /// Leases up to `limit` due jobs for a time: most urgent first, then oldest.
    ///
    /// # Errors
    /// [`CommitError`] if the store takes no work.
    pub async fn claim(
        &self,
        now: Timestamp,
        limit: usize,
        lease_for: Duration,
    ) -> Result<Vec<Durable<Job>>, CommitError> {
        let until = SignedDuration::try_from(lease_for)
            .ok()
            .and_then(|lease_for| now.checked_add(lease_for).ok())
            .unwrap_or(Timestamp::MAX);
        self.ask(|reply| Op::Claim {
            now,
            until,
            limit,
            reply,
        })
        .await
    }

    /// Gives a job back after a failed attempt, to be tried at `when`. The note
    /// is for operators and holds no personal data.
    ///
    /// # Errors
    /// [`CommitError::LeaseLost`] if another worker has the job.
    pub async fn retry_at(
        &self,
        lease: Lease,
        when: Timestamp,
        note: &str,
    ) -> Result<(), CommitError> {
        let note = note.to_owned();
        self.ask(|reply| Op::Retry {
            lease,
            when,
            note,
            reply,
        })
        .await
    }

    /// Waits until a job was enqueued or given back since the last call. One
    /// waiting task is woken.
    pub async fn jobs_changed(&self) {
        self.inner.signals.jobs.notified().await;
    }

    /// When the next job is due or its lease over; `None` if there is none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        self.inner.readers.run(read::next_due).await
    }

    /// The number of committed entries, and news of it growing.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.signals.committed.subscribe()
    }

    /// A case by its id.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn case(&self, id: &CaseId) -> Result<Option<CaseRow>, ReadError> {
        let id = id.clone();
        self.inner.readers.run(move |db| read::case(db, &id)).await
    }

    /// The case that a caller's request led to.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn case_by_key(
        &self,
        caller: &str,
        request_id: &RequestId,
    ) -> Result<Option<CaseRow>, ReadError> {
        let (caller, id) = (caller.to_owned(), request_id.clone());
        self.inner
            .readers
            .run(move |db| read::case_by_key(db, &caller, &id))
            .await
    }

    /// Cases newest first, at most `limit` (and 1000). The next page is had with
    /// `before` the last one's [`CaseRow::opened`]; cases opened meanwhile do
    /// not shift it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn list(
        &self,
        filter: CaseFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<CaseRow>, ReadError> {
        self.inner
            .readers
            .run(move |db| read::cases(db, &filter, before, limit))
            .await
    }

    /// A case's events after the sequence number `after`, oldest first, at most
    /// `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events(
        &self,
        case: &CaseId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let case = case.clone();
        self.inner
            .readers
            .run(move |db| read::events(db, &case, after, limit))
            .await
    }

    /// Ledger entries that match, at most `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn entries(
        &self,
        page: Page,
        filter: EntryFilter,
        limit: usize,
    ) -> Result<Vec<EntryRow>, ReadError> {
        self.inner
            .readers
            .run(move |db| read::entries(db, page, &filter, limit))
            .await
    }

    /// A page of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn search(&self, what: Search) -> Result<Found, ReadError> {
        let readers = &self.inner.readers;
        readers.run(move |db| search::search(db, &what)).await
    }

    /// The private part of an entry.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn record(&self, index: u64) -> Result<Option<Record>, ReadError> {
        self.inner
            .readers
            .run(move |db| read::record(db, index))
            .await
    }

    /// The proof that an entry is in the ledger; `None` until it is published.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn receipt(&self, index: u64) -> Result<Option<Proof>, ReadError> {
        let dir = self.inner.ledger.clone();
        tokio::task::spawn_blocking(move || comity_ledger::prove(&dir, index))
            .await
            .map_err(|_| ReadError::Closed)?
            .map_err(ReadError::from)
    }

    /// Publishes every entry committed so far and says how many there are.
    ///
    /// # Errors
    /// [`PublicationError`]; it is tried again in its turn.
    pub async fn publish(&self) -> Result<u64, PublicationError> {
        let (reply, answer) = oneshot::channel();
        let closed = PublicationError::Note(CommitError::Unavailable(Unavailable::Closed));
        if self.inner.orders.send(Order::Now(reply)).is_err() {
            return Err(closed);
        }
        answer.await.unwrap_or(Err(closed))
    }

    /// The key that the ledger's checkpoints are verified with.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.inner.verifier
    }

    /// The folder of the published ledger, C2SP tlog-tiles.
    #[must_use]
    pub fn ledger_dir(&self) -> &Path {
        &self.inner.ledger
    }

    /// How the store fares.
    #[must_use]
    pub fn health(&self) -> Health {
        let Inner {
            signals, progress, ..
        } = &*self.inner;
        Health {
            committed: *signals.committed.borrow(),
            published: progress.published.load(Ordering::Acquire),
            failed: signals.failed.load(Ordering::Acquire),
            publication_failing: progress.failing.load(Ordering::Acquire),
        }
    }

    /// Does what was asked before, publishes the ledger to its end and closes.
    /// Other clones are refused from then on.
    pub async fn close(self) {
        let inner = Arc::clone(&self.inner);
        // A panic of a store thread was already reported by that thread.
        let _ = tokio::task::spawn_blocking(move || inner.shut_down()).await;
    }

    async fn ask<T>(&self, op: impl FnOnce(Reply<T>) -> Op) -> Result<T, CommitError> {
        let (reply, answer) = oneshot::channel();
        let closed = CommitError::Unavailable(Unavailable::Closed);
        if self.inner.queue.send(op(reply)).await.is_err() {
            return Err(closed);
        }
        answer.await.unwrap_or(Err(closed))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("ledger", &self.inner.verifier)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// The publisher first: it notes its last checkpoint through the writer.
    fn shut_down(&self) {
        let threads: Vec<_> = self
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect();
        let mut threads = threads.into_iter();
        if let Some(publisher) = threads.next() {
            let _ = self.orders.send(Order::Close);
            let _ = publisher.join();
        }
        if let Some(writer) = threads.next() {
            close_queue(&self.queue);
            let _ = writer.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Queues the end, waiting for room. Also called where blocking on the queue
/// itself is forbidden, on the threads of an async runtime.
fn close_queue(queue: &mpsc::Sender<Op>) {
    let mut op = Op::Close;
    while let Err(mpsc::error::TrySendError::Full(unsent)) = queue.try_send(op) {
        op = unsent;
        thread::yield_now();
    }
}
