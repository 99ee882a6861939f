//! A test run as one HTML page: no script, nothing fetched, light and dark,
//! readable by screen readers and on paper.

mod listing;
mod scenarios;

use comity_domain::Text;

use super::{Coverage, ModuleCoverage, Reach};
use crate::{Library, TestRun};

const STYLE: &str = include_str!("html/report.css");

/// The page of a test run.
pub(crate) fn page(library: &Library, run: &TestRun) -> String {
    let coverage = &run.coverage;
    let summary = summary(library, run);
    let failures = scenarios::failures(run);
    let modules = overview(coverage);
    let listings: String = coverage
        .modules
        .iter()
        .map(|module| listing::section(run, module))
        .collect();
    let scenarios = scenarios::all(run);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Coverage of the policy library</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#modules\">Skip to the modules</a>\n\
         {summary}<main>\n{failures}{modules}{listings}{scenarios}</main>\n</body>\n</html>\n"
    )
}

fn summary(library: &Library, run: &TestRun) -> String {
    let coverage = &run.coverage;
    let rules = coverage.rules().count();
    let covered: usize = coverage
        .modules
        .iter()
        .map(|m| m.count(Reach::Covered))
        .sum();
    let lines = coverage.modules.iter().map(ModuleCoverage::lines);
    let (both, lines) = lines.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let failed = run.failed().count();
    let passed = run.results.len() - failed;
    let figures = [
        figure(
            "Rules covered",
            &format!("{:.0} %", coverage.percent().floor()),
            &format!("{covered} of {rules}"),
        ),
        figure(
            "Condition lines seen both ways",
            &format!("{both}"),
            &format!("of {lines}"),
        ),
        figure(
            "Scenarios passed",
            &format!("{passed}"),
            &format!("of {}", run.results.len()),
        ),
    ]
    .concat();
    format!(
        "<header class=\"top\">\n<p class=\"kicker\">comity policy test</p>\n\
         <h1>Coverage of the policy library</h1>\n<dl class=\"figures\">{figures}</dl>\n\
         <p class=\"bundle\">Bundle <code>{}</code></p>\n{LEGEND}</header>\n",
        library.digest()
    )
}

const LEGEND: &str = "<details class=\"legend\"><summary>How to read this page</summary>\n\
<p>A rule is covered when one scenario makes it fire and another asks it without its firing; \
a rule without conditions, when it has fired.</p>\n<ul>\n\
<li><span class=\"state covered\">covered</span> it fired, and it was silent</li>\n\
<li><span class=\"state only-fired\">only fired</span> no scenario asks it without its firing</li>\n\
<li><span class=\"state never-fired\">never fired</span> scenarios ask it, and none makes it fire</li>\n\
<li><span class=\"state never-asked\">never asked</span> no scenario reaches it</li>\n\
</ul>\n<p>Beside each line of <code>when</code> and <code>unless</code> stands how often it was \
true, false or unknown. Lines are asked in order: one that an earlier line left without effect \
was not reached.</p></details>\n";

fn figure(name: &str, number: &str, of: &str) -> String {
    format!("<div><dt>{name}</dt><dd>{number} <small>{of}</small></dd></div>")
}

fn overview(coverage: &Coverage) -> String {
    let rows: String = coverage.modules.iter().map(row).collect();
    format!(
        "<section aria-labelledby=\"modules\">\n<h2 id=\"modules\">Modules</h2>\n\
         <div class=\"scroll\"><table class=\"overview\">\n<thead><tr><th scope=\"col\">Module</th>\
         <th scope=\"col\">Rules</th><th scope=\"col\">Covered</th>\
         <th scope=\"col\">Only fired</th><th scope=\"col\">Never fired</th>\
         <th scope=\"col\">Never asked</th><th scope=\"col\">Lines both ways</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn row(module: &ModuleCoverage) -> String {
    let count = |reach| match module.count(reach) {
        0 => "<td class=\"zero\">0</td>".to_owned(),
        count => format!("<td>{count}</td>"),
    };
    let (both, lines) = module.lines();
    format!(
        "<tr><th scope=\"row\"><a href=\"#{}\">{}</a><code>{}</code></th><td>{}</td>\
         <td class=\"share\">{}<b>{:.0} %</b></td>{}{}{}<td>{both} of {lines}</td></tr>\n",
        anchor(module.id.as_str()),
        escape(english(&module.title)),
        escape(module.id.as_str()),
        module.rules.len(),
        bar(module),
        module.percent().floor(),
        count(Reach::OnlyFired),
        count(Reach::NeverFired),
        count(Reach::NeverAsked),
    )
}

const REACHES: [Reach; 4] = [
    Reach::Covered,
    Reach::OnlyFired,
    Reach::NeverFired,
    Reach::NeverAsked,
];

/// The four counts as one bar; the numbers stand beside it.
fn bar(module: &ModuleCoverage) -> String {
    let parts: String = REACHES
        .iter()
        .map(|reach| {
            let share = module.count(*reach);
            format!(
                "<i class=\"{}\" style=\"flex-grow:{share}\"></i>",
                class(*reach)
            )
        })
        .collect();
    format!("<span class=\"bar\" aria-hidden=\"true\">{parts}</span>")
}

/// The style of a state.
fn class(reach: Reach) -> &'static str {
    match reach {
        Reach::Covered => "covered",
        Reach::OnlyFired => "only-fired",
        Reach::NeverFired => "never-fired",
        Reach::NeverAsked => "never-asked",
    }
}

/// A state in words.
fn words(reach: Reach) -> &'static str {
    match reach {
        Reach::Covered => "covered",
        Reach::OnlyFired => "only fired",
        Reach::NeverFired => "never fired",
        Reach::NeverAsked => "never asked",
    }
}

/// An id for a place of the page.
fn anchor(id: &str) -> String {
    id.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

fn english(text: &Text) -> &str {
    text.in_language("en").map_or("", |(_, words)| words)
}

/// Text that stands in HTML as it is.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
