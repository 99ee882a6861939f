//! What the checkpoints kept in the folder prove of what was signed, whatever was rolled
//! back beside them.

#[cfg(not(test))]
use std::fs;
use std::{io, path::Path};

use super::{PublishError, at};
#[cfg(test)]
use crate::tests::disk as fs;
use crate::{
    Checkpoint, Hash, Key,
    layout::{self, HISTORY},
};

/// The largest checkpoint of more than `size` entries that is kept and that the key
/// signed: none, as long as nothing was rolled back, and then no file is opened. What it
/// did not sign is left to verification.
pub(super) fn beyond(
    (dir, key): (&Path, &Key),
    size: u64,
) -> Result<Option<Checkpoint>, PublishError> {
    let listing = match fs::read_dir(dir.join(HISTORY)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        listing => listing.map_err(at(HISTORY))?,
    };
    let mut sizes = Vec::new();
    for file in listing {
        let name = file.map_err(at(HISTORY))?.file_name();
        let kept = name.to_str().and_then(|name| name.parse::<u64>().ok());
        sizes.extend(kept.filter(|kept| *kept > size));
    }
    sizes.sort_unstable();
    for kept in sizes.into_iter().rev() {
        if let Some(kept) = read((dir, key), kept)? {
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

/// Refuses to sign a tree beside another one of the same size that the key signed.
pub(super) fn permits(log: (&Path, &Key), (size, root): (u64, Hash)) -> Result<(), PublishError> {
    match read(log, size)? {
        Some(kept) if kept.root != root => Err(PublishError::Rewritten { size }),
        Some(_) | None => Ok(()),
    }
}

/// The checkpoint kept of so many entries, if the key signed it.
fn read((dir, key): (&Path, &Key), size: u64) -> Result<Option<Checkpoint>, PublishError> {
    let path = format!("{HISTORY}/{size}");
    let note = layout::read_if_present(dir, &path).map_err(at(&path))?;
    let kept = note.and_then(|note| Checkpoint::open(&note, key.verifier()).ok());
    Ok(kept.filter(|kept| kept.size == size))
}
