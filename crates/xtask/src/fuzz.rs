//! `cargo xtask fuzz`: the verifiers against changed files, for as long as one likes.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::{
    AnyError,
    bench::{number, one_of},
    run::{cargo, run},
};

const HELP: &str = "\
Try whatever `comity audit verify` reads with changed files

Usage: cargo xtask fuzz [OPTIONS]

Options:
  --seconds <N>  How long each property is tried [default: 60]
  --only <PART>  Only one part: ledger, texts, timestamps or bundle

Published ledgers, data folders, case bundles, zip files, receipts, checkpoints, notes,
timestamps, keys and leaves are changed as accidents and forgers would, and verified: no panic, and
nothing believed that somebody changed. Properties are tried beside each other, one a
processor. What fails is reduced to the least that shows it. The tests do the same with
a few hundred cases of each.

Example: cargo xtask fuzz --seconds 600 --only texts";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let Some((seconds, only)) = parse(lexopt::Parser::from_args(arguments))? else {
        println!("{HELP}");
        return Ok(());
    };
    let mut fuzz = cargo();
    fuzz.args(["test", "--workspace", "--test", "e2e"])
        .arg(format!("fuzz::{}", only.unwrap_or_default()))
        .args(["--", "--nocapture"])
        .env("COMITY_FUZZ_SECONDS", seconds.to_string());
    run(&mut fuzz)
}

/// Nothing when help is asked for.
fn parse(mut parser: lexopt::Parser) -> Result<Option<(u32, Option<String>)>, lexopt::Error> {
    let (mut seconds, mut only) = (60, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => seconds = number(&parser.value()?.string()?, 1..=86_400)?,
            Long("only") => {
                let part = parser.value()?.string()?;
                let parts = ["ledger", "texts", "timestamps", "bundle"];
                one_of(&parts, std::slice::from_ref(&part))?;
                only = Some(part);
            }
            Long("help") | Short('h') => return Ok(None),
            argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
        }
    }
    Ok(Some((seconds, only)))
}
