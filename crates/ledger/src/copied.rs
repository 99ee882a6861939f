//! The files of a log as it was when one of its checkpoints was signed, read while a
//! publisher may be at work on it.

use std::{io, path::Path};

use crate::{
    Flaw,
    cosigned::{COSIGNATURES, POLICY},
    edge::{TILE_HEIGHT, TILE_WIDTH},
    layout::{self, CHECKPOINT, HISTORY, Kind, LEVELS, SECOND_VERIFIER, VERIFIER},
    timestamped::{AUTHORITIES, TIMESTAMPS},
    verify::{CHANGED, INCOMPLETE, numbers_in, unreadable},
};

/// Hands `put` each file of the log in `dir`, by its path and bytes, as of the newest
/// checkpoint of at most so many `entries`; answers of how many that is. Of entries below
/// `pruned`, a multiple of 256, the hashes alone are handed over.
///
/// Whatever is published meanwhile is left out. [`crate::COSIGNED`] may be of more entries
/// than that, and is for the caller, who knows since when.
///
/// # Errors
/// What `put` says; and the [`Flaw`] of a file that is missing, as it may be where the log
/// is pruned meanwhile.
pub fn files_at<E: From<Flaw>>(
    dir: &Path,
    (entries, pruned): (u64, u64),
    mut put: impl FnMut(&str, &[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let kept = numbers_in(dir, HISTORY)?;
    let Some(size) = kept.into_iter().rfind(|size| *size <= entries) else {
        let what = format!("no checkpoint of at most {entries} entries is kept");
        return Err(Flaw::of(HISTORY, what, INCOMPLETE).into());
    };
    let mut handed = |path: &str, bytes: Option<Vec<u8>>| match bytes {
        Some(bytes) => put(path, &bytes),
        None => Ok(()),
    };
    for path in [VERIFIER, SECOND_VERIFIER, POLICY, AUTHORITIES] {
        handed(path, present(dir, path)?)?;
    }
    for folder in [HISTORY, COSIGNATURES, TIMESTAMPS] {
        let sizes = numbers_in(dir, folder)?;
        for of in sizes.into_iter().filter(|of| *of <= size) {
            let path = format!("{folder}/{of}");
            handed(&path, present(dir, &path)?)?;
        }
    }
    let kinds = (0..LEVELS).map(|level| (Kind::Hashes(level), TILE_HEIGHT * level, 0));
    for (kind, shift, from) in kinds.chain([(Kind::Entries, 0, pruned >> TILE_HEIGHT)]) {
        let nodes = size.checked_shr(shift.into()).unwrap_or(0);
        for number in from..nodes >> TILE_HEIGHT {
            let (path, bytes) = tile(dir, kind, number, TILE_WIDTH)?;
            handed(&path, Some(bytes))?;
        }
        partials(dir, kind, nodes, &mut handed)?;
    }
    let kept = format!("{HISTORY}/{size}");
    let checkpoint = layout::read(dir, &kept).map_err(|error| unreadable(&kept, &error))?;
    // Last: without it there is no log.
    handed(CHECKPOINT, Some(checkpoint))?;
    Ok(size)
}

/// Hands over the unfinished tile of one kind, of so many nodes, as wide as it was, and what
/// narrower forms of it are there.
fn partials<E: From<Flaw>>(
    dir: &Path,
    kind: Kind,
    nodes: u64,
    handed: &mut impl FnMut(&str, Option<Vec<u8>>) -> Result<(), E>,
) -> Result<(), E> {
    let (number, width) = (nodes >> TILE_HEIGHT, usize::from(nodes.to_le_bytes()[0]));
    if width == 0 {
        return Ok(());
    }
    let folder = format!("{}.p", layout::tile_path(kind, number));
    for narrower in numbers_in(dir, &folder)? {
        if (1..width as u64).contains(&narrower) {
            let path = format!("{folder}/{narrower}");
            // It goes once the full tile is there.
            handed(&path, present(dir, &path)?)?;
        }
    }
    let (found, mut bytes) = tile(dir, kind, number, width)?;
    let path = layout::wide_path(kind, number, width);
    if found != path {
        let end = end_of(kind, &bytes, width);
        let end = end.ok_or_else(|| Flaw::of(&found, "is cut short", CHANGED))?;
        bytes.truncate(end);
    }
    handed(&path, Some(bytes))
}

/// Where the first `width` nodes of a full tile end.
fn end_of(kind: Kind, bytes: &[u8], width: usize) -> Option<usize> {
    match kind {
        Kind::Hashes(_) => Some(width * tlog_tiles::HASH_SIZE).filter(|end| *end <= bytes.len()),
        Kind::Entries => {
            let entries = layout::split_bundle(bytes).ok()?;
            entries.get(width).map(|(offset, _)| *offset)
        }
    }
}

fn tile(dir: &Path, kind: Kind, number: u64, width: usize) -> Result<(String, Vec<u8>), Flaw> {
    layout::read_tile(dir, kind, number, width)
        .map_err(|error| unreadable(&layout::wide_path(kind, number, width), &error))
}

fn present(dir: &Path, path: &str) -> Result<Option<Vec<u8>>, Flaw> {
    let read: io::Result<_> = layout::read_if_present(dir, path);
    read.map_err(|error| unreadable(path, &error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Key, Publisher, verify};

    #[test]
    fn a_log_is_copied_as_it_was_at_any_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let key = Key::from_seed("log.example", [1; 32]).unwrap();
        let mut publisher = Publisher::open(&log, key.clone(), None).unwrap();
        let signed = [0, 3, 200, 256, 300, 513, 700];
        for size in signed {
            while publisher.next() < size {
                let entry = format!("entry {}", publisher.next());
                publisher.append(entry.as_bytes()).unwrap();
            }
            publisher.sign().unwrap();
        }
        // Partial tiles of before are gone.
        assert!(!log.join("tile/entries/000.p").exists());
        for (entries, expected) in [
            (0, 0),
            (2, 0),
            (255, 200),
            (256, 256),
            (512, 300),
            (900, 700),
        ] {
            let copy = folder.path().join(format!("copy-{entries}"));
            let size = files_at(&log, (entries, 0), |path, bytes| -> Result<(), Flaw> {
                let path = copy.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
                Ok(())
            });
            assert_eq!(size.unwrap(), expected);
            let verified = verify(&copy, key.verifier()).unwrap();
            let kept = signed.iter().filter(|size| **size <= expected).count();
            assert_eq!(
                (verified.size, verified.checkpoints),
                (expected, kept as u64)
            );
            assert_eq!(crate::strangers(&copy, expected).unwrap(), [""; 0]);
            // It is gone on with as it is.
            let mut publisher = Publisher::open(&copy, key.clone(), None).unwrap();
            assert_eq!(publisher.next(), expected);
            publisher.append(b"another entry").unwrap();
            publisher.sign().unwrap();
            assert_eq!(verify(&copy, key.verifier()).unwrap().size, expected + 1);
        }
    }

    #[test]
    fn a_bundle_that_is_gone_is_missed_unless_it_was_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path();
        let key = Key::from_seed("log.example", [1; 32]).unwrap();
        let mut publisher = Publisher::open(log, key, None).unwrap();
        for _ in 0..300 {
            publisher.append(b"entry").unwrap();
        }
        publisher.sign().unwrap();
        fs::remove_file(log.join("tile/entries/000")).unwrap();
        let copied = |pruned| files_at(log, (300, pruned), |_, _| Ok::<_, Flaw>(()));
        assert_eq!(copied(0).unwrap_err().file, "tile/entries/000");
        assert_eq!(copied(256), Ok(300));
    }
}
