//! The scenarios that were run, and how those that failed differ.

use comity_domain::{ModuleId, Outcome};

use super::{anchor, escape};
use crate::{Mismatch, ScenarioResult, TestRun, coverage::ScenarioIndex};

/// Scenarios whose decision is not as expected; nothing where there is none.
pub(super) fn failures(run: &TestRun) -> String {
    let failed: String = run.failed().map(failure).collect();
    if failed.is_empty() {
        return failed;
    }
    format!(
        "<section class=\"failures\" aria-labelledby=\"failures\">\n\
         <h2 id=\"failures\">Failed scenarios</h2>\n{failed}</section>\n"
    )
}

fn failure(result: &ScenarioResult) -> String {
    let row = |difference: &Mismatch| {
        let Mismatch {
            what,
            expected,
            found,
        } = difference;
        format!(
            "<tr><th scope=\"row\">{}</th><td><ins>{}</ins></td><td><del>{}</del></td></tr>\n",
            escape(what),
            escape(expected),
            escape(found)
        )
    };
    let rows: String = result.differences.iter().map(row).collect();
    format!(
        "<article><h3>{} {}: {}</h3>\n<p><code>{}:{}</code> {}</p>\n<table>\n\
         <thead><tr><th scope=\"col\">Compared</th><th scope=\"col\">Expected</th>\
         <th scope=\"col\">Found</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></article>\n",
        escape(result.module.as_str()),
        escape(&result.id),
        escape(&result.title),
        escape(&result.path),
        result.line,
        escape(&result.decided),
    )
}

/// All scenarios, by module.
pub(super) fn all(run: &TestRun) -> String {
    let rows: String = run.results.iter().map(row).collect();
    format!(
        "<section aria-labelledby=\"scenarios\">\n<h2 id=\"scenarios\">Scenarios</h2>\n\
         <div class=\"scroll\"><table class=\"scenarios\">\n<thead><tr><th scope=\"col\">Scenario</th>\
         <th scope=\"col\">What happens</th><th scope=\"col\">Outcome</th>\
         <th scope=\"col\">Place</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn row(result: &ScenarioResult) -> String {
    let outcome = match result.outcome {
        Some(Outcome::Approved) => "approved",
        Some(Outcome::Incomplete) => "incomplete",
        Some(Outcome::Referred) => "referred",
        Some(Outcome::Refused) => "refused",
        None => "not decided",
    };
    let failed = if result.passed() {
        ""
    } else {
        " <span class=\"state never-asked\">failed</span>"
    };
    format!(
        "<tr id=\"{}\"><th scope=\"row\"><code>{}</code> {}</th><td>{}</td><td>{outcome}{failed}</td>\
         <td><code>{}:{}</code></td></tr>\n",
        place(result),
        escape(result.module.as_str()),
        escape(&result.id),
        escape(&result.title),
        escape(&result.path),
        result.line,
    )
}

/// Links to scenarios, as far as `most`. Those beside another module are named
/// with it.
pub(super) fn links(
    run: &TestRun,
    module: &ModuleId,
    indexes: &[ScenarioIndex],
    most: usize,
) -> String {
    let results = indexes.iter().filter_map(|index| run.results.get(*index));
    let link = |result: &ScenarioResult| {
        let id = escape(&result.id);
        let (_, beside) = result.module.as_str().split_once('/').unwrap_or_default();
        let name = match result.module == *module {
            true => id,
            false => format!("{beside}:{id}"),
        };
        format!("<a href=\"#{}\">{name}</a>", place(result))
    };
    let mut links: Vec<_> = results.take(most).map(link).collect();
    if let more @ 1.. = indexes.len().saturating_sub(most) {
        links.push(format!("and {more} more"));
    }
    links.join(" ")
}

fn place(result: &ScenarioResult) -> String {
    let id = format!("{} {}", result.module, result.id);
    format!("s-{}", anchor(&id))
}
