//! The write-ahead log beside whoever writes.

use std::fs;

use tokio::task::JoinSet;

use super::{open, run, submission};
use crate::{carrier::LONG, verify};

/// One commit after the other, and many at a time.
#[test]
fn the_log_stays_short_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let log = dir.path().join("comity.db-wal");
    let mut longest = 0;
    for round in 0..80 {
        run(async {
            let width = if round % 2 == 0 { 1 } else { 20 };
            let mut commits = JoinSet::new();
            for place in 0..width {
                let (store, case) = (store.clone(), 1 + 100 * round + place);
                commits.spawn(async move { store.commit(submission(case)).await });
            }
            for commit in commits.join_all().await {
                commit.unwrap();
            }
        });
        longest = longest.max(fs::metadata(&log).unwrap().len());
    }
    run(store.close());
    // A page with what comes before it in the log, and some that came meanwhile.
    let most = u64::try_from(5 * LONG).unwrap() * (8192 + 24);
    assert!((1..most).contains(&longest), "{longest} of {most}");
    let found = verify(dir.path(), None).unwrap();
    assert_eq!(found.cases, 40 + 40 * 20);
}
