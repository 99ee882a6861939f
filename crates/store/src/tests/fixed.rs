//! What a case is from the first, it stays.

use comity_domain::{CaseState, Executing, Issuing, Urgency};

use super::{case_id, open, run, step, submission};
use crate::{CaseChange, CommitError};

#[test]
fn a_case_stays_whose_it_is_between_whom_and_how_urgent() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(store.commit(submission(2))).unwrap();
    let changes: [fn(&mut CaseChange); 7] = [
        |case| case.issuing = Issuing("NL".parse().unwrap()),
        |case| case.executing = Executing("NL".parse().unwrap()),
        |case| case.exercise = true,
        |case| case.urgency = Urgency::Emergency,
        |case| case.owner = "sta-hamburg".into(),
        |case| case.request_id = "another".parse().unwrap(),
        |case| case.team = Some(case_id(7)),
    ];
    for change in changes {
        let mut next = step(2, 1, CaseState::Delivering);
        change(next.case.as_mut().unwrap());
        let refused = run(store.commit(next)).unwrap_err();
        assert!(matches!(refused, CommitError::Invalid(_)), "{refused:?}");
    }
    run(store.commit(step(2, 1, CaseState::Delivering))).unwrap();
}
