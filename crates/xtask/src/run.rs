//! Running programs at the root of the workspace, step by step.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::AnyError;

/// A command that runs at the root of the workspace.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(root());
    command
}

/// The `cargo` that runs this.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// The folder of everything built.
pub(crate) fn target() -> PathBuf {
    // Absolute or relative to the root; joining does either.
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Runs a command and shows what it prints.
///
/// # Errors
/// That it cannot be started or did not succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), AnyError> {
    let status = command
        .status()
        .map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", shown(command)).into())
    }
}

/// Whether a command can be started and succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// What a command prints, without white space around it.
///
/// # Errors
/// That it cannot be started or did not succeed.
pub(crate) fn output(command: &mut Command) -> Result<String, AnyError> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    } else {
        Err(format!("{} ended with {}", shown(command), output.status).into())
    }
}

/// Installs a Debian package.
///
/// # Errors
/// That this is no Debian or that it needs root, with the command to run.
pub(crate) fn apt_install(package: &str) -> Result<(), AnyError> {
    let root = output(command("id").arg("-u")).is_ok_and(|id| id == "0");
    if !root || !succeeds(command("apt-get").arg("--version")) {
        return Err(format!("install it first, on Debian with `apt-get install {package}`").into());
    }
    let mut install = command("apt-get");
    install
        .args(["install", "--yes", "--quiet", package])
        .env("DEBIAN_FRONTEND", "noninteractive");
    if succeeds(&mut install) {
        return Ok(());
    }
    // Its lists may be missing or old.
    run(command("apt-get").args(["update", "--quiet"]))?;
    run(install.stdout(Stdio::inherit()).stderr(Stdio::inherit()))
}

/// Steps done so far, with their times.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    /// Does one step and tells how long it took.
    ///
    /// # Errors
    /// What the step failed with, under its name.
    pub(crate) fn step<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, AnyError>,
    ) -> Result<T, AnyError> {
        println!("\n== {name}");
        let start = Instant::now();
        let done = work().map_err(|error| format!("{name}: {error}"))?;
        let took = start.elapsed();
        println!("== {name}: done in {:.1} s", took.as_secs_f64());
        self.0.push((name, took));
        Ok(done)
    }

    /// Tells the times of all steps.
    pub(crate) fn print(&self) {
        println!();
        for (name, took) in &self.0 {
            println!("{:>8.1} s  {name}", took.as_secs_f64());
        }
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}
