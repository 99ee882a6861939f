//! nginx, one process, which keeps its upstream connections open.

use std::{path::Path, process::Command};

use super::{Contender, Ground, Kind, version};
use crate::{
    AnyError,
    process::{Process, free_address},
};

/// Starts nginx.
pub(super) fn start(ground: &Ground, program: &Path) -> Result<Contender, AnyError> {
    let front = free_address()?;
    let folder = ground.folder.join("nginx");
    let file = ground.configure(
        "nginx/nginx.conf",
        include_str!("nginx.conf"),
        &[
            ("DIR", &folder.display()),
            ("PKI", &ground.pki.folder.display()),
            ("FRONT", &front),
            ("BACKEND", &ground.backend),
        ],
    )?;
    let mut command = Command::new(program);
    command.arg("-p").arg(&folder).arg("-c").arg(file);
    let process = Process::start(&mut command, &folder, "nginx")?;
    Ok(Contender::new(
        Kind::Nginx,
        version(program, "-v"),
        front,
        vec![process],
    ))
}
