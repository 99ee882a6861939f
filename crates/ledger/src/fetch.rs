//! What anybody may fetch of a published log, by the paths of C2SP tlog-tiles.

use std::{io, path::Path};

use crate::{
    cosigned::{COSIGNATURES, COSIGNED, POLICY},
    layout::{self, CHECKPOINT, HISTORY, SECOND_VERIFIER, VERIFIER},
    timestamped::{AUTHORITIES, TIMESTAMPS},
};

/// A file of a published log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// A text, rather than a tile or a timestamp.
    pub is_text: bool,
    /// It will never be another one.
    pub lasts: bool,
}

/// Fetches a file of the log in `dir` by its path, such as `checkpoint`,
/// `tile/0/x001/067` or `tile/entries/000.p/7`. `None` for a path that is none of a
/// log's, whatever lies there, and for a file that is not there. A partial tile goes
/// once the full one is there.
///
/// # Errors
/// When it cannot be read.
pub fn fetch(dir: &Path, path: &str) -> io::Result<Option<Fetched>> {
    let Some((is_text, lasts)) = kind(path) else {
        return Ok(None);
    };
    let bytes = layout::read_if_present(dir, path)?;
    Ok(bytes.map(|bytes| Fetched {
        bytes,
        is_text,
        lasts,
    }))
}

/// Whether a path of a log is a text's, and whether its file lasts.
fn kind(path: &str) -> Option<(bool, bool)> {
    match path {
        CHECKPOINT | COSIGNED | POLICY | AUTHORITIES => return Some((true, false)),
        VERIFIER | SECOND_VERIFIER => return Some((true, true)),
        _ => {}
    }
    if path.starts_with("tile/") {
        return layout::read_tile_path(path).map(|_| (false, true));
    }
    let (folder, size) = path.split_once('/')?;
    let kind = match folder {
        HISTORY => (true, true),
        COSIGNATURES => (true, false),
        TIMESTAMPS => (false, true),
        _ => return None,
    };
    let number: u64 = size.parse().ok()?;
    (number.to_string() == size).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_log_are_read_and_no_others() {
        for (path, expected) in [
            ("checkpoint", (true, false)),
            ("authorities", (true, false)),
            ("verifier", (true, true)),
            ("verifier-ml-dsa-44", (true, true)),
            ("checkpoints/7", (true, true)),
            ("cosignatures/7", (true, false)),
            ("timestamps/7", (false, true)),
            ("tile/0/000", (false, true)),
            ("tile/7/x001/x234/067.p/255", (false, true)),
            ("tile/entries/999.p/1", (false, true)),
        ] {
            assert_eq!(kind(path), Some(expected), "{path}");
        }
        for path in [
            "",
            "/checkpoint",
            "../ledger.key",
            "checkpoints/../../ledger.key",
            "checkpoints/07",
            "checkpoints/.7",
            "timestamps/07",
            "checkpoints/",
            "tile/../../comity.db",
            "tile/0/../../x",
            "tile/0/0",
            "tile/0/001/000",
            "tile/0/x000/000",
            "tile/0/xx001/000",
            "tile/8/000",
            "tile/00/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/07",
            "tile/0/.000",
            "tile/data/000",
            "policy/",
        ] {
            assert_eq!(kind(path), None, "{path}");
        }
    }
}
