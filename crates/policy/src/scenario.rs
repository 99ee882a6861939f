//! Runs the scenarios that stand beside each module: a request, and what a
//! careful lawyer expects of the decision.

mod compare;
mod request;

use std::collections::BTreeMap;

use comity_domain::ModuleId;
use serde::Deserialize;

use crate::{Library, load::TestFile};

/// Scenarios are independent of each other; two threads halve the wait without
/// taking the machine.
const THREADS: usize = 2;

/// A scenario that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioResult {
    /// The module beside which it stands.
    pub module: ModuleId,
    /// Its id, unique in its file.
    pub id: String,
    /// What happens in it, in one line.
    pub title: String,
    /// Where the decision differs from what is expected; empty: it passed.
    pub failures: Vec<String>,
}

/// Runs every scenario of the library, in the order of the files.
pub(crate) fn run(library: &Library) -> Vec<ScenarioResult> {
    let scenarios: Vec<_> = library.tests.iter().flat_map(read).collect();
    let share = scenarios.len().div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        let running: Vec<_> = scenarios
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(|read| read.run(library)).collect()))
            .collect();
        let finished = running.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        finished.collect::<Vec<Vec<_>>>().concat()
    })
}

/// A scenario as read from its file, or why it could not be.
struct Read<'a> {
    module: &'a ModuleId,
    scenario: Result<Scenario, String>,
}

fn read(file: &TestFile) -> Vec<Read<'_>> {
    let tests = file
        .content
        .get("tests")
        .and_then(serde_json::Value::as_array);
    let read = |test| Read {
        module: &file.module,
        scenario: Scenario::deserialize(test)
            .map_err(|error| format!("{}: {error}", file.source.path)),
    };
    tests.into_iter().flatten().map(read).collect()
}

impl Read<'_> {
    fn run(&self, library: &Library) -> ScenarioResult {
        let (id, title, failures) = match &self.scenario {
            Err(error) => (String::new(), String::new(), vec![error.clone()]),
            Ok(scenario) => (
                scenario.id.clone(),
                scenario.title.clone(),
                match request::build(library, &scenario.request) {
                    Err(error) => vec![error],
                    Ok(given) => {
                        let decision = library.decide(&given.question()).decision;
                        compare::differences(&scenario.expect, &decision)
                    }
                },
            ),
        };
        ScenarioResult {
            module: self.module.clone(),
            id,
            title,
            failures,
        }
    }
}

/// One entry of `tests.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    id: String,
    title: String,
    request: GivenRequest,
    expect: Expected,
}

/// The request of a scenario; what is not written takes its usual value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenRequest {
    issuing: String,
    executing: String,
    instrument: Option<String>,
    measure: String,
    date: Option<String>,
    authority: Option<String>,
    authority_kind: Option<String>,
    executing_authority: Option<String>,
    language: Option<String>,
    #[serde(default)]
    urgency: GivenUrgency,
    #[serde(default)]
    offences: Vec<GivenOffence>,
    validation: Option<GivenValidation>,
    #[serde(default)]
    assurances: Vec<String>,
    #[serde(default)]
    persons: Vec<GivenPerson>,
    form: Option<serde_json::Value>,
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GivenUrgency {
    #[default]
    Routine,
    Urgent,
    Emergency,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenOffence {
    provision: String,
    category: Option<String>,
    iccs: Option<String>,
    max_penalty_months: Option<u32>,
    life_possible: Option<bool>,
    death_possible: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenValidation {
    kind: String,
    authority: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenPerson {
    role: GivenRole,
    age: Option<u8>,
    nationality: Option<String>,
    residence: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GivenRole {
    Suspect,
    Victim,
    Witness,
    ThirdParty,
}

/// What a scenario expects; what is not written is not checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    outcome: String,
    instrument: Option<String>,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    kinds: BTreeMap<String, String>,
    #[serde(default)]
    alternatives: Vec<String>,
    #[serde(default)]
    clocks: BTreeMap<String, String>,
    #[serde(default)]
    obligations: Vec<String>,
    #[serde(default)]
    passed_over: Vec<String>,
    #[serde(default)]
    missing: Vec<String>,
}
