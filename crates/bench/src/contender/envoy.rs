//! Envoy with one worker, alone or asking an authorizer before it forwards.

use std::{net::SocketAddr, path::Path, process::Command};

use super::{Contender, Ground, Kind, version};
use crate::{
    AnyError,
    process::{Process, free_address},
};

/// Starts Envoy as a plain proxy.
pub(super) fn start(ground: &Ground, program: &Path) -> Result<Contender, AnyError> {
    start_kind(ground, program, None)
}

/// Starts Envoy with an authorizer that lets everything pass. The CPU time of
/// both counts.
pub(super) fn start_with_authorizer(
    ground: &Ground,
    program: &Path,
) -> Result<Contender, AnyError> {
    start_kind(ground, program, Some(free_address()?))
}

fn start_kind(
    ground: &Ground,
    program: &Path,
    authorizer: Option<SocketAddr>,
) -> Result<Contender, AnyError> {
    let kind = authorizer.map_or(Kind::Envoy, |_| Kind::ExtAuthz);
    let front = free_address()?;
    let folder = ground.folder.join(kind.as_str());
    let file = ground.configure(
        &format!("{kind}/envoy.yaml"),
        include_str!("envoy.yaml"),
        &[
            ("PKI", &ground.pki.folder.display()),
            ("FRONT_PORT", &front.port()),
            ("BACKEND_PORT", &ground.backend.port()),
            ("WITHOUT_AUTHORIZER", &authorizer.is_none()),
            // Never called while the filter is disabled.
            (
                "AUTHORIZER_PORT",
                &authorizer.map_or(1, |address| address.port()),
            ),
        ],
    )?;
    let mut command = Command::new(program);
    command
        .args(["--concurrency", "1", "--disable-hot-restart"])
        .args(["--log-level", "warn", "--config-path"])
        .arg(file);
    let mut processes = vec![Process::start(&mut command, &folder, "envoy")?];
    if let Some(address) = authorizer {
        let arguments = ["authorizer", &address.to_string()];
        processes.push(Process::start_part(&arguments, &folder)?);
    }
    Ok(Contender::new(
        kind,
        version(program, "--version"),
        front,
        processes,
    ))
}
