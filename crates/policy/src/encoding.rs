//! The text of a policy file: UTF-8, with or without a byte order mark.
//!
//! What is saved otherwise is a mistake. It is read all the same, as well as can be
//! guessed, so that nothing else is taken to be missing because of it.

use std::{ops::Range, sync::Arc};

use crate::diagnostic::{Code, Diagnostic, Source};

/// A file's text, and what is wrong with how it is encoded.
pub(crate) fn source(path: &str, bytes: Vec<u8>) -> (Source, Option<Diagnostic>) {
    let of = |text: String| Source {
        path: Arc::from(path),
        text: Arc::from(text),
    };
    if let Some(name_and_text) = utf_16(&bytes) {
        let (name, text) = name_and_text;
        let source = of(text);
        let found = foreign(
            &source,
            0..0,
            format!("this is {name}, not UTF-8"),
            "its first bytes",
        );
        return (source, Some(found));
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (of(text), None),
        Err(error) => error.into_bytes(),
    };
    let (mut text, mut first) = (String::new(), None);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            first.get_or_insert((text.len(), *byte));
            text.push(letter(*byte));
        }
    }
    let (at, byte) = first.unwrap_or_default();
    let source = of(text);
    let letter = letter(byte);
    let message = "this is not UTF-8: it looks like Windows-1252".to_owned();
    let why = format!("the byte 0x{byte:02X}, which is `{letter}` there");
    let found = foreign(&source, at..at + letter.len_utf8(), message, &why);
    (source, Some(found))
}

/// The name and text of what is UTF-16 by its mark, or by the empty half of its first
/// letter.
fn utf_16(bytes: &[u8]) -> Option<(&'static str, String)> {
    let little = match bytes {
        [0xFF, 0xFE, ..] => true,
        [0xFE, 0xFF, ..] => false,
        [first, second, ..] if (*first == 0) != (*second == 0) => *second == 0,
        _ => return None,
    };
    let (name, read): (_, fn([u8; 2]) -> u16) = if little {
        ("UTF-16 (little-endian)", u16::from_le_bytes)
    } else {
        ("UTF-16 (big-endian)", u16::from_be_bytes)
    };
    let (units, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().copied().map(read).collect();
    let text = String::from_utf16_lossy(&units);
    Some((name, text.trim_start_matches('\u{feff}').to_owned()))
}

/// The letter that a byte is in Windows-1252.
fn letter(byte: u8) -> char {
    const FROM_0X80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let place = usize::from(byte).checked_sub(0x80);
    let moved = place.and_then(|place| FROM_0X80.chars().nth(place));
    moved.unwrap_or_else(|| char::from(byte))
}

fn foreign(source: &Source, at: Range<usize>, message: String, why: &str) -> Diagnostic {
    source
        .diagnostic(Code::FileUnreadable, at, message)
        .why(why)
        .remedy(
            "save the file as UTF-8: in Notepad by `Save as` and the encoding `UTF-8`, in other editors \
             by `Save with encoding`",
        )
}
