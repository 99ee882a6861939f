//! `cargo xtask test`: what a change must pass.

use std::{env, ffi::OsString, fs, num::NonZero, process::Command, thread};

use lexopt::prelude::*;

use crate::{
    AnyError, python,
    run::{self, Steps, apt_install, command, run, succeeds, target},
};

const HELP: &str = "\
Install what the tests need, check the style, pass all tests

Usage: cargo xtask test

Makes a Python environment with gRPC in `target/python` (needs python3 with
venv; installed where this is Debian and you are root, as are OpenSSL, which
timestamps and checks what is handed out, Go, without which one of two foreign
verifiers is left out, the solver cvc5, without which nothing is proved,
strace, without which no system call is broken, and SoftHSM, without which no
key is kept by a token), then checks formatting and lints, builds what they call, and
runs every test of the workspace, those of proofs last. Ends after the first step that
fails, with exit code 1; a test that fails does not keep others from being run.";

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
    let in_steps = env::var_os("CARGO_INCREMENTAL").is_some() || is_built_in_steps();
    let cargo = || build(in_steps);
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
        let programs = ["--bin", "comity", "--bin", "comity-bench"];
        run(cargo().args(["build", "--workspace"]).args(programs))
    })?;
    steps.step("test", || {
        run(cargo()
            .args(["test", "--workspace", "--no-fail-fast"])
            .env("COMITY_PYTHON", python)
            .env("RUST_TEST_THREADS", threads()))
    })?;
    steps.step("prove", || {
        // This crate alone: with the feature all that hang on it would be built again.
        let proofs = ["test", "-p", "comity-policy", "--lib"];
        let proving = ["--features", "prove", "--", "proving"];
        run(cargo().args(proofs).args(proving))
    })?;
    steps.print();
    Ok(())
}

/// Cargo, which keeps what makes the next build quicker only where that is done here anyway:
/// it makes a build from nothing a quarter slower.
fn build(in_steps: bool) -> Command {
    let mut cargo = run::cargo();
    if !in_steps {
        cargo.env("CARGO_INCREMENTAL", "0");
    }
    cargo
}

/// Whether somebody who changes the sources builds them here.
fn is_built_in_steps() -> bool {
    let kept = fs::read_dir(target().join("debug/incremental"));
    let mut kept = kept.into_iter().flatten().flatten();
    kept.any(|unit| unit.file_name().to_string_lossy().starts_with("comity_"))
}

/// How many tests run at a time: more than there are cores, for those that talk over
/// sockets wait for much of their time.
fn threads() -> OsString {
    env::var_os("RUST_TEST_THREADS").unwrap_or_else(|| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        (cores + cores.div_ceil(2)).to_string().into()
    })
}

/// What some tests use where it is there.
struct Helper {
    /// Commands that succeed where it is there.
    shown_by: &'static [&'static [&'static str]],
    /// Debian's packages of it.
    packages: &'static [&'static str],
    /// What is left out where it is not.
    without: &'static str,
}

const HELPERS: [Helper; 5] = [
    Helper {
        shown_by: &[&["openssl", "version"]],
        packages: &["openssl"],
        without: "tests with timestamps and of case bundles fail",
    },
    Helper {
        shown_by: &[
            &["go", "version"],
            &["test", "-d", "/usr/share/gocode/src/golang.org/x/mod"],
        ],
        packages: &["golang-go", "golang-golang-x-mod-dev"],
        without: "the ledger is verified without Go",
    },
    Helper {
        shown_by: &[&["cvc5", "--version"]],
        packages: &["cvc5"],
        without: "nothing is proved by a solver",
    },
    Helper {
        shown_by: &[&["strace", "--version"]],
        packages: &["strace"],
        without: "no system call is broken",
    },
    Helper {
        shown_by: &[&["softhsm2-util", "--version"]],
        packages: &["softhsm2"],
        without: "no key is kept by a token",
    },
];

impl Helper {
    fn is_there(&self) -> bool {
        let succeed = |line: &&[&str]| match line {
            [program, arguments @ ..] => succeeds(command(program).args(arguments)),
            [] => true,
        };
        self.shown_by.iter().all(succeed)
    }
}

fn helpers() -> Result<(), AnyError> {
    for helper in HELPERS.iter().filter(|helper| !helper.is_there()) {
        let mut packages = helper.packages.iter();
        if let Err(error) = packages.try_for_each(|package| apt_install(package)) {
            println!("{}: {error}", helper.without);
        }
    }
    println!("what the tests use if they can is there, or named above");
    Ok(())
}

fn components() -> Result<(), AnyError> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !succeeds(run::cargo().args([subcommand, "--version"])) {
            return Err(format!(
                "`cargo {subcommand}` is missing: `rustup component add {component}`"
            )
            .into());
        }
    }
    println!("rustfmt and clippy are there");
    Ok(())
}
