//! The thread that carries what is committed from the write-ahead log into the database
//! file.
//!
//! Left to SQLite, the writer would do it every so often at the end of a commit, and
//! whoever waits for the next one would wait for that too.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use rusqlite::{Connection, config::DbConfig};

use crate::writer::{Signals, transient};

/// Pages that wait in the log before they are carried over.
const WAITING: i64 = if cfg!(test) { 40 } else { 2000 };

/// Pages in the log, carried over or not, from which on it is to be begun again.
pub(crate) const LONG: i64 = 4 * WAITING;

/// Pages so few that the writer itself carries them over.
const FEW: i64 = WAITING / 4;

/// What carries over.
pub(crate) struct Carrier {
    db: Connection,
    woken: Receiver<()>,
    signals: Arc<Signals>,
    reached: Arc<AtomicBool>,
}

/// The writer's hold on it.
pub(crate) struct Log {
    wake: SyncSender<()>,
    /// The carrier came to the end of the log as it was when it began: nobody who reads
    /// stood in its way.
    reached: Arc<AtomicBool>,
    /// Pages in the log from which on the writer sees to its end.
    end_from: i64,
}

/// A carrier with a connection of its own, which writes, and the writer's hold on it.
pub(crate) fn pair(db: Connection, signals: Arc<Signals>) -> (Carrier, Log) {
    let (wake, woken) = sync_channel(1);
    let reached = Arc::new(AtomicBool::new(false));
    let log = Log {
        wake,
        reached: Arc::clone(&reached),
        end_from: LONG,
    };
    let carrier = Carrier {
        db,
        woken,
        signals,
        reached,
    };
    (carrier, log)
}

impl Carrier {
    /// Works until the writer is gone, or the disk failed.
    pub(crate) fn run(self) {
        while self.woken.recv().is_ok() && !self.signals.have_failed() {
            match look(&self.db, "PASSIVE") {
                Ok(length) => self.reached.store(length.waiting == 0, Ordering::Release),
                Err(error) => failed(&error, &self.signals),
            }
        }
        keep_log_if_failed(&self.db, &self.signals);
    }
}

impl Log {
    /// Looks after the log between two groups. Nobody waits for what it does but who
    /// asks meanwhile, and that is short.
    pub(crate) fn after_group(&mut self, db: &Connection, signals: &Signals) {
        if signals.have_failed() {
            return;
        }
        if let Err(error) = self.try_after_group(db) {
            failed(&error, signals);
        }
    }

    fn try_after_group(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let Length { all, waiting } = look(db, "NOOP")?;
        if all < LONG {
            self.end_from = LONG;
        }
        // A log is begun again where all of it is carried over as a transaction begins:
        // while one follows the other, the writer alone can see to that. It takes on more
        // than a little where it is faster than the carrier, not where somebody reads.
        let outrun = all >= 4 * LONG && self.reached.load(Ordering::Acquire);
        if all >= self.end_from && (waiting <= FEW || outrun) {
            look(db, "PASSIVE")?;
            // Who reads may have the log go on all the same: not again for each group.
            self.end_from = all + WAITING;
        } else if waiting >= WAITING {
            // It is awake already, or it has come to grief and said so.
            let _ = self.wake.try_send(());
        }
        Ok(())
    }
}

/// Where the disk failed, has the log stay as the connection closes: pages that were
/// carried over may not be there, and a flush that is tried again may not say so. Who
/// opens the store next carries all of it over.
pub(crate) fn keep_log_if_failed(db: &Connection, signals: &Signals) {
    let kept = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    if signals.have_failed()
        && let Err(error) = db.set_db_config(kept, true)
    {
        tracing::error!(%error, "the write-ahead log may not be kept");
    }
}

/// How long the log is, in pages.
struct Length {
    all: i64,
    /// Not carried over.
    waiting: i64,
}

/// Has SQLite do what it does in a mode of `wal_checkpoint`, of which `NOOP` is to do
/// nothing, and say how long the log is.
fn look(db: &Connection, mode: &str) -> rusqlite::Result<Length> {
    let mut checkpoint = db.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    checkpoint.query_row([], |row| {
        let (all, carried): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Length {
            all,
            waiting: all - carried,
        })
    })
}

/// What is committed stays in the log, which is durable. A full disk may have room again
/// when it is tried next; after any other failure nobody knows what the disk holds.
fn failed(error: &rusqlite::Error, signals: &Signals) {
    match transient(error) {
        Some(reason) => tracing::warn!(%reason, "the write-ahead log grows"),
        None => signals.fail(error),
    }
}
