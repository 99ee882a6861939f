//! Bundles that were in force, kept so that old decisions can be made again.
//!
//! Each is a policy folder of its own, `<data>/bundles/<digest>/`, and none is ever
//! changed or removed. A folder comes to be there as a whole or not at all.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use comity_domain::Digest;
use comity_policy::{DecidingFiles, Library, Report};
use tempfile::TempDir;
use thiserror::Error;

use super::folder;

/// The folder of kept bundles, in the data folder.
pub(crate) const BUNDLES: &str = "bundles";

/// What the names of copies begin with that have not been accepted yet.
const STAGED: &str = ".staged-";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Kept(PathBuf);

/// A bundle that cannot be had.
#[derive(Debug, Error)]
pub enum KeptError {
    /// It was never in force here.
    #[error("no bundle {0} is kept here: name the bundle of a decision that this gateway recorded")]
    Missing(Digest),
    /// Its files are not what they were.
    #[error("the kept bundle {bundle} cannot be used: it is {found} now")]
    Altered {
        /// The bundle asked for.
        bundle: Digest,
        /// What its files make now.
        found: Digest,
    },
    /// Its files cannot be read any more.
    #[error("the kept bundle {bundle} cannot be used\n{report}")]
    Broken {
        /// The bundle asked for.
        bundle: Digest,
        /// What is wrong with it.
        report: Report,
    },
    /// A fault of the gateway.
    #[error("reading the kept bundle {0} ended abnormally: report it")]
    Failed(Digest),
}

impl Kept {
    /// The bundles kept in a gateway's data folder.
    pub(crate) fn in_data(data: &Path) -> Self {
        Self(data.join(BUNDLES))
    }

    /// An empty folder beside the kept ones, removed when dropped.
    pub(super) fn stage(&self) -> io::Result<TempDir> {
        fs::create_dir_all(&self.0)?;
        tempfile::Builder::new().prefix(STAGED).tempdir_in(&self.0)
    }

    /// Keeps a staged bundle for good; returns once it is on disk.
    pub(super) fn keep(&self, staged: TempDir, bundle: Digest) -> io::Result<()> {
        let place = self.place(bundle);
        if place.exists() {
            return Ok(());
        }
        sync(staged.path())?;
        fs::rename(staged.path(), place)?;
        // It is not there under its old name any more.
        drop(staged.keep());
        File::open(&self.0)?.sync_all()
    }

    /// Removes copies that a process left behind when it died. Only for who has
    /// the data folder to itself.
    pub(super) fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(STAGED) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Loads a kept bundle, and makes sure that it is the one asked for.
    pub(crate) fn load(&self, bundle: Digest) -> Result<Library, KeptError> {
        let place = self.place(bundle);
        if !place.exists() {
            return Err(KeptError::Missing(bundle));
        }
        let library =
            Library::load(&place).map_err(|report| KeptError::Broken { bundle, report })?;
        let found = library.digest();
        if found == bundle {
            Ok(library)
        } else {
            Err(KeptError::Altered { bundle, found })
        }
    }

    /// The files of a kept bundle on which decisions depend, as text.
    pub(crate) fn files(&self, bundle: Digest) -> Result<DecidingFiles, KeptError> {
        let place = self.place(bundle);
        if !place.exists() {
            return Err(KeptError::Missing(bundle));
        }
        let files =
            DecidingFiles::read(&place).map_err(|report| KeptError::Broken { bundle, report })?;
        let found = files.digest();
        if found == bundle {
            Ok(files)
        } else {
            Err(KeptError::Altered { bundle, found })
        }
    }

    /// What lies among the bundles and was not kept: files that are no bundle's, and all
    /// that is neither a bundle nor to be one.
    pub(super) fn others(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let listing = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            listing => listing?,
        };
        for entry in listing {
            let entry = entry?;
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            let is_bundle = shown
                .parse()
                .is_ok_and(|bundle: Digest| bundle.to_string() == shown);
            match entry.file_type()?.is_dir() {
                true if is_bundle => {
                    let others = folder::not_copied(&entry.path())?;
                    found.extend(others.iter().map(|path| Path::new(&name).join(path)));
                }
                true if shown.starts_with(STAGED) => {}
                true | false => found.push(PathBuf::from(&name)),
            }
        }
        Ok(found)
    }

    fn place(&self, bundle: Digest) -> PathBuf {
        self.0.join(bundle.to_string())
    }
}

/// Brings every file below a folder, and the folders' own entries, to the disk.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync(&path)?;
        } else {
            File::open(path)?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least of the shipped library that is a policy folder.
    fn staged(kept: &Kept) -> (TempDir, Digest) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
        let staged = kept.stage().unwrap();
        for file in ["vocabulary.yaml", "measures.yaml", "sources.yaml"] {
            fs::copy(shipped.join(file), staged.path().join(file)).unwrap();
        }
        fs::create_dir(staged.path().join("schema")).unwrap();
        for schema in fs::read_dir(shipped.join("schema")).unwrap() {
            let schema = schema.unwrap();
            let to = staged.path().join("schema").join(schema.file_name());
            fs::copy(schema.path(), to).unwrap();
        }
        let bundle = Library::load(staged.path()).unwrap().digest();
        (staged, bundle)
    }

    #[test]
    fn what_is_kept_stays_and_what_is_not_goes() {
        let data = TempDir::new().unwrap();
        let kept = Kept::in_data(data.path());
        let (first, bundle) = staged(&kept);
        let error = kept.load(bundle).unwrap_err();
        assert!(matches!(error, KeptError::Missing(_)), "{error}");
        kept.keep(first, bundle).unwrap();
        let (second, same) = staged(&kept);
        kept.keep(second, same).unwrap();
        // As a process leaves it that dies.
        drop(staged(&kept).0.keep());
        kept.sweep().unwrap();
        assert_eq!(fs::read_dir(&kept.0).unwrap().count(), 1);
        assert_eq!(kept.load(bundle).unwrap().digest(), bundle);
    }

    #[test]
    fn a_kept_bundle_that_was_changed_decides_nothing() {
        let data = TempDir::new().unwrap();
        let kept = Kept::in_data(data.path());
        let (copy, bundle) = staged(&kept);
        kept.keep(copy, bundle).unwrap();
        let file = kept.place(bundle).join("sources.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}# later\n")).unwrap();
        let error = kept.load(bundle).unwrap_err();
        assert!(matches!(error, KeptError::Altered { .. }), "{error}");
        fs::remove_file(&file).unwrap();
        let error = kept.load(bundle).unwrap_err();
        assert!(matches!(error, KeptError::Broken { .. }), "{error}");
    }
}
