//! The one thread that writes: transactions in groups, each group one flush.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    CommitError, Committed, Durable, NewJob, Unavailable, blind,
    carrier::{self, Log},
    column, erase, outbox,
    prepare::Prepared,
    prune,
    queue::{Op, Queue, Reply},
    room::{self, Room},
    rows::{self, Stop},
    vault::Vault,
};

/// What the writer tells everybody else.
pub(crate) struct Signals {
    /// Entries committed.
    pub(crate) committed: watch::Sender<u64>,
    /// A job was enqueued or became due earlier.
    pub(crate) jobs: Notify,
    /// A case has to be looked at earlier than was known.
    pub(crate) wake: Notify,
    /// When a case will next have to be looked at, as far as the one who waits
    /// for it knows; microseconds since 1970.
    pub(crate) next_wake: AtomicI64,
    /// The disk failed.
    pub(crate) failed: AtomicBool,
    /// Whether there is room for new work.
    pub(crate) room: Room,
}

impl Signals {
    /// Of a store with so many entries.
    pub(crate) fn after(entries: u64) -> Self {
        Self {
            committed: watch::Sender::new(entries),
            jobs: Notify::new(),
            wake: Notify::new(),
            next_wake: AtomicI64::new(i64::MAX),
            failed: AtomicBool::new(false),
            room: Room::default(),
        }
    }

    /// Has the store take no more work: what the disk holds now is unknown, for a second
    /// flush of the same file may report success without writing anything.
    pub(crate) fn fail(&self, error: &rusqlite::Error) {
        self.failed.store(true, Ordering::Release);
        tracing::error!(%error, "the store failed and takes no more work");
    }

    /// Whether it does not.
    pub(crate) fn have_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}

/// Why the database does not take something now and may later; `None` where it failed.
pub(crate) fn transient(error: &rusqlite::Error) -> Option<Unavailable> {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Some(Unavailable::DiskFull),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Some(Unavailable::Busy),
        Some(_) | None => None,
    }
}

pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) vault: Arc<Vault>,
    pub(crate) size_limit_bytes: Option<u64>,
    pub(crate) signals: Arc<Signals>,
    /// The write-ahead log.
    pub(crate) log: Log,
    /// Index of the next entry.
    pub(crate) next: u64,
    /// No entry is taken any more.
    pub(crate) sealed: bool,
}

/// What a group brings that somebody waits for.
#[derive(Default)]
struct News {
    jobs: bool,
    /// When the first of its cases has to be looked at; microseconds since 1970.
    wake_at: Option<i64>,
    erases: bool,
    /// Whoever waits for the database to be written anew, which no transaction can do.
    anew: Vec<Reply<()>>,
}

/// An answer held back until its group is durable, or known not to be.
type Answer = Box<dyn FnOnce(Result<(), CommitError>)>;

impl Writer {
    /// Works until told to close, or until nobody can ask any more.
    pub(crate) fn run(mut self, queue: mpsc::Receiver<Op>) {
        let mut queue = Queue::new(queue);
        let mut took = Duration::ZERO;
        while let Some(group) = queue.group(took) {
            let begun = Instant::now();
            self.group(group);
            took = begun.elapsed();
        }
        carrier::keep_log_if_failed(&self.db, &self.signals);
    }

    /// Carries out a group in one transaction and answers all after COMMIT.
    fn group(&mut self, group: impl Iterator<Item = Op>) {
        if self.signals.have_failed() {
            for op in group {
                op.refuse(&CommitError::Failed);
            }
            return;
        }
        let before = self.next;
        let mut answers: Vec<Answer> = Vec::new();
        let mut news = News::default();
        let done = self.carry_out(group, &mut answers, &mut news);
        let settled = match done {
            Ok(()) => {
                if self.next > before {
                    self.signals.room.found();
                    self.signals.committed.send_replace(self.next);
                }
                if news.jobs {
                    self.signals.jobs.notify_one();
                }
                // Compared now that it is there to be read: whoever reads what is next sees it,
                // or is woken.
                let known = self.signals.next_wake.load(Ordering::Acquire);
                if news.wake_at.is_some_and(|at| at < known) {
                    self.signals.wake.notify_one();
                }
                Ok(())
            }
            Err(error) => {
                self.next = before;
                let told = self.roll_back(&error);
                if told == CommitError::Unavailable(Unavailable::DiskFull) {
                    self.signals.room.full(answers.len());
                }
                Err(told)
            }
        };
        // Where the group failed, both generations stay until the next erasure.
        if news.erases
            && settled.is_ok()
            && let Some([_, newer]) = self.vault.unfinished()
            && let Err(error) = self.vault.end_next(newer)
        {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "old keys are not destroyed; restart the store");
        }
        let durable = settled.is_ok();
        for answer in answers {
            answer(settled.clone());
        }
        for reply in news.anew {
            let written = settled.clone().and_then(|()| self.write_anew());
            // Nobody waits any more: it is written all the same.
            let _ = reply.send(written);
        }
        if durable {
            self.log.after_group(&self.db, &self.signals);
        }
    }

    fn carry_out(
        &mut self,
        group: impl Iterator<Item = Op>,
        answers: &mut Vec<Answer>,
        news: &mut News,
    ) -> rusqlite::Result<()> {
        let begun = self
            .db
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
            .and_then(|_| self.over_limit());
        let over_limit = *begun.as_ref().unwrap_or(&false);
        self.signals.room.measured(over_limit);
        let mut failed = begun.err();
        for op in group {
            // Once one operation failed, all share its fate.
            if failed.is_none() {
                failed = self.perform(op, over_limit, answers, news).err();
            } else {
                answers.push(Box::new(move |settled| {
                    if let Err(error) = settled {
                        op.refuse(&error);
                    }
                }));
            }
        }
        match failed {
            Some(error) => Err(error),
            None => self
                .db
                .prepare_cached("COMMIT")
                .and_then(|mut commit| commit.execute([]))
                .map(drop),
        }
    }

    fn perform(
        &mut self,
        op: Op,
        over_limit: bool,
        answers: &mut Vec<Answer>,
        news: &mut News,
    ) -> rusqlite::Result<()> {
        if self.sealed && !matches!(op, Op::Head { .. } | Op::WriteAnew(_) | Op::Close) {
            op.refuse(&CommitError::Unavailable(Unavailable::Closed));
            return Ok(());
        }
        match op {
            Op::Commit(prepared, reply) => {
                let refused = (over_limit && prepared.is_new_work())
                    .then_some(CommitError::Unavailable(Unavailable::SizeLimit));
                if refused.is_some() {
                    self.signals.room.refused(1);
                }
                self.commit((prepared, reply), refused, (answers, news))?;
            }
            Op::Erase(target, prepared, reply) => {
                let at = (self.next, &*prepared);
                let result = erase::erase((&self.db, &self.vault), &target, at);
                if settle(result, reply, answers, Durable::after_commit)? {
                    self.next += prepared.entries.len() as u64;
                    news.erases = true;
                }
            }
            Op::Claim {
                wanted,
                now,
                until,
                reply,
            } => {
                let jobs = rows::claim(&self.db, &wanted, (now, until));
                settle(jobs, reply, answers, |jobs| {
                    jobs.into_iter().map(Durable::after_commit).collect()
                })?;
            }
            Op::Retry {
                lease,
                when,
                note,
                reply,
            } => {
                let result = rows::retry(&self.db, lease, when, &note);
                news.jobs |= settle(result, reply, answers, |()| ())?;
            }
            Op::Mend(owed, reply) => {
                let made = outbox::mend(&self.db, owed);
                news.jobs |= settle(made, reply, answers, |made| made)?;
            }
            Op::Head {
                previous,
                size,
                note,
                reply,
            } => {
                let result = rows::set_head(&self.db, previous, size, &note);
                settle(result, reply, answers, |()| ())?;
            }
            Op::Index(batch, reply) => {
                let result = blind::advance((&self.db, &self.vault), &batch);
                settle(result, reply, answers, |()| ())?;
            }
            Op::ClearIndex(reply) => {
                let result = blind::clear(&self.db, &self.vault, self.next);
                settle(result, reply, answers, |()| ())?;
            }
            Op::WriteAnew(reply) => news.anew.push(reply),
            Op::Seal(reply) => {
                self.sealed = true;
                settle(Ok(()), reply, answers, |()| ())?;
            }
            Op::Close => {}
        }
        Ok(())
    }

    fn commit(
        &mut self,
        (mut prepared, reply): (Box<Prepared>, Reply<Durable<Committed>>),
        refused: Option<CommitError>,
        (answers, news): (&mut Vec<Answer>, &mut News),
    ) -> rusqlite::Result<()> {
        let at_once = |job: &NewJob| job.held_until.is_none();
        let jobs = prepared.enqueue.iter().any(at_once);
        let result = rows::commit((&self.db, &self.vault), self.next, &mut prepared, refused);
        if settle(result, reply, answers, Durable::after_commit)? {
            self.next += prepared.entries.len() as u64;
            news.jobs |= jobs;
            let wake_at = prepared.case.as_ref().and_then(|case| case.wake_at);
            let moments = [news.wake_at, wake_at.map(Timestamp::as_microsecond)];
            news.wake_at = moments.into_iter().flatten().min();
        }
        Ok(())
    }

    /// Undoes the group and says what its members are told.
    fn roll_back(&self, error: &rusqlite::Error) -> CommitError {
        let undone = self.db.is_autocommit() || self.db.execute_batch("ROLLBACK").is_ok();
        match transient(error) {
            Some(reason) if undone => {
                // A full disk is told once, by whoever looks at the room there is.
                if reason != Unavailable::DiskFull {
                    tracing::warn!(%reason, "transactions refused");
                }
                CommitError::Unavailable(reason)
            }
            Some(_) | None => {
                self.signals.fail(error);
                CommitError::Failed
            }
        }
    }

    /// Nothing is in doubt where it did not succeed, but for a disk that failed.
    fn write_anew(&self) -> Result<(), CommitError> {
        prune::write_anew(&self.db).map_err(|error| {
            let broken = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
            match broken || transient(&error).is_some() {
                true => self.roll_back(&error),
                false => CommitError::Invalid(error.to_string()),
            }
        })
    }

    fn over_limit(&self) -> rusqlite::Result<bool> {
        let Some(limit) = self.size_limit_bytes else {
            return Ok(false);
        };
        Ok(room::bytes(&self.db)? > column::sql(limit))
    }
}

/// Holds the answer to an operation back until its group is settled, and says whether
/// it was done. A failure of the database is the whole group's; the operation then
/// shares its answer.
fn settle<T, U>(
    result: Result<T, Stop>,
    reply: Reply<U>,
    answers: &mut Vec<Answer>,
    finish: impl FnOnce(T) -> U + 'static,
) -> rusqlite::Result<bool>
where
    T: 'static,
    U: 'static,
{
    let (result, passed) = match result {
        Ok(value) => (Ok(value), Ok(true)),
        Err(Stop::Refused(error)) => (Err(error), Ok(false)),
        Err(Stop::Database(error)) => (Err(CommitError::Failed), Err(error)),
    };
    answers.push(Box::new(move |settled| {
        // Nobody waits any more: the caller gave up, the group stands all the same.
        let _ = reply.send(settled.and_then(|()| result.map(finish)));
    }));
    passed
}

#[cfg(test)]
mod tests {
    use comity_ledger::Leaf;
    use jiff::Timestamp;
    use tokio::sync::oneshot;

    use super::*;
    use crate::{Entry, Transaction, erase::Target, prepare::prepare, schema};

    fn writer(dir: &std::path::Path) -> Writer {
        let path = dir.join("comity.db");
        let db = schema::open_writer(&path).unwrap().unwrap();
        let signals = Arc::new(Signals::after(0));
        let beside = schema::open_carrier(&path).unwrap();
        Writer {
            db,
            vault: Arc::new(Vault::open(dir.join("vault.key"), None, true).unwrap()),
            size_limit_bytes: None,
            log: carrier::pair(beside, Arc::clone(&signals)).1,
            signals,
            next: 0,
            sealed: false,
        }
    }

    /// Commits entries with records of these lengths in one group.
    fn commit(writer: &mut Writer, lengths: &[usize]) -> Vec<Result<u64, CommitError>> {
        let mut answers = Vec::new();
        let mut group = Vec::new();
        for length in lengths {
            let transaction = Transaction {
                entries: vec![Entry {
                    leaf: Leaf::new(Timestamp::UNIX_EPOCH, "start", "gateway"),
                    record: vec![7; *length],
                }],
                ..Transaction::default()
            };
            let (reply, answer) = oneshot::channel();
            let prepared = prepare((&writer.vault, None), transaction).unwrap();
            group.push(Op::Commit(Box::new(prepared), reply));
            answers.push(answer);
        }
        writer.group(group.into_iter());
        answers
            .into_iter()
            .map(|answer| {
                let answer = answer.blocking_recv().unwrap();
                answer.map(|committed| committed.receipts[0].index)
            })
            .collect()
    }

    /// Erases the record of entry 0, with a record of this length that says why.
    fn erase(writer: &mut Writer, length: usize) -> Result<u64, CommitError> {
        let mut leaf = Leaf::new(Timestamp::UNIX_EPOCH, crate::ERASURE, "clerk");
        leaf.erases = Some(0);
        let transaction = Transaction {
            entries: vec![Entry {
                leaf,
                record: vec![7; length],
            }],
            ..Transaction::default()
        };
        let (reply, answer) = oneshot::channel();
        let prepared = Box::new(prepare((&writer.vault, None), transaction).unwrap());
        writer.group([Op::Erase(Target::Entry(0), prepared, reply)].into_iter());
        let answer = answer.blocking_recv().unwrap();
        answer.map(|committed| committed.receipts[0].index)
    }

    #[test]
    fn a_full_disk_refuses_the_group_and_recovers() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = writer(dir.path());
        let pages: i64 = writer
            .db
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let limit = |writer: &Writer, pages: i64| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            writer.db.query_row(&sql, [], |_| Ok(())).unwrap();
        };
        limit(&writer, pages + 5);
        let full = Err(CommitError::Unavailable(Unavailable::DiskFull));
        assert_eq!(
            commit(&mut writer, &[10, 100_000, 10]),
            [full.clone(), full.clone(), full.clone()]
        );
        assert_eq!(writer.signals.room.lacks(), Some(Unavailable::DiskFull));
        assert_eq!(commit(&mut writer, &[10]), [Ok(0)]);
        assert_eq!(writer.signals.room.lacks(), None);
        assert_eq!(erase(&mut writer, 100_000), full);
        limit(&writer, pages + 500);
        assert_eq!(commit(&mut writer, &[100_000, 10]), [Ok(1), Ok(2)]);
        assert_eq!(erase(&mut writer, 100_000), Ok(3));
        assert_eq!(*writer.signals.committed.borrow(), 4);
    }

    #[test]
    fn any_other_failure_stops_the_store_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = writer(dir.path());
        writer
            .db
            .execute_batch("ALTER TABLE entry RENAME TO lost")
            .unwrap();
        let failed = Err(CommitError::Failed);
        assert_eq!(
            commit(&mut writer, &[1, 1]),
            [failed.clone(), failed.clone()]
        );
        writer
            .db
            .execute_batch("ALTER TABLE lost RENAME TO entry")
            .unwrap();
        assert_eq!(commit(&mut writer, &[1]), [failed]);
        let entries: i64 = writer
            .db
            .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
            .unwrap();
        assert_eq!(entries, 0);
    }
}
