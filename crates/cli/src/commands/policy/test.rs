//! `comity policy test`: the scenarios beside the modules, and what of the
//! rules they reach.

mod json;
mod words;

use std::{fs, path::PathBuf};

use clap::Args;
use comity_policy::Selection;

use super::Folder;
use crate::{
    commands::library,
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    folder: Folder,
    /// Only scenarios beside this module, such as `eio` or `jurisdiction/DE`; may be repeated
    #[arg(long, value_name = "MODULE")]
    module: Vec<String>,
    /// Only scenarios of this id or tag; may be repeated
    #[arg(long, value_name = "ID|TAG")]
    only: Vec<String>,
    /// Show which rules and which lines of conditions the scenarios reach
    #[arg(long)]
    coverage: bool,
    /// Fail where fewer rules are covered, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_coverage: Option<f64>,
    /// Write a report of what the scenarios reach
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Test) -> Result<Exit, Failure> {
    let Test {
        folder,
        module,
        only,
        coverage,
        min_coverage,
        html,
        json,
    } = arguments;
    let library = library::load(&folder.policies)?;
    let selection = Selection {
        modules: module,
        only,
    };
    let run = library.test(&selection)?;
    if let Some(file) = &html {
        fs::write(file, library.coverage_page(&run))
            .map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    }
    let least = min_coverage.unwrap_or_default();
    let covered = run.coverage.percent() >= least;
    if json {
        println!("{:#}", json::run(&library, &run));
    } else {
        words::failures(&folder.policies, &run);
        if coverage {
            words::coverage(&folder.policies, &run);
        }
        words::result(&run, coverage || min_coverage.is_some());
        if !covered {
            println!("coverage is below the {least} % asked for");
        }
        if let Some(file) = &html {
            println!("report in {}", file.display());
        }
    }
    let passed = run.failed().next().is_none();
    Ok(if passed && covered {
        Exit::Done
    } else {
        Exit::No
    })
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "must be a number from 0 to 100".to_owned())
}
