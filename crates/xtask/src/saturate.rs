//! `cargo xtask saturate`: emergencies while the gateway is flooded.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use crate::{
    AnyError,
    bench::{measured, sized},
    run::{root, target},
};

const HELP: &str = "\
Ask in emergencies while ordinary requests flood the gateway

Usage: cargo xtask saturate [OPTIONS]

Options:
  --seconds <S>        Length of a turn [default: 10]
  --profile <PROFILE>  Build to measure: release or dev [default: release]

A gateway with 64 places for calls carries emergencies alone, then beside ten times
as many ordinary requests as it has places: first several at a time, then one now and
then, which finds the gateway full. Shown is how long emergencies take each time; the
command fails where one is turned away. Linux only.

Example: cargo xtask saturate --seconds 5";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let parser = lexopt::Parser::from_args(arguments);
    let Some((seconds, profile)) = sized(parser, "seconds", (10, 1..=600))? else {
        println!("{HELP}");
        return Ok(());
    };
    let (comity, mut saturate) = measured(&profile)?;
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
