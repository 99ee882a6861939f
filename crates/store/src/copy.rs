//! A copy of a store that may be in use: one snapshot of the database, and the published
//! ledger as it was then.
//!
//! The database is copied by `VACUUM INTO`, in one read transaction that no writer waits for:
//! what is not in use any more, in which erased rows may still lie, is left out. What must
//! not be newer than the snapshot is read before it, and the ledger after it, as of the newest
//! checkpoint over entries that are in it: only what is committed is ever signed.

use std::{fs, io, path::Path, time::SystemTime};

use comity_ledger::{COSIGNED, Flaw, files_at, read_regular};
use thiserror::Error;

use crate::{
    OpenError, ReadError,
    archive::connect,
    open::{DATABASE, LEDGER, WRITE_AHEAD_LOG},
    prune, read, schema,
    witnessed::{MAX_FILE_BYTES, WITNESSED, WITNESSED_WORD},
};

/// Why a store was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be copied, or not written where it is to go.
    #[error("cannot copy the database")]
    Database(#[from] rusqlite::Error),
    /// The copy of the database cannot be read.
    #[error("cannot read the copy of the database")]
    Read(#[from] ReadError),
    /// A file of the published ledger is missing or cannot be read.
    #[error("cannot copy the published ledger")]
    Ledger(#[from] Flaw),
    /// A file cannot be copied.
    #[error("cannot copy to `{path}`")]
    File {
        /// Path in the copy.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A gateway was started while it was copied as one that nobody has open.
    #[error("the store came into use while it was copied")]
    CameIntoUse,
}

impl CopyError {
    /// Whether it may go well at another try: something was done to the store meanwhile.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Ledger(_) | Self::CameIntoUse)
    }
}

/// Copies the store in `dir`, which may be in use, into the folder `to`, but for its key. What
/// is written is not flushed.
///
/// # Errors
/// [`CopyError`]; what was written by then is to be removed.
pub fn copy(dir: &Path, to: &Path) -> Result<(), CopyError> {
    let mut seen = Vec::new();
    for path in [WITNESSED, WITNESSED_WORD, &format!("{LEDGER}/{COSIGNED}")] {
        match read_regular(&dir.join(path), MAX_FILE_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => seen.push((path.to_owned(), read.map_err(at(path))?)),
        }
    }
    let target = to.join(DATABASE);
    snapshot(dir, &target)?;
    for (path, bytes) in seen {
        put(to, &path, &bytes)?;
    }
    let db = schema::open_at_rest(&target)?;
    let entries = read::size(&db)?;
    let pruned = prune::pruned(&db)?.map_or(0, |pruned| pruned.below);
    files_at(&dir.join(LEDGER), (entries, pruned), |path, bytes| {
        put(to, &format!("{LEDGER}/{path}"), bytes)
    })
    .map(drop)
}

fn snapshot(dir: &Path, target: &Path) -> Result<(), CopyError> {
    let at_rest = !dir.join(WRITE_AHEAD_LOG).exists();
    let written = written(dir)?;
    let db = connect(dir, at_rest)?;
    if !schema::is_readable(&db).map_err(OpenError::from)? {
        return Err(OpenError::Foreign.into());
    }
    let path = target.to_str().ok_or(io::ErrorKind::InvalidFilename.into());
    db.execute("VACUUM INTO ?1", [path.map_err(at(DATABASE))?])?;
    // At rest it is read without a lock. Whoever had it open meanwhile has written to it, or
    // left a log that is to be written.
    let is_same = !dir.join(WRITE_AHEAD_LOG).exists() && self::written(dir)? == written;
    match at_rest && !is_same {
        true => Err(CopyError::CameIntoUse),
        false => Ok(()),
    }
}

/// When the database was last written to, and how long it was then.
fn written(dir: &Path) -> Result<(SystemTime, u64), CopyError> {
    let file = fs::metadata(dir.join(DATABASE)).map_err(at(DATABASE))?;
    Ok((file.modified().map_err(at(DATABASE))?, file.len()))
}

fn put(to: &Path, path: &str, bytes: &[u8]) -> Result<(), CopyError> {
    let target = to.join(path);
    let folder = target.parent().unwrap_or(to);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&target, bytes))
        .map_err(at(path))
}

fn at(path: &str) -> impl FnOnce(io::Error) -> CopyError + use<> {
    let path = path.to_owned();
    move |source| CopyError::File { path, source }
}
