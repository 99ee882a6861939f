//! `comity policy check`: every mistake in the policy files, and what in them
//! can hardly be meant.

mod json;
mod sarif;

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::Args;
use comity_gateway::visible::one_line;
use comity_policy::{Library, Report, Severity};

use crate::{
    commands::library,
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Print JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0, which code hosts and editors show beside the lines
    #[arg(long)]
    sarif: bool,
    /// Warnings are mistakes too
    #[arg(long)]
    deny_warnings: bool,
    /// List what the library itself says is not settled
    #[arg(long)]
    open: bool,
}

pub(super) fn run(arguments: &Check) -> Result<Exit, Failure> {
    library::demand(&arguments.policies)?;
    let (library, report) = Library::check(&arguments.policies);
    if arguments.json {
        println!("{:#}", json::report(library.as_ref(), &report));
    } else if arguments.sarif {
        println!("{:#}", sarif::report(&arguments.policies, &report));
    } else {
        print(library.as_ref(), &report, arguments.open);
    }
    let denied = arguments.deny_warnings && report.count(Severity::Warning) > 0;
    Ok(match library {
        Some(_) if !denied => Exit::Done,
        Some(_) | None => Exit::No,
    })
}

fn print(library: Option<&Library>, report: &Report, list: bool) {
    if !report.diagnostics().is_empty() {
        let colors = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if colors {
            println!("{}", report.colored());
        } else {
            println!("{report}");
        }
    }
    let Some(library) = library else { return };
    tell_open(library, list);
    let (modules, rules) = size(library);
    println!(
        "no mistake in {modules} modules with {rules} rules; bundle {}",
        library.digest()
    );
}

/// What the library itself says is not settled: how much, or all of it.
fn tell_open(library: &Library, list: bool) {
    let questions = library.open_questions();
    if questions.is_empty() {
        return;
    }
    if !list {
        println!("not settled: {} (--open lists them)", questions.len());
        return;
    }
    println!("not settled:");
    for open in questions {
        let words = open.question.in_language("en");
        let words = words.map_or_else(String::new, |(_, words)| one_line(words));
        println!("  {} ({}): {words}", open.place, open.checked);
    }
}

/// How many modules and rules.
fn size(library: &Library) -> (usize, usize) {
    library.modules().fold((0, 0), |(modules, rules), module| {
        (modules + 1, rules + module.rules)
    })
}
