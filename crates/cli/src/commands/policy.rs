//! `comity policy`: for legal teams; needs no server.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use comity_gateway::wire::{from_proto, to_proto};
use comity_policy::{FormCheck, Library, Question};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::request;
use crate::{
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report every mistake in the policy files, with line and remedy
    #[command(after_help = "Example: comity policy check --policies policies")]
    Check(Folder),
    /// Run the scenarios beside the modules
    #[command(after_help = "Example: comity policy test --policies policies")]
    Test(Folder),
    /// Decide a request as the gateway would
    #[command(after_help = "Example: comity policy decide request.json --at 2026-11-23 --json")]
    Decide(Decide),
    /// Print the JSON Schema of a kind of policy file
    #[command(after_help = "Example: comity policy schema instrument")]
    Schema(Schema),
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The request in the contract's JSON mapping
    request: PathBuf,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Apply the law of this day instead of the day the request was issued
    #[arg(long)]
    at: Option<Date>,
    /// Language of texts
    #[arg(long, default_value = "en")]
    language: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// instrument, jurisdiction, vocabulary, measures, sources, calendar,
    /// authorities, offences or tests
    kind: String,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
}

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(folder) => check(&folder),
        Command::Test(folder) => test(&folder),
        Command::Decide(decide_arguments) => decide(decide_arguments),
        Command::Schema(schema_arguments) => schema(&schema_arguments),
    }
}

fn check(folder: &Folder) -> Result<Exit, Failure> {
    match Library::load(&folder.policies) {
        Ok(library) => {
            let (modules, rules) = library.modules().fold((0, 0), |(modules, rules), module| {
                (modules + 1, rules + module.rules)
            });
            println!(
                "no mistake in {modules} modules with {rules} rules; bundle {}",
                library.digest()
            );
            Ok(Exit::Done)
        }
        Err(report) => {
            println!("{report}");
            Ok(Exit::No)
        }
    }
}

fn test(folder: &Folder) -> Result<Exit, Failure> {
    let library = Library::load(&folder.policies)?;
    let results = library.run_scenarios();
    let failed = results
        .iter()
        .filter(|result| !result.failures.is_empty())
        .count();
    for result in results.iter().filter(|result| !result.failures.is_empty()) {
        println!("{} {}: {}", result.module, result.id, result.title);
        for failure in &result.failures {
            println!("  {failure}");
        }
    }
    println!("{} passed, {failed} failed", results.len() - failed);
    Ok(if failed == 0 { Exit::Done } else { Exit::No })
}

fn decide(arguments: Decide) -> Result<Exit, Failure> {
    let Decide {
        request: file,
        policies,
        at,
        language,
        json,
    } = arguments;
    let library = Library::load(&policies)?;
    let mut message = request::read(&file)?;
    let now = Timestamp::now();
    if let Some(day) = at {
        // Noon, so that no time zone makes it another day.
        let noon = TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0))?;
        message.issued_at = Some(to_proto::timestamp(noon));
    }
    let latest = message.issued_at.as_ref().map_or(now, |at| {
        Timestamp::from_second(at.seconds).unwrap_or(now).max(now)
    });
    let (asked, form) = from_proto::request(message, latest).map_err(|violations| {
        violations
            .iter()
            .fold("the request is malformed".to_owned(), |text, violation| {
                format!("{text}\n  {}: {}", violation.field, violation.description)
            })
    })?;
    let form = form.as_ref().map_or(FormCheck::Missing, FormCheck::Given);
    let question = Question {
        request: &asked,
        form,
        language: &language,
        now,
    };
    let decided = library.decide(&question).decision;
    let decision = to_proto::decision(&decided, "", now);
    request::print(json, &decision, || render::decision(&decision))?;
    Ok(request::exit(&decision))
}

fn schema(arguments: &Schema) -> Result<Exit, Failure> {
    let path = arguments
        .policies
        .join("schema")
        .join(format!("{}.schema.json", arguments.kind));
    let text = fs::read_to_string(&path).map_err(|error| {
        format!(
            "no schema `{}` in `{}`: {error}",
            arguments.kind,
            path.display()
        )
    })?;
    println!("{}", text.trim_end());
    Ok(Exit::Done)
}
