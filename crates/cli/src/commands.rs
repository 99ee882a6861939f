//! The commands; the names are fixed, scripts depend on them.

mod audit;
mod completions;
mod demo;
mod folder;
mod keys;
mod library;
mod policy;
mod received;
mod request;
mod review;
mod serve;
mod team;

use clap::Subcommand;
use jiff::civil::Date;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// See each command's own help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start several jurisdictions with everything embedded and send real requests
    Demo(demo::Arguments),
    /// Run a gateway
    Serve(serve::Arguments),
    /// Send requests to a gateway and follow them
    #[command(
        subcommand,
        after_help = "Example: comity request submit request.json --ca ca.pem --cert me.pem --key me.key"
    )]
    Request(request::Command),
    /// Agree on joint investigation teams, and share inside them
    #[command(
        subcommand,
        after_help = "Example: comity team propose agreement.json --ca ca.pem --cert me.pem --key me.key"
    )]
    Team(team::Command),
    /// Answer what the law leaves to humans
    #[command(
        subcommand,
        after_help = "Example: comity review list --ca ca.pem --cert me.pem --key me.key"
    )]
    Review(review::Command),
    /// Work with policy files; needs no server
    #[command(
        subcommand,
        after_help = "Example: comity policy check --policies policies"
    )]
    Policy(policy::Command),
    /// Check and read the ledger
    #[command(
        subcommand,
        after_help = "Example: comity audit verify --data .comity/data"
    )]
    Audit(Box<audit::Command>),
    /// Make a demonstration or pilot PKI, keys that sign policies, and keys that evidence is sealed to
    #[command(subcommand, after_help = "Example: comity keys init --dir pki")]
    Keys(keys::Command),
    /// Print what has a shell complete commands as they are typed
    Completions(completions::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Demo(arguments) => demo::run(arguments),
            Self::Serve(arguments) => serve::run(&arguments),
            Self::Request(command) => request::run(command),
            Self::Team(command) => team::run(command),
            Self::Review(command) => review::run(command),
            Self::Policy(command) => policy::run(command),
            Self::Audit(command) => audit::run(*command),
            Self::Keys(command) => keys::run(command),
            Self::Completions(arguments) => completions::run(&arguments),
        }
    }
}

/// Reads a day.
fn day(text: &str) -> Result<Date, &'static str> {
    text.parse()
        .map_err(|_| "expected a day, such as 2026-11-23")
}

/// Prints what a command came to, as one line of JSON or in words.
fn tell(json: bool, value: &Value, words: impl FnOnce() -> String) {
    if json {
        println!("{value}");
    } else {
        println!("{}", words());
    }
}
