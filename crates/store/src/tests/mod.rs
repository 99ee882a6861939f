//! The store as a whole: on a real disk, against models, crashes and tampering.

mod agenda;
mod blind;
mod carrier;
mod crash;
#[expect(dead_code, reason = "the tests of the ledger use the rest of it")]
#[path = "../../../ledger/src/tests/disk.rs"]
pub(crate) mod disk;
mod erase;
mod fixed;
mod history;
mod legal_hold;
mod model;
mod outbox;
mod prune;
mod shape;
mod simulated;
pub(crate) mod soft;
mod syscalls;
mod tamper;
mod token;
mod witness;

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use comity_domain::{
    CaseId, CaseState, Digest, Executing, Issuing, JurisdictionCode, Outcome, RequestId, Urgency,
};
use comity_ledger::{Key, Leaf};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::{
    CaseChange, Entry, Expected, NewJob, OpenError, Options, RequestKey, Store, Term, Transaction,
    shape as of_store,
};

fn key() -> Key {
    Key::from_seed("gateway.example/log", [3; 32]).unwrap()
}

/// What makes a database of this version one of a version before, by the statements of its
/// day.
fn of_version(version: i32) -> String {
    let before = of_store::tables_before();
    let of = |kind: &str| {
        let begins = [format!("CREATE TABLE {kind} ("), format!(" ON {kind} (")];
        let made = before.split_inclusive(';');
        let made = made.filter(|made| begins.iter().any(|begin| made.contains(begin)));
        made.collect::<String>()
    };
    let index = match version {
        4 => "DROP TABLE blind; DROP TABLE blind_state",
        _ => "CREATE INDEX cases_emergency ON cases (opened) WHERE urgency = 2",
    };
    format!(
        "CREATE TEMP TABLE were AS SELECT * FROM cases; DROP TABLE cases; {} \
         INSERT INTO cases SELECT opened, id, version, state, issuing, executing, instrument, \
         outcome, exercise, urgency, owner, request_id, opened_at, changed_at, wake_at, reviewers, \
         team FROM were; CREATE TEMP TABLE waited AS SELECT * FROM job; DROP TABLE job; {} \
         INSERT INTO job SELECT id, case_id, step, target, urgency, ready_at, 0, fence, attempts, \
         note, body FROM waited; {index}; PRAGMA user_version = {version}",
        of("cases"),
        of("job"),
    )
}

/// A store that publishes only when told to, or when it closes.
fn quiet() -> Options {
    Options {
        publish_every: Duration::from_secs(3600),
        ..Options::default()
    }
}

fn open(dir: &Path) -> Store {
    try_open(dir).unwrap()
}

fn try_open(dir: &Path) -> Result<Store, OpenError> {
    Store::open(dir, key(), &quiet())
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy_into(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

fn state(code: &str) -> JurisdictionCode {
    code.parse().unwrap()
}

fn case_id(n: u64) -> CaseId {
    format!("00000000-0000-4000-8000-{n:012x}").parse().unwrap()
}

fn request_key(caller: &str, request: u64, digest: u8) -> RequestKey {
    RequestKey {
        caller: caller.to_owned(),
        request_id: request_id(request),
        digest: Digest([digest; 32]),
    }
}

fn request_id(n: u64) -> RequestId {
    format!("request-{n}").parse().unwrap()
}

fn change(case: u64, expected: Expected, state: CaseState) -> CaseChange {
    CaseChange {
        id: case_id(case),
        expected,
        state,
        issuing: Issuing("DE".parse().unwrap()),
        executing: Executing("FR".parse().unwrap()),
        instrument: Some("eio".parse().unwrap()),
        outcome: Some(Outcome::Approved),
        exercise: false,
        urgency: Urgency::Routine,
        owner: "sta-berlin".into(),
        request_id: request_id(case),
        wake_at: None,
        reviewers: BTreeSet::new(),
        // The first belongs to none.
        team: (case > 1).then(|| case_id(2)),
        owes: state == CaseState::Approved,
    }
}

/// Some case that is new.
pub(crate) fn a_case() -> CaseChange {
    change(1, Expected::New, CaseState::Approved)
}

fn entry(kind: &str) -> Entry {
    let mut leaf = Leaf::new(at(0), kind, "sta-berlin");
    leaf.issuing = Some("DE".into());
    leaf.executing = Some("FR".into());
    leaf.instrument = Some("eio".into());
    leaf.outcome = Some("APPROVED".into());
    Entry {
        leaf,
        record: format!("what {kind} was about").into_bytes(),
    }
}

fn job(case: u64, step: &str, urgency: Urgency) -> NewJob {
    NewJob {
        case: case_id(case),
        step: step.to_owned(),
        target: state("FR"),
        urgency,
        due: at(0),
        held_until: None,
        body: format!("{step} for {case}").into_bytes(),
    }
}

/// A new case that leads to a job, as an approved request does.
fn submission(case: u64) -> Transaction {
    Transaction {
        key: Some(request_key("sta-berlin", case, 1)),
        case: Some(change(case, Expected::New, CaseState::Approved)),
        unmoved: None,
        entries: vec![entry("decision")],
        enqueue: vec![job(case, "deliver", Urgency::Routine)],
        finish: None,
        essential: false,
        terms: vec![Term::new("name", format!("person of {case}"))],
    }
}

/// The next step of a case.
fn step(case: u64, version: u64, state: CaseState) -> Transaction {
    Transaction {
        case: Some(change(case, Expected::Version(version), state)),
        entries: vec![entry("delivery")],
        ..Transaction::default()
    }
}
