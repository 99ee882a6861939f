//! Developer commands: `cargo xtask test`, `matrix`, `bench`, `ledger`, `evidence`,
//! `saturate`, `fuzz` and `faults`.

#![expect(clippy::print_stdout, reason = "telling what it does is its purpose")]

mod bench;
mod evidence;
mod faults;
mod fuzz;
mod ledger;
mod matrix;
mod peers;
mod python;
mod run;
mod saturate;
mod test;

use std::{env, error::Error, process::ExitCode};

/// Anything that ends a command; its text is for the person who started it.
type AnyError = Box<dyn Error>;

const HELP: &str = "\
Developer commands

Usage: cargo xtask <COMMAND>

Commands:
  test      Install what the tests need, check the style, pass all tests
  matrix    Write the matrix of States, measures and instruments again
  bench     Measure the gateway beside nginx and Envoy
  ledger    Measure what the ledger takes by itself
  evidence  Send a large item of evidence through the gateway, with cuts
  saturate  Ask in emergencies while ordinary requests flood the gateway
  fuzz      Try whatever `comity audit verify` reads with changed files
  faults    Break the disk under the store, call by call and in simulation

`cargo xtask <COMMAND> --help` says more.";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let command = arguments.next();
    let ended = match command.as_ref().and_then(|command| command.to_str()) {
        Some("test") => test::main(arguments),
        Some("matrix") => matrix::main(arguments),
        Some("bench") => bench::main(arguments),
        Some("ledger") => ledger::main(arguments),
        Some("evidence") => evidence::main(arguments),
        Some("saturate") => saturate::main(arguments),
        Some("fuzz") => fuzz::main(arguments),
        Some("faults") => faults::main(arguments),
        Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(lexopt::Error::from(format!("no such command\n\n{HELP}")).into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            // As for `comity`: 2 is misuse, 1 that the answer is no.
            ExitCode::from(if error.is::<lexopt::Error>() { 2 } else { 1 })
        }
    }
}
