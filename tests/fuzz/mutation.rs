//! Changes to bytes and to files, as an accident or a forger would make them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proptest::{collection::vec, prelude::*, sample::Index};

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// One change to some bytes.
#[derive(Debug, Clone)]
pub(super) enum Mutation {
    /// One bit of one byte.
    Flip(Index, u8),
    /// Cut off.
    Truncate(Index),
    /// A stretch left out.
    Remove(Index, Index),
    /// A stretch said twice.
    Repeat(Index, Index),
    /// Two stretches beside each other in the other order.
    Reorder(Index, Index, Index),
    /// Two lines in each other's place.
    Lines(Index, Index),
    /// A stretch of another text in the place of one of this.
    Splice(Index, Index, Index, Index),
    /// Bytes that were not there.
    Insert(Index, Vec<u8>),
    /// Another 16-bit number where one may stand for a length.
    Length(Index, u16),
    /// A decimal number in the place of another.
    Number(Index, u64),
    /// Nothing of what was there.
    Replace(Vec<u8>),
}

/// Any change.
pub(super) fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let bytes = || vec(any::<u8>(), 0..80);
    let length = prop_oneof![Just(0), Just(1), Just(u16::MAX), any::<u16>()];
    let number = prop_oneof![
        0..400u64,
        Just(u64::MAX),
        Just(1 << 48),
        Just((1 << 48) + 1),
        any::<u64>()
    ];
    prop_oneof![
        4 => (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => at().prop_map(Mutation::Truncate),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        2 => (at(), at(), at()).prop_map(|(a, b, c)| Mutation::Reorder(a, b, c)),
        2 => (at(), at()).prop_map(|(one, other)| Mutation::Lines(one, other)),
        3 => (at(), at(), at(), at()).prop_map(|(a, b, c, d)| Mutation::Splice(a, b, c, d)),
        1 => (at(), bytes()).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (at(), length).prop_map(|(at, length)| Mutation::Length(at, length)),
        2 => (at(), number).prop_map(|(at, number)| Mutation::Number(at, number)),
        1 => bytes().prop_map(Mutation::Replace),
    ]
}

/// One to three changes.
pub(super) fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    vec(mutation(), 1..=3)
}

/// Makes changes one after the other, with stretches of another text where they ask
/// for some.
pub(super) fn mutated(bytes: &[u8], other: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for mutation in mutations {
        mutation.apply(&mut changed, other);
    }
    changed
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>, other: &[u8]) {
        let size = bytes.len() + 1;
        match self {
            Self::Flip(at, bit) => {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
            }
            Self::Truncate(at) => bytes.truncate(at.index(size)),
            Self::Remove(from, to) => {
                let [from, to] = ascending([from, to], size);
                bytes.drain(from..to);
            }
            Self::Repeat(from, to) => {
                let [from, to] = ascending([from, to], size);
                let stretch = bytes[from..to].to_vec();
                bytes.splice(to..to, stretch);
            }
            Self::Reorder(a, b, c) => {
                let [from, middle, to] = ascending([a, b, c], size);
                bytes[from..to].rotate_left(middle - from);
            }
            Self::Lines(one, other) => swap_lines(bytes, one, other),
            Self::Splice(a, b, c, d) => {
                let [from, to] = ascending([a, b], size);
                let [begin, end] = ascending([c, d], other.len() + 1);
                bytes.splice(from..to, other[begin..end].iter().copied());
            }
            Self::Insert(at, new) => {
                let at = at.index(size);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Length(at, length) => {
                if let Some(last) = bytes.len().checked_sub(1) {
                    let at = at.index(last + 1).min(last.saturating_sub(1));
                    let field = length.to_be_bytes();
                    let end = (at + field.len()).min(bytes.len());
                    bytes[at..end].copy_from_slice(&field[..end - at]);
                }
            }
            Self::Number(at, number) => replace_number(bytes, at, *number),
            Self::Replace(new) => bytes.clone_from(new),
        }
    }
}

fn ascending<const N: usize>(places: [&Index; N], size: usize) -> [usize; N] {
    let mut places = places.map(|place| place.index(size));
    places.sort_unstable();
    places
}

fn swap_lines(bytes: &mut Vec<u8>, one: &Index, other: &Index) {
    let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if !lines.is_empty() {
        let count = lines.len();
        lines.swap(one.index(count), other.index(count));
        *bytes = lines.concat();
    }
}

/// Replaces one of the numbers written in decimal digits, if there is any.
fn replace_number(bytes: &mut Vec<u8>, which: &Index, number: u64) {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let begins = |at: &usize| digit(*at) && (*at == 0 || !digit(*at - 1));
    let numbers: Vec<_> = (0..bytes.len()).filter(begins).collect();
    if !numbers.is_empty() {
        let from = numbers[which.index(numbers.len())];
        let to = (from..).find(|at| !digit(*at)).unwrap();
        bytes.splice(from..to, number.to_string().into_bytes());
    }
}

/// One change to a folder of files.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A file holds something else, spliced from another one where need be.
    Edit(Index, Index, Vec<Mutation>),
    /// Two files in each other's place.
    Exchange(Index, Index),
    /// A file in the place of another.
    Overwrite(Index, Index),
    /// A file is gone.
    Remove(Index),
    /// A file has another name.
    Rename(Index, Vec<Mutation>),
}

/// Any change to files.
pub(super) fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        12 => (at(), at(), mutations()).prop_map(|(at, from, how)| Change::Edit(at, from, how)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Exchange(one, other)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Overwrite(one, other)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), mutations()).prop_map(|(at, how)| Change::Rename(at, how)),
    ]
}

impl Change {
    /// Makes the change.
    pub(super) fn apply(&self, files: &mut Files) {
        let paths: Vec<_> = files.keys().cloned().collect();
        let path = |at: &Index| at.get(&paths);
        match self {
            Self::Edit(at, from, mutations) => {
                let changed = mutated(&files[path(at)], &files[path(from)], mutations);
                files.insert(path(at).clone(), changed);
            }
            Self::Exchange(one, other) => {
                let (a, b) = (files[path(one)].clone(), files[path(other)].clone());
                files.insert(path(one).clone(), b);
                files.insert(path(other).clone(), a);
            }
            Self::Overwrite(one, other) => {
                let bytes = files[path(one)].clone();
                files.insert(path(other).clone(), bytes);
            }
            Self::Remove(at) => drop(files.remove(path(at))),
            Self::Rename(at, mutations) => {
                let name = mutated(path(at).as_bytes(), b"", mutations);
                let bytes = files.remove(path(at)).unwrap();
                // Two slashes lead where one does.
                let name = String::from_utf8_lossy(&name).into_owned();
                let place: PathBuf = Path::new(&name).components().collect();
                files.insert(place.to_string_lossy().into_owned(), bytes);
            }
        }
    }
}
