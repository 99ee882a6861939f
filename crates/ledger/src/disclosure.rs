//! Disclosures: single fields of a record, to be handed on and checked without the ledger.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Checkpoint, Field, Hash, Leaf, LeafError, Receipt, ReceiptError, Sibling, VerifierKey,
};

/// What the file calls itself.
const FORMAT: &str = "comity disclosure v1";

/// Fields of one entry's record, with what proves them to be in the ledger and nothing of
/// the other fields: a file of JSON.
///
/// ```json
/// {
///   "format": "comity disclosure v1",
///   "fields": [
///     {
///       "path": "request.purpose",
///       "text": "to find out who …",
///       "salt": "52a1…",
///       "siblings": ["right 3b90…", "left 77c2…"]
///     }
///   ],
///   "proof": "c2sp.org/tlog-proof@v1\nextra …\nindex 7\n…"
/// }
/// ```
///
/// Each field has its value as `text`, where it is printable UTF-8 to the byte, or as
/// `base64`; its salt in hexadecimal; and the hashes beside its way to the root, from the
/// leaf up, each with the side on which it stands. `proof` is the C2SP tlog-proof of the
/// entry, whose `extra` line is the leaf in base64: JSON, in which
/// `entry.binds.fields` is a list of the one root in hexadecimal.
///
/// To check it by hand: of each field hash the leaf input ([`crate::Fields`] says which),
/// then hash it with each sibling in turn, SHA-256 of a one, the left and the right hash;
/// the last must be the root in the leaf. Then check the proof: that the leaf is in the
/// tree under the checkpoint, and the checkpoint signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// At least one, each path once.
    pub fields: Vec<Field>,
    /// The entry they are of.
    pub receipt: Receipt,
}

/// A text that is no disclosure, or one that proves nothing.
#[derive(Debug, Error)]
pub enum DisclosureError {
    /// Not in the one form that a disclosure has.
    #[error(
        "not a disclosure in the form in which Comity writes one: ask for the file again, unchanged"
    )]
    Malformed,
    /// No field, or one path twice.
    #[error("a disclosure has one field or more, and each path once")]
    Fields,
    /// The proof of the entry proves nothing.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The entry cannot be read.
    #[error("the entry cannot be read")]
    Leaf(#[from] LeafError),
    /// The entry binds no fields.
    #[error("the entry commits to its record as a whole, not to single fields")]
    NoFields,
    /// A field that the entry does not bind.
    #[error("`{0}`, with this value and salt, is no field of the entry's record")]
    Foreign(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    fields: Vec<WrittenField>,
    proof: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenField {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    salt: Hash,
    siblings: Vec<String>,
}

/// Whether a file that begins with these bytes, 64 or more, claims to be a disclosure, be
/// it in another form than one is written in.
#[must_use]
pub fn is_disclosure(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
    let claims = |window: &[u8]| window == FORMAT.as_bytes();
    begin.trim_ascii_start().starts_with(b"{") && begin.windows(FORMAT.len()).any(claims)
}

impl Disclosure {
    /// The disclosure as a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let written = Written {
            format: FORMAT.to_owned(),
            fields: self.fields.iter().map(write).collect(),
            proof: self.receipt.to_text(),
        };
        // Strings and lists of them always have a form in JSON.
        let text = serde_json::to_string_pretty(&written).unwrap_or_default();
        format!("{text}\n")
    }

    /// Reads a disclosure. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`DisclosureError`] unless the text is exactly what [`Disclosure::to_text`] writes:
    /// anything else hides changed bytes.
    pub fn from_text(text: &str) -> Result<Self, DisclosureError> {
        let written: Written =
            serde_json::from_str(text).map_err(|_| DisclosureError::Malformed)?;
        let fields = written.fields.into_iter().map(read);
        let disclosure = Self {
            fields: fields
                .collect::<Option<_>>()
                .ok_or(DisclosureError::Malformed)?,
            receipt: Receipt::from_text(&written.proof)?,
        };
        if disclosure.to_text() == text {
            Ok(disclosure)
        } else {
            Err(DisclosureError::Malformed)
        }
    }

    /// Checks that every field is one of the entry's, and that the entry is in the log of
    /// `key`, under a checkpoint that the key signed. Returns the checkpoint and the
    /// entry's leaf.
    ///
    /// # Errors
    /// [`DisclosureError`] if it proves nothing.
    pub fn verify(&self, key: &VerifierKey) -> Result<(Checkpoint, Leaf), DisclosureError> {
        let checkpoint = self.receipt.verify(key)?;
        let (leaf, _) = Leaf::read(&self.receipt.leaf)?;
        if !leaf.has_fields() {
            return Err(DisclosureError::NoFields);
        }
        let mut paths: Vec<_> = self.fields.iter().map(|field| &field.path).collect();
        paths.sort_unstable();
        paths.dedup();
        if self.fields.is_empty() || paths.len() != self.fields.len() {
            return Err(DisclosureError::Fields);
        }
        let foreign = |field: &&Field| !leaf.binds_root(field.root());
        match self.fields.iter().find(foreign) {
            Some(field) => Err(DisclosureError::Foreign(field.path.clone())),
            None => Ok((checkpoint, leaf)),
        }
    }
}

fn write(field: &Field) -> WrittenField {
    let Field {
        path,
        value,
        salt,
        siblings,
    } = field;
    let text = printable(value);
    WrittenField {
        path: path.clone(),
        base64: text.is_none().then(|| BASE64_STANDARD.encode(value)),
        text,
        salt: Hash(*salt),
        siblings: siblings
            .iter()
            .map(|sibling| match sibling {
                Sibling::Left(hash) => format!("left {hash}"),
                Sibling::Right(hash) => format!("right {hash}"),
            })
            .collect(),
    }
}

/// A value as text, where it is one to be read.
fn printable(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let plain = |sign: char| !sign.is_control() || matches!(sign, '\n' | '\r' | '\t');
    text.chars().all(plain).then(|| text.to_owned())
}

fn read(written: WrittenField) -> Option<Field> {
    let WrittenField {
        path,
        text,
        base64,
        salt,
        siblings,
    } = written;
    let value = match (text, base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).ok()?,
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let sibling = |text: String| {
        let (side, hash) = text.split_once(' ')?;
        let hash = hash.parse().ok()?;
        match side {
            "left" => Some(Sibling::Left(hash)),
            "right" => Some(Sibling::Right(hash)),
            _ => None,
        }
    };
    Some(Field {
        path,
        value,
        salt: salt.0,
        siblings: siblings.into_iter().map(sibling).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;
    use crate::{Fields, Key, Publisher, prove};

    /// Fields of a record whose bytes are their values, by number.
    fn by_byte(_: &Leaf, record: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
        for (place, byte) in record.iter().enumerate() {
            each(&format!("a[{place}]"), &[*byte, b'x']);
        }
    }

    fn key() -> Key {
        Key::from_seed("log.example", [4; 32]).unwrap()
    }

    fn leaf(kind: &str) -> Leaf {
        Leaf::new("2026-03-01T10:00:00Z".parse().unwrap(), kind, "gateway")
    }

    /// A log with one entry, and the entry as it is handed on with these of its fields.
    fn disclosure(record: &[u8], shown: &[usize]) -> Disclosure {
        let mut leaf = leaf("decision");
        let salt = [9; 32];
        let fields = Fields::of(by_byte, &leaf, record, &salt);
        leaf.bind_fields(&fields);
        let shown = shown.iter().map(|number| {
            let path = format!("a[{number}]");
            fields.show(*number, &path, &[record[*number], b'x'])
        });
        Disclosure {
            fields: shown.map(Option::unwrap).collect(),
            receipt: receipt(&leaf, record, &salt),
        }
    }

    fn receipt(leaf: &Leaf, record: &[u8], salt: &[u8; 32]) -> Receipt {
        let dir = tempfile::tempdir().unwrap();
        let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
        let sealed = leaf.seal(record, salt).unwrap();
        publisher.append(b"another").unwrap();
        publisher.append(&sealed.leaf_bytes).unwrap();
        publisher.sign().unwrap();
        Receipt {
            proof: prove(dir.path(), 1).unwrap().unwrap(),
            leaf: sealed.leaf_bytes,
        }
    }

    fn believed(text: &str) -> bool {
        let found = Disclosure::from_text(text);
        found.is_ok_and(|found| found.verify(key().verifier()).is_ok())
    }

    #[test]
    fn a_field_is_proven_and_says_nothing_of_the_others() {
        let found = disclosure(b"abcdefg", &[1, 6]);
        let text = found.to_text();
        for other in [
            text.clone(),
            text.replace('\n', "\r\n"),
            format!("\u{feff}{text}"),
        ] {
            assert!(is_disclosure(other.as_bytes()));
        }
        assert!(!is_disclosure(b"PK\x03\x04 comity disclosure v1"));
        assert_eq!(Disclosure::from_text(&text).unwrap(), found);
        let (checkpoint, leaf) = found.verify(key().verifier()).unwrap();
        assert_eq!((checkpoint.size, leaf.kind.as_str()), (2, "decision"));
        assert!(text.contains(r#""path": "a[1]","#) && text.contains(r#""text": "bx","#));
        for other in [0, 2, 3, 4, 5] {
            assert!(!text.contains(&format!("a[{other}]")));
            // Nor a hash that a guess of its value can be tested by.
            let guess = Hash::of_leaf(&[b"abcdefg"[other], b'x']).to_string();
            assert!(!text.contains(&guess));
        }
        assert_eq!(found.fields[0].siblings.len(), 3);
        let other = Key::from_seed("log.example", [5; 32]).unwrap();
        assert!(found.verify(other.verifier()).is_err());
    }

    #[test]
    fn a_value_that_is_no_text_is_base64() {
        let found = disclosure(b"\x00", &[0]);
        let text = found.to_text();
        assert!(text.contains(r#""base64": "AHg=","#), "{text}");
        assert!(believed(&text));
        // Text in base64, and both.
        let other = text.replacen("\"base64\": \"AHg=\"", "\"base64\": \"YXg=\"", 1);
        assert!(Disclosure::from_text(&other).is_err());
        let both = text.replacen("\"base64\"", "\"text\": \"\",\n      \"base64\"", 1);
        assert!(Disclosure::from_text(&both).is_err());
    }

    #[test]
    fn what_the_entry_does_not_bind_is_foreign() {
        let whole = disclosure(b"abc", &[0, 1]);
        let verify = |found: &Disclosure| found.verify(key().verifier()).unwrap_err();
        let mut swapped = whole.clone();
        swapped.fields[0].path = "a[1]".to_owned();
        swapped.fields[1].path = "a[0]".to_owned();
        assert!(matches!(verify(&swapped), DisclosureError::Foreign(path) if path == "a[1]"));
        let mut twice = whole.clone();
        twice.fields.push(twice.fields[0].clone());
        assert!(matches!(verify(&twice), DisclosureError::Fields));
        let mut none = whole.clone();
        none.fields.clear();
        assert!(matches!(verify(&none), DisclosureError::Fields));
        let mut before = whole;
        before.receipt = receipt(&leaf("decision"), b"abc", &[9; 32]);
        assert!(matches!(verify(&before), DisclosureError::NoFields));
    }

    #[test]
    fn every_flipped_bit_counts() {
        let text = disclosure(b"a\0c", &[0, 1]).to_text().into_bytes();
        assert!(believed(std::str::from_utf8(&text).unwrap()));
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                let believed = String::from_utf8(changed).is_ok_and(|text| believed(&text));
                assert!(!believed, "bit {bit} of byte {at} counts for nothing");
            }
        }
    }

    proptest! {
        #[test]
        fn each_field_of_any_tree_leads_to_its_root(
            record in vec(any::<u8>(), 1..70),
            which in any::<Index>(),
        ) {
            let which = which.index(record.len());
            let fields = Fields::of(by_byte, &leaf("x"), &record, &[9; 32]);
            let value = [record[which], b'x'];
            let shown = fields.show(which, &format!("a[{which}]"), &value).unwrap();
            prop_assert_eq!(Some(shown.root()), fields.root());
            let changed = |change: &dyn Fn(&mut Field)| {
                let mut field = shown.clone();
                change(&mut field);
                field == shown || Some(field.root()) != fields.root()
            };
            prop_assert!(changed(&|field| field.siblings.push(Sibling::Right(Hash([0; 32])))));
            prop_assert!(changed(&|field| field.siblings.truncate(1)));
            prop_assert!(changed(&|field| field.siblings.reverse()));
            prop_assert!(changed(&|field| field.salt[0] ^= 1));
            prop_assert!(changed(&|field| field.path.push('x')));
            // What leaves the path for the value is another field.
            let shift = |field: &mut Field| {
                let last = field.path.pop().unwrap();
                field.value.insert(0, last as u8);
            };
            prop_assert!(changed(&shift));
        }

        #[test]
        fn the_tree_is_that_of_rfc_6962(record in vec(any::<u8>(), 1..40)) {
            fn root(leaves: &[Hash]) -> Hash {
                if let [one] = leaves {
                    return *one;
                }
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                tlog_tiles::node_hash(root(left).into(), root(right).into()).into()
            }
            let salt = |number: usize| {
                Hash::commit("salt", &[9; 32], &(number as u64).to_be_bytes()).0
            };
            let mut leaves: Vec<_> = record.iter().enumerate().map(|(number, byte)| {
                let path = format!("a[{number}]");
                let mut input = b"comity field v1\0".to_vec();
                input.extend(salt(number));
                input.extend((path.len() as u32).to_be_bytes());
                input.extend(path.as_bytes());
                input.extend([*byte, b'x']);
                Hash::of_leaf(&input)
            }).collect();
            leaves.sort();
            let fields = Fields::of(by_byte, &leaf("x"), &record, &[9; 32]);
            prop_assert_eq!(fields.root(), Some(root(&leaves)));
        }
    }
}
