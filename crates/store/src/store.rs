//! The store as the rest of the gateway sees it.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use comity_domain::{CaseId, JurisdictionCode, RequestId, Urgency};
use comity_ledger::{Checkpoint, CosignerKey, Proof, TakeApart, VerifierKey};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    CaseFilter, CaseRow, CommitError, Committed, Durable, ERASURE, Entry, EntryFilter, EntryRow,
    Found, Health, Job, Lease, Names, Page, PublicationError, ReadError, Record, Reviewed, Search,
    Transaction, Unavailable, Wanted, agenda,
    erase::Target,
    pending, prepare,
    publisher::{Order, Progress},
    queue::{Op, Reply},
    read::{self, Readers},
    search,
    vault::Vault,
    witnessed::{Seen, Witnessed},
    writer::Signals,
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
    /// For what may read the whole ledger.
    pub(crate) searchers: Readers,
    pub(crate) vault: Arc<Vault>,
    pub(crate) fields: Option<TakeApart>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) ledger: PathBuf,
    pub(crate) verifier: VerifierKey,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the store is open.
    pub(crate) lock: File,
}

impl Inner {
    fn sealing(&self) -> prepare::Sealing<'_> {
        (&self.vault, self.fields)
    }
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
        let prepared = Box::new(prepare::prepare(self.inner.sealing(), transaction)?);
        self.ask(|reply| Op::Commit(prepared, reply)).await
    }

    /// Erases a case that has come to its end: what its entries hold in private can be
    /// read neither here nor in any copy of the database, while every proof stays
    /// valid. `entry` says so; its leaf is of kind [`ERASURE`] and names the case.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if there is no such case, or it was erased before;
    /// [`CommitError::Invalid`] if it has not come to its end;
    /// [`CommitError::Keys`] if another record's key is damaged, or a token that keeps the
    /// key cannot be used; [`CommitError::OldKey`] if it was erased, but not in copies.
    pub async fn erase(
        &self,
        case: &CaseId,
        entry: Entry,
    ) -> Result<Durable<Committed>, CommitError> {
        let leaf = &entry.leaf;
        let named = leaf.case.as_deref() == Some(case.as_str()) && leaf.erases.is_none();
        self.erase_said(Target::Case(case.clone()), named, entry)
            .await
    }

    /// Erases the record of an entry that no case belongs to, as [`Store::erase`] does
    /// those of a case. The leaf of `entry` names it in [`comity_ledger::Leaf::erases`].
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if there is no such entry, or it was erased before;
    /// [`CommitError::Invalid`] if it belongs to a case, or says why something was erased;
    /// [`CommitError::Keys`] and [`CommitError::OldKey`] as for [`Store::erase`].
    pub async fn erase_entry(
        &self,
        index: u64,
        entry: Entry,
    ) -> Result<Durable<Committed>, CommitError> {
        let named = entry.leaf.case.is_none() && entry.leaf.erases == Some(index);
        self.erase_said(Target::Entry(index), named, entry).await
    }

    /// Erases what an entry says is erased, if that has `named` it.
    async fn erase_said(
        &self,
        target: Target,
        named: bool,
        entry: Entry,
    ) -> Result<Durable<Committed>, CommitError> {
        if entry.leaf.kind != ERASURE || !named {
            let what = "the entry of an erasure says so and names what is erased";
            return Err(CommitError::Invalid(what.to_owned()));
        }
        let transaction = Transaction {
            entries: vec![entry],
            essential: true,
            ..Transaction::default()
        };
        self.erase_as(target, transaction).await
    }

    /// Erases a target, and records what a transaction says of it.
    pub(crate) async fn erase_as(
        &self,
        target: Target,
        transaction: Transaction,
    ) -> Result<Durable<Committed>, CommitError> {
        let prepared = Box::new(prepare::prepare(self.inner.sealing(), transaction)?);
        let erased = self.ask(|reply| Op::Erase(target, prepared, reply)).await?;
        if self.inner.vault.unfinished().is_some() {
            let why = "the key file could not be written; the next start ends it";
            return Err(CommitError::OldKey(why.to_owned()));
        }
        // Again, if the writer did not succeed: a token may have been away for a moment.
        let inner = Arc::clone(&self.inner);
        let swept = tokio::task::spawn_blocking(move || inner.vault.sweep()).await;
        match swept {
            Ok(Err(error)) => Err(CommitError::OldKey(prepare::told(&error))),
            // Nothing panics in it.
            Ok(Ok(())) | Err(_) => Ok(erased),
        }
    }

    /// For which States, and how urgent, jobs are ready: the most urgent first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn ready(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(JurisdictionCode, Urgency)>, ReadError> {
        self.inner
            .readers
            .run(move |db, _| pending::ready(db, now))
            .await
    }

    /// Leases the jobs wanted that are ready, for a time: of each kind those that became so
    /// first.
    ///
    /// # Errors
    /// [`CommitError`] if the store takes no work.
    pub async fn claim(
        &self,
        wanted: Vec<Wanted>,
        now: Timestamp,
        lease_for: Duration,
    ) -> Result<Vec<Durable<Job>>, CommitError> {
        let until = SignedDuration::try_from(lease_for)
            .ok()
            .and_then(|lease_for| now.checked_add(lease_for).ok())
            .unwrap_or(Timestamp::MAX);
        self.ask(|reply| Op::Claim {
            wanted,
            now,
            until,
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
        self.inner
            .readers
            .run(move |db, vault| read::case(db, vault, &id))
            .await
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
            .run(move |db, vault| read::case_by_key(db, vault, &caller, &id))
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
            .run(move |db, vault| read::cases((db, vault), &filter, before, limit))
            .await
    }

    /// Cases with an open task for a State's reviewers: most urgent first, then
    /// oldest; at most `limit` (and 1000). The next page begins after the last
    /// one's [`Reviewed`].
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn cases_to_review(
        &self,
        state: &JurisdictionCode,
        after: Option<Reviewed>,
        limit: usize,
    ) -> Result<Vec<CaseRow>, ReadError> {
        let state = state.clone();
        self.inner
            .readers
            .run(move |db, vault| read::cases_to_review((db, vault), &state, after, limit))
            .await
    }

    /// Cases that have to be looked at by `now`, the longest due first; at most
    /// `limit` (and 1000).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn due_cases(&self, now: Timestamp, limit: usize) -> Result<Vec<CaseId>, ReadError> {
        self.inner
            .readers
            .run(move |db, _| agenda::due_cases(db, now, limit))
            .await
    }

    /// When a case will next have to be looked at; `None` while none has to.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next_wake(&self) -> Result<Option<Timestamp>, ReadError> {
        let known = &self.inner.signals.next_wake;
        // Until it is known again, whatever comes in wakes the one who waits.
        known.store(i64::MAX, Ordering::Release);
        let next = self
            .inner
            .readers
            .run(|db, _| agenda::next_wake(db))
            .await?;
        let at = next.map_or(i64::MAX, Timestamp::as_microsecond);
        known.store(at, Ordering::Release);
        Ok(next)
    }

    /// Waits until a case has to be looked at earlier than [`Store::next_wake`]
    /// last said. One waiting task is woken.
    pub async fn wake_changed(&self) {
        self.inner.signals.wake.notified().await;
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
            .run(move |db, _| read::entries(db, page, &filter, limit))
            .await
    }

    /// A page of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn search(&self, what: Search) -> Result<Found, ReadError> {
        let searchers = &self.inner.searchers;
        searchers
            .run(move |db, _| search::search(db, &what, None))
            .await
    }

    /// What all entries name of what can be searched for by a name; reads all of them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn names(&self) -> Result<Names, ReadError> {
        self.inner.searchers.run(|db, _| Names::read(db)).await
    }

    /// The private part of an entry.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn record(&self, index: u64) -> Result<Option<Record>, ReadError> {
        self.inner
            .readers
            .run(move |db, vault| read::record(db, vault, index))
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
        self.order(Order::Now).await
    }

    /// Heeds what a witness, known by its key, has seen of this ledger: a checkpoint
    /// that this ledger's key signed. It is kept, and nothing that contradicts it is
    /// signed from now on.
    ///
    /// # Errors
    /// [`PublicationError::Held`] if what is here contradicts it;
    /// [`PublicationError::NotOurs`] if the key did not sign it.
    pub async fn heed(&self, witness: &CosignerKey, note: Vec<u8>) -> Result<(), PublicationError> {
        let checkpoint = Checkpoint::open(&note, &self.inner.verifier);
        let checkpoint = checkpoint.map_err(PublicationError::NotOurs)?;
        self.heed_seen(witness, Seen::Signed(checkpoint)).await
    }

    /// Heeds the word of a witness that it cosigned so many entries of this ledger, and
    /// not those that were shown to it. It is kept beside what others have shown, and
    /// nothing is signed from now on until the witness has cosigned as many here.
    ///
    /// # Errors
    /// [`PublicationError::Held`] if it has not.
    pub async fn heed_word(
        &self,
        witness: &CosignerKey,
        size: u64,
    ) -> Result<(), PublicationError> {
        self.heed_seen(witness, Seen::Said(size)).await
    }

    async fn heed_seen(&self, witness: &CosignerKey, seen: Seen) -> Result<(), PublicationError> {
        let by = witness.clone();
        let witnessed = Box::new(Witnessed { by, seen });
        self.order(|reply| Order::Heed(witnessed, reply)).await
    }

    /// Ends the waiting of a store that was opened with [`crate::Options::await_witnesses`].
    pub fn heard_witnesses(&self) {
        // A publisher that is gone signs nothing anyway.
        let _ = self.inner.orders.send(Order::Heard);
    }

    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, PublicationError>>) -> Order,
    ) -> Result<T, PublicationError> {
        let (reply, answer) = oneshot::channel();
        let closed = PublicationError::Note(CommitError::Unavailable(Unavailable::Closed));
        if self.inner.orders.send(order(reply)).is_err() {
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
            lacks_room: signals.room.lacks(),
            publication_failing: progress.failing.load(Ordering::Acquire),
            held: progress.held.load(Ordering::Acquire),
            held_by_word: progress.held_by_word.load(Ordering::Acquire),
            pruned: progress.pruned.load(Ordering::Acquire),
        }
    }

    /// Does what was asked before, publishes the ledger to its end and closes.
    /// Other clones are refused from then on.
    pub async fn close(self) {
        let inner = Arc::clone(&self.inner);
        // A panic of a store thread was already reported by that thread.
        let _ = tokio::task::spawn_blocking(move || inner.shut_down()).await;
    }

    pub(crate) async fn ask<T>(&self, op: impl FnOnce(Reply<T>) -> Op) -> Result<T, CommitError> {
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
            // The last connection to close carries the log over and removes it, if it
            // is one that writes.
            self.readers.close();
            self.searchers.close();
            close_queue(&self.queue);
            let _ = writer.join();
            // It ends with the writer, and has the database open until it does.
            for carrier in threads {
                let _ = carrier.join();
            }
            // A program being started holds a copy of the file open for a moment, and
            // with it the lock unless it is given back.
            let _ = self.lock.unlock();
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
