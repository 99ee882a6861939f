//! Which item, and what it was announced to be.

use std::fmt;

use comity_domain::{CaseId, Digest};
use serde::{Deserialize, Serialize};

/// An item of evidence: unique in its case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemId {
    /// The case.
    pub case: CaseId,
    /// SHA-256 of the item's bytes.
    pub sha256: Digest,
}

/// What an item was announced to be, before its first byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Size in bytes, at least 1.
    pub size: u64,
    /// Media type.
    pub media_type: String,
    /// The key that the bytes are sealed to, in the form of [`crate::sealed`].
    pub recipient: Option<String>,
    /// Who sends it, as authenticated.
    pub sender: String,
}

impl ItemId {
    /// The item that a file name of the shelf spells.
    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let (case, sha256) = name.split_once('.')?;
        Some(Self {
            case: case.parse().ok()?,
            sha256: sha256.parse().ok()?,
        })
    }
}

/// As the shelf names files: `<case>.<sha256>`.
impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.case, self.sha256)
    }
}
