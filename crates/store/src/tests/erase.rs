//! Records at rest, and cases that are erased.

use std::{
    fs,
    path::{Path, PathBuf},
};

use comity_domain::CaseState;
use comity_ledger::Leaf;

use super::{at, case_id, copy, entry, key, open, quiet, run, step, submission};
use crate::{CommitError, ERASURE, Entry, Options, Store, Transaction, verify};

/// Ends the case and says that it is erased.
pub(super) async fn erase(store: &Store, case: u64) -> Result<u64, CommitError> {
    let mut leaf = Leaf::new(at(9), ERASURE, "clerk");
    leaf.case = Some(case_id(case).to_string());
    let entry = Entry {
        leaf,
        record: b"retention ended".to_vec(),
    };
    let erased = store.erase(&case_id(case), entry).await?;
    Ok(erased.receipts[0].index)
}

fn store(dir: &Path) -> Store {
    store_with(dir, &quiet())
}

/// A store with three cases whose records hold names; the first two have ended.
pub(super) fn store_with(dir: &Path, options: &Options) -> Store {
    let store = Store::open(dir, key(), options).unwrap();
    run(async {
        for case in 1..=3 {
            let mut transaction = submission(case);
            transaction.enqueue.clear();
            transaction.entries[0].record = format!("Erika Muster {case}").into_bytes();
            store.commit(transaction).await.unwrap();
        }
        for case in 1..=2 {
            let mut end = step(case, 1, CaseState::Concluded);
            end.entries[0].record = format!("Max Muster {case}").into_bytes();
            store.commit(end).await.unwrap();
        }
    });
    store
}

pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let nested = entries.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    nested.collect()
}

pub(super) fn records(store: &Store, case: u64) -> Vec<Vec<u8>> {
    let row = run(store.case(&case_id(case))).unwrap().unwrap();
    row.records
}

#[test]
fn no_file_holds_a_record_in_plain() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let plain = [b"Erika Muster 1".to_vec(), b"Max Muster 1".to_vec()];
    assert_eq!(records(&store, 1), plain);
    let check = |when: &str| {
        for file in files(dir.path()) {
            let bytes = fs::read(&file).unwrap();
            let plain = bytes.windows(6).any(|window| window == b"Muster");
            assert!(!plain, "{when}: {}", file.display());
        }
    };
    check("while in use");
    run(store.close());
    check("closed");
}

#[test]
fn what_is_erased_is_nowhere_and_every_proof_stays() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    run(first.publish()).unwrap();
    let backup = copy(dir.path());
    let index = run(erase(&first, 1)).unwrap();
    assert_eq!(records(&first, 1), Vec::<Vec<u8>>::new());
    assert_eq!(records(&first, 2).len(), 2);
    assert!(run(first.record(0)).unwrap().is_none());
    assert!(run(first.record(index)).unwrap().is_some());
    run(first.close());
    let report = verify(dir.path(), Some(key().verifier())).unwrap();
    assert_eq!((report.erased, report.opened), (2, true));
    // A copy of the database from before opens with the key of its time only.
    let then = verify(backup.path(), Some(key().verifier())).unwrap();
    assert_eq!(then.erased, 0);
    fs::copy(
        dir.path().join("vault.key"),
        backup.path().join("vault.key"),
    )
    .unwrap();
    let flaw = verify(backup.path(), Some(key().verifier())).unwrap_err();
    assert!(
        flaw.to_string().contains("opens none of the records"),
        "{flaw}"
    );
    // The others live on, and are erased in their turn.
    let again = open(dir.path());
    assert_eq!(records(&again, 2).len(), 2);
    run(erase(&again, 2)).unwrap();
    assert_eq!(records(&again, 3), [b"Erika Muster 3".to_vec()]);
    run(again.close());
    assert_eq!(verify(dir.path(), None).unwrap().erased, 4);
}

#[test]
fn only_what_has_ended_is_erased_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let open_case = run(erase(&store, 3));
    assert!(matches!(open_case, Err(CommitError::Invalid(_))));
    run(erase(&store, 1)).unwrap();
    for case in [1, 7] {
        let nothing = run(erase(&store, case));
        assert!(matches!(
            nothing,
            Err(CommitError::Conflict { current: None })
        ));
    }
    let silent = run(store.erase(&case_id(2), entry("note")));
    assert!(matches!(silent, Err(CommitError::Invalid(_))));
    let later = run(store.commit(step(1, 2, CaseState::Concluded)));
    assert_eq!(later.unwrap_err(), CommitError::Conflict { current: None });
    assert_eq!(records(&store, 3).len(), 1);
}

#[test]
fn a_damaged_key_stops_the_erasure_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    let db = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    db.execute("UPDATE entry SET key = x'00' WHERE idx = 4", [])
        .unwrap();
    drop(db);
    let store = open(dir.path());
    let CommitError::Keys(what) = run(erase(&store, 1)).unwrap_err() else {
        panic!("it is refused");
    };
    assert_eq!(what, "the key of entry 4 is damaged; verify the store");
    assert_eq!(records(&store, 1).len(), 2, "nothing is erased");
    let next = Transaction {
        entries: vec![entry("note")],
        ..Transaction::default()
    };
    run(store.commit(next)).unwrap();
    run(store.close());
    let again = open(dir.path());
    assert_eq!(records(&again, 1).len(), 2);
    assert!(run(again.record(5)).unwrap().is_some());
}

#[test]
fn an_erasure_after_one_that_failed_reaches_copies_made_in_between() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    let damage = |key: &str| {
        let db = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
        let sql = format!("UPDATE entry SET key = {key} WHERE idx = 4");
        db.execute(&sql, []).unwrap();
    };
    let db = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    let kept = "SELECT 'x''' || hex(key) || '''' FROM entry WHERE idx = 4";
    let kept: String = db.query_row(kept, [], |row| row.get(0)).unwrap();
    drop(db);
    damage("x'00'");
    let first = open(dir.path());
    run(erase(&first, 1)).unwrap_err();
    // Recorded under the generation that the erasure began.
    run(first.commit(submission(7))).unwrap();
    run(first.close());
    damage(&kept);
    let backup = super::copy(dir.path());
    let second = open(dir.path());
    run(erase(&second, 1)).unwrap();
    run(second.close());
    let keys = fs::read_to_string(dir.path().join("vault.key")).unwrap();
    assert_eq!(keys.lines().count(), 1, "{keys}");
    // The key of today opens nothing of then.
    fs::copy(
        dir.path().join("vault.key"),
        backup.path().join("vault.key"),
    )
    .unwrap();
    let mut archive = crate::Archive::open(backup.path(), None, crate::Period::default()).unwrap();
    let cases = archive.next(9).unwrap();
    assert!(
        cases.iter().all(|case| case.records.is_empty()),
        "{}",
        cases.len()
    );
}

#[test]
fn a_key_that_an_erasure_left_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    run(erase(&store, 1)).unwrap();
    run(store.close());
    let db = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    db.execute(
        "UPDATE entry SET key = (SELECT key FROM entry WHERE idx = 4) WHERE idx = 0",
        [],
    )
    .unwrap();
    drop(db);
    let flaw = verify(dir.path(), None).unwrap_err();
    assert!(
        flaw.to_string().contains("the key of it is still there"),
        "{flaw}"
    );
}

#[test]
fn a_database_of_another_version_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("comity.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE theirs (a); PRAGMA user_version = 99")
        .unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let refused = Store::open(dir.path(), key(), &quiet()).err().unwrap();
    assert!(matches!(refused, crate::OpenError::Foreign), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_erasure_whose_old_key_stays_is_told_as_one_that_took_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.inner.vault.begin_next().unwrap();
    // From here on the key file cannot be written.
    let next = dir.path().join("vault.next");
    fs::create_dir(&next).unwrap();
    let CommitError::OldKey(why) = run(erase(&store, 1)).unwrap_err() else {
        panic!("it took place, and not as a whole");
    };
    assert!(why.contains("could not be written"), "{why}");
    assert_eq!(records(&store, 1), Vec::<Vec<u8>>::new());
    run(store.close());
    fs::remove_dir(&next).unwrap();
    run(open(dir.path()).close());
    let keys = fs::read_to_string(dir.path().join("vault.key")).unwrap();
    assert_eq!(keys.lines().count(), 1, "the old key is gone");
    assert_eq!(verify(dir.path(), None).unwrap().erased, 2);
}

#[test]
fn without_the_key_file_the_entries_are_still_verified() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    fs::remove_file(dir.path().join("vault.key")).unwrap();
    let report = verify(dir.path(), Some(key().verifier())).unwrap();
    assert!(!report.opened);
    let opened = Store::open(dir.path(), key(), &crate::Options::default());
    let error = opened.err().unwrap();
    assert_eq!(error.to_string(), "cannot open or seal records");
}

#[test]
fn a_change_of_keys_cut_short_is_ended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault.key");
    run(store(dir.path()).close());
    let before = fs::read_to_string(&path).unwrap();
    let lines = |file: &str| file.lines().count();
    // Before the database changed: the next key goes again.
    let next = before.replacen('1', "2", 1).replace('a', "b");
    fs::write(&path, format!("{before}{next}")).unwrap();
    run(open(dir.path()).close());
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    // After it: the old key goes.
    let again = open(dir.path());
    run(erase(&again, 1)).unwrap();
    run(again.close());
    let after = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}{after}")).unwrap();
    assert_eq!(lines(&fs::read_to_string(&path).unwrap()), 2);
    let last = open(dir.path());
    assert_eq!(records(&last, 2).len(), 2);
    run(last.close());
    assert_eq!(fs::read_to_string(&path).unwrap(), after);
}
