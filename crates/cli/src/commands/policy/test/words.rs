//! A test run for people.

use std::path::Path;

use comfy_table::{Cell, CellAlignment, Color};
use comity_policy::{Mismatch, ModuleCoverage, Reach, RuleCoverage, ScenarioResult, TestRun};

use crate::render;

/// Each scenario that failed: what was expected beside what was found.
pub(super) fn failures(folder: &Path, run: &TestRun) {
    for result in run.failed() {
        let ScenarioResult {
            module,
            id,
            title,
            path,
            line,
            decided,
            differences,
            ..
        } = result;
        println!("{module} {id}: {title}");
        println!("  {}:{line}", folder.join(&**path).display());
        if !decided.is_empty() {
            println!("  decided {decided}");
        }
        let mut table = render::table(&["", "expected", "found"]);
        for Mismatch {
            what,
            expected,
            found,
        } in differences
        {
            table.add_row([
                Cell::new(what),
                Cell::new(expected).fg(Color::Green),
                Cell::new(found).fg(Color::Red),
            ]);
        }
        println!("{table}\n");
    }
}

/// What of each module was reached, then every rule that is not covered.
pub(super) fn coverage(folder: &Path, run: &TestRun) {
    let modules = &run.coverage.modules;
    let mut table = render::table(&[
        "module",
        "rules",
        "covered",
        "only fired",
        "never fired",
        "never asked",
        "lines both ways",
    ]);
    for module in modules {
        table.add_row(row(module));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
    for module in modules {
        let rules = module.rules.iter();
        for rule in rules.filter(|rule| rule.reach() != Reach::Covered) {
            let place = folder.join(&module.path);
            println!(
                "{:<12} {}:{}  {}",
                reach(rule),
                place.display(),
                rule.line,
                rule.id
            );
        }
    }
}

/// How many passed and, if asked, how much they cover.
pub(super) fn result(run: &TestRun, covered: bool) {
    let failed = run.failed().count();
    println!("{} passed, {failed} failed", run.results.len() - failed);
    if covered {
        let coverage = &run.coverage;
        let rules = coverage.rules();
        let (covered, all) = rules.fold((0, 0), |(covered, all), rule| {
            (
                covered + usize::from(rule.reach() == Reach::Covered),
                all + 1,
            )
        });
        println!(
            "{covered} of {all} rules covered, {:.1} %",
            coverage.percent()
        );
    }
}

fn row(module: &ModuleCoverage) -> Vec<Cell> {
    let count = |reach, color| match module.count(reach) {
        0 => Cell::new("–"),
        count => Cell::new(count).fg(color),
    };
    let (both, lines) = module.lines();
    vec![
        Cell::new(&module.id),
        Cell::new(module.rules.len()),
        Cell::new(format!("{:.0} %", module.percent().floor())).fg(Color::Green),
        count(Reach::OnlyFired, Color::Yellow),
        count(Reach::NeverFired, Color::Red),
        count(Reach::NeverAsked, Color::Red),
        Cell::new(format!("{both} of {lines}")),
    ]
}

fn reach(rule: &RuleCoverage) -> &'static str {
    match rule.reach() {
        Reach::Covered => "covered",
        Reach::OnlyFired => "only fired",
        Reach::NeverFired => "never fired",
        Reach::NeverAsked => "never asked",
    }
}
