//! Personal values: found by whoever knows them, confirmed, made again when lost, and
//! nowhere once erased.

use std::{fs, path::Path};

use comity_domain::CaseState;
use comity_ledger::Leaf;
use ring::hmac;
use rusqlite::Connection;

use super::{at, case_id, copy, key, open, run, step, submission};
use crate::{
    CommitError, ERASURE, Entry, ReadError, Search, Store, Term, Transaction, queue::Op,
    vault::Vault, verify,
};

/// The values of a record: every line of it.
fn extract(_: &Leaf, record: &[u8]) -> Vec<Term> {
    let text = String::from_utf8_lossy(record);
    text.lines().map(term).collect()
}

fn term(value: &str) -> Term {
    Term::new("name", value.to_owned())
}

fn recorded(mut transaction: Transaction, text: &str) -> Transaction {
    transaction.entries[0].record = text.as_bytes().to_vec();
    transaction.terms = extract(&transaction.entries[0].leaf, text.as_bytes());
    transaction.enqueue.clear();
    transaction
}

/// Three cases; Erika is in the first and the third, Max in the second alone. The first
/// two have ended.
fn store(dir: &Path) -> Store {
    let store = open(dir);
    run(async {
        for (case, text) in [(1, "erika\nada"), (2, "max"), (3, "erika\nerika")] {
            let opened = recorded(submission(case), text);
            store.commit(opened).await.unwrap();
        }
        for case in [1, 2] {
            let end = recorded(step(case, 1, CaseState::Concluded), "");
            store.commit(end).await.unwrap();
        }
    });
    store
}

fn search(store: &Store, value: &str) -> Result<Vec<u64>, ReadError> {
    let what = Search {
        limit: 9,
        ..Search::default()
    };
    let found = run(store.search_personal(what, term(value), extract))?;
    Ok(found.entries.iter().map(|entry| entry.index).collect())
}

fn rebuild(store: &Store) {
    while run(store.index_more(extract)).unwrap().is_some() {}
}

fn change(dir: &Path, sql: &str) {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    db.execute_batch(sql).unwrap();
}

fn erase(store: &Store, case: u64) {
    let mut leaf = Leaf::new(at(9), ERASURE, "clerk");
    leaf.case = Some(case_id(case).to_string());
    let entry = Entry {
        leaf,
        record: Vec::new(),
    };
    run(store.erase(&case_id(case), entry)).unwrap();
}

#[test]
fn an_entry_is_found_by_every_value_of_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    let check = |store: &Store| {
        assert_eq!(search(store, "erika").unwrap(), [0, 2]);
        assert_eq!(search(store, "max").unwrap(), [1]);
        assert_eq!(search(store, "erik").unwrap(), [0; 0]);
    };
    check(&first);
    assert_eq!(run(first.indexed()).unwrap().values, 4);
    run(first.close());
    let again = open(dir.path());
    assert!(run(again.indexed()).unwrap().is_complete());
    check(&again);
    // Only of the State's own matters, and page by page.
    let of = |state: &str, limit| {
        let what = Search {
            involving: Some(state.parse().unwrap()),
            limit,
            ..Search::default()
        };
        run(again.search_personal(what, term("erika"), extract)).unwrap()
    };
    assert_eq!(of("DE", 9).entries.len(), 2);
    assert_eq!(of("FR", 1).next.unwrap().last, 0);
    assert!(of("IT", 9).entries.is_empty());
}

#[test]
fn what_the_index_names_is_opened_before_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    change(
        dir.path(),
        "CREATE TEMP TABLE moved AS SELECT 1 - idx AS idx, tags FROM blind WHERE idx < 2; \
         DELETE FROM blind WHERE idx < 2; INSERT INTO blind SELECT idx, tags FROM moved",
    );
    let moved = open(dir.path());
    assert_eq!(search(&moved, "erika").unwrap(), [2]);
    run(moved.close());
    // A record in the place of another is no evidence either.
    change(
        dir.path(),
        "UPDATE entry SET (key, sealed) = (SELECT key, sealed FROM entry WHERE idx = 0) \
         WHERE idx = 1",
    );
    let swapped = search(&open(dir.path()), "erika").unwrap_err();
    assert_eq!(
        swapped.to_string(),
        "the stored record is damaged; verify the store"
    );
}

#[test]
fn a_lost_index_is_noticed_and_made_again() {
    let lost = [
        "DELETE FROM blind WHERE idx = 1",
        "UPDATE blind SET tags = zeroblob(8) WHERE idx = 1",
        "DELETE FROM blind_state",
        "UPDATE blind_state SET key = x'00'",
        // As the version before left it.
        "DROP TABLE blind; DROP TABLE blind_state; PRAGMA user_version = 4",
    ];
    for sql in lost {
        let dir = tempfile::tempdir().unwrap();
        run(store(dir.path()).close());
        change(dir.path(), sql);
        let store = open(dir.path());
        let unindexed = search(&store, "max").unwrap_err();
        assert!(matches!(unindexed, ReadError::Unindexed), "{sql}");
        // What comes meanwhile is indexed as it comes.
        run(store.commit(recorded(submission(4), "max"))).unwrap();
        rebuild(&store);
        assert_eq!(search(&store, "max").unwrap(), [1, 5], "{sql}");
        assert_eq!(search(&store, "erika").unwrap(), [0, 2], "{sql}");
        assert_eq!(run(store.indexed()).unwrap().values, 5, "{sql}");
        run(store.close());
        verify(dir.path(), Some(key().verifier())).unwrap();
    }
}

#[test]
fn making_it_again_gives_what_recording_gave() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let before = run(store.indexed()).unwrap();
    run(store.clear_index()).unwrap();
    assert!(matches!(search(&store, "max"), Err(ReadError::Unindexed)));
    rebuild(&store);
    assert_eq!(run(store.indexed()).unwrap().values, before.values);
    assert_eq!(search(&store, "erika").unwrap(), [0, 2]);
    let span = (0, 1);
    let found = vec![(0, vec![term("planted")])];
    let refused = run(store.ask(|reply| Op::Index { span, found, reply }));
    assert_eq!(refused, Err(CommitError::Conflict { current: None }));
    assert_eq!(search(&store, "planted").unwrap(), [0; 0]);
}

#[test]
fn no_copy_of_the_index_confirms_a_guess_at_what_was_erased() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    run(first.publish()).unwrap();
    // With its write-ahead log.
    let backup = copy(dir.path());
    let guesses = ["ada", "max"];
    assert!(confirms(dir.path(), &guesses, &[dir.path(), backup.path()]));
    erase(&first, 1);
    erase(&first, 2);
    let places = [dir.path(), backup.path()];
    assert!(
        !confirms(dir.path(), &guesses, &places),
        "before it is made again"
    );
    rebuild(&first);
    assert_eq!(search(&first, "erika").unwrap(), [2]);
    for guess in guesses {
        assert_eq!(search(&first, guess).unwrap(), [0; 0]);
    }
    for when in ["while in use", "closed"] {
        assert!(!confirms(dir.path(), &guesses, &places), "{when}");
        assert!(confirms(dir.path(), &["erika"], &[dir.path()]), "{when}");
        // The key file that is left opens the index of no copy.
        fs::copy(
            dir.path().join("vault.key"),
            backup.path().join("vault.key"),
        )
        .unwrap();
        assert!(index_key(backup.path()).is_none(), "{when}");
        if when == "while in use" {
            run(first.clone().close());
        }
    }
    let report = verify(dir.path(), Some(key().verifier())).unwrap();
    assert_eq!(report.erased, 4);
}

/// Whether the key of the index that there is in `dir` confirms any guess by a tag in any
/// file of `places`.
fn confirms(dir: &Path, guesses: &[&str], places: &[&Path]) -> bool {
    let Some(key) = index_key(dir) else {
        return false;
    };
    let files = places.iter().flat_map(|place| super::erase::files(place));
    let contents: Vec<_> = files.map(|path| fs::read(path).unwrap()).collect();
    guesses.iter().any(|guess| {
        let tag = term(guess).tag(&key).to_be_bytes();
        contents
            .iter()
            .any(|bytes| bytes.windows(8).any(|at| at == tag))
    })
}

fn index_key(dir: &Path) -> Option<hmac::Key> {
    let vault = Vault::open(dir.join("vault.key"), false).unwrap();
    let db = Connection::open(dir.join("comity.db")).unwrap();
    let wrapped: Vec<u8> = db
        .query_row("SELECT key FROM blind_state", [], |row| row.get(0))
        .unwrap();
    vault.index_key(&wrapped)
}
