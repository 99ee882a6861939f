//! The thread that carries what is committed from the write-ahead log into the database
//! file.
//!
//! Left to SQLite, the writer would do it every so often at the end of a commit, and
//! whoever waits for the next one would wait for that too.

use std::sync::{
    Arc,
    atomic::Ordering,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use rusqlite::{Connection, ErrorCode};

use crate::writer::Signals;

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
}

/// The writer's hold on it.
pub(crate) struct Log {
    wake: SyncSender<()>,
}

/// A carrier with a connection of its own, which writes, and the writer's hold on it.
pub(crate) fn pair(db: Connection, signals: Arc<Signals>) -> (Carrier, Log) {
    let (wake, woken) = sync_channel(1);
    (Carrier { db, woken, signals }, Log { wake })
}

impl Carrier {
    /// Works until the writer is gone.
    pub(crate) fn run(self) {
        while self.woken.recv().is_ok() {
            if let Err(error) = look(&self.db, "PASSIVE") {
                failed(&error, &self.signals);
            }
        }
    }
}

impl Log {
    /// Looks after the log between two groups. Nobody waits for what it does but who
    /// asks meanwhile, and that is short.
    pub(crate) fn after_group(&self, db: &Connection, signals: &Signals) {
        if let Err(error) = self.try_after_group(db) {
            failed(&error, signals);
        }
    }

    fn try_after_group(&self, db: &Connection) -> rusqlite::Result<()> {
        let Length { all, waiting } = look(db, "NOOP")?;
        // A log is begun again where all of it is carried over as a transaction begins:
        // while one follows the other, the writer alone can see to that.
        if all >= LONG && (waiting <= FEW || all >= 4 * LONG) {
            look(db, "PASSIVE")?;
        } else if waiting >= WAITING {
            // It is awake already, or it has come to grief and said so.
            let _ = self.wake.try_send(());
        }
        Ok(())
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
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            tracing::warn!(%error, "the write-ahead log grows");
        }
        Some(_) | None => {
            signals.failed.store(true, Ordering::Release);
            tracing::error!(%error, "the store failed and takes no more work");
        }
    }
}
