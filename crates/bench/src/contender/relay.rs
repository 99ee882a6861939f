//! The relay, with one thread beside its writer, on an empty table.

use super::{Contender, Ground, Kind, own_version};
use crate::{
    AnyError,
    process::{Process, free_address, remove},
};

/// Starts the relay.
pub(super) fn start(ground: &Ground) -> Result<Contender, AnyError> {
    let front = free_address()?;
    let folder = ground.folder.join("relay");
    remove(&folder)?;
    let arguments = [
        "relay",
        &front.to_string(),
        &ground.backend.to_string(),
        &ground.pki.folder.to_string_lossy(),
        &folder.to_string_lossy(),
    ];
    let process = Process::start_part(&arguments, &folder)?;
    Ok(Contender::new(
        Kind::Relay,
        own_version(),
        front,
        vec![process],
    ))
}
