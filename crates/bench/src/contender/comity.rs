//! The gateway as it ships, with one runtime worker, on an empty store.

use std::{fs, io, path::Path, process::Command};

use super::{Contender, Ground, Kind, version};
use crate::{
    AnyError,
    pki::TRUST_DOMAIN,
    process::{Process, free_address},
    request::EXECUTING,
};

/// Starts the gateway with the library's rules.
pub(super) fn start(
    ground: &Ground,
    program: &Path,
    policies: &Path,
    places: u32,
) -> Result<Contender, AnyError> {
    let front = free_address()?;
    let folder = ground.folder.join("comity");
    match fs::remove_dir_all(folder.join("data")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    let file = ground.configure(
        "comity/comity.toml",
        include_str!("comity.toml"),
        &[
            ("DIR", &folder.display()),
            ("PKI", &ground.pki.folder.display()),
            ("POLICIES", &policies.display()),
            ("TRUST_DOMAIN", &TRUST_DOMAIN),
            ("EXECUTING", &EXECUTING),
            ("PLACES", &places),
            ("FRONT", &front),
            ("BACKEND", &ground.backend),
        ],
    )?;
    let mut command = Command::new(program);
    command
        .args(["serve", "--config"])
        .arg(file)
        .env("TOKIO_WORKER_THREADS", "1")
        .env("RUST_LOG", "warn");
    let process = Process::start(&mut command, &folder, "comity")?;
    Ok(Contender::new(
        Kind::Comity,
        version(program, "--version"),
        front,
        vec![process],
    ))
}
