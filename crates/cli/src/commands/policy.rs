//! `comity policy`: for legal teams; needs no server.

mod check;
mod decide;
mod fmt;
mod schema;
mod sign;
mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::{Exit, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report every mistake in the policy files and whatever can hardly be
    /// meant, with line and remedy
    #[command(after_help = "Example: comity policy check --policies policies --deny-warnings")]
    Check(check::Check),
    /// Run the scenarios beside the modules
    #[command(after_help = "Example: comity policy test --policies policies")]
    Test(Folder),
    /// Put the keys of rules in their usual order, and one empty line between rules
    #[command(after_help = "Example: comity policy fmt --policies policies --check")]
    Fmt(fmt::Fmt),
    /// Decide a request as the gateway would
    #[command(after_help = "Example: comity policy decide request.json --at 2026-11-23 --json")]
    Decide(decide::Decide),
    /// Print the JSON Schema of a kind of policy file
    #[command(after_help = "Example: comity policy schema instrument")]
    Schema(schema::Schema),
    /// Sign the policy files as a whole, or see who has
    #[command(after_help = "Example: comity policy sign --key legal-1.key --until 2027-06-30")]
    Sign(sign::Sign),
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    pub(super) policies: PathBuf,
}

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(folder) => test::run(&folder),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Decide(arguments) => decide::run(arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
    }
}
