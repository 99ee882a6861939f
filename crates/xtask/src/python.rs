//! Python environments of our own, below the target folder: nothing is
//! installed for the machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    AnyError,
    run::{apt_install, command, output, run, succeeds},
};

/// An environment with exactly these packages, `name==version` each, made
/// unless it is there already. Gives its `python`.
///
/// # Errors
/// That Python or a package is not to be had, and what to do.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf, AnyError> {
    let python = folder.join("bin").join("python");
    let installed = folder.join("installed.txt");
    let wanted = packages.join("\n");
    let found = fs::read_to_string(&installed).unwrap_or_default();
    if found == wanted && succeeds(command(&python).arg("--version")) {
        println!("{} is there", packages.join(", "));
        return Ok(python);
    }
    create(folder)?;
    run(command(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        // A package without a wheel would want a C++ compiler and an hour.
        .arg("--only-binary=:all:")
        .args(packages))
    .map_err(|error| {
        format!(
            "{error}; with {}, packages must be reachable and offer wheels for it",
            output(command("python3").arg("--version")).unwrap_or_default()
        )
    })?;
    fs::write(installed, wanted)?;
    println!("installed {}", packages.join(", "));
    Ok(python)
}

fn create(folder: &Path) -> Result<(), AnyError> {
    let mut venv = command("python3");
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    if succeeds(&mut venv) {
        return Ok(());
    }
    println!("python3 or its venv module is missing");
    apt_install("python3-venv").map_err(|error| format!("python3 with venv is needed: {error}"))?;
    run(command("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder))
}
