//! Opening a store: its lock, its checks, its threads.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{Arc, Mutex, atomic::Ordering, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use comity_ledger::{Key, Publisher};
use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::{
    CommitError, KeyToken, Options, PublicationError, ReadError, Store, blind, carrier, erase,
    prune,
    publisher::{self, Progress, Publication},
    queue::QUEUE,
    read::{self, READERS, Readers, SEARCHERS},
    rows::Stop,
    schema, shape,
    store::Inner,
    vault::{Vault, VaultError},
    witnessed::{Memory, WITNESSED, WITNESSED_WORD, Witnessed},
    writer::{Signals, Writer},
};

/// The database in a store's folder.
pub const DATABASE: &str = "comity.db";

/// What SQLite keeps beside the database while it is open, or was not closed.
pub(crate) const WRITE_AHEAD_LOG: &str = "comity.db-wal";

/// The key-encryption key in a store's folder. Copies of the database belong
/// elsewhere than copies of this file.
pub const VAULT: &str = "vault.key";

/// The published ledger in a store's folder.
pub(crate) const LEDGER: &str = "ledger";

/// The file that one process at a time holds locked.
const LOCK: &str = "lock";

/// Names of all that a store has in its folder.
pub const FILES: [&str; 10] = [
    DATABASE,
    WRITE_AHEAD_LOG,
    "comity.db-shm",
    "comity.db-journal",
    VAULT,
    "vault.next",
    LEDGER,
    LOCK,
    WITNESSED,
    WITNESSED_WORD,
];

/// Shortest time between publications: none would keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(1);

/// Why a store does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder cannot be used.
    #[error("cannot use the store folder `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has it open.
    #[error("another process has the store `{path}` open; stop it first")]
    Locked {
        /// The folder.
        path: String,
    },
    /// The database does not open.
    #[error("cannot open the database of the store")]
    Database(#[from] rusqlite::Error),
    /// The database is another program's, or another version's.
    #[error("`{DATABASE}` is not a database of this version of Comity")]
    Foreign,
    /// The database has other tables than the store makes, or something beside them.
    #[error(
        "`{DATABASE}` was changed outside the gateway: {0}; what is stored in it may not be what \
         was recorded: restore it from a copy, and verify that"
    )]
    Strange(String),
    /// A row cannot be read.
    #[error("cannot read the store")]
    Read(#[from] ReadError),
    /// Records cannot be opened or sealed.
    #[error("cannot open or seal records")]
    Vault(#[from] VaultError),
    /// The key in plain cannot be changed for one that the token keeps.
    #[error("cannot have the token keep the key: it stays as it is")]
    Move(#[source] CommitError),
    /// The blind index cannot be made.
    #[error("cannot make the index of personal values")]
    Index(#[source] CommitError),
    /// What witnesses have seen is not to be believed.
    #[error(
        "`{0}` is not a checkpoint that this ledger signed, nor the word of a witness; restore it: \
         without it, what contradicts the witnesses could be signed"
    )]
    Witnessed(String),
    /// The published ledger does not fit the database.
    #[error("the published ledger cannot be continued")]
    Publication(#[from] PublicationError),
}

impl Store {
    /// Opens the store in `dir`, creating it if need be, and checks that its
    /// published ledger is what its rows say. `key` signs the ledger. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`OpenError`]; nothing was written then but what an empty store has.
    pub fn open(dir: &Path, key: Key, options: &Options) -> Result<Self, OpenError> {
        let lock = lock(dir)?;
        let path = dir.join(DATABASE);
        let db = schema::open_writer(&path)?.ok_or(OpenError::Foreign)?;
        // Whoever held leases is gone: the lock is ours. What had failed is tried again too.
        db.execute("UPDATE job SET ready_at = 0 WHERE ready_at > 0", [])?;
        let next = read::size(&db)?;
        let vault = Arc::new(open_vault((dir, options.token.as_ref()), &db, next)?);
        open_index((&db, &vault), options.extractor, next)?;
        let ledger = dir.join(LEDGER);
        let verifier = key.verifier().clone();
        let witnessed = Memory::read(dir, &verifier)?;
        let mut publisher = publisher::open(&ledger, &key, &db)?;
        let progress = Arc::new(Progress::default());
        progress
            .published
            .store(publisher.signed().size, Ordering::Release);
        end_pruning(&db, &mut publisher, &progress)?;
        let heed = |seen: &Witnessed| seen.heed(&mut publisher, &ledger).is_ok();
        let heeds = witnessed.shown.as_ref().is_none_or(heed);
        let signals = Arc::new(Signals::after(next));
        let (queue, operations) = mpsc::channel(QUEUE);
        let (orders, ordered) = std_mpsc::channel();
        let readers = Readers::open(&path, Arc::clone(&vault), READERS)?;
        let searchers = Readers::open(&path, Arc::clone(&vault), SEARCHERS)?;
        let publication = Publication {
            dir: ledger.clone(),
            key,
            db: schema::open_reader(&path)?,
            // One that contradicts what was witnessed is opened again to say so.
            publisher: heeds.then_some(publisher),
            writer: queue.clone(),
            committed: signals.committed.subscribe(),
            progress: Arc::clone(&progress),
            folder: dir.to_owned(),
            witnessed,
            waits: options.await_witnesses,
            prune_not_before: None,
        };
        let beside = schema::open_carrier(&path)?;
        let (carrier, log) = carrier::pair(beside, Arc::clone(&signals));
        let writer = Writer {
            db,
            log,
            vault: Arc::clone(&vault),
            size_limit_bytes: options.size_limit_bytes,
            signals: Arc::clone(&signals),
            next,
            sealed: false,
        };
        let every = options.publish_every.max(SHORTEST);
        let threads = vec![
            spawn("publisher", move || publication.run(every, &ordered)).map_err(folder(dir))?,
            spawn("writer", move || writer.run(operations)).map_err(folder(dir))?,
            spawn("carrier", move || carrier.run()).map_err(folder(dir))?,
        ];
        Ok(Self {
            inner: Arc::new(Inner {
                queue,
                orders,
                readers,
                searchers,
                vault,
                fields: options.fields,
                signals,
                progress,
                ledger,
                verifier,
                threads: Mutex::new(threads),
                lock,
            }),
        })
    }
}

/// Refuses a database with what would change what statements do.
pub(crate) fn demand_shape(db: &Connection) -> Result<(), OpenError> {
    match shape::strange(db)? {
        None => Ok(()),
        Some(strange) => Err(OpenError::Strange(strange)),
    }
}

/// Opens the vault, ends a change of keys that was cut short once the database needs
/// one of them only, and changes a key in plain for one that the token keeps.
fn open_vault(
    (dir, token): (&Path, Option<&KeyToken>),
    db: &Connection,
    next: u64,
) -> Result<Vault, OpenError> {
    let vault = Vault::open(dir.join(VAULT), token, next == 0)?;
    // Before anything hangs on it.
    vault.settle()?;
    // A move that was cut short goes on below, to the key that it made: another copy of the
    // folder may hang on that one.
    if vault.unfinished().is_some() && !vault.must_move() {
        let mut used = Vec::new();
        for number in vault.generations() {
            if erase::is_used(db, number)? {
                used.push(number);
            }
        }
        if !used.is_empty() && used != vault.generations() {
            vault.keep(&used)?;
        }
    }
    vault.sweep()?;
    while vault.must_move() {
        move_onto_token(db, &vault, next)?;
    }
    Ok(vault)
}

/// As an erasure changes keys: what copies of the file in plain open is no more than was
/// sealed before.
fn move_onto_token(db: &Connection, vault: &Vault, next: u64) -> Result<(), OpenError> {
    if vault.unfinished().is_none() {
        vault.begin_next()?;
    }
    db.execute_batch("BEGIN IMMEDIATE")?;
    let moved = erase::wrap_anew(db, vault).and_then(|()| blind::clear(db, vault, next));
    moved.map_err(stopped(OpenError::Move))?;
    db.execute_batch("COMMIT")?;
    if let Some([_, newer]) = vault.unfinished() {
        vault.end_next(newer)?;
    }
    tracing::info!("the key of records is kept by the token from now on");
    Ok(())
}

/// Ends a pruning that was cut short.
fn end_pruning(
    db: &Connection,
    publisher: &mut Publisher,
    progress: &Progress,
) -> Result<(), OpenError> {
    let Some(pruned) = prune::pruned(db)? else {
        return Ok(());
    };
    let left = publisher.is_to_prune(&pruned);
    if left.map_err(PublicationError::from)?
        && let Err(error) = prune::write_anew(db)
    {
        // The bundles stay, and so it is tried again.
        tracing::warn!(%error, "what was pruned is still in the pages of the database");
        return Ok(());
    }
    let removed = progress.prune(publisher, &pruned);
    Ok(removed.map_err(PublicationError::from)?)
}

/// Makes sure that the blind index is there, whatever became of it.
fn open_index(
    (db, vault): (&Connection, &Vault),
    extractor: u32,
    size: u64,
) -> Result<(), OpenError> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    blind::open((db, vault), extractor, size).map_err(stopped(OpenError::Index))?;
    Ok(db.execute_batch("COMMIT")?)
}

fn stopped(refused: fn(CommitError) -> OpenError) -> impl FnOnce(Stop) -> OpenError {
    move |stop| match stop {
        Stop::Database(error) => OpenError::Database(error),
        Stop::Refused(error) => refused(error),
    }
}

/// Refuses a folder that another process has open, and changes nothing in it.
///
/// # Errors
/// [`OpenError::Locked`], or [`OpenError::Folder`] where that cannot be told.
pub fn demand_free(dir: &Path) -> Result<(), OpenError> {
    match File::open(dir.join(LOCK)) {
        Ok(file) => try_lock(dir, file).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(folder(dir)(error)),
    }
}

/// Makes a folder that nobody but its owner can look into, where there is none.
///
/// # Errors
/// What the system says.
pub fn make_folder(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Whatever SQLite makes beside the database may be read by whoever may read that.
fn make_database(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.append(true).create(true).mode(0o600);
    options.open(path).map(drop)
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    make_folder(dir).map_err(folder(dir))?;
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(dir.join(LOCK)).map_err(folder(dir))?;
    let locked = try_lock(dir, file)?;
    make_database(&dir.join(DATABASE)).map_err(folder(dir))?;
    Ok(locked)
}

fn try_lock(dir: &Path, file: File) -> Result<File, OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: dir.display().to_string(),
        }),
        Err(TryLockError::Error(source)) => Err(folder(dir)(source)),
    }
}

fn folder(dir: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = dir.display().to_string();
    move |source| OpenError::Folder { path, source }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(format!("store-{name}"))
        .spawn(work)
}
