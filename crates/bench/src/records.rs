//! Records made durable by SQLite alone: the least that a record can cost on this disk.

use std::{
    fs,
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::AnyError;

/// Most records of one transaction.
const GROUP: usize = 256;

/// A table of one column, in the settings of the gateway's store. One thread writes whatever
/// waits as one transaction; it ends with the last of these.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    queue: mpsc::Sender<Waiting>,
}

/// A record and who waits for it.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

impl Records {
    /// Makes an empty table in a folder, with the thread that writes to it.
    pub(crate) fn open(dir: &Path) -> Result<(Self, JoinHandle<rusqlite::Result<()>>), AnyError> {
        fs::create_dir_all(dir)?;
        let db = Connection::open(dir.join("records.db"))?;
        for (name, value) in [
            ("page_size", "8192"),
            ("journal_mode", "wal"),
            ("synchronous", "full"),
            ("wal_autocheckpoint", "2000"),
        ] {
            db.pragma_update(None, name, value)?;
        }
        db.execute_batch("CREATE TABLE entry (idx INTEGER PRIMARY KEY, record BLOB NOT NULL)")?;
        let (queue, waiting) = mpsc::channel();
        let writer = thread::spawn(move || write_all(&db, &waiting));
        Ok((Self { queue }, writer))
    }

    /// Adds one, and says whether it is durable.
    pub(crate) async fn add(&self, record: Vec<u8>) -> bool {
        let (reply, answer) = oneshot::channel();
        self.queue.send((record, reply)).is_ok() && answer.await.is_ok()
    }
}

fn write_all(db: &Connection, waiting: &mpsc::Receiver<Waiting>) -> rusqlite::Result<()> {
    let mut insert = db.prepare("INSERT INTO entry (record) VALUES (?1)")?;
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(GROUP - 1));
        db.execute_batch("BEGIN IMMEDIATE")?;
        for (record, _) in &group {
            insert.execute([record])?;
        }
        db.execute_batch("COMMIT")?;
        for (_, reply) in group {
            // Who stopped waiting at the end of the turn is not told.
            let _ = reply.send(());
        }
    }
    Ok(())
}
