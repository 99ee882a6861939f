//! Jobs: order, leases, fencing, waking.

use std::time::Duration;

use comity_domain::{CaseState, Urgency};

use super::{at, case_id, entry, job, open, request_id, request_key, run, state, step, submission};
use crate::{Archive, CommitError, Durable, Job, Owed, Period, Store, Transaction, Wanted, verify};

const LEASE: Duration = Duration::from_secs(10);

/// Claims so many of each kind that is ready.
async fn claim_some(store: &Store, second: i64, limit: usize) -> Vec<Durable<Job>> {
    let ready = store.ready(at(second)).await.unwrap().into_iter();
    let wanted = ready.map(|(target, urgency)| Wanted {
        target,
        urgency,
        limit,
    });
    store
        .claim(wanted.collect(), at(second), LEASE)
        .await
        .unwrap()
}

async fn claim(store: &Store, second: i64) -> Vec<Durable<Job>> {
    claim_some(store, second, 10).await
}

fn steps(jobs: &[Durable<Job>]) -> Vec<&str> {
    jobs.iter().map(|job| job.step.as_str()).collect()
}

#[test]
fn the_most_urgent_job_goes_first_then_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        let mut transaction = submission(1);
        transaction.enqueue = vec![
            job(1, "routine", Urgency::Routine),
            job(1, "emergency", Urgency::Emergency),
            job(1, "urgent", Urgency::Urgent),
            job(1, "urgent-later", Urgency::Urgent),
        ];
        transaction.enqueue[3].due = at(5);
        store.commit(transaction).await.unwrap();
        assert_eq!(
            store.ready(at(0)).await.unwrap(),
            [Urgency::Emergency, Urgency::Urgent, Urgency::Routine]
                .map(|urgency| (state("FR"), urgency))
        );
        let none = store.claim(Vec::new(), at(0), LEASE).await.unwrap();
        assert_eq!(steps(&none), Vec::<&str>::new());
        let urgent = Wanted {
            target: state("FR"),
            urgency: Urgency::Urgent,
            limit: 2,
        };
        let elsewhere = Wanted {
            target: state("IE"),
            ..urgent.clone()
        };
        let jobs = store
            .claim(vec![elsewhere, urgent], at(0), LEASE)
            .await
            .unwrap();
        assert_eq!(steps(&jobs), ["urgent"]);
        assert_eq!(steps(&claim(&store, 0).await), ["emergency", "routine"]);
        assert_eq!(store.ready(at(4)).await.unwrap(), []);
        assert_eq!(steps(&claim(&store, 5).await), ["urgent-later"]);
        assert_eq!(steps(&claim(&store, 9).await), Vec::<&str>::new());
    });
}

#[test]
fn a_worker_that_lost_its_lease_can_do_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let slow = claim(&store, 0).await.remove(0).into_inner();
        let quick = claim(&store, 10).await.remove(0).into_inner();
        assert_eq!((slow.attempts, quick.attempts), (1, 2));
        let finish = |job: &Job| Transaction {
            finish: Some(job.lease),
            ..step(1, 1, CaseState::Acknowledged)
        };
        assert_eq!(
            store.commit(finish(&slow)).await,
            Err(CommitError::LeaseLost)
        );
        assert_eq!(
            store.retry_at(slow.lease, at(20), "late").await,
            Err(CommitError::LeaseLost)
        );
        let row = store.case(&case_id(1)).await.unwrap().unwrap();
        assert_eq!((row.version, row.state), (1, CaseState::Approved));
        assert_eq!(store.health().committed, 1);
        assert_eq!(store.commit(finish(&quick)).await.unwrap().version, Some(2));
        assert!(claim(&store, 1000).await.is_empty());
        assert_eq!(
            store.commit(finish(&quick)).await,
            Err(CommitError::LeaseLost)
        );
    });
}

#[test]
fn a_failed_attempt_is_tried_again_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.jobs_changed().await;
        let failed = claim(&store, 0).await.remove(0);
        store
            .retry_at(failed.lease, at(60), "backend is down")
            .await
            .unwrap();
        store.jobs_changed().await;
        assert!(claim(&store, 59).await.is_empty());
        assert_eq!(claim(&store, 60).await[0].attempts, 2);
    });
}

/// A store is compared with its outbox while a gateway is at work on it.
#[test]
fn what_a_case_owed_is_not_held_against_it_once_it_has_moved() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let job = claim(&store, 0).await.remove(0);
        let done = Transaction {
            finish: Some(job.lease),
            ..step(1, 1, CaseState::Acknowledged)
        };
        store.commit(done).await.unwrap();
        store.close().await;
    });
    let owed = |version| Owed {
        case: case_id(1),
        version,
        step: "deliver",
        target: state("FR"),
        urgency: Urgency::Routine,
        body: b"deliver for 1".to_vec(),
    };
    let mut archive = Archive::open(dir.path(), None, Period::default()).unwrap();
    for (version, denied, lost) in [(1, false, None), (2, true, Some(0))] {
        let owed = owed(version);
        assert_eq!(archive.is_denied(&owed).unwrap(), denied, "{version}");
        assert_eq!(archive.lost(&owed).unwrap(), lost, "{version}");
    }
}

#[test]
fn a_restart_frees_the_leases_of_the_dead() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(store.commit(submission(1))).unwrap();
    let dead = run(claim(&store, 0)).remove(0);
    run(store.close());
    let store = open(dir.path());
    run(async {
        let job = claim(&store, 1).await.remove(0);
        assert_eq!(job.body, dead.body);
        let error = store.retry_at(dead.lease, at(2), "").await;
        assert_eq!(error, Err(CommitError::LeaseLost));
    });
}

#[test]
fn a_job_that_was_tampered_with_is_never_handed_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.commit(submission(2)).await.unwrap();
    });
    let outside = rusqlite::Connection::open(dir.path().join("comity.db")).unwrap();
    outside
        .execute(
            "UPDATE job SET target = 'KP' WHERE case_id = ?1",
            [case_id(1).as_str()],
        )
        .unwrap();
    run(store.commit(submission(3))).unwrap();
    outside
        .execute(
            "UPDATE job SET target = '?' WHERE case_id = ?1",
            [case_id(3).as_str()],
        )
        .unwrap();
    let jobs = run(claim(&store, 0));
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].case, case_id(2));
    run(store.publish()).unwrap();
    let flaw = verify(dir.path(), None).unwrap_err();
    assert_eq!(flaw.entry, Some(0));
    assert!(flaw.what.contains("`job`"), "{flaw}");
}

#[test]
fn the_size_limit_stops_new_work_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let options = crate::Options {
        size_limit_bytes: Some(400_000),
        ..super::quiet()
    };
    let store = Store::open(dir.path(), super::key(), &options).unwrap();
    let full = CommitError::Unavailable(crate::Unavailable::SizeLimit);
    run(async {
        let mut big = submission(1);
        big.enqueue[0].body = vec![7; 500_000];
        store.commit(big).await.unwrap();
        assert_eq!(store.commit(submission(2)).await, Err(full.clone()));
        let stray = Transaction {
            entries: vec![entry("unauthorised")],
            ..Transaction::default()
        };
        assert_eq!(store.commit(stray.clone()).await, Err(full));
        assert_eq!(
            (store.health().lacks_room, store.refused()),
            (Some(crate::Unavailable::SizeLimit), 2)
        );
        assert!(store.bytes().await.unwrap() > 400_000);
        let state = "FR".parse().unwrap();
        assert_eq!(store.outstanding().await.unwrap()[&state].jobs, 1);
        let start = Transaction {
            entries: vec![entry("start")],
            essential: true,
            ..Transaction::default()
        };
        store.commit(start).await.unwrap();
        assert_eq!(
            store.commit(submission(1)).await,
            Err(CommitError::Replay(case_id(1)))
        );
        let lease = claim(&store, 0).await[0].lease;
        let done = Transaction {
            finish: Some(lease),
            ..step(1, 1, CaseState::Acknowledged)
        };
        store.commit(done).await.unwrap();
        // The job is gone, and with it what filled the database.
        store.commit(submission(2)).await.unwrap();
        store.commit(stray).await.unwrap();
        assert_eq!(store.health().lacks_room, None);
    });
}

#[test]
fn whoever_enqueues_a_job_may_keep_it_for_the_first_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        let mut transaction = submission(1);
        transaction.enqueue[0].held_until = Some(at(10));
        let mut committed = store.commit(transaction).await.unwrap();
        let held = committed.take_held().next().unwrap();
        assert_eq!((held.step.as_str(), held.attempts), ("deliver", 1));
        assert!(claim(&store, 9).await.is_empty());
        // The maker was slow: another worker takes over, and the maker can do nothing.
        assert_eq!(claim(&store, 10).await[0].attempts, 2);
        let finish = Transaction {
            finish: Some(held.lease),
            ..step(1, 1, CaseState::Acknowledged)
        };
        assert_eq!(store.commit(finish).await, Err(CommitError::LeaseLost));
    });
}

#[test]
fn a_job_is_cancelled_unless_a_worker_takes_it_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        store.commit(submission(2)).await.unwrap();
        let found = store.jobs(&case_id(1)).await.unwrap().remove(0);
        assert_eq!((found.step.as_str(), found.attempts), ("deliver", 0));
        let cancel = |job: &Job, version| Transaction {
            finish: Some(job.lease),
            ..step(1, version, CaseState::Withdrawn)
        };
        let claimed = claim(&store, 0).await;
        assert_eq!(claimed.len(), 2);
        let lost = store.commit(cancel(&found, 1)).await;
        assert_eq!(lost, Err(CommitError::LeaseLost));

        let found = store.jobs(&case_id(1)).await.unwrap().remove(0);
        assert_eq!(found.attempts, 1);
        store.commit(cancel(&found, 1)).await.unwrap();
        assert!(store.jobs(&case_id(1)).await.unwrap().is_empty());
        assert_eq!(store.jobs(&case_id(2)).await.unwrap().len(), 1);
    });
}

#[test]
fn a_request_id_tells_what_it_was_used_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        store.commit(submission(1)).await.unwrap();
        let used = store.request_key("sta-berlin", &request_id(1)).await;
        let digest = request_key("sta-berlin", 1, 1).digest;
        assert_eq!(used.unwrap(), Some((digest, case_id(1), 0)));
        let other = store.request_key("tj-paris", &request_id(1)).await;
        assert_eq!(other.unwrap(), None);
    });
}
