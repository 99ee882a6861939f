//! Every system call by which a store writes fails, or is the last one of its process:
//! nothing that was acknowledged is lost, and nothing is claimed that was not written.
//!
//! `strace` does the breaking. A few calls of each kind are broken here, each and every
//! one by `cargo xtask faults --syscalls`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    fs::File,
    io::{self, IoSlice, Write as _},
    os::fd::AsFd as _,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{case_id, key, open, quiet, run, submission};
use crate::{CommitError, Store, verify};

/// Tells the child where its store is.
const CHILD: &str = "COMITY_STORE_SYSCALLS_TEST";

/// Has every call broken instead of a few of each kind.
const ALL: &str = "COMITY_EVERY_SYSCALL";

/// Requests of a run.
const REQUESTS: u64 = 50;

/// Requests between publications.
const PUBLISHED_EVERY: u64 = 10;

/// Broken calls between two words about how far it is: all of them take a while.
const TOLD_EVERY: usize = 250;

/// Longest run; reached only when somebody waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls that are broken, in `strace`'s words, and how many of each in the tests. A
/// `?` lets a name be unknown: not every architecture has them all.
const CALLS: [(&str, usize); 8] = [
    ("pwrite64", 5),
    ("write", 4),
    ("fsync", 6),
    ("fdatasync", 6),
    ("?rename,?renameat,?renameat2", 4),
    ("ftruncate", 2),
    ("?mkdir,?mkdirat", 1),
    ("?unlink,?unlinkat", 1),
];

/// What happens instead of a call.
const FAULTS: [&str; 3] = ["error=EIO", "signal=KILL", "error=ENOSPC"];

/// One broken call.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: &'static str,
    how: &'static str,
    /// The how manieth of each thread, from 1.
    when: usize,
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost() {
    if !strace_works() {
        assert!(
            env::var_os(ALL).is_none(),
            "strace cannot trace here; on Debian: apt-get install strace"
        );
        // Written past the capture of tests, so that it is seen.
        let note = "note: no system call is broken in the tests: strace is not here\n";
        io::stderr().write_all(note.as_bytes()).unwrap();
        return;
    }
    let faults = faults();
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(BTreeMap::<_, usize>::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(fault) = faults.get(number) else {
                        break;
                    };
                    if number > 0 && number.is_multiple_of(TOLD_EVERY) {
                        eprintln!("{number} of {} broken calls", faults.len());
                    }
                    let end = survives(*fault);
                    *seen.lock().unwrap().entry((fault.how, end)).or_default() += 1;
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    eprintln!("{} broken calls: {seen:?}", faults.len());
    let times = |how, end| seen.get(&(how, end)).copied().unwrap_or(0);
    // Otherwise the faults were none.
    let [eio, kill, _] = FAULTS;
    assert!(times(eio, End::Failed) > 0 && times(eio, End::Done) > 0);
    // A call that one run makes another one may do without, but rarely.
    assert!(times(kill, End::Killed) > 10 * times(kill, End::Done));
}

/// A folder in memory where there is one: calls are broken, not disks, and they are
/// many.
fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn strace_works() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// Every fault, or a few of each kind spread over the run.
fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    for (call, few) in CALLS {
        let most = count(call);
        let all = env::var_os(ALL).is_some();
        let few = if all { most } else { few.min(most) };
        for how in FAULTS {
            // A call that flushes or renames is not told that the disk is full.
            if how == "error=ENOSPC" && !call.contains("write") {
                continue;
            }
            let spread = (0..few).map(|place| 1 + place * most / few);
            faults.extend(spread.map(|when| Fault { call, how, when }));
        }
    }
    faults
}

/// How many calls of a kind the busiest thread makes in an undisturbed run.
fn count(call: &str) -> usize {
    let dir = scratch();
    let log = dir.path().join("log");
    let said = child(
        &dir.path().join("store"),
        &log,
        &["-e", &format!("trace={call}")],
    );
    assert_eq!(said.last().map(String::as_str), Some("done"), "{said:?}");
    let mut by_thread = BTreeMap::<String, usize>::new();
    let log = fs::read_to_string(log).unwrap();
    for line in log.lines().filter(|line| !line.contains(" resumed>")) {
        if let Some((thread, rest)) = line.split_once(' ')
            && rest.contains('(')
        {
            *by_thread.entry(thread.to_owned()).or_default() += 1;
        }
    }
    by_thread.into_values().max().unwrap_or(0)
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The store never opened.
    Closed,
    /// It was killed.
    Killed,
    /// The store took no more work.
    Failed,
    /// It went through, with requests refused or not.
    Done,
}

/// Breaks a call of a run and sees what is left.
fn survives(fault: Fault) -> End {
    let Fault { call, how, when } = fault;
    let dir = scratch();
    let inject = format!("inject={call}:{how}:when={when}");
    let trace = format!("trace={call}");
    let said = child(
        dir.path(),
        Path::new("/dev/null"),
        &["-e", &trace, "-e", &inject],
    );
    let told = |what: &str| -> Vec<u64> {
        let lines = said.iter().filter_map(|line| line.strip_prefix(what));
        lines.map(|number| number.parse().unwrap()).collect()
    };
    let (acknowledged, failed) = (told("acknowledged "), told("failed "));
    // Once failed, it refuses for good.
    if let Some(first) = failed.first() {
        let after = acknowledged.iter().find(|case| *case > first);
        assert_eq!(
            after, None,
            "{fault:?}: acknowledged after it failed: {said:?}"
        );
    }
    let published = told("published ").into_iter().max().unwrap_or(0);
    if published > 0 {
        let ledger = dir.path().join("ledger");
        let found = comity_ledger::verify(&ledger, key().verifier());
        let size = found
            .unwrap_or_else(|flaw| panic!("{fault:?}: {flaw}"))
            .size;
        assert!(
            size >= published,
            "{fault:?}: {size} of {published} published"
        );
    }
    holds_all(dir.path(), &acknowledged, &fault);
    if said.iter().any(|line| line == "closed") {
        End::Closed
    } else if !failed.is_empty() {
        End::Failed
    } else if said.iter().any(|line| line == "done") {
        End::Done
    } else {
        End::Killed
    }
}

/// The store opens again, holds what it acknowledged, each thing once, and is in order.
fn holds_all(dir: &Path, acknowledged: &[u64], fault: &Fault) {
    if !acknowledged.is_empty() {
        let found = verify(dir, Some(key().verifier()));
        let found = found.unwrap_or_else(|flaw| panic!("{fault:?}, at rest: {flaw}"));
        assert!(found.entries >= acknowledged.len() as u64, "{fault:?}");
    }
    let store = open(dir);
    let unique: BTreeSet<_> = acknowledged.iter().collect();
    assert_eq!(unique.len(), acknowledged.len(), "{fault:?}");
    let mut present = 0;
    for case in 1..=REQUESTS {
        let row = run(store.case(&case_id(case))).unwrap();
        present += u64::from(row.is_some());
        let lost = row.is_none() && unique.contains(&case);
        assert!(!lost, "{fault:?}: case {case} was acknowledged and is gone");
    }
    run(store.close());
    let found = verify(dir, Some(key().verifier()));
    let found = found.unwrap_or_else(|flaw| panic!("{fault:?}, reopened: {flaw}"));
    // A decision each, and nothing that was not asked for.
    assert_eq!(
        (found.entries, found.cases, found.jobs, found.unpublished),
        (present, present, present, 0),
        "{fault:?}"
    );
}

/// Runs the child under `strace` and returns what it said.
fn child(dir: &Path, log: &Path, options: &[&str]) -> Vec<String> {
    let start = Instant::now();
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(log)
        .args(options)
        .args(["timeout", "-s", "KILL", &PATIENCE.as_secs().to_string()])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "tests::syscalls::child_commits", "--nocapture"])
        .env(CHILD, dir)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(start.elapsed() < PATIENCE, "it hangs: {options:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let said = text.lines().filter_map(|line| line.strip_prefix("child: "));
    said.map(str::to_owned).collect()
}

/// Not a test by itself: the process whose calls the test above breaks.
#[test]
fn child_commits() {
    let Some(dir) = env::var_os(CHILD) else {
        return;
    };
    let Ok(store) = Store::open(Path::new(&dir), key(), &quiet()) else {
        say("closed");
        return;
    };
    for case in 1..=REQUESTS {
        match wait(store.commit(submission(case))) {
            Ok(_) => say(&format!("acknowledged {case}")),
            Err(CommitError::Failed) => say(&format!("failed {case}")),
            Err(error) => say(&format!("refused: {error}")),
        }
        if case % PUBLISHED_EVERY == 0 {
            match wait(store.publish()) {
                Ok(size) => say(&format!("published {size}")),
                Err(error) => say(&format!("unpublished: {error}")),
            }
        }
    }
    wait(store.close());
    say("done");
}

/// As [`run`], but woken by nothing that writes: that would be broken too.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(work)
}

/// By `writev`, which no fault is about: what is said is not what is tried.
fn say(what: &str) {
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned().unwrap());
    let line = format!("\nchild: {what}\n");
    let written = out.write_vectored(&[IoSlice::new(line.as_bytes())]);
    assert_eq!(written.unwrap(), line.len());
}
