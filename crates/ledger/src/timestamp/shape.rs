//! How a token may be built, looked at before it is read: sets are put into order as
//! they are read, which takes the square of their size.

use der::{Decode as _, Header, Length, Reader as _, SliceReader, Tag};

/// Most parts of a set: more than certificates, attributes or names have.
const PARTS_MAX: usize = 64;
/// Most constructions inside each other: more than a certificate's name has.
const DEPTH_MAX: usize = 32;

/// A construction that is being walked through.
struct Open {
    end: Length,
    /// It may be read as a set: it is one, or has a tag of its context.
    is_set: bool,
    parts: usize,
}

/// Whether every set has a number of parts that can be put into order, and nothing is
/// built deeper than anybody builds. What is no DER at all is not for here.
///
/// # Errors
/// When it is no DER.
pub(super) fn is_sane(bytes: &[u8]) -> Result<bool, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let mut open: Vec<Open> = Vec::new();
    while !reader.is_finished() {
        let here = reader.position();
        while open.last().is_some_and(|last| last.end <= here) {
            open.pop();
        }
        if let Some(last) = open.last_mut() {
            last.parts += 1;
            if last.is_set && last.parts > PARTS_MAX {
                return Ok(false);
            }
        }
        let Header { tag, length } = Header::decode(&mut reader)?;
        if !tag.is_constructed() {
            reader.read_slice(length)?;
            continue;
        }
        if open.len() >= DEPTH_MAX {
            return Ok(false);
        }
        open.push(Open {
            end: (reader.position() + length)?,
            is_set: tag != Tag::Sequence,
            parts: 0,
        });
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A construction with so many empty parts.
    fn built(tag: u8, parts: usize) -> Vec<u8> {
        let body = [5, 0].repeat(parts);
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], &body].concat()
    }

    #[test]
    fn sets_are_small_and_sequences_as_long_as_they_are() {
        for tag in [0x31, 0xa0, 0xa1] {
            assert_eq!(is_sane(&built(tag, 200)), Ok(false), "{tag:x}");
        }
        assert_eq!(is_sane(&built(0x30, 200)), Ok(true));
        // Each by itself, in one.
        let sets = [built(0x31, 130), vec![5, 0]].concat();
        assert_eq!(is_sane(&sets), Ok(false));
        assert!(is_sane(&[0x31, 0x80]).is_err());
        assert!(is_sane(&[0x30, 5, 0]).is_err());
    }

    #[test]
    fn nothing_is_built_into_the_depth() {
        let nested = |depth: u8| {
            let mut inner = vec![];
            for _ in 0..depth {
                let length = u8::try_from(inner.len()).unwrap();
                inner.splice(0..0, [0x30, length]);
            }
            inner
        };
        assert_eq!(is_sane(&nested(32)), Ok(true));
        assert_eq!(is_sane(&nested(33)), Ok(false));
    }
}
