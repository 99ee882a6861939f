//! Publication, resumption, proofs and verification of whole logs.

#[expect(dead_code, reason = "the tests of the store use the rest of it")]
pub(crate) mod disk;
mod pruned;
mod simulated;

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, sample::Index};
use tempfile::TempDir;

use crate::{
    Checkpoint, Hash, Key, Proof, PublishError, Publisher, prove, prove_extension,
    published_entries, verify, verify_extension, verify_proof,
};

fn key() -> Key {
    Key::from_seed("log.example/a", [5; 32]).unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A log signed at each of `sizes`.
fn log(sizes: &[u64]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    extend(dir.path(), sizes);
    dir
}

fn extend(dir: &Path, sizes: &[u64]) {
    let mut publisher = Publisher::open(dir, key(), None).unwrap();
    for &size in sizes {
        append_to(&mut publisher, size);
        assert_eq!(publisher.sign().unwrap().size, size);
    }
}

fn append_to(publisher: &mut Publisher, size: u64) {
    while publisher.next() < size {
        publisher.append(&entry(publisher.next())).unwrap();
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_log_verifies_at_every_size_it_was_signed_at() {
    let dir = log(&[1, 2, 255, 256, 257, 600]);
    let verified = verify(dir.path(), key().verifier()).unwrap();
    assert_eq!((verified.size, verified.checkpoints), (600, 7));
    assert!(!dir.path().join("tile/0/000.p").exists());
    assert!(dir.path().join("tile/entries/002.p/88").exists());
    assert!(dir.path().join("tile/1/000.p/2").exists());
}

#[test]
fn every_entry_has_a_proof_that_also_travels_as_text() {
    let dir = log(&[300]);
    for index in [0, 1, 255, 256, 299] {
        let proof = prove(dir.path(), index).unwrap().unwrap();
        assert_eq!(proof.leaf_hash, Hash::of_leaf(&entry(index)));
        assert_eq!(verify_proof(&proof, key().verifier()).unwrap().size, 300);
        for wrong in [index + 1, u64::MAX] {
            let moved = Proof {
                index: wrong,
                ..proof.clone()
            };
            assert!(verify_proof(&moved, key().verifier()).is_err());
        }
    }
    assert_eq!(prove(dir.path(), 300).unwrap(), None);
}

#[test]
fn growth_is_proven_and_rewriting_is_not() {
    let sizes = [1, 100, 256, 300, 600];
    let dir = log(&sizes);
    let verifier = key().verifier().clone();
    let seen = |dir: &Path, size: u64| {
        let note = fs::read(dir.join(format!("checkpoints/{size}"))).unwrap();
        Checkpoint::open(&note, &verifier).unwrap()
    };
    for size in [0].into_iter().chain(sizes) {
        let extension = prove_extension(dir.path(), size).unwrap().unwrap();
        let new = verify_extension(&seen(dir.path(), size), &extension, &verifier).unwrap();
        assert_eq!(new.size, 600);
    }
    assert_eq!(prove_extension(dir.path(), 601).unwrap(), None);
    let fork = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::open(fork.path(), key(), None).unwrap();
    for _ in 0..300 {
        publisher.append(b"another history").unwrap();
    }
    publisher.sign().unwrap();
    let extension = prove_extension(dir.path(), 300).unwrap().unwrap();
    let forked = seen(fork.path(), 300);
    assert!(verify_extension(&forked, &extension, &verifier).is_err());
}

#[test]
fn publication_resumes_over_what_a_crash_left() {
    let dir = log(&[300]);
    // A publication that died before it signed.
    let mut dead = Publisher::open(dir.path(), key(), None).unwrap();
    for n in 0..400 {
        dead.append(format!("never acknowledged {n}").as_bytes())
            .unwrap();
    }
    drop(dead);
    verify(dir.path(), key().verifier()).unwrap();
    extend(dir.path(), &[700]);
    assert_eq!(verify(dir.path(), key().verifier()).unwrap().size, 700);
    assert_eq!(
        published_entries(dir.path(), 1, 700).unwrap().unwrap()[100],
        entry(356)
    );
}

#[test]
fn lost_files_are_rebuilt_to_the_same_root() {
    let dir = log(&[300, 600]);
    let whole = verify(dir.path(), key().verifier()).unwrap();
    let note = fs::read(dir.path().join("checkpoint")).unwrap();
    for lost in ["tile", "checkpoint", "tile/entries/001", "tile/1/000.p/2"] {
        let path = dir.path().join(lost);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
        let mut publisher = Publisher::open(dir.path(), key(), Some(&note)).unwrap();
        append_to(&mut publisher, 600);
        publisher.sign().unwrap();
        assert_eq!(verify(dir.path(), key().verifier()).unwrap(), whole);
    }
}

#[test]
fn rolled_back_or_rewritten_entries_are_never_signed() {
    let dir = log(&[300]);
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    append_to(&mut publisher, 299);
    assert!(matches!(
        publisher.sign(),
        Err(PublishError::RolledBack {
            signed: 300,
            present: 299
        })
    ));
    assert!(matches!(
        publisher.append(b"another last entry"),
        Err(PublishError::Rewritten { size: 300 })
    ));
}

/// A backup copied over the folder, from which newer files were not deleted.
#[test]
fn what_is_kept_of_a_newer_checkpoint_outlives_a_rollback() {
    let (dir, old) = (log(&[500]), log(&[500]));
    extend(dir.path(), &[1000]);
    let roll_back = || {
        for file in files(old.path()) {
            let place = dir.path().join(file.strip_prefix(old.path()).unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(&file, place).unwrap();
        }
    };
    roll_back();
    let head = fs::read(dir.path().join("checkpoint")).unwrap();
    fs::write(dir.path().join("checkpoints/2000"), "no checkpoint").unwrap();
    let publisher = Publisher::open(dir.path(), key(), Some(&head)).unwrap();
    assert_eq!((publisher.signed().size, publisher.next()), (1000, 1000));
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    roll_back();
    let mut publisher = Publisher::open(dir.path(), key(), Some(&head)).unwrap();
    append_to(&mut publisher, 501);
    assert!(matches!(
        publisher.sign(),
        Err(PublishError::RolledBack {
            signed: 1000,
            present: 501
        })
    ));
}

#[test]
fn no_second_tree_of_one_size_is_signed() {
    let dir = log(&[10]);
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    let fork = Checkpoint::sign(&key(), 20, Hash([9; 32])).unwrap();
    let (kept, head) = (
        dir.path().join("checkpoints/20"),
        dir.path().join("checkpoint"),
    );
    fs::write(&kept, &fork.note).unwrap();
    append_to(&mut publisher, 20);
    let before = fs::read(&head).unwrap();
    assert!(matches!(
        publisher.sign(),
        Err(PublishError::Rewritten { size: 20 })
    ));
    assert_eq!(
        (fs::read(&head).unwrap(), fs::read(&kept).unwrap()),
        (before, fork.note)
    );
}

#[test]
fn a_fork_or_a_foreign_key_is_refused() {
    let ours = log(&[10]);
    let theirs = tempfile::tempdir().unwrap();
    let mut fork = Publisher::open(theirs.path(), key(), None).unwrap();
    for _ in 0..10 {
        fork.append(b"other").unwrap();
    }
    let note = fork.sign().unwrap().note.clone();
    assert!(matches!(
        Publisher::open(ours.path(), key(), Some(&note)),
        Err(PublishError::Rewritten { size: 10 })
    ));
    let stranger = Key::from_seed("log.example/b", [5; 32]).unwrap();
    assert!(matches!(
        Publisher::open(ours.path(), stranger, None),
        Err(PublishError::OtherKey { .. })
    ));
}

#[test]
fn damaged_files_under_the_signed_root_are_kept_as_evidence() {
    let dir = log(&[300]);
    let path = dir.path().join("tile/entries/001.p/44");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = Publisher::open(dir.path(), key(), None).unwrap_err();
    assert!(
        error.to_string().contains("`tile/entries/001.p/44`"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_flaw_names_the_entry_and_the_byte() {
    let dir = log(&[600]);
    let check = |file: &str, offset: usize, expected: &str| {
        let path = dir.path().join(file);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[offset] ^= 1;
        fs::write(&path, bytes).unwrap();
        let flaw = verify(dir.path(), key().verifier()).unwrap_err();
        fs::write(&path, whole).unwrap();
        assert_eq!(flaw.to_string(), expected);
    };
    let changed = "the published log was changed after it was signed";
    // Entries 256 to 511 are 2 + 9 bytes each.
    check(
        "tile/entries/001",
        11 * 3 + 4,
        &format!(
            "`tile/entries/001` at byte 33 (entry 259): the entry is not the one that was signed; {changed}"
        ),
    );
    check(
        "tile/0/001",
        32 * 3 + 4,
        &format!(
            "`tile/0/001` at byte 96 (entry 259): the hash is not that of the entry; {changed}"
        ),
    );
    check(
        "tile/1/000.p/2",
        40,
        &format!("`tile/1/000.p/2` at byte 40: does not hold what the entries hash to; {changed}"),
    );
}

#[test]
fn a_rolled_back_checkpoint_is_seen() {
    let dir = log(&[10, 20]);
    fs::copy(
        dir.path().join("checkpoints/10"),
        dir.path().join("checkpoint"),
    )
    .unwrap();
    let flaw = verify(dir.path(), key().verifier()).unwrap_err();
    assert_eq!(flaw.meaning, "the log was rolled back");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_found(file in any::<Index>(), byte in any::<Index>(), flip in 1..=255u8) {
        let dir = small_log();
        let files = files(dir.path());
        let path = file.get(&files);
        let mut bytes = fs::read(path).unwrap();
        let at = byte.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(path, bytes).unwrap();
        prop_assert!(verify(dir.path(), key().verifier()).is_err(), "{path:?} at {at}");
    }

    #[test]
    fn any_truncation_is_found(file in any::<Index>(), length in any::<Index>()) {
        let dir = small_log();
        let files = files(dir.path());
        let path = file.get(&files);
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(length.index(bytes.len()));
        fs::write(path, bytes).unwrap();
        prop_assert!(verify(dir.path(), key().verifier()).is_err(), "{path:?}");
    }

    #[test]
    fn hostile_files_never_panic(
        file in any::<Index>(),
        size in prop_oneof![Just(u64::MAX), any::<u64>(), Just(1 << 48), 0..2000u64],
        bytes in proptest::collection::vec(any::<u8>(), 0..9000),
    ) {
        let dir = small_log();
        let files = files(dir.path());
        fs::write(file.get(&files), bytes).unwrap();
        prop_assert!(verify(dir.path(), key().verifier()).is_err());
        // A head that is properly signed, over nonsense.
        if let Ok(forged) = crate::Checkpoint::sign(&key(), size, Hash([3; 32])) {
            fs::write(dir.path().join("checkpoint"), forged.note).unwrap();
            prop_assert!(verify(dir.path(), key().verifier()).is_err());
            prop_assert!(prove(dir.path(), size.saturating_sub(1)).is_err() || size == 0);
        }
    }
}

/// 258 entries signed at three sizes: full and partial tiles on two levels, and
/// a partial tile that a larger one follows.
fn small_log() -> TempDir {
    thread_local! {
        static LOG: TempDir = log(&[3, 257, 258]);
    }
    let copy = tempfile::tempdir().unwrap();
    LOG.with(|log| {
        for file in files(log.path()) {
            let target = copy.path().join(file.strip_prefix(log.path()).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(file, target).unwrap();
        }
    });
    copy
}
