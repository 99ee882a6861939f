//! Files that somebody else may have put there.

#[cfg(not(test))]
use std::fs::File;
use std::{
    io::{self, Read as _},
    path::Path,
};

#[cfg(test)]
use crate::tests::disk::{File, is_regular};

/// Reads a regular file of at most `most` bytes, whatever it says of its length.
///
/// # Errors
/// What the system says; and where it is no file but a pipe or the like, which may never
/// end, or is longer.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = |kind, what: String| Err(io::Error::new(kind, what));
    // Before it is opened: that waits for whoever writes to a pipe.
    if !is_regular(path)? {
        let what = "it is no regular file".to_owned();
        return refused(io::ErrorKind::InvalidInput, what);
    }
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("it is longer than {most} bytes, and may not be");
        return refused(io::ErrorKind::FileTooLarge, what);
    }
    Ok(bytes)
}

/// Reads text so: see [`read_regular`].
///
/// # Errors
/// As of that; and where it is not UTF-8.
pub fn read_regular_text(path: &Path, most: u64) -> io::Result<String> {
    let bytes = read_regular(path, most)?;
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    String::from_utf8(bytes).map_err(invalid)
}

#[cfg(not(test))]
fn is_regular(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.is_file())
}
