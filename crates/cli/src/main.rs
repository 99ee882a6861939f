//! The `comity` command: thin, one file a command.
#![expect(clippy::print_stdout, reason = "printing is this program's job")]

mod client;
mod commands;
mod exit;
mod progress;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::{commands::Command, exit::Exit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Carries one legal system's request for help to another: lawfully, quickly
/// and provably.
#[derive(Debug, Parser)]
#[command(
    name = "comity",
    version,
    arg_required_else_help = true,
    after_help = "Examples: comity demo --once
          comity policy decide request.json
          comity audit verify --data .comity

Exit code 0: done, and the answer is yes; 1: the answer is no; 2: misuse or failure"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    exit::quietly(|| match arguments().and_then(|all| all.command.run()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            match exit::is_for_machines() {
                true => println!("{}", exit::as_json(error.as_ref())),
                false => exit::report(error.as_ref()),
            }
            Exit::Failure.into()
        }
    })
}

/// What stands on the command line. Mistakes in it, and help that is asked for, are told
/// here, but where the mistake is to be told in JSON.
fn arguments() -> Result<Arguments, exit::Failure> {
    Arguments::try_parse().map_err(
        |error| match error.use_stderr() && exit::is_for_machines() {
            true => exit::mistake(&error),
            false => error.exit(),
        },
    )
}
