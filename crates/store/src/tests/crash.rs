//! A process killed at any moment loses nothing that it had acknowledged.

use std::{
    fs,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{case_id, key, open, run, submission};
use crate::{CommitError, Options, Store, verify};

/// Tells the child where its store is and at which case to begin.
const CHILD: &str = "COMITY_STORE_CRASH_TEST";

/// Acknowledgements before each kill.
const ROUNDS: [usize; 3] = [40, 1, 160];

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for (round, wanted) in (0u64..).zip(ROUNDS) {
        acknowledged.extend(killed_after(dir.path(), round * 1_000_000, wanted));
        let found = verify(dir.path(), Some(key().verifier())).unwrap();
        assert!(found.entries >= acknowledged.len() as u64);
        let store = open(dir.path());
        for case in &acknowledged {
            let row = run(store.case(&case_id(*case))).unwrap();
            assert!(row.is_some(), "case {case} was acknowledged and is gone");
        }
        // Each entry and its one personal value, or neither.
        let indexed = run(store.indexed()).unwrap();
        assert!(indexed.is_complete());
        assert_eq!(indexed.values, found.entries);
        run(store.close());
        let whole = verify(dir.path(), Some(key().verifier())).unwrap();
        assert_eq!((whole.entries, whole.unpublished), (found.entries, 0));
    }
}

/// Where the lock did not hold, on a network folder or because somebody removed it, the
/// table does: an index is given once, and who finds it given takes no more work.
#[test]
fn of_two_stores_on_one_folder_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let old = open(dir.path());
    run(old.commit(submission(1))).unwrap();
    fs::remove_file(dir.path().join("lock")).unwrap();
    let new = open(dir.path());
    run(new.commit(submission(2))).unwrap();
    run(new.publish()).unwrap();
    for case in 3..5 {
        let late = run(old.commit(submission(case)));
        assert_eq!(late.unwrap_err(), CommitError::Failed);
    }
    assert!(run(old.publish()).is_err());
    run(old.close());
    run(new.commit(submission(5))).unwrap();
    run(new.close());
    let found = verify(dir.path(), Some(key().verifier())).unwrap();
    assert_eq!((found.cases, found.unpublished), (3, 0));
}

/// Runs a child that commits without end, kills it, and returns what it had
/// acknowledged by then.
fn killed_after(dir: &Path, first: u64, wanted: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child", "--nocapture"])
        .env(CHILD, format!("{first}:{}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let mut take = |line: std::io::Result<String>| {
        let line = line.unwrap();
        let case = line.strip_prefix("acknowledged ");
        acknowledged.extend(case.map(|case| case.parse::<u64>().unwrap()));
        acknowledged.len()
    };
    while take(lines.next().expect("the child ended by itself")) < wanted {}
    child.kill().unwrap();
    lines.for_each(|line| {
        take(line);
    });
    child.wait().unwrap();
    acknowledged
}

/// Not a test by itself: the process that the test above kills.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else {
        return;
    };
    let (first, dir) = order.split_once(':').unwrap();
    let first: u64 = first.parse().unwrap();
    let options = Options {
        publish_every: Duration::from_millis(3),
        ..Options::default()
    };
    let store = Store::open(Path::new(dir), key(), &options).unwrap();
    run(async {
        let workers: Vec<_> = (0..8)
            .map(|worker| tokio::spawn(commit_forever(store.clone(), first + worker)))
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

async fn commit_forever(store: Store, first: u64) {
    for case in (first..).step_by(8) {
        store.commit(submission(case)).await.unwrap();
        // One write, so that a line is there wholly or not at all.
        stdout()
            .write_all(format!("\nacknowledged {case}\n").as_bytes())
            .unwrap();
    }
}
