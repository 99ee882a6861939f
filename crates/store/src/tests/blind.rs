//! Personal values: found by whoever knows them, confirmed, made again when lost, and
//! nowhere once erased.

use std::{fs, path::Path};

use comity_domain::CaseState;
use comity_ledger::Leaf;
use ring::hmac;
use rusqlite::Connection;

use super::{at, case_id, copy, key, of_version, open, quiet, run, step, submission};
use crate::{
    Archive, CommitError, Cursor, ERASURE, Entry, Extractor, Options, Period, ReadError, Reading,
    Search, Store, Term, Transaction, blind,
    queue::{Batch, Op},
    vault::Vault,
    verify, verify_watched,
};

pub(super) const EXTRACTOR: Extractor = Extractor {
    number: 0,
    terms: extract,
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
    let found = run(store.search_personal(what, vec![term(value)], EXTRACTOR))?;
    Ok(found.entries.iter().map(|entry| entry.index).collect())
}

fn rebuild(store: &Store) {
    while run(store.index_more(EXTRACTOR)).unwrap().is_some() {}
}

fn change(dir: &Path, sql: &str) {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(sql).unwrap();
}

/// Makes the sum fit whatever was changed.
fn adjust(dir: &Path) {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    let blind::Sum { tags, sum } = blind::count(&db).unwrap();
    db.execute("UPDATE blind_state SET tags = ?1, sum = ?2", [tags, sum])
        .unwrap();
}

fn offline(dir: &Path, value: &str) -> Result<usize, ReadError> {
    let mut archive = Archive::open(dir, None, Period::default()).unwrap();
    let what = Search {
        limit: 9,
        ..Search::default()
    };
    let found = archive.search_personal(&what, &[term(value)], EXTRACTOR)?;
    Ok(found.entries.len())
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
        run(again.search_personal(what, vec![term("erika")], EXTRACTOR)).unwrap()
    };
    assert_eq!(of("DE", 9).entries.len(), 2);
    assert_eq!(of("FR", 1).next.unwrap().last, 0);
    assert!(of("IT", 9).entries.is_empty());
}

#[test]
fn a_page_is_one_of_its_own_search() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let page = |value: &str, change: &dyn Fn(&mut Search)| {
        let mut what = Search {
            limit: 1,
            ..Search::default()
        };
        change(&mut what);
        run(store.search_personal(what, vec![term(value)], EXTRACTOR))
    };
    let after = page("erika", &|_| ()).unwrap().next;
    assert_eq!(after.unwrap().last, 0);
    let second = page("erika", &|what| what.after = after).unwrap();
    assert_eq!((second.entries[0].index, second.next), (2, None));
    let bare = after.map(|after| Cursor { of: None, ..after });
    for foreign in [
        page("max", &|what| what.after = after),
        page("erika", &|what| what.after = bare),
        page("erika", &|what| {
            what.after = after;
            what.filter.kind = Some("step".to_owned());
        }),
        page("erika", &|what| {
            what.after = after;
            what.order.descending = true;
        }),
        page("erika", &|what| {
            what.after = after;
            what.involving = Some("FR".parse().unwrap());
        }),
    ] {
        assert!(
            matches!(foreign, Err(ReadError::OtherSearch)),
            "{foreign:?}"
        );
    }
    // With an erasure the index gets another key, and no page of before goes on.
    erase(&store, 2);
    rebuild(&store);
    let before = page("erika", &|what| what.after = after);
    assert!(matches!(before, Err(ReadError::OtherSearch)), "{before:?}");
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
    assert!(matches!(
        offline(dir.path(), "erika"),
        Err(ReadError::Unindexed)
    ));
    adjust(dir.path());
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
        "UPDATE blind SET idx = idx + 100 WHERE idx = 1",
        "UPDATE blind SET idx = -1 WHERE idx = 1",
        "UPDATE blind_state SET next = -1",
        "UPDATE blind_state SET extractor = 7",
        // As the version before left it.
        &of_version(4),
    ];
    for sql in lost {
        let dir = tempfile::tempdir().unwrap();
        run(store(dir.path()).close());
        change(dir.path(), sql);
        // Read as it lies there.
        assert!(offline(dir.path(), "max").is_err(), "{sql}");
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
    let old = wrapped_key(dir.path());
    let plant = |key: &[u8]| {
        let (span, key) = ((0, 1), key.to_vec());
        let found = vec![(0, vec![term("planted")])];
        let batch = Batch { span, key, found };
        run(store.ask(|reply| Op::Index(batch, reply)))
    };
    let elsewhere = Err(CommitError::Conflict { current: None });
    assert_eq!(plant(&old), elsewhere);
    // What was read before an erasure is not written under the key drawn by it.
    run(store.clear_index()).unwrap();
    assert_eq!(plant(&old), elsewhere);
    assert_eq!(run(store.indexed()).unwrap().next, 0);
    rebuild(&store);
    assert_eq!(search(&store, "planted").unwrap(), [0; 0]);
}

#[test]
fn an_index_whose_key_is_lost_in_use_stops_no_recording() {
    for sql in [
        "UPDATE blind_state SET key = x'00'",
        "DELETE FROM blind_state",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        change(dir.path(), sql);
        run(store.commit(recorded(submission(4), "max"))).unwrap();
        assert!(matches!(search(&store, "max"), Err(ReadError::Unindexed)));
        rebuild(&store);
        assert_eq!(search(&store, "max").unwrap(), [1, 5], "{sql}");
        assert_eq!(search(&store, "erika").unwrap(), [0, 2], "{sql}");
    }
}

#[test]
fn a_changed_row_is_noticed_by_the_next_search() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    change(dir.path(), "DELETE FROM blind WHERE idx = 1");
    assert!(matches!(search(&store, "max"), Err(ReadError::Unindexed)));
    assert!(matches!(
        offline(dir.path(), "max"),
        Err(ReadError::Unindexed)
    ));
}

#[test]
fn every_bit_of_a_tag_and_its_place_count() {
    let of = |entries: [(u64, u64); 2]| {
        let mut sum = blind::Sum::default();
        for (index, tag) in entries {
            sum.add(index, &[tag.to_be_bytes()]);
        }
        sum
    };
    let [one, two] = [0x1234_5678_9abc_def0, 0x8765_4321_0fed_cba9];
    let whole = of([(6, one), (7, two)]);
    for bit in 0..64 {
        assert_ne!(of([(6, one ^ 1 << bit), (7, two)]), whole, "{bit}");
        assert_ne!(of([(6, one), (7, two ^ 1 << bit)]), whole, "{bit}");
    }
    assert_ne!(of([(7, one), (6, two)]), whole);
    assert_ne!(of([(6, one), (8, two)]), whole);
}

#[test]
fn another_extractor_makes_the_index_again() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    let newer = Extractor {
        number: 1,
        terms: |leaf, record| extract(leaf, &record.to_ascii_uppercase()),
    };
    let options = Options {
        extractor: 1,
        ..quiet()
    };
    let find = |store: &Store| {
        let what = Search {
            limit: 9,
            ..Search::default()
        };
        let found = run(store.search_personal(what, vec![term("MAX")], newer))?;
        Ok::<_, ReadError>(found.entries.len())
    };
    let old = open(dir.path());
    assert!(matches!(find(&old), Err(ReadError::Unindexed)));
    run(old.close());
    let store = Store::open(dir.path(), key(), &options).unwrap();
    assert!(matches!(find(&store), Err(ReadError::Unindexed)));
    while run(store.index_more(newer)).unwrap().is_some() {}
    assert_eq!(find(&store).unwrap(), 1);
    run(store.clear_index()).unwrap();
    while run(store.index_more(newer)).unwrap().is_some() {}
    assert_eq!(find(&store).unwrap(), 1, "cleared for the same one");
}

/// What a search cannot notice, since it believes number and sum.
#[test]
fn an_index_that_lost_values_and_says_so_itself_is_found_by_verification() {
    let reading = Reading {
        personal: Some(EXTRACTOR),
        ..Reading::default()
    };
    let checked = |dir: &Path| verify_watched((dir, None), (None, reading), &mut |_, _| {});
    for (sql, place) in [
        ("DELETE FROM blind", Some(0)),
        ("DELETE FROM blind WHERE idx = 1", Some(1)),
        ("UPDATE blind SET tags = zeroblob(8) WHERE idx = 2", Some(2)),
        ("INSERT INTO blind VALUES (4, zeroblob(8))", Some(4)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        run(store(dir.path()).close());
        checked(dir.path()).unwrap();
        change(dir.path(), sql);
        adjust(dir.path());
        let flaw = checked(dir.path()).unwrap_err();
        assert_eq!(flaw.entry, place, "{sql}: {flaw}");
        assert!(
            flaw.to_string().contains("`comity audit reindex`"),
            "{flaw}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let open = store(dir.path());
    run(open.clear_index()).unwrap();
    checked(dir.path()).expect("it is being made again, and says so");
    rebuild(&open);
    erase(&open, 1);
    checked(dir.path()).unwrap();
    rebuild(&open);
    run(open.close());
    checked(dir.path()).unwrap();
    change(dir.path(), "UPDATE blind_state SET sum = sum + 1");
    let flaw = checked(dir.path()).unwrap_err();
    assert!(flaw.what.contains("table `blind_state`"), "{flaw}");
}

#[test]
fn a_folder_of_the_version_before_is_read_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    change(dir.path(), &of_version(4));
    assert_eq!(verify(dir.path(), Some(key().verifier())).unwrap().cases, 3);
    let mut archive = Archive::open(dir.path(), None, Period::default()).unwrap();
    assert_eq!(archive.next(9).unwrap().len(), 3);
    let unindexed = offline(dir.path(), "max").unwrap_err();
    assert_eq!(
        unindexed.to_string(),
        "the index of personal values is not complete: have it made again by `comity audit reindex`"
    );
    let store = open(dir.path());
    rebuild(&store);
    assert_eq!(search(&store, "max").unwrap(), [1]);
    let db = Connection::open(dir.path().join("comity.db")).unwrap();
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'cases_emergency'";
    assert!(db.prepare(sql).unwrap().exists([]).unwrap());
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
        let tag = term(guess).tag(&key);
        contents
            .iter()
            .any(|bytes| bytes.windows(8).any(|at| at == tag))
    })
}

fn index_key(dir: &Path) -> Option<hmac::Key> {
    let vault = Vault::open(dir.join("vault.key"), None, false).unwrap();
    vault.index_key(&wrapped_key(dir))
}

fn wrapped_key(dir: &Path) -> Vec<u8> {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    db.query_row("SELECT key FROM blind_state", [], |row| row.get(0))
        .unwrap()
}
