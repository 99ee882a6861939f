//! What lies in the folder of a log and is no file of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    cosigned::{COSIGNATURES, COSIGNED, POLICY},
    layout::{CHECKPOINT, HISTORY, Kind, SECOND_VERIFIER, VERIFIER, read_tile_path},
    timestamped::{AUTHORITIES, TIMESTAMPS},
};

/// Files of a log that are there once.
const SINGLE: [&str; 6] = [
    CHECKPOINT,
    VERIFIER,
    SECOND_VERIFIER,
    COSIGNED,
    POLICY,
    AUTHORITIES,
];

/// Folders whose files are named by the size of a checkpoint.
const BY_SIZE: [&str; 3] = [HISTORY, COSIGNATURES, TIMESTAMPS];

/// Paths of what lies in `dir` and is no file of the log there, which has so many entries,
/// those that are not signed yet among them; ascending. Temporary files of a publication
/// are the log's.
///
/// # Errors
/// When the folder cannot be listed.
pub fn strangers(dir: &Path, entries: u64) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let listing = match fs::read_dir(dir.join(&folder)) {
            // A publisher at work removes folders of partial tiles.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            listing => listing?,
        };
        for entry in listing {
            let entry = entry?;
            let place = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(place);
                continue;
            }
            let path = place.to_string_lossy().into_owned();
            let temporary = entry.file_name().to_string_lossy().starts_with('.');
            if !temporary && !is_ours(&path, entries) {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether the checkpoint of so many entries is kept in the log's folder.
#[must_use]
pub fn has_checkpoint(dir: &Path, size: u64) -> bool {
    dir.join(checkpoint_path(size)).is_file()
}

/// Path of the checkpoint of so many entries in the log's folder.
#[must_use]
pub fn checkpoint_path(size: u64) -> String {
    format!("{HISTORY}/{size}")
}

fn is_ours(path: &str, entries: u64) -> bool {
    let by_size = |folder: &str, name: &str| {
        let size: Option<u64> = name.parse().ok();
        BY_SIZE.contains(&folder) && size.is_some_and(|size| size.to_string() == name)
    };
    SINGLE.contains(&path)
        || path
            .split_once('/')
            .is_some_and(|(folder, name)| by_size(folder, name))
        || read_tile_path(path).is_some_and(|tile| is_filled(tile, entries))
}

/// Whether so many entries fill a tile as far as it is wide.
fn is_filled((kind, number, width): (Kind, u64, usize), entries: u64) -> bool {
    let level = match kind {
        Kind::Entries => 0,
        Kind::Hashes(level) => level,
    };
    let nodes = entries >> (8 * u32::from(level));
    let end = number.checked_mul(256);
    end.and_then(|first| first.checked_add(width as u64))
        .is_some_and(|end| end <= nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_from_what_a_log_has() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "checkpoint",
            "verifier",
            "checkpoints/300",
            "checkpoints/foo",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/0/001.p/45",
            "tile/0/999",
            "tile/1/000.p/1",
            "tile/1/000",
            "tile/entries/000",
            "tile/entries/.001",
            "tile/entries/1",
            "foo",
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            strangers(dir.path(), 300).unwrap(),
            [
                "checkpoints/foo",
                "foo",
                "tile/0/001.p/45",
                "tile/0/999",
                "tile/1/000",
                "tile/entries/1",
            ]
        );
    }
}
