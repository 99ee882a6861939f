//! `comity policy`: for legal teams; needs no server.

mod atlas;
mod check;
mod decide;
mod diff;
mod explain;
mod fmt;
mod question;
mod replay;
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
    #[command(
        after_help = "Example: comity policy test --module eio --coverage --html report.html"
    )]
    Test(test::Test),
    /// Put the keys of rules in their usual order, and one empty line between rules
    #[command(after_help = "Example: comity policy fmt --policies policies --check")]
    Fmt(fmt::Fmt),
    /// Decide a request as the gateway would
    #[command(after_help = "Example: comity policy decide request.json --at 2026-11-23 --json")]
    Decide(question::Asked),
    /// Decide a request and tell the whole reasoning in words
    #[command(after_help = "Example: comity policy explain request.json --language de")]
    Explain(explain::Explain),
    /// Say what an edit means: which requests are decided otherwise, with examples
    #[command(after_help = "Example: comity policy diff policies-before policies

Exit code 0: no change in meaning; 1: there is one; 2: misuse or failure")]
    Diff(diff::Diff),
    /// Decide the cases on record again by other policy files
    #[command(
        after_help = "Example: comity policy replay --data .comity/data --policies policies --since 2026-01-01

Exit code 0: every outcome is as on record; 1: some are not; 2: misuse or failure"
    )]
    Replay(replay::Replay),
    /// Tell which way a request can go between two States
    #[command(
        after_help = "Example: comity policy atlas --from FR --to DE --measure data.content --offence D20"
    )]
    Atlas(atlas::Atlas),
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
        Command::Test(arguments) => test::run(arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Decide(asked) => decide::run(asked),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Atlas(arguments) => atlas::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
    }
}
