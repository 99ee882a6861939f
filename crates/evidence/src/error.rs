//! What goes wrong with stored evidence, and with opening the room.

use std::{error::Error, io, path::PathBuf};

use thiserror::Error;

/// Why evidence cannot be stored or read.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// There is no room left.
    #[error("the evidence store is full; free some space")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The object store or the disk does not do what it should.
    #[error("the evidence store cannot be used")]
    Store(#[source] Box<dyn Error + Send + Sync>),
    /// Somebody else has begun the same item.
    #[error("somebody else has begun the item")]
    Taken,
    /// More bytes than the item was announced to have; they are gone.
    #[error("more bytes than the item was announced to have")]
    Overrun,
    /// Fewer bytes than the item was announced to have.
    #[error("fewer bytes than the item was announced to have")]
    Unfinished,
    /// The bytes are not those that the digest names; they are gone.
    #[error("the bytes do not have the digest that names the item")]
    WrongDigest,
    /// What is stored is not what was stored.
    #[error("the stored {0} is damaged")]
    Damaged(&'static str),
    /// There is no such item, or it was erased.
    #[error("no such item is stored")]
    Missing,
}

impl EvidenceError {
    /// Tells a full disk from other failures, however deep the reason lies.
    pub(crate) fn of(error: impl Error + Send + Sync + 'static) -> Self {
        let full = {
            let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
            std::iter::from_fn(|| {
                let this = cause?;
                cause = this.source();
                Some(this)
            })
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            })
        };
        if full {
            Self::Full(Box::new(error))
        } else {
            Self::Store(Box::new(error))
        }
    }
}

/// Why the room cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A folder or file cannot be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The key file is none of ours.
    #[error(
        "`{}` holds no evidence key: expected one line `COMITY-EVIDENCE-KEY-1+<64 hexadecimal digits>`",
        .0.display()
    )]
    Key(PathBuf),
    /// Items are stored, and the key that opens them is gone.
    #[error(
        "`{}` is missing, and without it nothing that is stored can be read: restore it",
        .0.display()
    )]
    NoKey(PathBuf),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// The URL names no object store that can be used.
    #[error(
        "`{url}` names no object store that this build can use: expected such as `s3://bucket/prefix`, in a build with `--features s3`"
    )]
    Url {
        /// The URL.
        url: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}
