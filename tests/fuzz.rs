//! Whatever bytes an auditor is handed: verification never panics, and never
//! believes what somebody changed.
//!
//! A few hundred cases of each property are drawn here; `cargo xtask fuzz` draws for
//! as long as one likes.

mod bundle;
mod fields;
mod ledger;
mod mutation;
mod texts;
mod timestamps;

use std::{
    env,
    time::{Duration, Instant},
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseResult, TestRunner},
};

/// How long each property is tried, in seconds, instead of a number of cases.
const SECONDS: &str = "COMITY_FUZZ_SECONDS";

/// Holds a property over that many drawn values, or over as many as there is time for.
/// A panic is a failure like any other; either is reduced to the least that shows it.
fn holds<S: Strategy>(
    name: &str,
    cases: u32,
    drawn: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    let time = env::var(SECONDS).ok().map(|seconds| {
        let seconds = seconds.parse().expect("a number of seconds");
        Duration::from_secs(seconds)
    });
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let start = Instant::now();
    let mut tried = 0;
    loop {
        let mut runner = TestRunner::new(config.clone());
        if let Err(error) = runner.run(drawn, &property) {
            panic!("{name}: {error}");
        }
        tried += cases;
        if time.is_none_or(|time| start.elapsed() >= time) {
            break;
        }
    }
    println!("{name}: {tried} cases");
}
