//! A module's text, line by line, with what its rules did.

use super::{anchor, bar, class, english, escape, scenarios, words};
use crate::{
    TestRun,
    coverage::{ConditionCoverage, ModuleCoverage, RuleCoverage},
};

/// Most scenarios are silent on most rules: a few are enough.
const SILENT_SHOWN: usize = 20;

pub(super) fn section(run: &TestRun, module: &ModuleCoverage) -> String {
    let id = anchor(module.id.as_str());
    let title = escape(english(&module.title));
    let rows: String = rows(run, module);
    format!(
        "<section class=\"module\" aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title} \
         <code>{}</code></h2>\n<p class=\"share\">{}<b>{:.0} %</b> of {} rules covered</p>\n\
         <div class=\"scroll\"><table class=\"code\">\n<caption>{}</caption>\n\
         <thead><tr><th scope=\"col\">Line</th><th scope=\"col\">Text</th>\
         <th scope=\"col\">What the scenarios saw</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n</section>\n",
        escape(module.id.as_str()),
        bar(module),
        module.percent().floor(),
        module.rules.len(),
        escape(&module.path),
    )
}

fn rows(run: &TestRun, module: &ModuleCoverage) -> String {
    let lines: Vec<&str> = module.text.lines().collect();
    let extents = extents(module, &lines);
    let mut of_rules = extents.iter().peekable();
    let mut current: Option<&Extent<'_>> = None;
    let mut rows = String::new();
    for (number, line) in (1..).zip(&lines) {
        if let Some(starts) = of_rules.next_if(|extent| extent.first == number) {
            current = Some(starts);
        }
        let rule = current.filter(|extent| number <= extent.last);
        let reach = rule.map_or("", |extent| class(extent.rule.reach()));
        let seen = rule.map_or_else(String::new, |extent| {
            seen((run, module), extent.rule, number)
        });
        let text = highlighted(line);
        let place = anchor(module.id.as_str());
        rows.push_str(&format!(
            "<tr id=\"{place}-{number}\" class=\"{reach}\"><th scope=\"row\">{number}</th>\
             <td><code>{text}</code></td><td>{seen}</td></tr>\n"
        ));
    }
    rows
}

/// The lines of a rule.
struct Extent<'a> {
    rule: &'a RuleCoverage,
    first: usize,
    last: usize,
}

/// Each rule reaches as far as the text before the next one that is neither
/// empty nor a remark.
fn extents<'a>(module: &'a ModuleCoverage, lines: &[&str]) -> Vec<Extent<'a>> {
    let ends = module.rules.iter().skip(1).map(|next| next.line - 1);
    let ends = ends.chain([lines.len()]);
    let says = |number: &usize| {
        let line = lines.get(number - 1).map_or("", |line| line.trim());
        !line.is_empty() && !line.starts_with('#')
    };
    let extent = |(rule, end): (&'a RuleCoverage, usize)| Extent {
        rule,
        first: rule.line,
        last: (rule.line..=end).rev().find(says).unwrap_or(rule.line),
    };
    module.rules.iter().zip(ends).map(extent).collect()
}

/// What stands beside a line: of its first line the rule, then each condition.
fn seen(of: (&TestRun, &ModuleCoverage), rule: &RuleCoverage, number: usize) -> String {
    let mut seen = String::new();
    if rule.line == number {
        seen.push_str(&summary(of, rule));
    }
    let lines = rule.conditions.iter();
    let here = lines.filter(|line| *line.lines.start() == number);
    seen.extend(here.map(condition));
    seen
}

/// The state of a rule, with the scenarios that show it.
fn summary((run, module): (&TestRun, &ModuleCoverage), rule: &RuleCoverage) -> String {
    let reach = rule.reach();
    let state = format!(
        "<span class=\"state {}\">{}</span>",
        class(reach),
        words(reach)
    );
    let groups = [
        ("fired", &rule.fired, usize::MAX),
        ("silent", &rule.silent, SILENT_SHOWN),
        ("unknown", &rule.unknown, usize::MAX),
    ];
    let groups = || {
        groups
            .iter()
            .filter(|(_, scenarios, _)| !scenarios.is_empty())
    };
    let counts: Vec<_> = groups()
        .map(|(name, scenarios, _)| format!("{name} {}", scenarios.len()))
        .collect();
    if counts.is_empty() {
        return state;
    }
    let lists: String = groups()
        .map(|(name, indexes, most)| {
            let links = scenarios::links(run, &module.id, indexes, *most);
            format!("<dt>{name}</dt><dd>{links}</dd>")
        })
        .collect();
    format!(
        "<details><summary>{state} {}</summary><dl>{lists}</dl></details>",
        counts.join(" · ")
    )
}

/// How often a line was true, false and unknown.
fn condition(line: &ConditionCoverage) -> String {
    if line.reached() == 0 {
        return "<span class=\"chip none\">never reached</span> ".to_owned();
    }
    let chips = [
        ("true", line.yes),
        ("false", line.no),
        ("unknown", line.unknown),
    ];
    let chips = chips.iter().map(|(name, count)| match (count, *name) {
        (0, "unknown") => String::new(),
        (0, name) => format!("<span class=\"chip none\">never {name}</span> "),
        (count, name) => format!("<span class=\"chip {name}\">{name} {count}</span> "),
    });
    chips.collect()
}

/// A line of YAML with its key and remark set apart.
fn highlighted(line: &str) -> String {
    if line.trim_start().starts_with('#') {
        return format!("<span class=\"remark\">{}</span>", escape(line));
    }
    let body = line.trim_start_matches([' ', '-']);
    let (before, _) = line.split_at(line.len() - body.len());
    let is_key = |key: &str| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    match body.split_once(':') {
        Some((key, value)) if is_key(key) => format!(
            "{before}<span class=\"key\">{}</span>:{}",
            escape(key),
            escape(value)
        ),
        Some(_) | None => escape(line),
    }
}
