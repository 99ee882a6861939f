//! Fields of records: what the ledger commits to one by one, so that one can be shown
//! without the others.
//!
//! A record is taken apart as it is encoded, without decoding it, and only so far as a
//! fact that somebody may have to prove is a field of its own: this is done as each entry
//! is made. No field is what the entry says in public, what follows from the law in force,
//! or what the gateway keeps for itself.
//!
//! The path of a field is made of the names of the contract: `request.persons[0]`,
//! `request.form["grounds"]`; of what the contract does not know, of its number:
//! `request.99`. Its value are the bytes of the encoding: of a text the text itself, of a
//! message its encoding, of a number its varint, and where a list is one field its entries
//! with their keys, as they stand in the message around it. A record that is no message of
//! the contract is one field, `record`; one that holds nothing but what is left out has none.
//!
//! A message is taken apart only where its fields stand in the order of their numbers and
//! none that may stand once stands twice, as all that a gateway encodes does; else it is
//! one field. So no path comes twice, and what is shown is what whoever decodes the record
//! reads.

mod shape;
mod shown;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use comity_ledger::{Leaf, PRUNING};
use comity_store::{ERASURE, LEGAL_HOLD, LEGAL_HOLD_LIFTED};

use self::shape::{ACCESS, CASE, Part, REQUEST, Shape, Take};
pub(crate) use self::shown::shown;

/// Path of a record that is one field.
const RECORD: &str = "record";
/// Number of the entries of a `google.protobuf.Struct`.
const ENTRIES: u32 = 1;

/// Calls `each` with path and value of every field of a record, in order: see the module.
pub(crate) fn take_apart(leaf: &Leaf, record: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    let mut walk = Walk {
        path: String::with_capacity(64),
        each,
    };
    let known = shape_of(leaf);
    if !known.is_some_and(|shape| walk.message(shape, record)) && !record.is_empty() {
        (walk.each)(RECORD, record);
    }
}

/// What the record of an entry is, where it is a message of the contract. Of a kind that
/// was ever recorded this must not change: its entries commit to fields accordingly.
fn shape_of(leaf: &Leaf) -> Option<&'static Shape> {
    if leaf.state.is_some() {
        return Some(&CASE);
    }
    match leaf.kind.as_str() {
        "preflight" | "explain" | "compare" => Some(&REQUEST),
        "read" | ERASURE | LEGAL_HOLD | LEGAL_HOLD_LIFTED | PRUNING => Some(&ACCESS),
        _ => None,
    }
}

struct Walk<'e> {
    /// Of the message, or the field, that is looked at.
    path: String,
    each: &'e mut dyn FnMut(&str, &[u8]),
}

impl Walk<'_> {
    /// Takes a message apart; false, and nothing was told, where it must stay whole.
    fn message(&mut self, shape: &Shape, message: &[u8]) -> bool {
        let Some(fields) = plain(shape, message) else {
            return false;
        };
        let length = self.path.len();
        for run in fields.chunk_by(|one, next| one.raw.number == next.raw.number) {
            if length > 0 {
                self.path.push('.');
            }
            self.run(run, message);
            self.path.truncate(length);
        }
        !fields.is_empty()
    }

    /// Takes a field apart, however often it stands in `message`.
    fn run(&mut self, run: &[Placed<'_>], message: &[u8]) {
        let [first, ..] = run else { return };
        let Some(part) = first.part else {
            // Writing to a string cannot fail.
            let _ = write!(self.path, "{}", first.raw.number);
            return (self.each)(&self.path, bytes_of(run, message));
        };
        self.path.push_str(part.name);
        let (value, all) = (first.raw.value, bytes_of(run, message));
        let (taken, whole) = match part.take {
            Take::Leave => return,
            Take::Whole | Take::Number => (false, value),
            Take::Together => (false, all),
            Take::Open(inner) => (self.message(inner, value), value),
            Take::Struct => (self.map(ENTRIES, value), value),
            Take::Map => (self.map(part.number, all), all),
            Take::Each => {
                for (place, one) in run.iter().enumerate() {
                    let place = format!("[{place}]");
                    self.tell(|path| path.push_str(&place), one.raw.value);
                }
                return;
            }
        };
        if !taken {
            (self.each)(&self.path, whole);
        }
    }

    /// Takes the entries of a map, fields of one number, apart; false, and nothing was
    /// told, where they must stay whole.
    fn map(&mut self, number: u32, entries: &[u8]) -> bool {
        let mut rest = entries;
        let mut found: Vec<(&str, &[u8])> = Vec::new();
        while !rest.is_empty() {
            let raw = Raw::first(rest).filter(|raw| raw.number == number);
            let Some((length, (key, value))) = raw.and_then(|raw| Some((raw.length, entry(raw)?)))
            else {
                return false;
            };
            if found.last().is_some_and(|(last, _)| *last >= key) {
                return false;
            }
            found.push((key, value));
            rest = rest.get(length..).unwrap_or_default();
        }
        for (key, value) in &found {
            let place = |path: &mut String| {
                path.push_str("[\"");
                path.push_str(key);
                path.push_str("\"]");
            };
            self.tell(place, value);
        }
        !found.is_empty()
    }

    fn tell(&mut self, place: impl FnOnce(&mut String), value: &[u8]) {
        let length = self.path.len();
        place(&mut self.path);
        (self.each)(&self.path, value);
        self.path.truncate(length);
    }
}

/// A field as it stands in a message.
struct Placed<'m> {
    part: Option<&'static Part>,
    raw: Raw<'m>,
    /// Where it ends in the message.
    end: usize,
}

/// The fields of a message; `None` unless they stand in order, once what stands once, and
/// are of their types.
fn plain<'m>(shape: &Shape, message: &'m [u8]) -> Option<Vec<Placed<'m>>> {
    let mut fields: Vec<Placed<'m>> = Vec::with_capacity(shape.parts.len());
    let mut end = 0;
    while end < message.len() {
        let raw = Raw::first(message.get(end..)?)?;
        let part = shape.part(raw.number);
        let bytes = raw.wire == Wire::Bytes;
        let (typed, once) = match part.map(|part| part.take) {
            Some(Take::Whole | Take::Open(_) | Take::Struct) => (bytes, true),
            Some(Take::Number) => (raw.wire == Wire::Varint, true),
            Some(Take::Each | Take::Together | Take::Map) => (bytes, false),
            Some(Take::Leave) | None => (true, false),
        };
        let last = fields.last().map_or(0, |last| last.raw.number);
        if !typed || raw.number < last || (raw.number == last && once) {
            return None;
        }
        end += raw.length;
        fields.push(Placed { part, raw, end });
    }
    Some(fields)
}

/// All the bytes of a run of fields in their message.
fn bytes_of<'m>(run: &[Placed<'_>], message: &'m [u8]) -> &'m [u8] {
    let begin = run.first().map_or(0, |first| first.end - first.raw.length);
    let end = run.last().map_or(0, |last| last.end);
    message.get(begin..end).unwrap_or_default()
}

/// Key and value of an entry of a map, each left out where it is empty. `None` where it is
/// none, or one whose key would be hard to tell from a path.
fn entry(raw: Raw<'_>) -> Option<(&str, &[u8])> {
    let mut rest = raw.value;
    let mut take = |number| match Raw::first(rest) {
        Some(raw) if raw.number == number && !raw.value.is_empty() => {
            rest = rest.get(raw.length..).unwrap_or_default();
            (raw.wire, raw.value)
        }
        Some(_) | None => (Wire::Bytes, [].as_slice()),
    };
    let [(of_key, key), (of_value, value)] = [take(1), take(2)];
    let bytes = [raw.wire, of_key, of_value] == [Wire::Bytes; 3];
    let key = std::str::from_utf8(key).ok()?;
    let plain = |sign: char| !sign.is_control() && !matches!(sign, '"' | '\\');
    (bytes && rest.is_empty() && key.chars().all(plain)).then_some((key, value))
}

/// One field as it stands in a message.
#[derive(Debug, Clone, Copy)]
struct Raw<'m> {
    number: u32,
    wire: Wire,
    value: &'m [u8],
    /// Of key, length and value.
    length: usize,
}

/// How a value is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Varint,
    Fixed,
    Bytes,
}

impl<'m> Raw<'m> {
    /// The first one; `None` at the end, or where there is none.
    fn first(message: &'m [u8]) -> Option<Self> {
        let mut rest = message;
        let key = varint(&mut rest)?;
        let (wire, length) = match key & 7 {
            0 => {
                let mut after = rest;
                varint(&mut after)?;
                (Wire::Varint, rest.len() - after.len())
            }
            1 => (Wire::Fixed, 8),
            2 => (Wire::Bytes, usize::try_from(varint(&mut rest)?).ok()?),
            5 => (Wire::Fixed, 4),
            _ => return None,
        };
        Some(Self {
            number: u32::try_from(key >> 3).ok()?,
            wire,
            value: rest.get(..length)?,
            length: message.len() - rest.len() + length,
        })
    }
}

/// Reads a varint in its shortest form: keys and lengths are no part of a value, and must
/// have one form alone.
#[inline]
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    // Most are of one byte.
    if let Some((byte, rest)) = bytes.split_first().filter(|(byte, _)| **byte < 0x80) {
        *bytes = rest;
        return Some(u64::from(*byte));
    }
    let mut value = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            let long = (*byte == 0 && place > 0) || (*byte > 1 && place == 9);
            *bytes = bytes.get(place + 1..)?;
            return (!long).then_some(value);
        }
    }
    None
}
