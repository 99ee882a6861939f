//! Receipts, checkpoints, notes, keys and leaves with changed bytes.

use std::fs;

use comity_ledger::{
    Checkpoint, Extension, Hash, Key, Leaf, Note, Proof, Receipt, VerifierKey, is_receipt, prove,
    prove_extension, verify_extension,
};
use proptest::{collection::vec, prelude::*};

use super::{
    holds,
    ledger::{key, published, says_the_same, signed},
    mutation::{mutated, mutations},
};

/// A ledger of leaves: the receipt of one, the checkpoint, one leaf and another.
struct Texts {
    receipt: String,
    other: String,
    checkpoint: Vec<u8>,
    leaf: Vec<u8>,
}

fn texts() -> Texts {
    let dir = published(&[7]);
    let prove = |index: u64| {
        let proof = prove(dir.path(), index).unwrap().unwrap();
        let leaf = format!("entry {index}").into_bytes();
        Receipt { leaf, proof }.to_text()
    };
    let mut leaf = Leaf::new(
        "2026-03-01T10:00:00Z".parse().unwrap(),
        "decision",
        "spiffe://comity.example/DE/sta-berlin/issuing",
    );
    leaf.case = Some("00000000-0000-2000-8000-000000000001".to_owned());
    leaf.rules = vec!["eio-11-1-g".to_owned()];
    leaf.request = Some(Hash([3; 32]));
    let binds = [("key".to_owned(), vec![Hash([4; 32])])];
    leaf.binds = binds.into();
    Texts {
        receipt: prove(4),
        other: prove(5),
        checkpoint: fs::read(dir.path().join("checkpoint")).unwrap(),
        leaf: leaf.seal(b"record", &[1; 32]).unwrap().leaf_bytes,
    }
}

#[test]
fn a_changed_receipt_is_refused_or_says_the_same() {
    let Texts { receipt, other, .. } = texts();
    let key = key();
    let truth = Receipt::from_text(&receipt).unwrap();
    holds("receipt", 2000, &mutations(), |mutations| {
        let changed = mutated(receipt.as_bytes(), other.as_bytes(), &mutations);
        let _ = is_receipt(&changed);
        let Ok(text) = String::from_utf8(changed) else {
            return Ok(());
        };
        let Ok(read) = Receipt::from_text(&text) else {
            return Ok(());
        };
        prop_assert_eq!(read.to_text(), text.clone());
        if text != receipt && text != other && read.verify(key.verifier()).is_ok() {
            // More signatures under the checkpoint, by nobody we know.
            let (note, signed) = (&read.proof.checkpoint, &truth.proof.checkpoint);
            prop_assert!(says_the_same(note, signed, key.verifier()));
            prop_assert_eq!(&read.leaf, &truth.leaf);
            prop_assert_eq!(&read.proof.path, &truth.proof.path);
        }
        Ok(())
    });
}

/// What looks like a receipt, made from nothing.
#[test]
fn a_made_up_receipt_is_refused() {
    let line = "[A-Za-z0-9+/]{0,44}={0,2}";
    let form = format!(
        "c2sp.org/tlog-proof@v1\n(extra {line}\n)?index [0-9]{{0,22}}\n({line}\n){{0,4}}\n\
         fuzz.example/log\n[0-9]{{1,22}}\n{line}\n\n(— fuzz.example/log {line}\n){{0,3}}"
    );
    let drawn = proptest::string::string_regex(&form).unwrap();
    let key = key();
    holds("made-up receipt", 800, &drawn, |text| {
        let read = Receipt::from_text(&text);
        prop_assert!(!read.is_ok_and(|receipt| receipt.verify(key.verifier()).is_ok()));
        Ok(())
    });
}

/// The operator has the key, and proves whatever serves them.
#[test]
fn a_proof_under_a_properly_signed_head_proves_what_it_hashes_to() {
    let key = key();
    let size = || prop_oneof![0..9u64, Just(u64::MAX), Just(1 << 48), any::<u64>()];
    let path = || vec(any::<[u8; 32]>().prop_map(Hash), 0..60);
    let drawn = (size(), size(), size(), path(), any::<[u8; 32]>());
    holds("hostile proof", 800, &drawn, |drawn| {
        let (size, index, old_size, path, root) = drawn;
        let checkpoint = signed(&key, size, root);
        let leaf = b"entry".to_vec();
        let proof = Proof {
            index,
            size,
            leaf_hash: Hash::of_leaf(&leaf),
            path: path.clone(),
            checkpoint: checkpoint.clone(),
        };
        let receipt = Receipt { leaf, proof };
        prop_assert!(receipt.verify(key.verifier()).is_err());
        let read = Receipt::from_text(&receipt.to_text());
        prop_assert_eq!(read.is_ok(), size <= 1 << 48);
        let extension = Extension {
            old_size,
            path,
            checkpoint: checkpoint.clone(),
        };
        let old = Checkpoint {
            size: old_size,
            root: Hash([5; 32]),
            note: checkpoint,
        };
        let grown = verify_extension(&old, &extension, key.verifier());
        // Every tree extends the empty one.
        prop_assert!(grown.is_err() || (old_size == 0 && extension.path.is_empty()));
        Ok(())
    });
}

#[test]
fn a_changed_extension_is_refused() {
    let dir = published(&[5, 7]);
    let key = key();
    let whole = prove_extension(dir.path(), 5).unwrap().unwrap();
    let old = fs::read(dir.path().join("checkpoints/5")).unwrap();
    let old = Checkpoint::open(&old, key.verifier()).unwrap();
    let path: Vec<u8> = whole.path.iter().flat_map(|hash| hash.0).collect();
    holds("extension", 800, &mutations(), |mutations| {
        let changed = mutated(&path, &path, &mutations);
        let (hashes, rest) = changed.as_chunks::<32>();
        let extension = Extension {
            path: hashes.iter().copied().map(Hash).collect(),
            ..whole.clone()
        };
        let grown = verify_extension(&old, &extension, key.verifier());
        prop_assert!(grown.is_err() || (rest.len() < 32 && extension.path == whole.path));
        Ok(())
    });
}

#[test]
fn a_changed_checkpoint_is_refused_or_says_the_same() {
    let Texts { checkpoint, .. } = texts();
    let stranger = Key::from_seed("fuzz.example/log", [7; 32]).unwrap();
    let foreign = signed(&stranger, 7, [9; 32]);
    let known = [key().verifier().clone(), stranger.verifier().clone()];
    holds("checkpoint", 2000, &mutations(), |mutations| {
        let changed = mutated(&checkpoint, &foreign, &mutations);
        if changed != checkpoint && Checkpoint::open(&changed, &known[0]).is_ok() {
            prop_assert!(says_the_same(&changed, &checkpoint, &known[0]));
        }
        if let Ok(note) = Note::read(&changed) {
            prop_assert_eq!(note.to_bytes(), changed);
            prop_assert!(note.claimed().len() < 100);
            let _ = note.signers(&known);
        }
        Ok(())
    });
}

#[test]
fn a_key_text_is_read_as_one_key_only() {
    let (key, other) = (key(), Key::from_seed("other", [1; 32]).unwrap());
    let text = key.verifier().to_string();
    let other = other.verifier().to_string();
    holds("key", 1500, &mutations(), |mutations| {
        let changed = mutated(text.as_bytes(), other.as_bytes(), &mutations);
        let changed = String::from_utf8_lossy(&changed);
        if let Ok(read) = changed.parse::<VerifierKey>() {
            prop_assert_eq!(read.to_string(), changed.trim_end());
            prop_assert_eq!(read == *key.verifier(), changed.trim_end() == text);
        }
        let _ = changed.parse::<Key>();
        Ok(())
    });
}

#[test]
fn two_texts_are_never_one_leaf() {
    let leaf = texts().leaf;
    let truth = Leaf::read(&leaf).unwrap();
    holds("leaf", 2000, &mutations(), |mutations| {
        let changed = mutated(&leaf, &leaf, &mutations);
        if let Ok(read) = Leaf::read(&changed) {
            prop_assert_eq!(read == truth, changed == leaf);
        }
        Ok(())
    });
}

/// Nothing at all that was ever ours.
#[test]
fn arbitrary_bytes_are_nothing() {
    let key = key();
    holds("anything", 1500, &vec(any::<u8>(), 0..400), |bytes| {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(Receipt::from_text(&text).is_err());
        prop_assert!(Checkpoint::open(&bytes, key.verifier()).is_err());
        prop_assert!(Leaf::read(&bytes).is_err());
        prop_assert!(text.parse::<VerifierKey>().is_err());
        let _ = Note::read(&bytes);
        Ok(())
    });
}

/// Standard base64, which signed notes are written in.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let mut three = [0; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let digit = move |place: usize| {
            let value = bits >> (18 - 6 * place) & 63;
            if place <= group.len() {
                char::from(DIGITS[value as usize])
            } else {
                '='
            }
        };
        [0, 1, 2, 3].map(digit)
    };
    bytes.chunks(3).flat_map(digits).collect()
}
