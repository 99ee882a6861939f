//! Where the sealed segments are: a folder, or an object store that speaks S3.

use std::{fs, io, path::PathBuf, sync::Arc, time::SystemTime};

use futures::TryStreamExt as _;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path,
};
use url::Url;

use crate::{EvidenceError, OpenError};

/// Digits of a segment's number in its name, so that names sort as numbers do.
const DIGITS: usize = 8;

/// Where sealed segments are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder; made when it is missing.
    Folder(PathBuf),
    /// An object store, such as `s3://bucket/prefix`; keys and endpoint come from
    /// environment variables that begin with `AWS_`.
    Url(String),
}

impl Place {
    /// Where segments are unless a gateway's settings say otherwise: in its data folder.
    #[must_use]
    pub fn in_data(data: &std::path::Path) -> Self {
        Self::Folder(data.join("evidence").join("items"))
    }
}

/// The name of a segment.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where the store is a folder of ours.
    folder: Option<PathBuf>,
    /// Bytes of the disk under that folder that are left to others.
    keep_free: u64,
}

/// A segment as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) number: u64,
    pub(crate) length: u64,
    pub(crate) modified: SystemTime,
}

impl Objects {
    pub(crate) fn open(place: &Place, keep_free: u64) -> Result<Self, OpenError> {
        match place {
            Place::Folder(folder) => Self::in_folder(folder.clone(), keep_free),
            Place::Url(url) => Self::at_url(url),
        }
    }

    fn in_folder(folder: PathBuf, keep_free: u64) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::File {
            path: folder.clone(),
            source,
        };
        fs::create_dir_all(&folder).map_err(unusable)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| unusable(io::Error::other(error)))?
            // What was acknowledged outlives the machine's power.
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::default(),
            folder: Some(folder),
            keep_free,
        })
    }

    fn at_url(url: &str) -> Result<Self, OpenError> {
        #[cfg(feature = "s3")]
        // Fails only where one is chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = std::env::vars()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let open = || {
            let parsed = Url::parse(url)?;
            Ok(object_store::parse_url_opts(&parsed, settings)?)
        };
        let (store, prefix) = open().map_err(|source| OpenError::Url {
            url: url.to_owned(),
            source,
        })?;
        Ok(Self {
            store: Arc::from(store),
            prefix,
            folder: None,
            keep_free: 0,
        })
    }

    /// Refuses bytes that would leave others less of the disk than is to be kept free. A
    /// store elsewhere has limits of its own.
    ///
    /// # Errors
    /// [`EvidenceError::Full`].
    pub(crate) async fn has_room(&self, bytes: u64) -> Result<(), EvidenceError> {
        let folder = self.folder.clone().filter(|_| bytes > 0);
        let Some(folder) = folder else {
            return Ok(());
        };
        let needed = self.keep_free.saturating_add(bytes);
        crate::room::blocking(move || {
            let disk = rustix::fs::statvfs(&folder).map_err(io::Error::from);
            let disk = disk.map_err(EvidenceError::of)?;
            match disk.f_bavail.saturating_mul(disk.f_frsize) < needed {
                true => Err(EvidenceError::of(io::Error::from(
                    io::ErrorKind::StorageFull,
                ))),
                false => Ok(()),
            }
        })
        .await
    }

    /// Stores a segment whole, for good, in place of any before.
    pub(crate) async fn put(
        &self,
        object: &str,
        number: u64,
        sealed: Vec<u8>,
    ) -> Result<(), EvidenceError> {
        let path = self.segment(object, number);
        let stored = self.store.put(&path, PutPayload::from(sealed)).await;
        stored.map(drop).map_err(EvidenceError::of)
    }

    /// A segment as stored; `Damaged` where it is not there.
    pub(crate) async fn get(&self, object: &str, number: u64) -> Result<Vec<u8>, EvidenceError> {
        let path = self.segment(object, number);
        match self.store.get(&path).await {
            Ok(found) => Ok(found.bytes().await.map_err(EvidenceError::of)?.into()),
            Err(object_store::Error::NotFound { .. }) => Err(EvidenceError::Damaged("segment")),
            Err(error) => Err(EvidenceError::of(error)),
        }
    }

    /// The segments of an object, in the order of their numbers.
    pub(crate) async fn list(&self, object: &str) -> Result<Vec<Stored>, EvidenceError> {
        let folder = self.object(object);
        let found: Vec<_> = self
            .store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(EvidenceError::of)?;
        let mut stored: Vec<Stored> = found
            .into_iter()
            .filter_map(|meta| {
                Some(Stored {
                    number: meta.location.filename()?.parse().ok()?,
                    length: meta.size,
                    modified: meta.last_modified.into(),
                })
            })
            .collect();
        stored.sort_by_key(|stored| stored.number);
        Ok(stored)
    }

    /// Removes everything of an object.
    pub(crate) async fn remove(&self, object: &str) -> Result<(), EvidenceError> {
        if let Some(folder) = &self.folder {
            // With it goes what a crash left half written.
            let folder = folder.join(object);
            return crate::room::blocking(move || match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(EvidenceError::of(error))
                }
                Ok(()) | Err(_) => Ok(()),
            })
            .await;
        }
        for Stored { number, .. } in self.list(object).await? {
            match self.store.delete(&self.segment(object, number)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(EvidenceError::of(error)),
            }
        }
        Ok(())
    }

    fn object(&self, object: &str) -> Path {
        self.prefix.clone().join(object)
    }

    fn segment(&self, object: &str, number: u64) -> Path {
        self.object(object).join(segment_name(number))
    }
}
