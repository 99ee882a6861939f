//! The key file: how generations stand in it, and how one text takes the place of
//! another.
//!
//! One line a generation: its number, and its secret in hexadecimal digits; or, where a
//! token keeps the key to it, `token`, the key's name and the wrapped secret. A line
//! `gone` names a key that is on the token no more, or must not be.

#[cfg(not(test))]
use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
};
use std::{
    io::{self, Write as _},
    path::Path,
};

use super::{KEY_LEN, State};
#[cfg(test)]
use crate::tests::disk::{self as fs, File, OpenOptions};
use crate::token::{KeyId, Wrapped};

/// Before what a token's key wraps.
const TOKEN: &str = "token";
/// Before the name of a key that is to be gone.
const GONE: &str = "gone";

/// What a key file says.
#[derive(Default)]
pub(super) struct KeyFile {
    /// Each generation under its number, older first.
    pub(super) generations: Vec<(u32, Written)>,
    /// Keys that are to be gone from the token.
    pub(super) doomed: Vec<KeyId>,
}

/// How a generation's secret stands in the file.
pub(super) enum Written {
    Plain([u8; KEY_LEN]),
    Wrapped(Wrapped),
}

/// What the file says; `None` if it is no key file.
pub(super) fn read(text: &str) -> Option<KeyFile> {
    let mut file = KeyFile::default();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            [GONE, id] => file.doomed.push(KeyId::read(id)?),
            [number, secret] => {
                let mut bytes = [0; KEY_LEN];
                hex::decode_to_slice(secret, &mut bytes).ok()?;
                let written = Written::Plain(bytes);
                file.generations.push((number.parse().ok()?, written));
            }
            [number, TOKEN, id, sealed] => {
                let written = Written::Wrapped(Wrapped {
                    id: KeyId::read(id)?,
                    sealed: hex::decode(sealed).ok()?,
                });
                file.generations.push((number.parse().ok()?, written));
            }
            _ => return None,
        }
    }
    // None, while the first key of all is being made on a token.
    let known = !file.generations.is_empty() || !file.doomed.is_empty();
    known.then_some(file)
}

/// Puts a new file in the place of the old one, and wipes what the old one held.
pub(super) fn write(path: &Path, state: &State) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    for generation in &state.generations {
        let number = generation.number;
        match &generation.wrapped {
            None => writeln!(file, "{number} {}", hex::encode(generation.secret))?,
            Some(Wrapped { id, sealed }) => {
                writeln!(file, "{number} {TOKEN} {id} {}", hex::encode(sealed))?;
            }
        }
    }
    for id in &state.doomed {
        writeln!(file, "{GONE} {id}")?;
    }
    file.sync_all()?;
    let old = OpenOptions::new().write(true).open(path).ok();
    fs::rename(&next, path)?;
    sync_folder(path)?;
    if let Some(mut old) = old {
        let length = usize::try_from(old.metadata()?.len()).unwrap_or_default();
        old.write_all(&vec![0; length])?;
        old.sync_all()?;
    }
    Ok(())
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
