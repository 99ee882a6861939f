//! Reading back: lists, events, entries, receipts; and the published ledger.

use std::{fs, path::Path, sync::mpsc};

use comity_domain::CaseState;
use comity_ledger::{Hash, verify_proof};

use super::{case_id, change, entry, key, open, run, state, step, submission, try_open};
use crate::{
    CaseFilter, CommitError, EntryFilter, Expected, OpenError, Order, Page, Party,
    PublicationError, Search, SortBy, Transaction, read, verify,
};

#[test]
fn lists_are_newest_first_and_their_pages_do_not_shift() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for n in 1..=5 {
            store.commit(submission(n)).await.unwrap();
        }
        let first = store.list(CaseFilter::default(), None, 2).await.unwrap();
        store.commit(submission(6)).await.unwrap();
        let second = store
            .list(CaseFilter::default(), Some(first[1].opened), 2)
            .await
            .unwrap();
        let ids: Vec<_> = first.iter().chain(&second).map(|case| &case.id).collect();
        assert_eq!(ids, [&case_id(5), &case_id(4), &case_id(3), &case_id(2)]);
    });
}

#[test]
fn a_party_sees_its_own_cases_and_those_asked_of_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for (n, owner, executing) in [
            (1, "sta-berlin", "FR"),
            (2, "tj-paris", "DE"),
            (3, "x", "IT"),
        ] {
            let mut transaction = submission(n);
            let case = transaction.case.as_mut().unwrap();
            case.owner = owner.into();
            case.executing.0 = state(executing);
            store.commit(transaction).await.unwrap();
        }
        let seen = async |filter: CaseFilter| {
            let cases = store.list(filter, None, 10).await.unwrap();
            cases.into_iter().map(|case| case.id).collect::<Vec<_>>()
        };
        let party = |executing: Option<&str>| CaseFilter {
            party: Some(Party {
                owner: "sta-berlin".into(),
                executing: executing.map(state),
            }),
            ..CaseFilter::default()
        };
        assert_eq!(seen(party(Some("DE"))).await, [case_id(2), case_id(1)]);
        assert_eq!(seen(party(None)).await, [case_id(1)]);
        let both = CaseFilter {
            executing: Some(state("DE")),
            ..party(Some("DE"))
        };
        assert_eq!(seen(both).await, [case_id(2)]);
        let none = CaseFilter {
            state: Some(CaseState::Refused),
            ..party(Some("DE"))
        };
        assert!(seen(none).await.is_empty());
    });
}

#[test]
fn events_are_numbered_within_their_case() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.commit(submission(2)).await.unwrap();
        store
            .commit(step(1, 1, CaseState::Delivering))
            .await
            .unwrap();
        store
            .commit(step(1, 2, CaseState::Acknowledged))
            .await
            .unwrap();
        let events = store.events(&case_id(1), 1, 10).await.unwrap();
        let seen: Vec<_> = events
            .iter()
            .map(|event| (event.sequence, event.index, event.leaf.state.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [(2, 2, Some("DELIVERING")), (3, 3, Some("ACKNOWLEDGED"))]
        );
    });
}

#[test]
fn the_event_of_a_version_is_found_among_entries_that_moved_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let mut aside = entry("evidence-stored");
        aside.leaf.case = Some(case_id(1).to_string());
        let aside = Transaction {
            entries: vec![aside],
            ..Transaction::default()
        };
        store.commit(aside).await.unwrap();
        store
            .commit(step(1, 1, CaseState::Delivering))
            .await
            .unwrap();
        let events = store.events(&case_id(1), 0, 10).await.unwrap();
        let places: Vec<_> = events.iter().map(|one| (one.sequence, one.index)).collect();
        assert_eq!(places, [(1, 0), (3, 2)], "what moved nothing has its place");
        for (after, left) in [(1, 1), (2, 1), (3, 0), (4, 0)] {
            let later = store.events(&case_id(1), after, 10).await.unwrap();
            assert_eq!(later, events[events.len() - left..]);
        }
        for (before, limit, which) in [
            (3, 10, &[1, 0][..]),
            (3, 1, &[1]),
            (2, 10, &[0]),
            (0, 10, &[]),
        ] {
            let found = store.events_before(&case_id(1), before, limit).await;
            let wanted: Vec<_> = which
                .iter()
                .map(|one: &usize| events[*one].clone())
                .collect();
            assert_eq!(found.unwrap(), wanted);
        }
        let of = |version| {
            let store = &store;
            async move { store.event_of(&case_id(1), version).await.unwrap() }
        };
        assert_eq!(of(1).await.as_ref(), events.first());
        assert_eq!(of(2).await.as_ref(), events.last());
        assert_eq!(of(2).await.unwrap().sequence, 3);
        assert_eq!(of(3).await, None);
    });
}

#[test]
fn what_one_query_reads_is_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let (begun, begins) = mpsc::channel();
        let (committed, commits) = mpsc::channel();
        let query = store.inner.readers.run(move |db, vault| {
            let before = read::case(db, vault, &case_id(1))?;
            begun.send(()).unwrap();
            commits.recv().unwrap();
            Ok((before, read::case(db, vault, &case_id(1))?))
        });
        let change = async {
            tokio::task::spawn_blocking(move || begins.recv().unwrap())
                .await
                .unwrap();
            let step = store.commit(step(1, 1, CaseState::Delivering)).await;
            committed.send(()).unwrap();
            step.unwrap()
        };
        let (read, _) = tokio::join!(query, change);
        let (before, after) = read.unwrap();
        assert_eq!(before, after);
        let now = store.case(&case_id(1)).await.unwrap().unwrap();
        assert_eq!((now.version, now.records.len()), (2, 2));
        assert_eq!(store.index_of(&case_id(1), 2).await.unwrap(), Some(1));
        assert_eq!(store.index_of(&case_id(1), 3).await.unwrap(), None);
    });
}

#[test]
fn what_is_committed_while_it_closes_is_published_or_refused() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        run(async {
            let busy = store.clone();
            let commits = tokio::spawn(async move {
                let mut committed = 0;
                while busy.commit(submission(committed + 1)).await.is_ok() {
                    committed += 1;
                }
                committed
            });
            tokio::task::yield_now().await;
            store.close().await;
            let committed = commits.await.unwrap();
            let report = verify(dir.path(), None).unwrap();
            assert_eq!((report.entries, report.unpublished), (committed, 0));
        });
    }
}

/// As where the disk was full when it was to be noted.
#[test]
fn a_signed_checkpoint_that_was_not_noted_is_noted_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(store.commit(submission(1))).unwrap();
    assert_eq!(run(store.publish()).unwrap(), 1);
    let db = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    db.execute("DELETE FROM head", []).unwrap();
    assert_eq!(run(store.publish()).unwrap(), 1);
    assert_eq!(read::head(&db).unwrap().map(|(size, _)| size), Some(1));
}

#[test]
fn what_depends_on_a_case_is_refused_once_that_has_moved() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let read = |case, version| Transaction {
        unmoved: Some((case_id(case), version)),
        entries: vec![entry("read")],
        ..Transaction::default()
    };
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.commit(read(1, 1)).await.unwrap();
        // Queued at once, and so perhaps of one group.
        let moved = step(1, 1, CaseState::Delivering);
        let (moved, late) = tokio::join!(store.commit(moved), store.commit(read(1, 1)));
        moved.unwrap();
        let current = Some(2);
        assert_eq!(late.unwrap_err(), CommitError::Conflict { current });
        store.commit(read(1, 2)).await.unwrap();
        let current = None;
        let none = store.commit(read(2, 1)).await.unwrap_err();
        assert_eq!(none, CommitError::Conflict { current });
        let filter = EntryFilter {
            kind: Some("read".into()),
            ..EntryFilter::default()
        };
        let entries = store.entries(Page::From(0), filter, 10).await.unwrap();
        let indexes: Vec<_> = entries.iter().map(|entry| entry.index).collect();
        assert_eq!(indexes, [1, 3]);
    });
}

#[test]
fn entries_are_found_by_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let mut read = entry("read");
        read.leaf.actor = "auditor".into();
        let read = Transaction {
            entries: vec![read],
            ..Transaction::default()
        };
        store.commit(read).await.unwrap();
        store.commit(submission(2)).await.unwrap();
        let indexes = async |page, filter| {
            let entries = store.entries(page, filter, 10).await.unwrap();
            entries.iter().map(|entry| entry.index).collect::<Vec<_>>()
        };
        let all = EntryFilter::default;
        assert_eq!(indexes(Page::From(1), all()).await, [1, 2]);
        assert_eq!(indexes(Page::Newest, all()).await, [2, 1, 0]);
        assert_eq!(indexes(Page::Before(2), all()).await, [1, 0]);
        let kind = EntryFilter {
            kind: Some("decision".into()),
            case: Some(case_id(2)),
            ..all()
        };
        assert_eq!(indexes(Page::Newest, kind).await, [2]);
        let actor = EntryFilter {
            actor: Some("auditor".into()),
            ..all()
        };
        assert_eq!(indexes(Page::From(0), actor).await, [1]);
        let record = store.record(1).await.unwrap().unwrap();
        assert_eq!(record.record, b"what read was about");
    });
}

/// Whatever the order and however small the pages, together they are the entries
/// there were when the first was read, each once.
#[test]
fn pages_of_a_search_add_up_in_every_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for n in 0..6 {
            store.commit(submission(n)).await.unwrap();
            let mut read = entry("read");
            read.leaf.actor = format!("auditor-{}", n % 3);
            read.leaf.category = Some("consultation".into());
            let read = Transaction {
                entries: vec![read],
                ..Transaction::default()
            };
            store.commit(read).await.unwrap();
        }
        for by in [
            SortBy::Index,
            SortBy::At,
            SortBy::Kind,
            SortBy::Actor,
            SortBy::Case,
        ] {
            for (descending, limit) in [(false, 1), (true, 1), (false, 5), (true, 5), (true, 12)] {
                let mut search = Search {
                    order: Order { by, descending },
                    limit,
                    ..Search::default()
                };
                let mut seen = Vec::new();
                loop {
                    let found = store.search(search.clone()).await.unwrap();
                    assert!(found.entries.len() <= limit);
                    seen.extend(found.entries.iter().map(|entry| entry.index));
                    // Meanwhile others write.
                    store.commit(submission(100 + seen.len() as u64)).await.ok();
                    search.after = found.next;
                    if found.next.is_none() {
                        break;
                    }
                }
                let first = search.order;
                let count = seen.len();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), count, "{first:?}");
                assert_eq!(seen, (0..count as u64).collect::<Vec<_>>(), "{first:?}");
            }
        }
        let filter = EntryFilter {
            category: Some("consultation".into()),
            actor: Some("auditor-1".into()),
            ..EntryFilter::default()
        };
        let search = Search {
            filter,
            limit: 9,
            ..Search::default()
        };
        let found = store.search(search).await.unwrap();
        let indexes: Vec<_> = found.entries.iter().map(|entry| entry.index).collect();
        assert_eq!((indexes, found.next), (vec![3, 9], None));
    });
}

#[test]
fn an_entry_has_a_receipt_once_it_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        let committed = store.commit(submission(1)).await.unwrap();
        let receipt = committed.receipts[0];
        assert_eq!(store.receipt(receipt.index).await.unwrap(), None);
        assert_eq!(store.publish().await.unwrap(), 1);
        let proof = store.receipt(receipt.index).await.unwrap().unwrap();
        assert_eq!(proof.leaf_hash, receipt.leaf_hash);
        verify_proof(&proof, store.verifier_key()).unwrap();
        let row = &store
            .entries(Page::From(0), EntryFilter::default(), 1)
            .await
            .unwrap()[0];
        assert_eq!(Hash::of_leaf(&row.leaf_bytes), proof.leaf_hash);
    });
}

#[test]
fn a_store_in_use_can_be_verified() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.publish().await.unwrap();
        store.commit(submission(2)).await.unwrap();
    });
    let report = verify(dir.path(), Some(key().verifier())).unwrap();
    assert_eq!((report.entries, report.unpublished), (2, 1));
    assert_eq!((report.cases, report.jobs), (2, 2));
}

/// A store with two published entries, closed.
fn published(dir: &Path) {
    let store = open(dir);
    run(store.commit(submission(1))).unwrap();
    run(store.commit(submission(2))).unwrap();
    run(store.close());
}

#[test]
fn verification_leaves_no_trace() {
    let dir = tempfile::Builder::new().suffix("%20?#").tempdir().unwrap();
    published(dir.path());
    let listing = || {
        let items = fs::read_dir(dir.path()).unwrap();
        items
            .map(|item| item.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let before = listing();
    verify(dir.path(), None).unwrap();
    assert_eq!(listing(), before);
}

#[test]
fn lost_files_of_the_ledger_are_rebuilt_from_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    published(dir.path());
    let before = verify(dir.path(), None).unwrap();
    fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    run(open(dir.path()).close());
    let after = verify(dir.path(), None).unwrap();
    assert_eq!(after.ledger.root, before.ledger.root);
    assert_eq!(after.ledger.size, 2);
}

#[test]
fn a_database_from_before_the_last_checkpoint_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    run(open(dir.path()).close());
    let database = dir.path().join("comity.db");
    let old = fs::read(&database).unwrap();
    published(dir.path());
    fs::write(&database, old).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(
            &error,
            OpenError::Publication(PublicationError::Publish(
                comity_ledger::PublishError::RolledBack {
                    signed: 2,
                    present: 0
                }
            ))
        ),
        "{error:?}"
    );
}

#[test]
fn a_rewritten_row_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    published(dir.path());
    let outside = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    outside
        .execute("UPDATE entry SET leaf = zeroblob(10) WHERE idx = 1", [])
        .unwrap();
    drop(outside);
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(&error, OpenError::Publication(PublicationError::Changed(1))),
        "{error:?}"
    );
    // Nor when the files it contradicts are gone: the signed root remains.
    fs::remove_dir_all(dir.path().join("ledger/tile")).unwrap();
    let error = try_open(dir.path()).unwrap_err();
    assert!(
        matches!(
            &error,
            OpenError::Publication(PublicationError::Publish(
                comity_ledger::PublishError::Rewritten { size: 2 }
            ))
        ),
        "{error:?}"
    );
}

#[test]
fn a_case_may_change_without_a_step() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let mut remark = step(1, 1, CaseState::Approved);
        remark.entries[0].record = b"seen".to_vec();
        assert_eq!(store.commit(remark).await.unwrap().version, Some(2));
        let row = store.case(&case_id(1)).await.unwrap().unwrap();
        assert_eq!(row.records, [&b"what decision was about"[..], b"seen"]);
        assert_eq!(row.id, change(1, Expected::New, CaseState::Approved).id);
    });
}
