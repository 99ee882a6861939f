//! Legal holds: against a model, over restarts, and gone round from outside.

use std::{collections::BTreeSet, path::Path};

use comity_domain::CaseState;
use comity_ledger::Leaf;
use proptest::prelude::*;
use rusqlite::Connection;

use super::{at, case_id, key, open, run, step, submission};
use crate::{
    Archive, CommitError, ERASURE, EVIDENCE_ERASED, Entry, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Period,
    Store, Transaction, verify,
};

/// Something done to one of two cases that have ended.
#[derive(Debug, Clone, Copy)]
enum Act {
    Hold(u64),
    /// Lifts what an earlier act may have set, by its place among all acts.
    Lift(u64, usize),
    DeleteEvidence(u64),
    Erase(u64),
    Restart,
}

/// What the ledger says of a case, by a kind.
fn said(kind: &str, case: u64) -> Entry {
    let mut leaf = Leaf::new(at(9), kind, "clerk");
    leaf.case = Some(case_id(case).to_string());
    let record = b"by order of the court".to_vec();
    Entry { leaf, record }
}

fn lifted(case: u64, hold: u64) -> Entry {
    let mut entry = said(LEGAL_HOLD_LIFTED, case);
    entry.leaf.lifts = Some(hold);
    entry
}

fn commit(store: &Store, entries: Vec<Entry>) -> Result<u64, CommitError> {
    let transaction = Transaction {
        entries,
        ..Transaction::default()
    };
    let committed = run(store.commit(transaction))?;
    Ok(committed.receipts[0].index)
}

fn erase(store: &Store, case: u64) -> Result<u64, CommitError> {
    let erased = run(store.erase(&case_id(case), said(ERASURE, case)))?;
    Ok(erased.receipts[0].index)
}

fn held(case: u64, holds: &[u64]) -> CommitError {
    CommitError::Held {
        case: case_id(case).to_string(),
        holds: holds.to_vec(),
    }
}

/// A store with two cases that have ended, and one that has not.
fn store(dir: &Path) -> Store {
    let store = open(dir);
    for case in 1..=3 {
        let mut opened = submission(case);
        opened.enqueue.clear();
        run(store.commit(opened)).unwrap();
    }
    for case in 1..=2 {
        run(store.commit(step(case, 1, CaseState::Concluded))).unwrap();
    }
    store
}

/// What has to come of the acts.
#[derive(Debug, Default)]
struct Model {
    /// Holds that stand: their case and entry.
    holds: BTreeSet<(u64, u64)>,
    erased: BTreeSet<u64>,
}

impl Model {
    fn refuses_erasure(&self, case: u64) -> Option<CommitError> {
        let over = self.holds.iter().filter(|(of, _)| *of == case);
        let over: Vec<_> = over.map(|(_, hold)| *hold).collect();
        (!over.is_empty()).then(|| held(case, &over))
    }

    fn gone() -> CommitError {
        CommitError::Conflict { current: None }
    }

    /// Does an act to the store, and asserts its answer.
    fn act(&mut self, store: &Store, act: Act, entries: &[u64]) -> Option<u64> {
        let (answer, expected) = match act {
            Act::Restart => return None,
            Act::Hold(case) => {
                let gone = self.erased.contains(&case).then(Self::gone);
                let answer = commit(store, vec![said(LEGAL_HOLD, case)]);
                self.holds.extend(answer.iter().map(|hold| (case, *hold)));
                (answer, gone)
            }
            Act::Lift(case, place) => {
                let hold = entries.get(place).copied().unwrap_or(0);
                let stood = self.holds.remove(&(case, hold));
                let none = format!("entry {hold} is no legal hold that stands over the case");
                let refused = (!stood).then_some(CommitError::Invalid(none));
                (commit(store, vec![lifted(case, hold)]), refused)
            }
            Act::DeleteEvidence(case) => {
                let answer = commit(store, vec![said(EVIDENCE_ERASED, case)]);
                (answer, self.refuses_erasure(case))
            }
            Act::Erase(case) => {
                let gone = self.erased.contains(&case).then(Self::gone);
                let refused = gone.or_else(|| self.refuses_erasure(case));
                let answer = erase(store, case);
                self.erased.extend(answer.is_ok().then_some(case));
                (answer, refused)
            }
        };
        assert_eq!(answer.as_ref().err(), expected.as_ref(), "{act:?}");
        answer.ok()
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let case = || 1..=2_u64;
    let act = prop_oneof![
        3 => case().prop_map(Act::Hold),
        3 => (case(), 0..12_usize).prop_map(|(case, place)| Act::Lift(case, place)),
        1 => case().prop_map(Act::DeleteEvidence),
        2 => case().prop_map(Act::Erase),
        1 => Just(Act::Restart),
    ];
    proptest::collection::vec(act, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_erased_while_a_hold_stands(acts in acts()) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(dir.path());
        let (mut model, mut entries) = (Model::default(), Vec::new());
        for act in acts {
            if matches!(act, Act::Restart) {
                run(store.close());
                store = open(dir.path());
            }
            entries.push(model.act(&store, act, &entries).unwrap_or(0));
        }
        run(store.close());
        let report = verify(dir.path(), Some(key().verifier())).unwrap();
        prop_assert_eq!(report.legal_holds, model.holds.len() as u64);
        let mut archive = Archive::open(dir.path(), None, Period::default()).unwrap();
        let listed = archive.legal_holds().unwrap();
        let listed: BTreeSet<_> = listed.iter().map(|(row, _)| row.index).collect();
        let standing: BTreeSet<_> = model.holds.iter().map(|(_, hold)| *hold).collect();
        prop_assert_eq!(listed, standing);
    }
}

#[test]
fn a_case_under_way_and_no_other_thing_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    commit(&store, vec![said(LEGAL_HOLD, 3)]).unwrap();
    let gone = CommitError::Conflict { current: None };
    assert_eq!(commit(&store, vec![said(LEGAL_HOLD, 7)]).unwrap_err(), gone);
    let nameless = |mut entry: Entry| {
        entry.leaf.case = None;
        commit(&store, vec![entry]).unwrap_err().to_string()
    };
    for entry in [said(LEGAL_HOLD, 1), lifted(1, 0)] {
        let error = nameless(entry);
        assert!(error.contains("names its case"), "{error}");
    }
    let another = commit(&store, vec![lifted(1, 5)]).unwrap_err();
    assert!(another.to_string().contains("entry 5 is no legal hold"));
}

#[test]
fn one_transaction_does_not_hold_and_erase() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let both = vec![said(LEGAL_HOLD, 1), said(EVIDENCE_ERASED, 1)];
    assert_eq!(commit(&store, both).unwrap_err(), held(1, &[5]));
    assert_eq!(store.health().committed, 5, "nothing of it is there");
}

#[test]
fn an_erasure_made_round_a_hold_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let first = store(dir.path());
    let hold = commit(&first, vec![said(LEGAL_HOLD, 1)]).unwrap();
    assert_eq!(erase(&first, 1).unwrap_err(), held(1, &[hold]));
    run(first.close());
    // Somebody hides the hold from the store, and puts it back afterwards.
    let set_case = |case: u64| {
        let db = Connection::open(dir.path().join("comity.db")).unwrap();
        let sql = "UPDATE entry SET case_id = ?1 WHERE idx = ?2";
        db.execute(sql, (case_id(case).as_str(), hold as i64))
            .unwrap();
    };
    set_case(2);
    let again = open(dir.path());
    let erasure = erase(&again, 1).unwrap();
    run(again.close());
    set_case(1);
    let flaw = verify(dir.path(), Some(key().verifier())).unwrap_err();
    let told = flaw.to_string();
    assert_eq!(flaw.entry, Some(erasure), "{told}");
    assert!(
        told.contains(&format!("under the legal hold of entry {hold}")),
        "{told}"
    );
}
