//! `[evidence]`: where items lie, and what is accepted.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use comity_evidence::Place;
use serde::Deserialize;
use toml::Spanned;

use super::file::Mistakes;

/// Media types that are accepted unless told otherwise.
const MEDIA_TYPES: [&str; 6] = [
    "application/*",
    "audio/*",
    "image/*",
    "message/*",
    "text/*",
    "video/*",
];

/// Evidence in bulk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where the encrypted bytes lie.
    pub place: Place,
    /// Largest item, in bytes.
    pub max_item_bytes: u64,
    /// Most items that a side stores for a case, deleted ones among them.
    pub items_per_side: u64,
    /// Most bytes that a side has stored for a case at a time.
    pub bytes_per_side: u64,
    /// Bytes of the disk that evidence in a folder leaves to others.
    pub keep_free_bytes: u64,
    /// What is accepted, by what the uploader says that it is.
    pub media_types: Vec<MediaRange>,
    /// Most transfers under way.
    pub transfers: usize,
    /// Most transfers under way of one caller.
    pub per_caller: usize,
    /// How long an upload that was cut may be gone on with.
    pub expire_after: Duration,
}

/// A media type, or all of one kind: `application/pdf` or `image/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRange(String);

/// `[evidence]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceFile {
    folder: Option<PathBuf>,
    object_store: Option<Spanned<String>>,
    max_item_bytes: Option<Spanned<u64>>,
    items_per_side: Option<Spanned<u64>>,
    bytes_per_side: Option<Spanned<u64>>,
    keep_free_bytes: Option<Spanned<u64>>,
    media_types: Option<Vec<Spanned<String>>>,
    transfers: Option<Spanned<u64>>,
    transfers_per_caller: Option<Spanned<u64>>,
    expire_after_hours: Option<Spanned<u64>>,
}

impl MediaRange {
    /// Whether a media type is in it.
    #[must_use]
    pub fn matches(&self, media_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(kind) => media_type.starts_with(kind),
            None => media_type == self.0,
        }
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl EvidenceFile {
    /// `data` is the gateway's own folder, resolved.
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>, data: &Path) -> Evidence {
        let Self {
            folder,
            object_store,
            max_item_bytes,
            items_per_side,
            bytes_per_side,
            keep_free_bytes,
            media_types,
            transfers,
            transfers_per_caller,
            expire_after_hours,
        } = self;
        let place = place(folder, object_store, mistakes, data);
        let media_types = match media_types {
            None => MEDIA_TYPES
                .map(|range| MediaRange(range.to_owned()))
                .to_vec(),
            Some(written) => ranges(written, mistakes),
        };
        let mut bound = |key: &str, written: Option<Spanned<u64>>, default: u64| match written {
            None => default,
            Some(written) if *written.get_ref() > 0 => written.into_inner(),
            Some(written) => {
                let message = format!("`evidence.{key}` is `0`: expected at least 1");
                mistakes.add::<()>(Some(written.span()), &message);
                default
            }
        };
        // 100 GiB: the image of a disk.
        let max_item_bytes = bound("max_item_bytes", max_item_bytes, 100 << 30);
        let items_per_side = bound("items_per_side", items_per_side, 1000);
        let bytes_per_side = bound("bytes_per_side", bytes_per_side, 1 << 40);
        let keep_free_bytes = bound("keep_free_bytes", keep_free_bytes, 1 << 30);
        // Each holds some ten mebibytes of memory.
        let transfers = bound("transfers", transfers, 32);
        let per_caller = bound("transfers_per_caller", transfers_per_caller, 8);
        let hours = bound("expire_after_hours", expire_after_hours, 7 * 24);
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Evidence {
            place,
            max_item_bytes,
            items_per_side,
            bytes_per_side,
            keep_free_bytes,
            media_types,
            transfers: count(transfers),
            per_caller: count(per_caller),
            expire_after: Duration::from_secs(hours.saturating_mul(3600)),
        }
    }
}

fn place(
    folder: Option<PathBuf>,
    url: Option<Spanned<String>>,
    mistakes: &mut Mistakes<'_>,
    data: &Path,
) -> Place {
    match (folder, url) {
        (folder, None) => folder.map_or_else(
            || Place::in_data(data),
            |folder| Place::Folder(mistakes.resolve(&folder)),
        ),
        (None, Some(url)) => {
            if !url.get_ref().starts_with("s3://") {
                let expected = "a bucket, and a prefix in it, such as `s3://evidence/gateway`";
                mistakes.expected::<()>("evidence.object_store", &url, expected);
            }
            Place::Url(url.into_inner())
        }
        (Some(_), Some(url)) => {
            mistakes.add::<()>(
                Some(url.span()),
                "`evidence.folder` and `evidence.object_store` are both given: keep one",
            );
            Place::Url(url.into_inner())
        }
    }
}

fn ranges(written: Vec<Spanned<String>>, mistakes: &mut Mistakes<'_>) -> Vec<MediaRange> {
    let mut ranges = Vec::new();
    for range in written {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.+_".contains(&b))
        };
        let good = range
            .get_ref()
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_name(kind) && (subtype == "*" || is_name(subtype)));
        if good {
            ranges.push(MediaRange(range.into_inner()));
        } else {
            let expected = "a media type in lower case, such as `application/pdf` or `image/*`";
            mistakes.expected::<()>("evidence.media_types", &range, expected);
        }
    }
    ranges
}
