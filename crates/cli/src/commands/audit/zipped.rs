//! Bundles in zip files: read only where every program that unpacks one makes the same of it.
//!
//! A zip file tells its files twice, before each and in a list at its end, and programs differ
//! in which they believe, which of two files of a name they keep, and what they make of bytes
//! that belong to neither. What could be taken in two ways is refused.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read as _},
    path::Path,
};

use comity_gateway::offline::Files;
use comity_ledger::Flaw;
use zip::ZipArchive;

use super::bundle::{BYTES_MAX, Unread};
use crate::exit::Failure;

/// Most files in one: more are told in another format.
pub(super) const FILES_MAX: usize = u16::MAX as usize - 1;

/// Signatures of the parts of a zip file (APPNOTE 4.3.7, 4.3.12, 4.3.16).
const FILE: &[u8] = b"PK\x03\x04";
const LISTED: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// Lengths of their fixed fields, in bytes.
const FILE_LENGTH: usize = 30;
const LISTED_LENGTH: usize = 46;
const END_LENGTH: usize = 22;

/// Flags of a file: encrypted, and its lengths stand after it (APPNOTE 4.4.4).
const FLAGS_REFUSED: usize = 1 | 1 << 3;

/// Further fields that only date a file, or say whose it was (APPNOTE 4.6.1 and Info-ZIP);
/// others name it anew, or say its lengths again.
const HARMLESS: [usize; 3] = [0x5455, 0x5855, 0x7875];

const UNCLEAR: &str = "programs that unpack it need not see what would be verified: ask for \
    the file as `comity audit export` wrote it, or unpack it and verify, and then use, the folder";
const CUT: &str = "part of the bundle is missing: get the file again";

/// Reads a bundle.
pub(super) fn read(path: &Path) -> Result<Files, Unread> {
    let shown = path.display().to_string();
    let bytes = comity_ledger::read_regular(path, BYTES_MAX)
        .map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let begins = bytes.starts_with(FILE);
    let unclear = |(at, what): Unclear| Unread::from(Flaw::of(&shown, what, UNCLEAR).offset(at));
    // Only where it is a zip file, and where its list of files is, is left to the library.
    match ZipArchive::new(Cursor::new(bytes.as_slice())) {
        Ok(mut zip) => {
            let listed = listed(&bytes).map_err(unclear)?;
            unpack(&mut zip, &listed)
                .map_err(|what| Unread::from(Flaw::of(&shown, what, "the bundle was damaged")))
        }
        Err(error) if begins => {
            let what = format!("ends too early, or is damaged: {error}");
            Err(Flaw::of(&shown, what, CUT).into())
        }
        Err(_) => Err(Unread::Failed(no_bundle(&shown))),
    }
}

fn no_bundle(shown: &str) -> Failure {
    format!(
        "`{shown}` is no case bundle: expected a zip file or a folder, as `comity audit export` \
         writes it"
    )
    .into()
}

/// The files under the names listed, which are all there are.
fn unpack(zip: &mut ZipArchive<Cursor<&[u8]>>, listed: &[String]) -> Result<Files, String> {
    let mut files = Files::new();
    let mut left = BYTES_MAX;
    for name in listed.iter().filter(|name| !name.ends_with('/')) {
        let told = |error: &dyn std::fmt::Display| format!("file `{name}`: {error}");
        let file = zip.by_name(name).map_err(|error| told(&error))?;
        let mut bytes = Vec::new();
        let read = file.take(left + 1).read_to_end(&mut bytes);
        read.map_err(|error| told(&error))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| told(&"with it, the files are larger than any bundle"))?;
        files.insert(name.clone(), bytes);
    }
    Ok(files)
}

/// Where a zip file can be taken in two ways, and how.
type Unclear = (usize, String);

/// The names of the files of a zip file that consists of these, one after the other, their
/// list and its end, and of nothing else.
fn listed(zip: &[u8]) -> Result<Vec<String>, Unclear> {
    let end = zip.len().saturating_sub(END_LENGTH);
    let at_end = At(zip, end);
    if !at_end.begins(END) || at_end.number(20, 2) != Some(0) {
        return Err((end, "does not end with its list of files".to_owned()));
    }
    let [count, length, start] = [(10, 2), (12, 4), (16, 4)].map(|(at, size)| {
        // Fields of a length that was checked.
        at_end.number(at, size).unwrap_or_default()
    });
    if count > FILES_MAX || at_end.number(8, 2) != Some(count) || at_end.number(4, 4) != Some(0) {
        let what = "has more files, or parts, than a bundle in one zip file has";
        return Err((end, what.to_owned()));
    }
    if start.checked_add(length) != Some(end) {
        let what = "has bytes before, in or after it that are neither files nor their list";
        return Err((start.min(end), what.to_owned()));
    }
    let (mut place, mut file) = (start, 0);
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        let (name, length, next) = one(zip, place, file)?;
        if !seen.insert(name.trim_end_matches('/').to_owned()) {
            return Err((place, format!("lists `{name}` twice")));
        }
        names.push(name);
        (place, file) = (place + length, next);
    }
    if (place, file) != (end, start) {
        let what = "has bytes between its files, their list and its end";
        return Err((file.min(place), what.to_owned()));
    }
    Ok(names)
}

/// The name of a file listed at `place`, which lies at `at` and says the same there; then how
/// long its place in the list is, and where the next file lies.
fn one(zip: &[u8], place: usize, at: usize) -> Result<(String, usize, usize), Unclear> {
    let broken = || (place, "has a broken list of files".to_owned());
    let listed = At(zip, place);
    let number = |at, size| listed.number(at, size).ok_or_else(broken);
    let (names, further, comment) = (number(28, 2)?, number(30, 2)?, number(32, 2)?);
    let name = listed.bytes(LISTED_LENGTH, names).ok_or_else(broken)?;
    let name = std::str::from_utf8(name).map_err(|_| broken())?.to_owned();
    let extra = listed.bytes(LISTED_LENGTH + names, further);
    let unclear = |place, what: &str| Err((place, format!("file `{name}` {what}")));
    if !listed.begins(LISTED) {
        return Err(broken());
    }
    if number(42, 4)? != at {
        return unclear(at, "does not lie where the one before it ends");
    }
    let here = At(zip, at);
    let same = (0..FILE_LENGTH - 4 - 2).all(|byte| {
        // Version, flags, method, time, checksum, lengths: in the list two bytes later.
        here.number(4 + byte, 1) == listed.number(6 + byte, 1)
    });
    let further_here = here.number(28, 2).ok_or_else(broken)?;
    if !here.begins(FILE) || !same || here.bytes(FILE_LENGTH, names) != Some(name.as_bytes()) {
        return unclear(at, "has another name, length or checksum than in the list");
    }
    let extra_here = here.bytes(FILE_LENGTH + names, further_here);
    let plain = [extra, extra_here]
        .into_iter()
        .all(|extra| extra.is_some_and(is_harmless));
    if number(8, 2)? & FLAGS_REFUSED != 0 || comment != 0 || number(34, 2)? != 0 || !plain {
        return unclear(
            place,
            "is encrypted, has a remark, or says more of itself than a file of \
            a bundle does",
        );
    }
    // Under Unix the kind of file stands in the upper half of its attributes.
    let kind = number(40, 2)? >> 12;
    let folder = name.ends_with('/');
    if !matches!((folder, kind), (_, 0) | (false, 0o10) | (true, 0o4))
        || (folder && number(24, 4)? != 0)
    {
        return unclear(
            place,
            "is neither a file nor a folder, but a link or the like",
        );
    }
    let next = at + FILE_LENGTH + names + further_here + number(20, 4)?;
    Ok((name, LISTED_LENGTH + names + further + comment, next))
}

/// Whether further fields only date a file, or say whose it was.
fn is_harmless(extra: &[u8]) -> bool {
    let mut rest = At(extra, 0);
    while rest.1 < extra.len() {
        let Some((kind, length)) = rest.number(0, 2).zip(rest.number(2, 2)) else {
            return false;
        };
        if !HARMLESS.contains(&kind) || rest.bytes(4, length).is_none() {
            return false;
        }
        rest.1 += 4 + length;
    }
    true
}

/// A place in a file.
struct At<'a>(&'a [u8], usize);

impl<'a> At<'a> {
    fn bytes(&self, after: usize, length: usize) -> Option<&'a [u8]> {
        let start = self.1.checked_add(after)?;
        self.0.get(start..start.checked_add(length)?)
    }

    fn begins(&self, signature: &[u8]) -> bool {
        self.bytes(0, signature.len()) == Some(signature)
    }

    /// A number of `size` bytes, the least first.
    fn number(&self, after: usize, size: usize) -> Option<usize> {
        let bytes = self.bytes(after, size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }
}
