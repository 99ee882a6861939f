//! Cases that wait: for a time, or for somebody to decide.

use comity_domain::{CaseState, Urgency};
use tokio::time::timeout;

use super::{at, case_id, change, entry, open, run, state, submission};
use crate::{Expected, Reviewed, Store, Transaction, verify};

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
        store.close().await;
    });
    verify(dir.path(), None).unwrap();
}
