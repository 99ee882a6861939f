//! Witnesses and the logs they watch: honest ones, and ones that tell two stories.

use std::{fs, path::Path};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    Key, Policy, PublishError, Publisher, cosignatures, cosigned_size, keep_cosignature,
    last_cosigned_by, prove, prove_extension, verify_cosignatures,
};

fn key() -> Key {
    Key::from_seed("log.example/a", [5; 32]).unwrap()
}

fn cosigner() -> Cosigner {
    Cosigner::from_seed("w.example", [6; 32]).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_770_000_000).unwrap()
}

/// A log of `size` entries, of which those from `fork` on are its own.
fn log(size: u64, fork: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    grow(dir.path(), size, fork);
    dir
}

fn grow(dir: &Path, size: u64, fork: u64) {
    let mut publisher = Publisher::open(dir, key(), None).unwrap();
    append(&mut publisher, size, fork);
    publisher.sign().unwrap();
}

fn append(publisher: &mut Publisher, size: u64, fork: u64) {
    while publisher.next() < size {
        let index = publisher.next();
        let story = if index < fork { 0 } else { fork + 1 };
        publisher
            .append(format!("entry {index} of {story}").as_bytes())
            .unwrap();
    }
}

fn witness(dir: &Path) -> Witness {
    Witness::open(dir, cosigner(), [key().verifier().clone()]).unwrap()
}

fn show(witness: &Witness, log: &Path, old: u64) -> Result<Cosignature, Refused> {
    witness.cosign(&prove_extension(log, old).unwrap().unwrap(), now())
}

fn checkpoint(log: &Path) -> Checkpoint {
    Checkpoint::read_unverified(&fs::read(log.join("checkpoint")).unwrap()).unwrap()
}

#[test]
fn what_only_grows_is_cosigned_and_remembered() {
    let (memory, log) = (tempfile::tempdir().unwrap(), log(100, 1000));
    let first = show(&witness(memory.path()), log.path(), 0).unwrap();
    let note = [checkpoint(log.path()).note, first.line.into_bytes()].concat();
    let known = [cosigner().key().clone()];
    assert_eq!(cosignatures(&note, &known).unwrap()[0].at, now());
    grow(log.path(), 300, 1000);
    // Another process takes up what the first one knew.
    let again = witness(memory.path());
    let stale = show(&again, log.path(), 0).unwrap_err();
    assert!(matches!(&stale, Refused::Stale { seen: Some(seen) } if seen.size == 100));
    show(&again, log.path(), 100).unwrap();
    show(&again, log.path(), 300).unwrap();
    let mut backwards = prove_extension(log.path(), 300).unwrap().unwrap();
    backwards.old_size = 301;
    let backwards = again.cosign(&backwards, now());
    assert!(matches!(
        backwards,
        Err(Refused::Backwards {
            old: 301,
            size: 300
        })
    ));
}

#[test]
fn what_contradicts_is_refused_with_both_sides_named_and_kept() {
    let (memory, honest) = (tempfile::tempdir().unwrap(), log(300, 1000));
    let witness = witness(memory.path());
    show(&witness, honest.path(), 0).unwrap();
    let told = |log: &Path, old| show(&witness, log, old).unwrap_err().to_string();
    let root = |log: &Path| checkpoint(log).root;
    let (short, same, long) = (log(200, 1000), log(300, 150), log(400, 150));
    assert_eq!(
        told(short.path(), 200),
        format!(
            "the log was rolled back: 300 entries were cosigned, root {}, and only 200 are shown \
             now",
            root(honest.path())
        )
    );
    assert_eq!(
        told(same.path(), 300),
        format!(
            "the log tells two stories: of its 300 entries root {} was cosigned, and root {} is \
             shown now; they part before entry 300",
            root(honest.path()),
            root(same.path())
        )
    );
    let unproven = show(&witness, long.path(), 300).unwrap_err();
    assert!(matches!(&unproven, Refused::Unproven(_)), "{unproven}");
    assert_eq!(unproven.seen().unwrap().size, 300);
    // What was signed twice is kept: the first contradiction, beside the truth.
    let kept = fs::read(
        memory
            .path()
            .join(format!("{}.contradiction", place("log.example/a"))),
    );
    assert_eq!(kept.unwrap(), checkpoint(same.path()).note);
    // The honest one is not held to account for it.
    grow(honest.path(), 301, 1000);
    show(&witness, honest.path(), 300).unwrap();
}

#[test]
fn strangers_and_forgers_are_refused() {
    let (memory, log) = (tempfile::tempdir().unwrap(), log(5, 1000));
    let other = Key::from_seed("log.example/b", [5; 32]).unwrap();
    let watching = [other.verifier().clone()];
    let stranger = Witness::open(memory.path(), cosigner(), watching).unwrap();
    let refused = show(&stranger, log.path(), 0).unwrap_err();
    assert!(matches!(refused, Refused::Unknown(origin) if origin == "log.example/a"));
    let false_key = Key::from_seed("log.example/a", [9; 32]).unwrap();
    let forger = [false_key.verifier().clone()];
    let witness = Witness::open(memory.path(), cosigner(), forger).unwrap();
    let refused = show(&witness, log.path(), 0).unwrap_err();
    assert!(matches!(
        refused,
        Refused::Checkpoint(CheckpointError::Signature(_))
    ));
}

#[test]
fn a_memory_that_was_changed_stops_the_witness() {
    let (memory, log) = (tempfile::tempdir().unwrap(), log(5, 1000));
    show(&witness(memory.path()), log.path(), 0).unwrap();
    let path = memory.path().join(place("log.example/a"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\n5\n", "\n4\n", 1)).unwrap();
    let opened = Witness::open(memory.path(), cosigner(), [key().verifier().clone()]);
    assert!(matches!(opened, Err(WitnessError::Memory { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever two logs of one key show, in whatever order: all that is cosigned is
    /// one story.
    #[test]
    fn one_story_alone_is_cosigned(
        fork in 1_u64..40,
        shown in prop::collection::vec((any::<bool>(), 0_u64..6), 1..12),
    ) {
        let memory = tempfile::tempdir().unwrap();
        let witness = witness(memory.path());
        let logs = [log(1, 1000), log(1, fork)];
        let mut sizes = [1, 1];
        let mut cosigned: Vec<(usize, u64)> = Vec::new();
        for (which, more) in shown {
            let which = usize::from(which);
            sizes[which] += more * 3;
            grow(logs[which].path(), sizes[which], [1000, fork][which]);
            let old = cosigned.last().map_or(0, |(_, size)| *size).min(sizes[which]);
            if show(&witness, logs[which].path(), old).is_ok() {
                cosigned.push((which, sizes[which]));
            }
        }
        prop_assert!(cosigned.is_sorted_by_key(|(_, size)| *size));
        let past: Vec<_> = cosigned.iter().filter(|(_, size)| *size > fork).collect();
        prop_assert!(past.windows(2).all(|pair| pair[0].0 == pair[1].0), "{cosigned:?}");
    }
}

#[test]
fn a_log_signs_nothing_that_contradicts_what_was_seen_of_it() {
    let (honest, copy) = (log(300, 1000), log(100, 1000));
    let seen = checkpoint(honest.path());
    let open = || {
        let mut publisher = Publisher::open(copy.path(), key(), None).unwrap();
        publisher.heed(&seen).unwrap();
        publisher
    };
    // An old copy, as it is and grown in its own way.
    let behind = open().sign().unwrap_err();
    assert!(
        matches!(behind, PublishError::Behind { present: 100, .. }),
        "{behind}"
    );
    let mut publisher = open();
    append(&mut publisher, 299, 100);
    let forked = publisher.append(b"another entry").unwrap_err();
    assert!(matches!(forked, PublishError::Forked { .. }), "{forked}");
    assert_eq!(checkpoint(copy.path()).size, 100);
    // It signs again once it has caught up.
    let mut publisher = open();
    append(&mut publisher, 301, 1000);
    assert_eq!(publisher.sign().unwrap().size, 301);
    publisher.heed(&seen).unwrap();
    // One that has signed its own story already is told at once.
    let forked = log(400, 200);
    let mut publisher = Publisher::open(forked.path(), key(), None).unwrap();
    let error = publisher.heed(&seen).unwrap_err();
    assert!(matches!(&error, PublishError::Forked { seen, .. } if seen.size == 300));
}

#[test]
fn entries_are_proven_under_what_enough_witnesses_cosigned() {
    let log = log(100, 1000);
    let other = Cosigner::from_seed("v.example", [7; 32]).unwrap();
    let policy = Policy {
        witnesses: vec![cosigner().key().clone(), other.key().clone()],
        required: 2,
    };
    let keep = |by: &Cosigner| {
        let checkpoint = checkpoint(log.path());
        let line = by.cosign(&checkpoint.note, now()).unwrap();
        keep_cosignature(log.path(), &checkpoint, &line, &policy).unwrap();
    };
    keep(&cosigner());
    keep(&cosigner());
    assert_eq!(cosigned_size(log.path()).unwrap(), 0);
    keep(&other);
    grow(log.path(), 200, 1000);
    keep(&cosigner());
    assert_eq!(cosigned_size(log.path()).unwrap(), 100);
    assert_eq!(
        last_cosigned_by(log.path(), cosigner().key(), 200).unwrap(),
        200
    );
    assert_eq!(last_cosigned_by(log.path(), other.key(), 200).unwrap(), 100);
    let namesake = Cosigner::from_seed("v.example", [8; 32]).unwrap();
    assert_eq!(
        last_cosigned_by(log.path(), namesake.key(), 200).unwrap(),
        0
    );
    let size = |index| prove(log.path(), index).unwrap().unwrap().size;
    assert_eq!((size(99), size(100)), (100, 200));
    let found = verify_cosignatures(log.path(), key().verifier(), &policy).unwrap();
    let (newest, by) = found.newest.unwrap();
    assert_eq!((found.checkpoints, newest.size, by.len()), (2, 100, 2));
    // So is another checkpoint in the place of the newest that is cosigned.
    let path = log.path().join("cosigned");
    let whole = fs::read(&path).unwrap();
    let lost = fs::read(log.path().join("checkpoint")).unwrap();
    let other = Checkpoint::sign(&key(), 100, Hash([9; 32])).unwrap().note;
    for note in [other, whole.to_ascii_uppercase(), lost[1..].to_vec()] {
        fs::write(&path, note).unwrap();
        let flaw = verify_cosignatures(log.path(), key().verifier(), &policy).unwrap_err();
        assert_eq!(flaw.file, "cosigned");
    }
    fs::write(&path, whole).unwrap();
    // A cosignature moved to another checkpoint is found.
    let folder = log.path().join("cosignatures");
    fs::copy(folder.join("100"), folder.join("200")).unwrap();
    let flaw = verify_cosignatures(log.path(), key().verifier(), &policy).unwrap_err();
    assert_eq!(flaw.file, "cosignatures/200");
    // Nor does it say how far its witness has seen the log; nor do those of what is not signed.
    let [first, other] = policy.witnesses.as_slice() else {
        panic!("two witnesses");
    };
    let last = |by, signed| last_cosigned_by(log.path(), by, signed).unwrap();
    assert_eq!(
        (last(other, 200), last(first, 199), last(first, 99)),
        (100, 100, 0)
    );
}
