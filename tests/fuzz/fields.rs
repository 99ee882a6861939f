//! Single fields of a record with changed bytes.

use comity_ledger::{Disclosure, Fields, Leaf, Publisher, Receipt, is_disclosure, prove};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    holds,
    ledger::{key, says_the_same},
    mutation::{mutated, mutations},
};

/// Path and value of each field of the record.
const FIELDS: [(&str, &str); 5] = [
    ("request.purpose", "to find the author"),
    ("request.persons[0]", "\u{8}\u{2}\u{12}\u{4}Erna"),
    ("request.persons[1]", "\u{8}\u{2}\u{12}\u{4}Emil"),
    ("decision.outcome", "\u{1}"),
    ("decision.law_date", "2026-03-01"),
];

fn take_apart(_: &Leaf, _: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    for (path, value) in FIELDS {
        each(path, value.as_bytes());
    }
}

/// Two disclosures of one entry: of some fields, and of others.
fn disclosures() -> [Disclosure; 2] {
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut leaf = Leaf::new(at, "decision", "gateway");
    let fields = Fields::of(take_apart, &leaf, b"record", &[1; 32]);
    leaf.bind_fields(&fields);
    let leaf = leaf.seal(b"record", &[1; 32]).unwrap().leaf_bytes;
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    for entry in [b"before".as_slice(), &leaf, b"after"] {
        publisher.append(entry).unwrap();
    }
    publisher.sign().unwrap();
    let proof = prove(dir.path(), 1).unwrap().unwrap();
    [[0, 3].as_slice(), &[1, 4]].map(|shown| {
        let show = |number: &usize| {
            let (path, value) = FIELDS[*number];
            fields.show(*number, path, value.as_bytes()).unwrap()
        };
        Disclosure {
            fields: shown.iter().map(show).collect(),
            receipt: Receipt {
                leaf: leaf.clone(),
                proof: proof.clone(),
            },
        }
    })
}

#[test]
fn a_changed_field_is_refused() {
    let truths = disclosures();
    let key = key();
    let [one, other] = truths.each_ref().map(Disclosure::to_text);
    for truth in &truths {
        truth.verify(key.verifier()).unwrap();
    }
    let told: Vec<_> = truths.iter().flat_map(|truth| &truth.fields).collect();
    let receipt = &truths[0].receipt;
    holds("field", 2000, &mutations(), |mutations| {
        let changed = mutated(one.as_bytes(), other.as_bytes(), &mutations);
        let _ = is_disclosure(&changed);
        let Ok(text) = String::from_utf8(changed) else {
            return Ok(());
        };
        let Ok(read) = Disclosure::from_text(&text) else {
            return Ok(());
        };
        prop_assert_eq!(read.to_text(), text);
        if read.verify(key.verifier()).is_ok() {
            for field in &read.fields {
                prop_assert!(told.contains(&field), "{} was never told", field.path);
            }
            let (note, signed) = (&read.receipt.proof.checkpoint, &receipt.proof.checkpoint);
            prop_assert!(says_the_same(note, signed, key.verifier()));
            prop_assert_eq!(&read.receipt.leaf, &receipt.leaf);
        }
        Ok(())
    });
}
