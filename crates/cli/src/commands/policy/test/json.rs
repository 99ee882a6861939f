//! A test run for machines.

use comity_policy::{
    Clause, ConditionCoverage, Library, Mismatch, ModuleCoverage, Reach, RuleCoverage,
    ScenarioIndex, ScenarioResult, TestRun,
};
use serde_json::{Value, json};

pub(super) fn run(library: &Library, run: &TestRun) -> Value {
    let failed = run.failed().count();
    let modules = run.coverage.modules.iter();
    let modules: Vec<_> = modules.map(|covered| module(run, covered)).collect();
    json!({
        "bundle": library.digest().to_string(),
        "passed": run.results.len() - failed,
        "failed": failed,
        "scenarios": run.results.iter().map(scenario).collect::<Vec<_>>(),
        "coverage": {
            "rules": run.coverage.rules().count(),
            "covered": run.coverage.modules.iter().map(covered).sum::<usize>(),
            "percent": run.coverage.percent(),
            "modules": modules,
        },
    })
}

fn scenario(result: &ScenarioResult) -> Value {
    let difference = |difference: &Mismatch| {
        let Mismatch {
            what,
            expected,
            found,
        } = difference;
        json!({"what": what, "expected": expected, "found": found})
    };
    let ScenarioResult {
        module,
        id,
        title,
        tags,
        path,
        line,
        outcome,
        decided,
        differences,
    } = result;
    json!({
        "module": module.as_str(),
        "id": id,
        "title": title,
        "tags": tags,
        "file": &**path,
        "line": line,
        "outcome": outcome.map(|outcome| format!("{outcome:?}").to_uppercase()),
        "decided": decided,
        "passed": result.passed(),
        "differences": differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn covered(module: &ModuleCoverage) -> usize {
    module.count(Reach::Covered)
}

fn module(run: &TestRun, module: &ModuleCoverage) -> Value {
    let (both_ways, lines) = module.lines();
    json!({
        "module": module.id.as_str(),
        "file": module.path,
        "covered": covered(module),
        "percent": module.percent(),
        "lines": lines,
        "linesBothWays": both_ways,
        "rules": module.rules.iter().map(|covered| rule(run, covered)).collect::<Vec<_>>(),
    })
}

fn rule(run: &TestRun, rule: &RuleCoverage) -> Value {
    let reach = match rule.reach() {
        Reach::Covered => "covered",
        Reach::OnlyFired => "only-fired",
        Reach::NeverFired => "never-fired",
        Reach::NeverAsked => "never-asked",
    };
    json!({
        "rule": rule.id.as_str(),
        "line": rule.line,
        "reach": reach,
        "fired": names(run, &rule.fired),
        "silent": names(run, &rule.silent),
        "unknown": names(run, &rule.unknown),
        "conditions": rule.conditions.iter().map(condition).collect::<Vec<_>>(),
    })
}

fn condition(line: &ConditionCoverage) -> Value {
    json!({
        "clause": match line.clause {
            Clause::When => "when",
            Clause::Unless => "unless",
        },
        "line": line.lines.start(),
        "text": &*line.text,
        "true": line.yes,
        "false": line.no,
        "unknown": line.unknown,
    })
}

/// Scenarios by module and id.
fn names(run: &TestRun, indexes: &[ScenarioIndex]) -> Vec<String> {
    let results = indexes.iter().filter_map(|index| run.results.get(*index));
    results
        .map(|result| format!("{}:{}", result.module, result.id))
        .collect()
}
