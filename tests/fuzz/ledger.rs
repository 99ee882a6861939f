//! A published ledger and a data folder with changed files.

use std::{
    cell::RefCell,
    fs,
    path::{Component, Path, PathBuf},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use comity_gateway::offline;
use comity_ledger::{
    Checkpoint, Key, Leaf, Note, PRUNING, Publisher, VerifierKey, prove, prove_extension,
    published_entries, verifier_beside, verify, verify_proof,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;

use super::{
    holds,
    mutation::{Change, Files, change, mutated, mutations},
};
use crate::world::{Scene, approvable, copy};

pub(super) fn key() -> Key {
    Key::from_seed("fuzz.example/log", [6; 32]).unwrap()
}

/// A ledger signed at these sizes.
pub(super) fn published(sizes: &[u64]) -> TempDir {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut publisher = Publisher::open(dir.path(), key(), None).unwrap();
    for &size in sizes {
        while publisher.next() < size {
            let entry = format!("entry {}", publisher.next());
            publisher.append(entry.as_bytes()).unwrap();
        }
        publisher.sign().unwrap();
    }
    dir
}

/// Every file below a folder.
pub(super) fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let place = below.join(entry.unwrap().file_name());
            if folder.join(&place).is_dir() {
                open.push(place);
            } else {
                let bytes = fs::read(folder.join(&place)).unwrap();
                files.insert(place.to_str().unwrap().to_owned(), bytes);
            }
        }
    }
    files
}

/// A folder that holds what it is told, written as far as it differs.
struct Folder {
    dir: TempDir,
    holds: RefCell<Files>,
}

impl Folder {
    fn of(files: &Files) -> Self {
        let folder = Self {
            dir: TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
            holds: RefCell::default(),
        };
        folder.hold(files);
        folder
    }

    fn hold(&self, files: &Files) {
        let mut holds = self.holds.borrow_mut();
        holds.retain(|path, _| {
            let kept = files.contains_key(path);
            if !kept {
                fs::remove_file(self.dir.path().join(path)).unwrap();
            }
            kept
        });
        for (path, bytes) in files {
            let place = self.dir.path().join(path);
            // A name that the file system does not take is no change to a folder.
            let inside = Path::new(path)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if holds.get(path) != Some(bytes)
                && inside
                && fs::create_dir_all(place.parent().unwrap()).is_ok()
                && fs::write(&place, bytes).is_ok()
            {
                holds.insert(path.clone(), bytes.clone());
            }
        }
    }
}

/// What may be gone from a ledger without its showing: what is gone says nothing
/// false. Whoever kept an older checkpoint, or knows the key, compares with that.
fn may_be_gone(path: &str) -> bool {
    path == "verifier" || path.starts_with("checkpoints/") || path.contains(".p/")
}

/// Whether a checkpoint says what another one says, under more or other signatures
/// of keys that nobody asked for, or in another order.
pub(super) fn says_the_same(note: &[u8], as_signed: &[u8], key: &VerifierKey) -> bool {
    let Ok(signed) = Note::read(as_signed) else {
        return false;
    };
    Note::read(note).is_ok_and(|note| {
        let known = std::slice::from_ref(key);
        note.text() == signed.text() && note.signers(known).is_ok_and(|by| by.len() == 1)
    })
}

/// Whether files that were believed say nothing that was not signed.
fn is_harmless(files: &Files, whole: &Files) -> bool {
    let key = key();
    let changed = whole.iter().all(|(path, bytes)| match files.get(path) {
        Some(found) => found == bytes || says_the_same(found, bytes, key.verifier()),
        None => may_be_gone(path),
    });
    // Beside them lies only what no verifier looks at.
    let beside = files.keys().filter(|path| !whole.contains_key(*path));
    let known = |path: &String| path.starts_with("checkpoints/") && !name(path).starts_with('.');
    changed && !beside.clone().any(known)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[test]
fn a_changed_ledger_is_refused_or_says_the_same() {
    let source = published(&[3, 257, 258]);
    let whole = read(source.path());
    let folder = Folder::of(&whole);
    let key = key();
    let truth = verify(source.path(), key.verifier()).unwrap();
    holds("ledger", 400, &vec(change(), 1..=2), |changes| {
        let mut files = whole.clone();
        for change in &changes {
            change.apply(&mut files);
        }
        folder.hold(&files);
        let held = folder.holds.borrow().clone();
        let dir = folder.dir.path();
        if let Ok(found) = verify(dir, key.verifier()) {
            prop_assert_eq!((found.size, found.root), (truth.size, truth.root));
            prop_assert!(is_harmless(&held, &whole), "believed");
        }
        let _ = verifier_beside(dir);
        // What a gateway does with the files: a proof that it makes of them is true.
        for index in [0, 256, 257] {
            if let Ok(Some(proof)) = prove(dir, index)
                && let Ok(checkpoint) = verify_proof(&proof, key.verifier())
            {
                let entry = format!("entry {index}");
                let leaf = comity_ledger::Hash::of_leaf(entry.as_bytes());
                prop_assert_eq!(proof.leaf_hash, leaf);
                prop_assert!(checkpoint.size <= truth.size);
            }
            let _ = published_entries(dir, index / 256, 258);
        }
        Ok(())
    });
}

/// Whoever signs may have any entry say any thing of pruning, and files may be missing:
/// what is believed lacks nothing but whole bundles that were there before that entry.
#[test]
fn only_what_can_have_been_pruned_may_be_missing() {
    let below = prop_oneof![
        Just(256),
        Just(512),
        Just(768),
        0..900u64,
        Just(u64::MAX),
        Just(1 << 48),
        any::<u64>()
    ];
    let drawn = (below, vec(0..3u64, 0..=2), proptest::option::of(change()));
    holds("pruned", 60, &drawn, |(below, missing, change)| {
        let source = published(&[600]);
        let mut publisher = Publisher::open(source.path(), key(), None).unwrap();
        let mut leaf = Leaf::new(Timestamp::UNIX_EPOCH, PRUNING, "gateway");
        leaf.prunes = Some(below);
        let sealed = leaf.seal(b"by order", &[7; 32]).unwrap();
        publisher.append(&sealed.leaf_bytes).unwrap();
        publisher.sign().unwrap();
        let whole = read(source.path());
        let mut files = whole.clone();
        if let Some(change) = change {
            change.apply(&mut files);
        }
        files.retain(|path, _| {
            let mut gone = missing.iter();
            !gone.any(|number| path.starts_with(&format!("tile/entries/00{number}")))
        });
        let folder = Folder::of(&files);
        let found = verify(folder.dir.path(), key().verifier());
        let pruned = if [256, 512].contains(&below) {
            below
        } else {
            0
        };
        if let Ok(found) = found {
            prop_assert_eq!(found.pruned.map_or(0, |pruned| pruned.below), pruned);
            prop_assert_eq!(found.size, 601);
            prop_assert!(missing.iter().all(|number| (number + 1) * 256 <= pruned));
        }
        let _ = Publisher::open_pruned((folder.dir.path(), pruned), key(), None);
        Ok(())
    });
}

/// The operator has the key, and signs whatever serves them.
#[test]
fn a_properly_signed_head_over_nonsense_is_refused() {
    let source = published(&[258]);
    let whole = read(source.path());
    let folder = Folder::of(&whole);
    let key = key();
    let size = prop_oneof![0..600u64, Just(u64::MAX), Just(1 << 48), any::<u64>()];
    let drawn = (size, any::<[u8; 32]>(), change());
    holds("signed nonsense", 150, &drawn, |(size, root, change)| {
        let mut files = whole.clone();
        change.apply(&mut files);
        files.insert("checkpoint".to_owned(), signed(&key, size, root));
        folder.hold(&files);
        let dir = folder.dir.path();
        prop_assert!(verify(dir, key.verifier()).is_err());
        prop_assert!(!matches!(prove(dir, size / 2), Ok(Some(_))));
        let extension = prove_extension(dir, 200);
        prop_assert!(!matches!(extension, Ok(Some(_))));
        Ok(())
    });
}

/// A checkpoint that says this of a tree.
pub(super) fn signed(key: &Key, size: u64, root: [u8; 32]) -> Vec<u8> {
    let root = BASE64_STANDARD.encode(root);
    let text = format!("{}\n{size}\n{root}\n", key.name());
    let mut note = Note::new(text.as_bytes()).unwrap();
    note.sign(key).unwrap();
    let note = note.to_bytes();
    assert_eq!(
        Checkpoint::open(&note, key.verifier()).is_ok(),
        size <= 1 << 48
    );
    note
}

/// Every page of the database, and the key file, with bytes changed: what SQLite and
/// the records are made of. Bytes that hold nothing may change.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_data_folder_is_refused_or_says_the_same() {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&approvable("fuzz")).await;
    let left = scene.world.data();
    scene.running.stop().await;
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    copy(&left, data.path());
    let truth = offline::verify(data.path(), None).unwrap();
    for (name, cases) in [("comity.db", 60), ("vault.key", 20)] {
        let path = data.path().join(name);
        let whole = fs::read(&path).unwrap();
        holds(name, cases, &mutations(), |mutations| {
            let changed = mutated(&whole, &whole, &mutations);
            fs::write(&path, &changed).unwrap();
            let found = offline::verify(data.path(), None);
            if let Ok(found) = found {
                prop_assert_eq!(&found, &truth);
            }
            Ok(())
        });
        fs::write(&path, whole).unwrap();
    }
}

/// That the changes are worth something: each kind of them is found out.
#[test]
fn changes_do_change() {
    let source = published(&[3, 258]);
    let whole = read(source.path());
    let refused = RefCell::new((0, 0));
    let folder = Folder::of(&whole);
    holds("changes", 100, &change(), |change: Change| {
        let mut files = whole.clone();
        change.apply(&mut files);
        folder.hold(&files);
        let mut refused = refused.borrow_mut();
        refused.0 += usize::from(verify(folder.dir.path(), key().verifier()).is_err());
        refused.1 += 1;
        Ok(())
    });
    let (refused, tried) = *refused.borrow();
    assert!(refused * 2 > tried, "{refused} of {tried} refused");
}
