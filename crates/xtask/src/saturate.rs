//! `cargo xtask saturate`: emergencies while the gateway is flooded.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use lexopt::prelude::*;

use crate::{
    AnyError,
    bench::{build, number, one_of},
    run::{Steps, command, root, target},
};

const HELP: &str = "\
Ask in emergencies while ordinary requests flood the gateway

Usage: cargo xtask saturate [OPTIONS]

Options:
  --seconds <S>        Length of a turn [default: 10]
  --profile <PROFILE>  Build to measure: dist, release or dev [default: release]

A gateway with 64 places for calls carries emergencies alone, then beside ten times
as many ordinary requests as it has places. Shown is how long emergencies take in
both cases; the command fails where one is turned away. Linux only.

Example: cargo xtask saturate --seconds 5";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let Some((seconds, profile)) = parse(lexopt::Parser::from_args(arguments))? else {
        println!("{HELP}");
        return Ok(());
    };
    let mut steps = Steps::default();
    let comity = steps.step("build comity", || build("comity", &profile))?;
    let bench = steps.step("build the benchmark", || build("comity-bench", &profile))?;
    println!("\n== saturate");
    let mut saturate = command(bench);
    saturate
        .arg("saturate")
        .args(["--seconds", &seconds.to_string()])
        .arg("--out")
        .arg(target().join("saturate"))
        .arg("--policies")
        .arg(root().join("policies"))
        .arg("--comity")
        .arg(comity);
    // Takes the place of this process, so that whatever ends it ends it all.
    Err(saturate.exec().into())
}

/// Nothing when help is asked for.
fn parse(mut parser: lexopt::Parser) -> Result<Option<(u32, String)>, lexopt::Error> {
    let (mut seconds, mut profile) = (10, "release".to_owned());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => seconds = number(&parser.value()?.string()?, 1..=600)?,
            Long("profile") => {
                profile = parser.value()?.string()?;
                one_of(&["dist", "release", "dev"], std::slice::from_ref(&profile))?;
            }
            Long("help") | Short('h') => return Ok(None),
            argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
        }
    }
    Ok(Some((seconds, profile)))
}
