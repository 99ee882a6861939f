//! `cargo xtask test`: what a change must pass.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::{
    AnyError, python,
    run::{Steps, apt_install, cargo, run, succeeds, target},
};

const HELP: &str = "\
Install what the tests need, check the style, pass all tests

Usage: cargo xtask test

Makes a Python environment with gRPC in `target/python` (needs python3 with
venv; installed where this is Debian and you are root, as are Go, without which
one of two foreign verifiers is left out, the solver cvc5, without which nothing
is proved, and strace, without which no system call is broken), then checks
formatting and lints, builds `comity`, and runs every test of the workspace,
those of proofs last. Ends at the first step that fails, with exit code 1.";

/// gRPC for Python: the tests call the gateway as a stranger would.
const PYTHON_PACKAGES: [&str; 4] = [
    "grpcio==1.85.1",
    "grpcio-tools==1.85.1",
    "grpcio-reflection==1.85.1",
    "protobuf==7.36.2",
];

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
    let mut steps = Steps::default();
    steps.step("tools", components)?;
    let python = steps.step("python", || {
        python::environment(&target().join("python"), &PYTHON_PACKAGES)
    })?;
    steps.step("helpers", helpers)?;
    steps.step("format", || {
        run(cargo().args(["fmt", "--all", "--", "--check"]))
    })?;
    steps.step("lint", || {
        let lint = ["clippy", "--workspace", "--all-targets", "--"];
        run(cargo().args(lint).args(["-D", "warnings"]))
    })?;
    steps.step("build", || {
        run(cargo().args(["build", "--workspace", "--bin", "comity"]))
    })?;
    steps.step("test", || {
        run(cargo()
            .args(["test", "--workspace"])
            .env("COMITY_PYTHON", python))
    })?;
    steps.step("prove", || {
        let proofs = [
            "test",
            "--workspace",
            "--lib",
            "--features",
            "comity-policy/prove",
        ];
        run(cargo().args(proofs).args(["--", "proving"]))
    })?;
    steps.print();
    Ok(())
}

/// Programs that some tests use where they are there, and what is left out where
/// they are not.
const HELPERS: [(&[&str], &str); 3] = [
    (
        &["golang-go", "golang-golang-x-mod-dev"],
        "the ledger is verified without Go",
    ),
    (&["cvc5"], "nothing is proved by a solver"),
    (&["strace"], "no system call is broken"),
];

fn helpers() -> Result<(), AnyError> {
    for (packages, without) in HELPERS {
        for package in packages {
            match apt_install(package) {
                Ok(()) => println!("{package} is there"),
                Err(error) => {
                    println!("{without}: {error}");
                    break;
                }
            }
        }
    }
    Ok(())
}

fn components() -> Result<(), AnyError> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !succeeds(cargo().args([subcommand, "--version"])) {
            return Err(format!(
                "`cargo {subcommand}` is missing: `rustup component add {component}`"
            )
            .into());
        }
    }
    println!("rustfmt and clippy are there");
    Ok(())
}
