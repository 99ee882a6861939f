//! `cargo xtask evidence`: one large item through the gateway and back.

use std::{ffi::OsString, os::unix::process::CommandExt as _};

use crate::{
    AnyError,
    bench::{measured, sized},
    run::{root, target},
};

const HELP: &str = "\
Send a large item of evidence through the gateway, with cuts

Usage: cargo xtask evidence [OPTIONS]

Options:
  --gib <N>            Size of the item, GiB [default: 10]
  --profile <PROFILE>  Build to measure: release or dev [default: release]

A gateway and a backend are started on the loopback interface. The executing side
uploads the item over mutual TLS; the connection is cut three times and the upload
goes on from what is stored. The issuing side downloads it. Shown are throughput,
what the gateway's CPU spent, how much its memory grew, and that the bytes are the
same. The disk needs room for the item; the folder, in `target/evidence`, is removed
at the end. Linux only.

Example: cargo xtask evidence --gib 1";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let parser = lexopt::Parser::from_args(arguments);
    let Some((gib, profile)) = sized(parser, "gib", (10, 1..=1024))? else {
        println!("{HELP}");
        return Ok(());
    };
    let (comity, mut transfer) = measured(&profile)?;
    transfer
        .arg("evidence")
        .arg(target().join("evidence"))
        .arg(comity)
        .arg(root().join("policies"))
        .arg((u64::from(gib) * 1024).to_string());
    // Takes the place of this process, so that whatever ends it ends it all.
    Err(transfer.exec().into())
}
