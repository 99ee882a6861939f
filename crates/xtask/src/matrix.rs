//! `cargo xtask matrix`: the golden matrix of the policy library.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::{
    AnyError,
    run::{cargo, run},
};

const HELP: &str = "\
Write the matrix of States, measures and instruments again

Usage: cargo xtask matrix

Decides a clean request for every ordered pair of States and every measure, and
writes what became of it to `tests/golden/matrix.txt`. The test that compares
the file with the library fails until the file is written again; review the
difference as you would review the rules that made it.";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    if let Some(argument) = parser.next()? {
        if argument == Long("help") || argument == Short('h') {
            println!("{HELP}");
            return Ok(());
        }
        return Err(argument.unexpected().into());
    }
    // With the whole workspace, so that nothing is built a second time.
    run(cargo()
        .args(["test", "--workspace", "--test", "library", "matrix"])
        .env("COMITY_GOLDEN", "write"))
}
