//! Receipts, checkpoints, notes, cosignatures, keys, policies and leaves with changed
//! bytes.

use std::{fs, path::Path};

use comity_ledger::{
    Checkpoint, Cosignature, Cosigner, CosignerKey, Extension, Hash, Key, Leaf, Note, Policy,
    Proof, Receipt, VerifierKey, Witness, cosignatures, is_receipt, prove, prove_extension,
    verify_extension,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;

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

/// A witness, the text of its key, and its key file, in a folder of its own.
fn witness(name: &str) -> (Cosigner, String, TempDir) {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = dir.path().join("key");
    let made = Cosigner::load_or_make(&file, name).unwrap();
    let secret = fs::read_to_string(file).unwrap();
    (made, secret, dir)
}

#[test]
fn a_key_of_a_witness_is_read_as_one_key_only() {
    let (ours, secret, _dir) = witness("w.example");
    let (theirs, other, _dir) = witness("v.example");
    let (text, other_text) = (ours.key().to_string(), theirs.key().to_string());
    holds("witness key", 1500, &mutations(), |mutations| {
        let changed = mutated(text.as_bytes(), other_text.as_bytes(), &mutations);
        let changed = String::from_utf8_lossy(&changed);
        if let Ok(read) = changed.parse::<CosignerKey>() {
            prop_assert_eq!(read.to_string(), changed.trim_end());
            prop_assert_eq!(read == *ours.key(), changed.trim_end() == text);
        }
        let changed = mutated(secret.as_bytes(), other.as_bytes(), &mutations);
        let changed = String::from_utf8_lossy(&changed);
        if let Ok(read) = changed.parse::<Cosigner>() {
            let same = changed.trim_end() == secret.trim_end();
            prop_assert_eq!(read.key() == ours.key(), same);
        }
        Ok(())
    });
}

/// The checkpoint of a log, with a cosignature of it.
fn cosigned(log: &Path, by: Cosigner, memory: &Path) -> (Vec<u8>, Cosignature) {
    let witness = Witness::open(memory, by, [key().verifier().clone()]).unwrap();
    let shown = prove_extension(log, 0).unwrap().unwrap();
    let cosignature = witness.cosign(&shown, Timestamp::now()).unwrap();
    let note = [shown.checkpoint, cosignature.line.clone().into_bytes()].concat();
    (note, cosignature)
}

#[test]
fn a_cosignature_is_of_what_was_cosigned_only() {
    let (ours, _, memory) = witness("w.example");
    let (theirs, _, elsewhere) = witness("v.example");
    let known = [ours.key().clone()];
    let (note, made) = cosigned(published(&[7]).path(), ours, memory.path());
    let (other, _) = cosigned(published(&[9]).path(), theirs, elsewhere.path());
    let text = Note::read(&note).unwrap().text().to_vec();
    assert_eq!(
        cosignatures(&note, &known).unwrap(),
        std::slice::from_ref(&made)
    );
    holds("cosignature", 2000, &mutations(), |mutations| {
        let changed = mutated(&note, &other, &mutations);
        for found in cosignatures(&changed, &known).unwrap_or_default() {
            prop_assert_eq!(&found, &made);
            let changed = Note::read(&changed).unwrap();
            prop_assert_eq!(changed.text(), &*text);
        }
        Ok(())
    });
}

#[test]
fn a_changed_policy_is_refused_or_can_be_met() {
    let keys = ["u", "v", "w"].map(|name| witness(name).0.key().clone());
    let text = |required| {
        let witnesses = keys.to_vec();
        let policy = Policy {
            witnesses,
            required,
        };
        policy.to_text(key().verifier())
    };
    let (whole, other) = (text(2), text(0));
    holds("policy", 1500, &mutations(), |mutations| {
        let changed = mutated(whole.as_bytes(), other.as_bytes(), &mutations);
        if let Ok(read) = Policy::read(&String::from_utf8_lossy(&changed)) {
            prop_assert!(read.required <= read.witnesses.len());
            prop_assert!(read.witnesses.iter().all(|key| keys.contains(key)));
            let again = Policy::read(&read.to_text(key().verifier()));
            prop_assert_eq!(again, Ok(read));
        }
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
        prop_assert!(text.parse::<CosignerKey>().is_err());
        prop_assert!(text.parse::<Cosigner>().is_err());
        prop_assert!(Policy::read(&text).is_err());
        let _ = Note::read(&bytes);
        let _ = cosignatures(&bytes, &[]);
        Ok(())
    });
}
