//! Logs whose oldest entries were pruned.

use std::{fs, path::Path};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{append_to, entry, key};
use crate::{
    Checkpoint, Hash, Leaf, PRUNING, Pruned, PublishError, Publisher, Witness, prove,
    prove_extension, published_entries, verify, verify_extension, verify_proof,
};

/// An entry that prunes.
pub(super) fn pruning(below: u64) -> Vec<u8> {
    let mut leaf = Leaf::new(Timestamp::UNIX_EPOCH, PRUNING, "gateway");
    leaf.prunes = Some(below);
    leaf.seal(b"by order", &[9; 32]).unwrap().leaf_bytes
}

fn pruned(entry: u64, below: u64) -> Pruned {
    Pruned {
        below,
        entry,
        at: Timestamp::UNIX_EPOCH,
    }
}

/// A log of 600 entries, of which the first 512 are pruned by the next; then so many.
fn log(more: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    for size in [100, 256, 600] {
        append_to(&mut publisher, size);
        publisher.sign().unwrap();
    }
    publisher.append(&pruning(512)).unwrap();
    append_to(&mut publisher, 601 + more);
    publisher.sign().unwrap();
    publisher.prune(&pruned(600, 512)).unwrap();
    dir
}

fn reopen(dir: &Path, below: u64) -> Result<Publisher, PublishError> {
    Publisher::open_pruned((dir, below), key(), None)
}

fn flaw(dir: &Path) -> String {
    verify(dir, key().verifier()).unwrap_err().to_string()
}

/// The proof that the log extends its tree of so many entries.
fn extends(dir: &Path, size: u64) -> bool {
    let old = fs::read(dir.join(format!("checkpoints/{size}"))).unwrap();
    let old = Checkpoint::open(&old, key().verifier()).unwrap();
    let extension = prove_extension(dir, size).unwrap().unwrap();
    verify_extension(&old, &extension, key().verifier()).is_ok()
}

#[test]
fn what_is_left_verifies_and_every_proof_can_still_be_made() {
    let dir = log(0);
    let path = dir.path();
    let names = |folder: &str| {
        let listing = fs::read_dir(path.join(folder)).unwrap();
        let mut names: Vec<_> = listing.map(|item| item.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("tile/entries"), ["002.p"]);
    assert_eq!(names("tile/0"), ["000", "001", "002.p"]);
    let whole = |size| {
        let found = verify(path, key().verifier()).unwrap();
        assert_eq!((found.size, found.pruned), (size, Some(pruned(600, 512))));
        for index in [0, 255, 511, 512, 600] {
            let proof = prove(path, index).unwrap().unwrap();
            verify_proof(&proof, key().verifier()).unwrap();
            if index < 600 {
                assert_eq!(proof.leaf_hash, Hash::of_leaf(&entry(index)), "{index}");
            }
        }
        for old in [100, 256, 600, 601] {
            assert!(extends(path, old), "{old}");
        }
    };
    whole(601);
    assert_eq!(published_entries(path, 0, 601).unwrap(), None);
    assert_eq!(published_entries(path, 2, 601).unwrap().unwrap().len(), 89);
    // It goes on, also when it is opened anew.
    let mut publisher = reopen(path, 512).unwrap();
    append_to(&mut publisher, 1300);
    publisher.sign().unwrap();
    publisher.prune(&pruned(600, 512)).unwrap();
    whole(1300);
    let _ = reopen(path, 512).unwrap();
    assert!(extends(path, 600));
    // A second time, which takes the entry of the first along.
    let mut publisher = reopen(path, 512).unwrap();
    publisher.append(&pruning(1024)).unwrap();
    publisher.sign().unwrap();
    publisher.prune(&pruned(1300, 1024)).unwrap();
    let found = verify(path, key().verifier()).unwrap();
    assert_eq!(found.pruned, Some(pruned(1300, 1024)));
    assert_eq!(names("tile/entries"), ["004", "005.p"]);
}

/// As another log's witness sees it, which kept a checkpoint from before.
#[test]
fn a_witness_goes_on_cosigning() {
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    append_to(&mut publisher, 300);
    publisher.sign().unwrap();
    let witnessed = tempfile::tempdir().unwrap();
    let cosigner = crate::Cosigner::from_seed("w.example", [2; 32]).unwrap();
    let log = [key().verifier().clone()];
    let witness = Witness::open(witnessed.path(), cosigner, log).unwrap();
    let cosign = |old: u64| {
        let extension = prove_extension(dir.path(), old).unwrap().unwrap();
        witness.cosign(&extension, Timestamp::UNIX_EPOCH)
    };
    assert!(cosign(0).is_ok());
    append_to(&mut publisher, 700);
    publisher.append(&pruning(512)).unwrap();
    publisher.sign().unwrap();
    publisher.prune(&pruned(700, 512)).unwrap();
    assert!(cosign(300).is_ok());
    let mut publisher = reopen(dir.path(), 512).unwrap();
    publisher.append(b"later").unwrap();
    publisher.sign().unwrap();
    assert!(cosign(701).is_ok());
}

#[test]
fn nothing_else_may_be_missing() {
    let dir = log(500);
    let path = dir.path();
    let gone = |file: &str, expected: &str| {
        let file = path.join(file);
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let told = flaw(path);
        assert!(told.contains(expected), "{told}");
        fs::write(&file, bytes).unwrap();
    };
    // In it is the entry that says what was pruned.
    gone("tile/entries/002", "`tile/entries/000`: cannot be read");
    gone("tile/entries/003", "`tile/entries/003`: cannot be read");
    gone("tile/0/000", "`tile/0/000`: cannot be read");
    gone("tile/1/000.p/4", "`tile/1/000.p/4`: cannot be read");
    verify(path, key().verifier()).unwrap();
    // A hash in the place of another one's.
    let tile = path.join("tile/0/001");
    let whole = fs::read(&tile).unwrap();
    let mut changed = whole.clone();
    changed[7] ^= 1;
    fs::write(&tile, &changed).unwrap();
    assert!(flaw(path).contains("`checkpoints/600`"), "{}", flaw(path));
    fs::write(&tile, &whole[..8000]).unwrap();
    assert!(flaw(path).contains("holds 250 hashes instead of 256"));
    fs::write(&tile, whole).unwrap();
    // What is still there is what was signed.
    let bundle: Vec<u8> = (0..256)
        .flat_map(|index| {
            let entry = entry(index);
            [&[0, u8::try_from(entry.len()).unwrap()][..], &entry].concat()
        })
        .collect();
    fs::write(path.join("tile/entries/000"), &bundle).unwrap();
    verify(path, key().verifier()).unwrap();
    let other = String::from_utf8(bundle)
        .unwrap()
        .replacen("entry 7", "entry 8", 1);
    fs::write(path.join("tile/entries/000"), other).unwrap();
    assert!(flaw(path).contains("entry 7"), "{}", flaw(path));
}

/// Whoever deletes files finds no entry that allows it, or one that means nothing.
#[test]
fn without_an_entry_that_says_so_nothing_may_be_missing() {
    for below in [
        None,
        Some(256),
        Some(1),
        Some(0),
        Some(1024),
        Some(u64::MAX),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
        append_to(&mut publisher, 600);
        if let Some(below) = below {
            publisher.append(&pruning(below)).unwrap();
        }
        publisher.sign().unwrap();
        verify(dir.path(), key().verifier()).unwrap();
        fs::remove_file(dir.path().join("tile/entries/001")).unwrap();
        let told = flaw(dir.path());
        assert!(
            told.contains("`tile/entries/001`: cannot be read"),
            "{told}"
        );
        fs::remove_file(dir.path().join("tile/entries/000")).unwrap();
        let told = flaw(dir.path());
        let first = if below == Some(256) { "001" } else { "000" };
        assert!(told.contains(&format!("`tile/entries/{first}`")), "{told}");
    }
}

#[test]
fn nothing_goes_before_the_entry_that_says_so_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    append_to(&mut publisher, 600);
    publisher.sign().unwrap();
    publisher.append(&pruning(512)).unwrap();
    publisher.prune(&pruned(600, 512)).unwrap();
    assert!(dir.path().join("tile/entries/000").exists());
    publisher.sign().unwrap();
    // What a publication that broke off left goes too.
    let folder = dir.path().join("tile/entries");
    fs::write(folder.join(".001"), b"entries").unwrap();
    fs::create_dir(folder.join("001.p")).unwrap();
    fs::write(folder.join("001.p/7"), b"entries").unwrap();
    publisher.prune(&pruned(600, 512)).unwrap();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn lost_files_are_rebuilt_from_the_hashes_and_lost_hashes_are_named() {
    let dir = log(500);
    let path = dir.path();
    let whole = verify(path, key().verifier()).unwrap();
    for lost in ["tile/1", "tile/0/002", "tile/0/004.p", "tile/entries/003"] {
        let lost = path.join(lost);
        match lost.is_dir() {
            true => fs::remove_dir_all(&lost).unwrap(),
            false => fs::remove_file(&lost).unwrap(),
        }
        let mut publisher = reopen(path, 512).unwrap();
        assert_eq!(publisher.next(), 512, "{}", lost.display());
        while publisher.next() < 1101 {
            let next = publisher.next();
            let bytes = if next == 600 {
                pruning(512)
            } else {
                entry(next)
            };
            publisher.append(&bytes).unwrap();
        }
        publisher.sign().unwrap();
        assert_eq!(verify(path, key().verifier()), Ok(whole.clone()));
    }
    let tile = path.join("tile/0/001");
    let hashes = fs::read(&tile).unwrap();
    let lost = |result: Result<Publisher, PublishError>| {
        let error = result.unwrap_err();
        let PublishError::PrunedHashes { path } = error else {
            panic!("{error}");
        };
        path
    };
    fs::write(&tile, &hashes[..100]).unwrap();
    fs::remove_dir_all(path.join("tile/1")).unwrap();
    assert_eq!(lost(reopen(path, 512)), "tile/0/001");
    fs::remove_file(&tile).unwrap();
    assert_eq!(lost(reopen(path, 512)), "tile/0/001");
    // Without the pruning it is as ever: the entries are wanted from the first on.
    assert_eq!(reopen(path, 0).unwrap().next(), 0);
}
