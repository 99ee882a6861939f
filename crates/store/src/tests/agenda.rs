//! Cases that wait: for a time, or for somebody to decide.

use comity_domain::{CaseState, Urgency};
use rusqlite::{Connection, StatementStatus};
use tokio::time::timeout;

use super::{at, case_id, change, entry, open, run, state, submission};
use crate::{Expected, Reviewed, Store, Transaction, agenda, schema, verify};

/// Opens a case that is to be looked at at a second.
async fn waiting(store: &Store, case: u64, second: Option<i64>) {
    let mut transaction = submission(case);
    if let Some(change) = &mut transaction.case {
        change.wake_at = second.map(at);
    }
    store.commit(transaction).await.unwrap();
}

/// Whether the one who waits for cases is woken.
async fn woken(store: &Store) -> bool {
    timeout(std::time::Duration::from_millis(50), store.wake_changed())
        .await
        .is_ok()
}

#[test]
fn a_case_is_looked_at_in_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        assert_eq!(store.next_wake().await.unwrap(), None);
        waiting(&store, 1, None).await;
        assert!(!woken(&store).await);
        waiting(&store, 2, Some(20)).await;
        assert!(woken(&store).await);
        assert_eq!(store.next_wake().await.unwrap(), Some(at(20)));
        waiting(&store, 3, Some(30)).await;
        assert!(!woken(&store).await, "nothing became due earlier");
        waiting(&store, 4, Some(10)).await;
        assert!(woken(&store).await);
        let due = |second| store.due_cases(at(second), 10);
        assert_eq!(due(9).await.unwrap(), []);
        assert_eq!(due(20).await.unwrap(), [case_id(4), case_id(2)]);
        let next = Transaction {
            case: Some(change(4, Expected::Version(1), CaseState::Delivering)),
            entries: vec![entry("delivery")],
            ..Transaction::default()
        };
        store.commit(next).await.unwrap();
        assert_eq!(due(20).await.unwrap(), [case_id(2)]);
        store.close().await;
    });
    verify(dir.path(), None).unwrap();
}

#[test]
fn what_waits_for_reviewers_is_listed_by_urgency_and_age() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for (case, urgency, reviewers) in [
            (1, Urgency::Routine, &["FR"][..]),
            (2, Urgency::Emergency, &["DE", "FR"]),
            (3, Urgency::Routine, &["FR"]),
            (4, Urgency::Emergency, &["DE"]),
            (5, Urgency::Emergency, &["FR"]),
        ] {
            let mut transaction = submission(case);
            if let Some(change) = &mut transaction.case {
                change.urgency = urgency;
                change.reviewers = reviewers.iter().map(|code| state(code)).collect();
            }
            store.commit(transaction).await.unwrap();
        }
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = store.cases_to_review(&state("FR"), after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(Reviewed {
                urgency: last.urgency,
                opened: last.opened,
            });
            pages.extend(page.into_iter().map(|row| row.id));
        }
        assert_eq!(pages, [2, 5, 1, 3].map(case_id));
        let none = store.cases_to_review(&state("IT"), None, 9).await.unwrap();
        assert!(none.is_empty());
        let waiting = store.waiting_for_review().await.unwrap();
        let counts: Vec<_> = waiting
            .iter()
            .map(|(state, waiting)| (state.as_str(), waiting.cases, waiting.oldest))
            .collect();
        assert_eq!(counts, [("DE", 2, at(0)), ("FR", 4, at(0))]);
        store.close().await;
    });
    verify(dir.path(), None).unwrap();
}

/// Cases with running clocks, one due each second from the first on.
const RUNNING: usize = 100_000;

#[test]
fn a_hundred_thousand_running_clocks_cost_only_what_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let db = schema::open_writer(&dir.path().join("comity.db"));
    let db = db.unwrap().unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    let insert = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNNING}) \
         INSERT INTO cases (opened, id, version, state, issuing, executing, exercise, urgency, \
         owner, request_id, opened_at, changed_at, wake_at) \
         SELECT i, printf('00000000-0000-4000-8000-%012x', i), 1, 'EXECUTING', 'DE', 'FR', 0, 0, \
         'sta-berlin', 'r', 0, 0, {} + i * 1000000 FROM n",
        at(0).as_microsecond()
    );
    db.execute(&insert, []).unwrap();

    assert_eq!(agenda::next_wake(&db).unwrap(), Some(at(1)));
    let first = read_by(&db, &agenda::next_sql());
    assert!(first < 50, "{first} instructions to find the first of all");
    for due in [0, 1, 7, 500] {
        let found = agenda::due_cases(&db, at(due), 1000).unwrap();
        assert_eq!(found.len(), usize::try_from(due).unwrap());
        let read = read_by(&db, &agenda::due_sql());
        assert!(
            read < 50 + 12 * found.len(),
            "{read} instructions for {due}"
        );
    }
}

/// Instructions of the database that a query took since it was last asked for.
fn read_by(db: &Connection, sql: &str) -> usize {
    let query = db.prepare_cached(sql).unwrap();
    assert_eq!(
        query.reset_status(StatementStatus::FullscanStep),
        0,
        "{sql}"
    );
    assert_eq!(query.reset_status(StatementStatus::Sort), 0, "{sql}");
    let steps = query.reset_status(StatementStatus::VmStep);
    usize::try_from(steps).unwrap()
}
