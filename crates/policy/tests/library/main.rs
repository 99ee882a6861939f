//! The shipped policy library: it loads, every scenario beside a module ends
//! as its author expects, and what must hold for every request holds.

#[cfg(test)]
mod atlas;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use comity_domain::{Decision, Request};
use comity_policy::{FormCheck, Library, Question, Reach, Selection, TestRun};

/// Requests with the outcome a careful lawyer expects, as the modules tell
/// them, with one change each where the id ends in `v`; none may be lost when
/// modules are rewritten.
const SHIPPED: &[&str] = &[
    "S01", "S02", "S04", "S05", "S06", "S07", "S09", "S10", "S12", "S14", "S15", "S16", "S18",
    "S19", "S22", "S24", "S26", "S27", "S29", "S31", "S33", "S35", "S36", "S38-nl", "S40", "S41",
    "S42", "S44", "S45", "S47", "S49", "S50", "S52", "S53", "S55", "S57", "S58", "S60", "S61",
    "S63", "S65", "S67", "S68", "S70", "S72", "S74", "S75", "S77", "S78", "S80", "S01v", "S07v",
    "S24v", "S29v", "S41v", "S45v", "S58v", "S70v",
];

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    #[expect(clippy::panic, reason = "the report is what to read")]
    Library::load(&dir).unwrap_or_else(|report| panic!("{report}"))
});

static RUN: LazyLock<TestRun> = LazyLock::new(|| {
    let all = Selection::default();
    #[expect(clippy::unwrap_used, reason = "nothing is selected by name")]
    LIBRARY.test(&all).unwrap()
});

#[test]
fn every_scenario_ends_as_expected() {
    let failed: Vec<String> = RUN.failed().map(|result| format!("{result:#?}")).collect();
    let (failed, of, list) = (failed.len(), RUN.results.len(), failed.join("\n"));
    assert_eq!(failed, 0, "{failed} of {of} scenarios failed:\n{list}");
    assert_eq!(LIBRARY.engine_errors(), 0);
}

#[test]
fn scenarios_make_every_rule_fire_and_leave_it_silent() {
    let coverage = &RUN.coverage;
    let rules = coverage
        .rules()
        .filter(|rule| rule.reach() != Reach::Covered);
    let left: Vec<_> = rules.map(|rule| (rule.reach(), rule.id.as_str())).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn the_lawyers_scenarios_are_all_there() {
    let passed: BTreeSet<&str> = RUN
        .results
        .iter()
        .filter(|result| result.passed())
        .map(|result| result.id.as_str())
        .collect();
    let lost: Vec<_> = SHIPPED.iter().filter(|id| !passed.contains(*id)).collect();
    assert!(lost.is_empty(), "not there, or not passed: {lost:?}");
}

/// Decides a request with its form taken as right.
fn decide(request: &Request) -> Decision {
    let question = Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings: &[],
    };
    LIBRARY.decide(&question).decision
}
