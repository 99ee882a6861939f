//! Processes that end with their owner, and addresses and folders for them.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A process with a log. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command that writes to `<folder>/<name>.log`.
    pub(crate) fn start(command: &mut Command, folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|error| {
                let program = command.get_program().to_string_lossy();
                io::Error::other(format!("cannot start `{program}`: {error}"))
            })?;
        Ok(Self { child, log })
    }

    /// Starts another part of this benchmark.
    pub(crate) fn start_part(arguments: &[&str], folder: &Path) -> io::Result<Self> {
        let name = arguments.first().copied().unwrap_or("part");
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args(arguments), folder, name)
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// How it ended, with the last line of its log.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let Ok(Some(status)) = self.child.try_wait() else {
            return Ok(());
        };
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.trim_end().lines().next_back().unwrap_or("no message");
        Err(format!("ended with {status}: {last}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on the loopback interface where nobody listens.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Removes a folder with all that is in it, where there is one.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
