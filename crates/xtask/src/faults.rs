//! `cargo xtask faults`: the disk breaks under the store and its ledger.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::{
    AnyError,
    bench::number,
    run::{cargo, command, run, succeeds},
};

const HELP: &str = "\
Break the disk under the store and its ledger, and see what is left

Usage: cargo xtask faults [OPTIONS]

Options:
  --seeds <N>  Simulated histories [default: 20000]
  --syscalls   Break system calls instead, each and every one of a run

A simulated disk loses power in the midst of whatever is written: what was not flushed
is lost, torn or kept as the seed has it, calls fail and the disk fills up. The
published ledger and the key file must come through it; a seed that fails is named, and
`--seeds` with `COMITY_FIRST_SEED` in the environment tries it again.

With `--syscalls`, `strace` has every write, flush, rename and cut of a run of 50
requests fail with EIO, or kill the process there: nothing that was acknowledged may be
lost, and a store that met an error of a flush takes no more work. Linux only; install
strace first, on Debian with `apt-get install strace`.

The tests do both with 500 histories of the ledger, 2,000 of the key file and some 50
calls.";

/// Runs the command.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> Result<(), AnyError> {
    let Some(what) = parse(lexopt::Parser::from_args(arguments))? else {
        println!("{HELP}");
        return Ok(());
    };
    match what {
        What::Seeds(seeds) => run(tests("simulated::").env("COMITY_SEEDS", seeds.to_string())),
        What::Syscalls if !succeeds(command("strace").arg("--version")) => {
            Err("strace is missing; install it, on Debian with `apt-get install strace`".into())
        }
        What::Syscalls => run(tests("syscalls::").env("COMITY_EVERY_SYSCALL", "1")),
    }
}

/// What is tried.
#[derive(Debug, PartialEq)]
enum What {
    Seeds(u32),
    Syscalls,
}

/// The tests of libraries of that name.
fn tests(filter: &str) -> std::process::Command {
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--lib", filter, "--", "--nocapture"]);
    tests
}

/// Nothing when help is asked for.
fn parse(mut parser: lexopt::Parser) -> Result<Option<What>, lexopt::Error> {
    let mut what = None;
    while let Some(argument) = parser.next()? {
        let new = match argument {
            Long("seeds") => What::Seeds(number(&parser.value()?.string()?, 1..=100_000_000)?),
            Long("syscalls") => What::Syscalls,
            Long("help") | Short('h') => return Ok(None),
            argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
        };
        if what.replace(new).is_some() {
            return Err("`--seeds` and `--syscalls` are one or the other, once".into());
        }
    }
    Ok(Some(what.unwrap_or(What::Seeds(20_000))))
}
