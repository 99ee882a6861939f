//! Any sequence of transactions does what a small model in memory does.

use std::collections::BTreeMap;

use comity_domain::{CaseState, Digest};
use proptest::prelude::*;

use super::{case_id, change, entry, key, open, quiet, request_id, request_key, run};
use crate::{CommitError, Expected, RequestKey, Store, Transaction, verify};

/// One transaction: an optional key, a case, the version it is based on.
#[derive(Debug, Clone)]
struct Attempt {
    key: Option<(bool, u64, u8)>,
    case: u64,
    /// `None` for a new case.
    version: Option<u64>,
    state: usize,
    extra_entries: u8,
}

#[derive(Default)]
struct Model {
    keys: BTreeMap<(String, u64), (Digest, u64)>,
    cases: BTreeMap<u64, (u64, CaseState)>,
    entries: u64,
}

type Answer = Result<(u64, Vec<u64>), CommitError>;

impl Model {
    fn commit(&mut self, attempt: &Attempt) -> Answer {
        if let Some(key) = attempt.key()
            && let Some((digest, case)) = self.keys.get(&(key.caller, attempt.request()))
        {
            return Err(if *digest == key.digest {
                CommitError::Replay(case_id(*case))
            } else {
                CommitError::Mismatch
            });
        }
        let standing = self.cases.get(&attempt.case).copied();
        let current = standing.map(|(version, _)| version);
        if current != attempt.version {
            return Err(CommitError::Conflict { current });
        }
        let (version, from) = standing.unwrap_or((0, CaseState::Received));
        if from != attempt.state() {
            from.step(attempt.state())?;
        }
        self.cases
            .insert(attempt.case, (version + 1, attempt.state()));
        if let Some(key) = attempt.key() {
            self.keys
                .insert((key.caller, attempt.request()), (key.digest, attempt.case));
        }
        let first = self.entries;
        self.entries += u64::from(attempt.extra_entries) + 1;
        Ok((version + 1, (first..self.entries).collect()))
    }
}

impl Attempt {
    fn state(&self) -> CaseState {
        CaseState::ALL[self.state]
    }

    fn request(&self) -> u64 {
        self.key.map_or(0, |(_, request, _)| request)
    }

    fn key(&self) -> Option<RequestKey> {
        self.key.map(|(other, request, digest)| {
            request_key(
                if other { "tj-paris" } else { "sta-berlin" },
                request,
                digest,
            )
        })
    }

    fn transaction(&self) -> Transaction {
        let expected = self.version.map_or(Expected::New, Expected::Version);
        let mut entries = vec![entry("remark"); usize::from(self.extra_entries)];
        entries.push(entry("decision"));
        Transaction {
            key: self.key(),
            case: Some(change(self.case, expected, self.state())),
            entries,
            ..Transaction::default()
        }
    }
}

fn attempts() -> impl Strategy<Value = Vec<Vec<Attempt>>> {
    let attempt = (
        proptest::option::of((any::<bool>(), 0..3u64, 0..2u8)),
        0..4u64,
        proptest::option::weighted(0.6, 1..4u64),
        0..CaseState::ALL.len(),
        0..3u8,
    )
        .prop_map(|(key, case, version, state, extra_entries)| Attempt {
            key,
            case,
            version,
            state,
            extra_entries,
        });
    // Batches are committed at once, so that they share groups.
    proptest::collection::vec(proptest::collection::vec(attempt, 1..12), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(batches in attempts()) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for batch in batches {
            // Opened anew each time: what was answered must outlive the process.
            let (answers, store) = run(commit_all(open(dir.path()), &batch));
            for (attempt, answer) in batch.iter().zip(answers) {
                prop_assert_eq!(answer, model.commit(attempt), "{:?}", attempt);
            }
            run(check(&store, &model))?;
            run(store.close());
        }
        let report = verify(dir.path(), Some(key().verifier())).unwrap();
        prop_assert_eq!(report.entries, model.entries);
        prop_assert_eq!(report.unpublished, 0);
        prop_assert_eq!(report.cases, model.cases.len() as u64);
    }
}

async fn commit_all(store: Store, batch: &[Attempt]) -> (Vec<Answer>, Store) {
    let waiting: Vec<_> = batch
        .iter()
        .map(|attempt| {
            let (store, transaction) = (store.clone(), attempt.transaction());
            tokio::spawn(async move { store.commit(transaction).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.unwrap().map(|committed| {
            let indexes = committed.receipts.iter().map(|receipt| receipt.index);
            (committed.version.unwrap(), indexes.collect())
        }));
    }
    (answers, store)
}

async fn check(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    for (case, (version, state)) in &model.cases {
        let row = store.case(&case_id(*case)).await.unwrap().unwrap();
        prop_assert_eq!((row.version, row.state), (*version, *state));
        let events = store.events(&row.id, 0, 1000).await.unwrap();
        prop_assert_eq!(events.len() as u64, *version);
        prop_assert_eq!(events[0].index, row.opened);
    }
    for ((caller, request), (_, case)) in &model.keys {
        let row = store
            .case_by_key(caller, &request_id(*request))
            .await
            .unwrap();
        prop_assert_eq!(row.unwrap().id, case_id(*case));
    }
    prop_assert_eq!(store.health().committed, model.entries);
    Ok(())
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let error = Store::open(dir.path(), key(), &quiet()).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    run(first.close());
    open(dir.path());
}

#[test]
fn a_closed_store_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let clone = store.clone();
    run(async {
        store.close().await;
        let error = clone.commit(super::submission(1)).await.unwrap_err();
        assert_eq!(error, CommitError::Unavailable(crate::Unavailable::Closed));
    });
}

#[test]
fn a_transaction_that_contradicts_itself_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let check = |transaction: Transaction, expected: &str| {
        let error = run(store.commit(transaction)).unwrap_err();
        assert!(
            matches!(&error, CommitError::Invalid(what) if what.contains(expected)),
            "{error}"
        );
    };
    let whole = || super::submission(1);
    let mut silent = whole();
    silent.entries.clear();
    check(silent, "needs an entry");
    let mut keyed = whole();
    keyed.case = None;
    check(keyed, "needs a case");
    let mut elsewhere = whole();
    elsewhere.entries[0].leaf.case = Some(case_id(2).to_string());
    check(elsewhere, "another case or state");
    let mut early = whole();
    early.entries.insert(0, entry("remark"));
    early.entries[0].leaf.state = Some("REFUSED".into());
    check(early, "only the last entry");
    let mut bound = whole();
    bound.entries[0]
        .leaf
        .binds
        .insert("case".into(), Vec::new());
    check(bound, "binds");
    let mut long = whole();
    long.entries[0].leaf.note = Some("x".repeat(60_000));
    check(long, "60000");
    assert_eq!(store.health().committed, 0);
}
