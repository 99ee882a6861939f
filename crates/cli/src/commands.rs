//! The commands; the names are fixed, scripts depend on them.

mod audit;
mod completions;
mod demo;
mod folder;
mod keys;
mod policy;
mod received;
mod request;
mod review;
mod serve;
mod team;

use clap::Subcommand;

use crate::exit::{Exit, Failure};

/// See each command's own help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start several jurisdictions with everything embedded and send real requests
    Demo(demo::Arguments),
    /// Run a gateway
    Serve(serve::Arguments),
    /// Send requests to a gateway and follow them
    #[command(subcommand)]
    Request(request::Command),
    /// Agree on joint investigation teams, and share inside them
    #[command(subcommand)]
    Team(team::Command),
    /// Answer what the law leaves to humans
    #[command(subcommand)]
    Review(review::Command),
    /// Work with policy files; needs no server
    #[command(subcommand)]
    Policy(policy::Command),
    /// Check and read the ledger
    #[command(subcommand)]
    Audit(Box<audit::Command>),
    /// Make a demonstration or pilot PKI, keys that sign policies, and keys that evidence is sealed to
    #[command(subcommand)]
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
