//! The oldest entries pruned: rows, records, bundles and what hangs on them.

use std::{fs, path::Path};

use comity_domain::CaseState;
use comity_ledger::{
    Checkpoint, Leaf, PRUNING, Pruned, prove, prove_extension, verify_extension, verify_proof,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{at, case_id, copy, entry, erase::erase, key, open, run, step, submission, try_open};
use crate::{
    Archive, CommitError, Entry, EntryFilter, InTheWay, LEGAL_HOLD, LEGAL_HOLD_LIFTED, OpenError,
    Page, Period, PublicationError, Store, Transaction, Why, verify,
};

/// Prunes up to an index.
async fn prune(store: &Store, below: u64) -> Result<u64, CommitError> {
    let mut leaf = Leaf::new(at(20), PRUNING, "clerk");
    leaf.prunes = Some(below);
    let record = b"the period of logs is over".to_vec();
    let pruned = store.prune(below, Entry { leaf, record }).await?;
    Ok(pruned.receipts[0].index)
}

async fn note(store: &Store, text: &str) {
    let mut one = entry("note");
    one.leaf.note = Some(text.to_owned());
    let one = Transaction {
        entries: vec![one],
        ..Transaction::default()
    };
    store.commit(one).await.unwrap();
}

async fn fill(store: &Store, until: u64) {
    while *store.watch().borrow() < until {
        note(store, "Secretly").await;
    }
}

/// A store of 601 entries. Case 1 was opened, ended and erased at the beginning; case 2
/// was opened at the beginning, and ended and was erased in the third bundle, under a hold
/// meanwhile; case 3 was opened in the second; nothing ended it.
fn store(dir: &Path) -> Store {
    let store = open(dir);
    run(async {
        let open = async |case| {
            let mut opened = submission(case);
            opened.enqueue.clear();
            opened.entries[0].record = b"Erika Muster".to_vec();
            store.commit(opened).await.unwrap();
        };
        open(1).await;
        open(2).await;
        store
            .commit(step(1, 1, CaseState::Concluded))
            .await
            .unwrap();
        erase(&store, 1).await.unwrap();
        let hold = said(&store, LEGAL_HOLD, None).await;
        fill(&store, 400).await;
        open(3).await;
        fill(&store, 520).await;
        store
            .commit(step(2, 1, CaseState::Concluded))
            .await
            .unwrap();
        said(&store, LEGAL_HOLD_LIFTED, Some(hold)).await;
        erase(&store, 2).await.unwrap();
        fill(&store, 600).await;
        store.publish().await.unwrap();
    });
    store
}

/// That store at rest, before and after its first bundle was pruned.
fn before_and_after() -> (TempDir, TempDir) {
    let before = tempfile::tempdir().unwrap();
    run(store(before.path()).close());
    let after = copy(before.path());
    let store = open(after.path());
    run(prune(&store, 256)).unwrap();
    run(store.close());
    (before, after)
}

/// A hold over case 2, or its lifting.
async fn said(store: &Store, kind: &str, lifts: Option<u64>) -> u64 {
    let mut leaf = Leaf::new(at(9), kind, "clerk");
    leaf.case = Some(case_id(2).to_string());
    leaf.lifts = lifts;
    let entry = Entry {
        leaf,
        record: b"by order of the court".to_vec(),
    };
    let said = Transaction {
        entries: vec![entry],
        ..Transaction::default()
    };
    store.commit(said).await.unwrap().receipts[0].index
}

fn pruned(entry: u64, below: u64) -> Option<Pruned> {
    let at = at(20);
    Some(Pruned { below, entry, at })
}

fn database(dir: &Path) -> Connection {
    Connection::open(dir.join("comity.db")).unwrap()
}

fn flaw(dir: &Path) -> String {
    verify(dir, Some(key().verifier())).unwrap_err().to_string()
}

#[test]
fn what_is_pruned_is_gone_and_all_else_stays_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    let path = dir.path();
    let proof = run(first.receipt(3)).unwrap().unwrap();
    assert_eq!(run(prune(&first, 256)), Ok(600));
    // What is published goes last.
    assert!(path.join("ledger/tile/entries/000").exists());
    let report = verify(path, Some(key().verifier())).unwrap();
    assert_eq!(
        (report.pruned, report.ledger.pruned),
        (pruned(600, 256), pruned(600, 256))
    );
    assert_eq!(run(first.publish()).unwrap(), 601);
    assert!(!path.join("ledger/tile/entries/000").exists());
    assert_eq!(first.health().pruned, 256);
    run(async {
        let rows = first
            .entries(Page::From(0), EntryFilter::default(), 2)
            .await;
        assert_eq!(rows.unwrap()[0].index, 256);
        assert_eq!(first.record(3).await.unwrap(), None);
        // Cases that were opened there are shown to nobody; one that is left is.
        for case in [1, 2] {
            assert!(first.case(&case_id(case)).await.unwrap().is_none());
        }
        let left = first.case(&case_id(3)).await.unwrap().unwrap();
        assert_eq!(left.records, [b"Erika Muster"]);
        let listed = first.list(crate::CaseFilter::default(), None, 10).await;
        assert_eq!(listed.unwrap().len(), 1);
        // The index of personal values is made again of what is left.
        let extractor = super::blind::EXTRACTOR;
        while first.index_more(extractor).await.unwrap().is_some() {}
        assert!(first.indexed().await.unwrap().is_complete());
        // What was asked long ago can be asked anew.
        let mut again = submission(11);
        again.key = submission(1).key;
        first.commit(again).await.unwrap();
        let mut late = step(2, 2, CaseState::Concluded);
        late.entries[0].leaf.kind = "late".into();
        let late = first.commit(late).await.unwrap_err();
        assert_eq!(late, CommitError::Conflict { current: None });
    });
    verify_proof(&proof, key().verifier()).unwrap();
    run(first.close());
    let check = || {
        let report = verify(path, Some(key().verifier())).unwrap();
        assert_eq!(report.pruned, pruned(600, 256));
        assert_eq!(report.ledger.pruned, pruned(600, 256));
        assert_eq!((report.entries, report.unpublished), (602, 0));
        // Of case 2 the end and the lifting are left, this with its record, and its row.
        assert_eq!((report.erased, report.cases, report.legal_holds), (1, 3, 0));
    };
    check();
    run(open(path).close());
    check();
    let ledger = path.join("ledger");
    for index in [0, 3, 255, 256, 601] {
        let proof = prove(&ledger, index).unwrap().unwrap();
        verify_proof(&proof, key().verifier()).unwrap();
    }
    let old = fs::read(ledger.join("checkpoints/600")).unwrap();
    let old = Checkpoint::open(&old, key().verifier()).unwrap();
    let extension = prove_extension(&ledger, 600).unwrap().unwrap();
    verify_extension(&old, &extension, key().verifier()).unwrap();
}

#[test]
fn nothing_of_what_was_pruned_is_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        note(&store, "Klaus").await;
        fill(&store, 300).await;
        store.publish().await.unwrap();
    });
    let holders = |text: &str| {
        let files = super::erase::files(dir.path());
        let holds = |file: &std::path::PathBuf| {
            let bytes = fs::read(file).unwrap();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        files.into_iter().filter(holds).collect::<Vec<_>>()
    };
    assert!(holders("Klaus").len() > 1);
    let backup = copy(dir.path());
    run(prune(&store, 256)).unwrap();
    run(store.close());
    assert_eq!(holders("Klaus"), Vec::<std::path::PathBuf>::new());
    assert!(!holders("Secretly").is_empty());
    // The records in a copy from before do not open with the key of today.
    verify(backup.path(), None).unwrap();
    fs::copy(
        dir.path().join("vault.key"),
        backup.path().join("vault.key"),
    )
    .unwrap();
    assert!(flaw(backup.path()).contains("opens none of the records"));
}

#[test]
fn it_goes_as_far_as_cases_are_erased_and_says_what_stands_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let archive = || Archive::open(dir.path(), None, Period::default()).unwrap();
    let what = |before, signed| archive().prunable(at(before), signed, &[]).unwrap();
    let all = what(30, 600);
    assert_eq!((all.from, all.below, all.wanted), (0, 256, 512));
    let open = InTheWay {
        case: case_id(3).to_string(),
        first: 400,
        why: Why::UnderWay,
    };
    assert_eq!(all.in_the_way, std::slice::from_ref(&open));
    // Neither what is not signed nor what is younger.
    assert_eq!(what(30, 511).below, 256);
    assert_eq!(what(30, 511).in_the_way, []);
    assert_eq!(what(0, 600).below, 0);
    // Of what was erased something may be stored elsewhere.
    let stored = [2, 3, 7].map(|case| case_id(case).to_string());
    let stored = archive().prunable(at(30), 600, &stored).unwrap();
    assert_eq!(stored.below, 0);
    let first = InTheWay {
        case: case_id(2).to_string(),
        first: 1,
        why: Why::Stored,
    };
    assert_eq!(stored.in_the_way, [first, open]);
    // The store refuses what would go too far.
    for below in [0, 100, 512, 768, u64::MAX] {
        let refused = run(prune(&store, below));
        assert!(
            matches!(refused, Err(CommitError::Invalid(_))),
            "{below}: {refused:?}"
        );
    }
    let silent = run(store.prune(256, entry("note")));
    assert!(matches!(silent, Err(CommitError::Invalid(_))));
    assert_eq!(
        run(store.entries(Page::From(0), EntryFilter::default(), 1)).unwrap()[0].index,
        0
    );
    // A case that has ended is named with its holds; then it is erased, and gone.
    run(async {
        store
            .commit(step(3, 1, CaseState::Concluded))
            .await
            .unwrap();
        store.publish().await.unwrap();
        let why = |all: crate::Prunable| all.in_the_way[0].why.clone();
        assert_eq!(why(what(30, 600)), Why::NotErased);
        let mut hold = entry(LEGAL_HOLD);
        hold.leaf.case = Some(case_id(3).to_string());
        let hold = Transaction {
            entries: vec![hold],
            ..Transaction::default()
        };
        let hold = store.commit(hold).await.unwrap().receipts[0].index;
        assert_eq!(why(what(30, 600)), Why::Held(vec![hold]));
    });
    assert_eq!(run(prune(&store, 256)), Ok(602));
    assert!(matches!(
        run(prune(&store, 256)),
        Err(CommitError::Invalid(_))
    ));
    run(store.close());
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_second_pruning_takes_the_first_along() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    run(async {
        prune(&store, 256).await.unwrap();
        store
            .commit(step(3, 1, CaseState::Concluded))
            .await
            .unwrap();
        erase(&store, 3).await.unwrap();
        fill(&store, 800).await;
        store.publish().await.unwrap();
        assert_eq!(prune(&store, 768).await, Ok(800));
        store.close().await;
    });
    let report = verify(dir.path(), Some(key().verifier())).unwrap();
    assert_eq!((report.pruned, report.cases), (pruned(800, 768), 0));
    assert_eq!(report.ledger.pruned, pruned(800, 768));
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        database(dir.path())
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(
        [rows("entry"), rows("cases"), rows("request_key")],
        [33, 0, 0]
    );
    run(open(dir.path()).close());
    verify(dir.path(), None).unwrap();
}

/// The process dies between rows, publication and files: each next start goes on.
#[test]
fn a_pruning_cut_short_is_ended_at_the_next_start() {
    let (before, dir) = before_and_after();
    let bundles = |dir: &Path| dir.join("ledger/tile/entries/000").exists();
    assert!(!bundles(dir.path()));
    let ended = |dir: &Path| {
        verify(dir, Some(key().verifier())).unwrap();
        run(open(dir).close());
        assert!(!bundles(dir));
        let report = verify(dir, Some(key().verifier())).unwrap();
        assert_eq!((report.pruned, report.unpublished), (pruned(600, 256), 0));
    };
    // Signed, and some files are still there.
    let cut = copy(dir.path());
    let bundle = "ledger/tile/entries/000";
    fs::copy(before.path().join(bundle), cut.path().join(bundle)).unwrap();
    fs::create_dir(cut.path().join("ledger/tile/entries/000.p")).unwrap();
    fs::write(cut.path().join("ledger/tile/entries/.000"), b"entries").unwrap();
    ended(cut.path());
    assert!(!cut.path().join("ledger/tile/entries/.000").exists());
    // The entry is signed, and nothing is gone yet: who wants it gone says so again.
    let said = copy(before.path());
    let store = open(said.path());
    let mut leaf = Leaf::new(at(20), PRUNING, "clerk");
    leaf.prunes = Some(256);
    let order = Transaction {
        entries: vec![Entry {
            leaf,
            record: Vec::new(),
        }],
        ..Transaction::default()
    };
    run(store.commit(order)).unwrap();
    run(store.close());
    let report = verify(said.path(), Some(key().verifier())).unwrap();
    assert_eq!((report.pruned, report.unpublished), (None, 0));
    let store = open(said.path());
    assert!(bundles(said.path()));
    assert_eq!(run(prune(&store, 256)), Ok(601));
    run(store.close());
    let report = verify(said.path(), Some(key().verifier())).unwrap();
    assert_eq!(report.pruned, pruned(601, 256));
    // Rows that no signed entry explains, though one says so: that is nobody's pruning.
    let cut = copy(dir.path());
    fs::remove_dir_all(cut.path().join("ledger")).unwrap();
    super::copy_into(&before.path().join("ledger"), &cut.path().join("ledger"));
    database(cut.path())
        .execute(
            "UPDATE head SET size = 600, note = ?1",
            [fs::read(before.path().join("ledger/checkpoint")).unwrap()],
        )
        .unwrap();
    let told = flaw(cut.path());
    assert!(told.contains("refers to a row that is not there"), "{told}");
    let error = try_open(cut.path()).unwrap_err();
    assert!(
        matches!(error, OpenError::Publication(PublicationError::Gap(0))),
        "{error:?}"
    );
    // Other files of the ledger are lost too: they are made of the hashes and the rows.
    let cut = copy(dir.path());
    fs::remove_dir_all(cut.path().join("ledger/tile/1")).unwrap();
    fs::remove_dir_all(cut.path().join("ledger/tile/entries")).unwrap();
    run(open(cut.path()).close());
    verify(cut.path(), Some(key().verifier())).unwrap();
    // The hashes themselves cannot be.
    fs::remove_dir_all(cut.path().join("ledger/tile/0")).unwrap();
    let error = try_open(cut.path()).unwrap_err();
    let OpenError::Publication(PublicationError::Publish(why)) = error else {
        panic!("{error:?}");
    };
    assert!(why.to_string().contains("restore it from a copy"), "{why}");
}

#[test]
fn what_is_missing_without_such_an_entry_is_found() {
    let dir = tempfile::tempdir().unwrap();
    run(store(dir.path()).close());
    // By hand, and nobody said so.
    let by_hand = copy(dir.path());
    let db = database(by_hand.path());
    db.pragma_update(None, "foreign_keys", false).unwrap();
    let rows = [
        "request_key WHERE idx",
        "cases WHERE opened",
        "entry WHERE idx",
    ];
    for rows in rows {
        db.execute(&format!("DELETE FROM {rows} < 256"), [])
            .unwrap();
    }
    drop(db);
    assert!(
        flaw(by_hand.path()).contains("(entry 0): the row is missing"),
        "{}",
        flaw(by_hand.path())
    );
    let error = try_open(by_hand.path()).unwrap_err();
    assert!(
        matches!(error, OpenError::Publication(PublicationError::Gap(0))),
        "{error:?}"
    );
}

#[test]
fn what_is_changed_after_a_pruning_is_found() {
    let (before, dir) = before_and_after();
    verify(dir.path(), None).unwrap();
    let after = |change: &str, expected: &str| {
        let copy = copy(dir.path());
        let db = database(copy.path());
        db.pragma_update(None, "foreign_keys", false).unwrap();
        assert!(db.execute(change, []).unwrap() > 0, "{change}");
        drop(db);
        let told = flaw(copy.path());
        assert!(told.contains(expected), "{change}: {told}");
    };
    after(
        "DELETE FROM entry WHERE idx = 256",
        "(entry 256): the row is missing",
    );
    after(
        "DELETE FROM entry WHERE idx < 300",
        "(entry 256): the row is missing",
    );
    after(
        "DELETE FROM entry WHERE idx = 600",
        "(entry 600): the row is missing, which says",
    );
    after(
        "UPDATE entry SET idx = 255 WHERE idx = 256",
        "refers to a row that is not there",
    );
    // The row of the case that was cut, and of the one that was not.
    let two = case_id(2);
    after(
        &format!("DELETE FROM cases WHERE id = '{two}'"),
        "the case it belongs to is missing",
    );
    after(
        &format!("UPDATE cases SET owner = 'x' WHERE id = '{two}'"),
        "is not what its last",
    );
    after(
        &format!("UPDATE cases SET version = 1 WHERE id = '{two}'"),
        "column `version`",
    );
    after(
        &format!("UPDATE cases SET opened = 520 WHERE id = '{two}'"),
        "column `version`",
    );
    after(
        "UPDATE cases SET opened = 5 WHERE opened = 400",
        "column `version`",
    );
    after(
        "DELETE FROM request_key WHERE idx = 400",
        "`request_key` has 0 rows",
    );
    // A database from before beside the ledger of today.
    fs::copy(
        before.path().join("comity.db"),
        dir.path().join("comity.db"),
    )
    .unwrap();
    let told = flaw(dir.path());
    assert!(told.contains("tell different stories"), "{told}");
}
