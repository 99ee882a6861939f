//! What witnesses have seen: heeded, kept, and never contradicted.

use std::{fs, path::Path};

use comity_ledger::{Checkpoint, Cosigner, CosignerKey, Key, Policy, Witness, keep_cosignature};
use tempfile::TempDir;

use super::{copy, entry, key, open, quiet, run, try_open};
use crate::{Options, PublicationError, Store, Transaction, verify};

async fn note(store: &Store, count: usize) {
    for _ in 0..count {
        let transaction = Transaction {
            entries: vec![entry("note")],
            ..Transaction::default()
        };
        store.commit(transaction).await.unwrap();
    }
}

fn witness(name: &str) -> CosignerKey {
    let dir = tempfile::tempdir().unwrap();
    let made = Cosigner::load_or_make(&dir.path().join("key"), name).unwrap();
    made.key().clone()
}

fn checkpoint(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("ledger/checkpoint")).unwrap()
}

/// A store that was closed at 5 entries, and a copy of it that has 9.
fn old_and_new() -> (TempDir, TempDir) {
    let old = tempfile::tempdir().unwrap();
    let store = open(old.path());
    run(note(&store, 5));
    run(store.close());
    let new = copy(old.path());
    let store = open(new.path());
    run(note(&store, 4));
    run(store.close());
    (old, new)
}

#[track_caller]
fn is_held(result: Result<impl Sized, PublicationError>) -> String {
    let Err(PublicationError::Held(held)) = result.map(drop) else {
        panic!("it is held");
    };
    assert_eq!(held.by, "w.example");
    held.why.to_string()
}

#[test]
fn an_old_copy_signs_nothing_until_it_has_caught_up() {
    let (old, new) = old_and_new();
    let seen = checkpoint(new.path());
    let before = checkpoint(old.path());
    let store = open(old.path());
    let why = is_held(run(store.heed(&witness("w.example"), seen.clone())));
    assert!(
        why.starts_with("9 entries of this ledger were cosigned and only 5 are present"),
        "{why}"
    );
    assert!(store.health().held && store.health().publication_failing);
    // It works on, and nothing of it is lost; but grown differently it is another one.
    run(note(&store, 2));
    is_held(run(store.publish()));
    run(note(&store, 2));
    let why = is_held(run(store.publish()));
    assert!(
        why.starts_with("the first 9 entries of this ledger were cosigned under root"),
        "{why}"
    );
    run(store.close());
    assert_eq!(checkpoint(old.path()), before);
    // It does not forget.
    let again = open(old.path());
    is_held(run(again.publish()));
    assert_eq!(
        run(again.heed(&witness("v.example"), before)).map_err(drop),
        Err(())
    );
    run(again.close());
    let flaw = verify(old.path(), None).unwrap_err().to_string();
    assert!(
        flaw.starts_with("`witnessed`: `w.example` has cosigned 9 entries, and fewer are signed"),
        "{flaw}"
    );
    // What was cosigned is restored.
    let witnessed = fs::read(old.path().join("witnessed")).unwrap();
    fs::write(new.path().join("witnessed"), witnessed).unwrap();
    let caught_up = open(new.path());
    run(note(&caught_up, 1));
    assert_eq!(run(caught_up.publish()).unwrap(), 10);
    assert!(!caught_up.health().held);
    run(caught_up.close());
    assert_eq!(verify(new.path(), None).unwrap().entries, 10);
}

#[test]
fn the_word_of_a_witness_holds_until_it_cosigns_as_many() {
    let (_, new) = old_and_new();
    let dir = tempfile::tempdir().unwrap();
    let cosigner = Cosigner::load_or_make(&dir.path().join("key"), "w.example").unwrap();
    let by = cosigner.key().clone();
    let store = open(new.path());
    let why = is_held(run(store.heed_word(&by, 7)));
    assert!(
        why.starts_with("it says that it cosigned 7 entries") && why.contains("where 9 are signed"),
        "{why}"
    );
    run(note(&store, 1));
    is_held(run(store.publish()));
    run(store.close());
    let flaw = verify(new.path(), None).unwrap_err().to_string();
    let says = "`witnessed-word`: `w.example` says that it has cosigned 7 entries, and has cosigned 0 here";
    assert!(flaw.starts_with(says), "{flaw}");
    let store = open(new.path());
    is_held(run(store.publish()));
    // It does: what it said is no more than what it cosigned here.
    let ledger = store.ledger_dir().to_owned();
    let shown = comity_ledger::prove_extension(&ledger, 0).unwrap().unwrap();
    let witness = Witness::open(
        &dir.path().join("seen"),
        cosigner,
        [key().verifier().clone()],
    );
    let cosignature = witness
        .unwrap()
        .cosign(&shown, jiff::Timestamp::now())
        .unwrap();
    let signed = Checkpoint::open(&shown.checkpoint, key().verifier()).unwrap();
    let policy = Policy {
        witnesses: vec![by.clone()],
        required: 1,
    };
    keep_cosignature(&ledger, &signed, &cosignature, &policy).unwrap();
    assert_eq!(run(store.publish()).unwrap(), 10);
    run(store.heed_word(&by, 9)).unwrap();
    is_held(run(store.heed_word(&by, 10)));
    run(store.close());
    fs::remove_file(new.path().join("witnessed-word")).unwrap();
    assert_eq!(verify(new.path(), None).unwrap().entries, 10);
}

#[test]
fn a_word_and_a_checkpoint_are_kept_side_by_side_and_each_holds() {
    let (old, new) = old_and_new();
    let read = |dir: &TempDir, file| fs::read_to_string(dir.path().join(file)).unwrap();
    let [peer, outside] = ["w.example", "o.example"].map(witness);
    let seen = String::from_utf8(checkpoint(new.path())).unwrap();
    let store = open(new.path());
    run(store.heed(&peer, seen.clone().into())).unwrap();
    let shown = read(&new, "witnessed");
    assert_eq!(shown, format!("{peer}\n{seen}"));
    let Err(PublicationError::Held(held)) = run(store.heed_word(&outside, 99)) else {
        panic!("it is held");
    };
    assert_eq!(held.by, "o.example");
    assert!(store.health().held && store.health().held_by_word);
    assert_eq!(read(&new, "witnessed"), shown);
    let said = format!("{outside}\ncosigned 99\n");
    assert_eq!(read(&new, "witnessed-word"), said);
    // What agrees with what is here changes nothing, and lifts nothing.
    run(store.heed(&peer, checkpoint(old.path()))).unwrap();
    assert!(store.health().held_by_word);
    run(store.close());

    // An old copy is noticed by the checkpoint, whatever becomes of the word.
    for file in ["witnessed", "witnessed-word"] {
        fs::copy(new.path().join(file), old.path().join(file)).unwrap();
    }
    let rolled_back = copy(old.path());
    fs::remove_file(rolled_back.path().join("witnessed-word")).unwrap();
    for dir in [&old, &rolled_back] {
        let store = open(dir.path());
        is_held(run(store.publish()));
        assert!(store.health().held && !store.health().held_by_word);
        run(store.close());
    }
    // And the word holds on after a restart.
    let store = open(new.path());
    assert!(matches!(
        run(store.publish()),
        Err(PublicationError::Held(held)) if held.by == "o.example"
    ));
    run(store.close());
    let flaw = verify(new.path(), None).unwrap_err().to_string();
    assert!(flaw.starts_with("`witnessed-word`: `o.example`"), "{flaw}");
    fs::remove_file(new.path().join("witnessed-word")).unwrap();
    assert_eq!(verify(new.path(), None).unwrap().entries, 9);
}

#[test]
fn another_story_is_found_while_a_word_holds() {
    let (old, new) = old_and_new();
    let store = open(old.path());
    run(note(&store, 5));
    run(store.publish()).unwrap();
    let outside = witness("o.example");
    run(store.heed_word(&outside, 99)).unwrap_err();
    let why = is_held(run(
        store.heed(&witness("w.example"), checkpoint(new.path()))
    ));
    assert!(
        why.contains("of this ledger were cosigned under root"),
        "{why}"
    );
    assert!(store.health().held && !store.health().held_by_word);
    // Nor does another word take the place of either.
    is_held(run(store.heed_word(&witness("x.example"), 100)));
    run(store.close());
    let kept = fs::read_to_string(old.path().join("witnessed-word")).unwrap();
    assert_eq!(kept, format!("{outside}\ncosigned 99\n"));
    fs::remove_file(old.path().join("witnessed-word")).unwrap();
    let again = open(old.path());
    is_held(run(again.publish()));
}

#[test]
fn a_word_that_an_earlier_version_kept_holds_and_makes_room() {
    let (_, new) = old_and_new();
    let outside = witness("o.example");
    let word = format!("{outside}\ncosigned 99\n");
    fs::write(new.path().join("witnessed"), &word).unwrap();
    let flaw = verify(new.path(), None).unwrap_err().to_string();
    assert!(
        flaw.contains("`o.example` has cosigned 99 entries"),
        "{flaw}"
    );
    let store = open(new.path());
    run(store.publish()).unwrap_err();
    let seen = checkpoint(new.path());
    run(store.heed(&witness("w.example"), seen)).unwrap();
    assert!(store.health().held_by_word);
    run(store.close());
    let kept = fs::read_to_string(new.path().join("witnessed-word")).unwrap();
    assert_eq!(kept, word);
    let again = open(new.path());
    run(again.publish()).unwrap_err();
    assert!(again.health().held_by_word);
}

#[test]
fn another_story_holds_the_store_whoever_asks_first() {
    let (old, new) = old_and_new();
    let store = open(old.path());
    run(note(&store, 5));
    run(store.publish()).unwrap();
    is_held(run(
        store.heed(&witness("w.example"), checkpoint(new.path()))
    ));
    run(store.close());
    let again = open(old.path());
    is_held(run(
        again.heed(&witness("v.example"), checkpoint(old.path()))
    ));
    assert!(again.health().held);
}

#[test]
fn what_is_here_already_changes_nothing_and_what_is_not_ours_less() {
    let (old, new) = old_and_new();
    let store = open(new.path());
    run(store.heed(&witness("w.example"), checkpoint(old.path()))).unwrap();
    run(store.heed(&witness("w.example"), checkpoint(new.path()))).unwrap();
    let other = Key::from_seed("gateway.example/log", [4; 32]).unwrap();
    let foreign = tempfile::tempdir().unwrap();
    run(Store::open(foreign.path(), other, &quiet())
        .unwrap()
        .close());
    let refused = run(store.heed(&witness("w.example"), checkpoint(foreign.path())));
    assert!(matches!(refused, Err(PublicationError::NotOurs(_))));
    run(note(&store, 1));
    assert_eq!(run(store.publish()).unwrap(), 10);
}

#[test]
fn a_store_that_waits_for_witnesses_signs_once_they_were_heard() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        await_witnesses: true,
        ..quiet()
    };
    let store = Store::open(dir.path(), key(), &options).unwrap();
    run(note(&store, 3));
    assert_eq!(run(store.publish()).unwrap(), 0);
    store.heard_witnesses();
    assert_eq!(run(store.publish()).unwrap(), 3);
}

#[test]
fn what_was_witnessed_is_believed_as_it_was_signed_only() {
    let (_, new) = old_and_new();
    let note = String::from_utf8(checkpoint(new.path())).unwrap();
    let text = format!("{}\n{note}", witness("w.example"));
    for changed in [
        text.replacen("\n9\n", "\n8\n", 1),
        text.replacen("w.", "v.", 1),
        format!("{}\ncosigned 09\n", witness("w.example")),
        format!("{}\ncosigned 9", witness("w.example")),
    ] {
        fs::write(new.path().join("witnessed"), changed).unwrap();
        let refused = try_open(new.path()).err().unwrap().to_string();
        assert!(
            refused.contains("is not a checkpoint that this ledger signed"),
            "{refused}"
        );
    }
    fs::write(new.path().join("witnessed"), text).unwrap();
    run(open(new.path()).close());
}
