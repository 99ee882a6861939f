//! `cargo xtask ledger`: the ledger by itself, on this disk.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use crate::{
    AnyError,
    bench::{measured, sized},
    run::target,
};

const HELP: &str = "\
Measure what the ledger takes by itself

Usage: cargo xtask ledger [OPTIONS]

Options:
  --thousands <N>      Thousands of entries in the larger of two logs [default: 1000]
  --profile <PROFILE>  Build to measure: release or dev [default: release]

256 writers commit records of a kibibyte, to the store and to a bare table of SQLite in
turns: shown is how much of the latter the store reaches. Then two logs are published,
the smaller a tenth of the larger, entries of them proved, and both verified by
`comity audit verify`: shown are time and memory. The folder, in `target/ledger`, is
removed at the end. Linux only.

Example: cargo xtask ledger --thousands 10000";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let parser = lexopt::Parser::from_args(arguments);
    let Some((thousands, profile)) = sized(parser, "thousands", (1000, 1..=100_000))? else {
        println!("{HELP}");
        return Ok(());
    };
    let (comity, mut ledger) = measured(&profile)?;
    ledger
        .arg("ledger")
        .arg(target().join("ledger"))
        .arg(comity)
        .arg((u64::from(thousands) * 1000).to_string());
    // Takes the place of this process, so that whatever ends it ends it all.
    Err(ledger.exec().into())
}
