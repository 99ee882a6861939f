//! The policy bundle in force: where bundles come from, what is demanded of them,
//! and how one takes the place of another.
//!
//! What decides is never read from the policy folder itself. The files are copied
//! first, and the copy is checked, kept and decided by, so that no edit can come
//! between what was checked and what is in force.

mod folder;
mod kept;
pub(crate) mod watch;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use comity_domain::Digest;
use comity_policy::{DecidingFiles, Library, Report};
use jiff::civil::Date;
use tempfile::TempDir;
use thiserror::Error;
use tokio::sync::{Mutex, Notify};

pub(crate) use self::folder::{Listing, Stamp};
pub(crate) use self::kept::BUNDLES;
use self::kept::Kept;
pub use self::{folder::Unreadable, kept::KeptError};
use crate::{
    config::Config,
    signatures::{self, SignatureError, Signatures, Signers},
};

/// How often the folder is looked at. It is asked rather than left to report
/// changes: file systems over a network and those mounted into a container do
/// not report them.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
/// How often a start looks again at a folder that is being written to.
const START_LOOKS: u32 = 20;

/// The bundle in force. Whoever decides takes it once and uses it to the end.
#[derive(Debug)]
pub(crate) struct Policies {
    source: Source,
    in_force: RwLock<Arc<Library>>,
    /// Rules that could not be evaluated, of bundles no longer in force.
    past_engine_errors: AtomicU64,
    /// The kept bundle that was last asked for. One is loaded at a time.
    other: Mutex<Option<Arc<Library>>>,
    asked: Notify,
}

/// Where bundles come from, and what is demanded of them.
#[derive(Debug)]
pub(crate) struct Source {
    folder: PathBuf,
    kept: Kept,
    signers: Option<Signers>,
}

/// A bundle that may come into force: checked, and signed as demanded.
#[derive(Debug)]
pub(crate) struct Candidate {
    library: Library,
    /// The bytes of `bundle.sig`; empty where there is none.
    signatures: Vec<u8>,
    /// The copy that was checked.
    copy: TempDir,
}

/// Why what is in the policy folder cannot come into force.
#[derive(Debug, Error)]
pub enum Rejected {
    /// The files have mistakes; all of them are listed.
    #[error(transparent)]
    Mistakes(Report),
    /// The signatures demanded are not there.
    #[error(transparent)]
    Signatures(SignatureError),
    /// The folder cannot be read.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// Files change while they are read.
    #[error("files change while they are read: try again when all are written")]
    Changing,
    /// No copy can be kept.
    #[error("no copy can be kept in the data folder: {0}")]
    Unkept(io::Error),
    /// A fault of the gateway.
    #[error("reading the files ended abnormally: report it")]
    Failed,
}

impl Policies {
    /// A bundle that comes into force as the gateway starts.
    pub(crate) fn new(source: Source, library: Library) -> Self {
        Self {
            source,
            in_force: RwLock::new(Arc::new(library)),
            past_engine_errors: AtomicU64::new(0),
            other: Mutex::new(None),
            asked: Notify::new(),
        }
    }

    /// The bundle in force.
    pub(crate) fn in_force(&self) -> Arc<Library> {
        let in_force = self.in_force.read();
        Arc::clone(&in_force.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another bundle in force, for whoever decides from now on.
    fn put_in_force(&self, library: Library) {
        let library = Arc::new(library);
        let in_force = self.in_force.write();
        let mut in_force = in_force.unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *in_force, library);
        let errors = before.engine_errors();
        self.past_engine_errors.fetch_add(errors, Ordering::Relaxed);
    }

    /// How often a rule could not be evaluated since the start. What a decision
    /// under way counts while its bundle is replaced is left out.
    pub(crate) fn engine_errors(&self) -> u64 {
        self.past_engine_errors.load(Ordering::Relaxed) + self.in_force().engine_errors()
    }

    /// A bundle by its digest: the one in force, or one that was.
    ///
    /// # Errors
    /// [`KeptError`].
    pub(crate) async fn find(self: &Arc<Self>, bundle: Digest) -> Result<Arc<Library>, KeptError> {
        let in_force = self.in_force();
        if in_force.digest() == bundle {
            return Ok(in_force);
        }
        let mut other = self.other.lock().await;
        if let Some(library) = other.as_ref().filter(|other| other.digest() == bundle) {
            return Ok(Arc::clone(library));
        }
        let policies = Arc::clone(self);
        let loaded = blocking(move || policies.source.kept.load(bundle)).await;
        let library = Arc::new(loaded.ok_or(KeptError::Failed(bundle))??);
        *other = Some(Arc::clone(&library));
        Ok(library)
    }

    /// Has the folder read now, whether or not it seems to have changed.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }
}

impl Source {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            folder: config.policies.folder.clone(),
            kept: Kept::in_data(&config.data),
            signers: config.policies.signers.clone(),
        }
    }

    /// Reads the folder for a start, once nobody is writing to it.
    pub(crate) async fn first(&self, today: Date) -> Result<(Candidate, Listing), Rejected> {
        for _ in 0..START_LOOKS {
            let look = self.look().map_err(Rejected::Unreadable)?;
            match self.take(&look, today) {
                Err(Rejected::Changing) => tokio::time::sleep(INTERVAL).await,
                taken => return taken.map(|candidate| (candidate, look)),
            }
        }
        Err(Rejected::Changing)
    }

    /// Keeps the bundle of a start, once the data folder is this process's alone.
    /// Answers it with the bytes of its `bundle.sig`.
    pub(crate) fn keep_first(&self, candidate: Candidate) -> Result<(Library, Vec<u8>), Rejected> {
        let bundle = candidate.digest();
        let Candidate {
            library,
            signatures,
            copy,
        } = candidate;
        let kept = self.kept.keep(copy, bundle);
        kept.and_then(|()| self.kept.sweep())
            .map_err(Rejected::Unkept)?;
        Ok((library, signatures))
    }

    fn look(&self) -> Result<Listing, Unreadable> {
        Listing::read(&self.folder)
    }

    /// Copies the files of a listing, checks them, and checks their signatures.
    /// Takes a part of a second, on the thread of the caller.
    fn take(&self, look: &Listing, today: Date) -> Result<Candidate, Rejected> {
        let copy = self.kept.stage().map_err(Rejected::Unkept)?;
        look.copy(&self.folder, copy.path())
            .map_err(Rejected::Unreadable)?;
        if self.look().as_ref() != Ok(look) {
            return Err(Rejected::Changing);
        }
        let library = Library::load(copy.path()).map_err(Rejected::Mistakes)?;
        let signatures = self.signatures(&copy, library.digest(), today);
        Ok(Candidate {
            library,
            signatures: signatures.map_err(Rejected::Signatures)?,
            copy,
        })
    }

    /// The bytes of `bundle.sig`, with as many signatures as are demanded.
    fn signatures(
        &self,
        copy: &TempDir,
        bundle: Digest,
        today: Date,
    ) -> Result<Vec<u8>, SignatureError> {
        if let Some(signers) = &self.signers {
            let signatures = Signatures::read(copy.path())?;
            signers.check(signatures.as_ref(), bundle, today)?;
        }
        match std::fs::read(copy.path().join(signatures::FILE)) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(SignatureError::Unreadable(error)),
        }
    }
}

impl Candidate {
    /// SHA-256 of the bundle.
    pub(crate) fn digest(&self) -> Digest {
        self.library.digest()
    }
}

impl Rejected {
    /// The reason as metrics name it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Mistakes(_) => "mistakes",
            Self::Signatures(error) => error.as_str(),
            Self::Unreadable(_) => "unreadable",
            Self::Changing => "changing",
            Self::Unkept(_) => "unkept",
            Self::Failed => "failed",
        }
    }

    /// The reason as the ledger names it: nothing of the files.
    fn remark(&self) -> String {
        match self {
            Self::Mistakes(report) => format!("mistakes: {}", report.diagnostics().len()),
            Self::Signatures(_)
            | Self::Unreadable(_)
            | Self::Changing
            | Self::Unkept(_)
            | Self::Failed => self.as_str().to_owned(),
        }
    }
}

/// A bundle that was in force at the gateway with this data folder.
///
/// # Errors
/// [`KeptError`]: it is not there, or is not what it was.
pub fn kept(data: &Path, bundle: Digest) -> Result<Library, KeptError> {
    Kept::in_data(data).load(bundle)
}

/// The files of such a bundle on which decisions depend.
///
/// # Errors
/// [`KeptError`]: it is not there, or is not what it was.
pub(crate) fn kept_files(data: &Path, bundle: Digest) -> Result<DecidingFiles, KeptError> {
    Kept::in_data(data).files(bundle)
}

/// Paths of what lies among the bundles in this data folder and was not kept there.
///
/// # Errors
/// When a folder cannot be listed.
pub(crate) fn not_kept(data: &Path) -> io::Result<Vec<String>> {
    let found = Kept::in_data(data).others()?;
    let path = |place: PathBuf| Path::new(BUNDLES).join(place).display().to_string();
    Ok(found.into_iter().map(path).collect())
}

/// Runs what takes a while off the threads that serve; `None` if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Some(done),
        Err(panic) => {
            tracing::error!(error = %panic, "work on a policy bundle ended abnormally");
            None
        }
    }
}
