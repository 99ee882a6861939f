//! The gateway as a process that can be killed.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::cli::cargo;

/// `comity serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    config: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it and returns at once: who calls it is to try until it answers.
    pub(crate) fn start(config: &Path) -> Self {
        Self {
            config: config.to_owned(),
            child: spawn(config),
        }
    }

    /// Ends it in the middle of whatever it does (SIGKILL).
    pub(crate) fn kill(&mut self) {
        assert!(
            self.child.try_wait().unwrap().is_none(),
            "it ended by itself: {}",
            self.log()
        );
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after [`Process::kill`].
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.config);
    }

    /// Sends it a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log(&self.config)).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on, another one each time. Its port lies below
/// those that systems give to outgoing connections, one of which could take it
/// while the gateway is down.
pub(crate) fn free_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = 20_000 + std::process::id() % 8_000;
    std::iter::repeat_with(|| first + TAKEN.fetch_add(1, Ordering::Relaxed))
        .take(4_000)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap())))
        .find(|address| TcpListener::bind(address).is_ok())
        .unwrap()
}

fn spawn(config: &Path) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log(config))
        .unwrap();
    Command::new(&*PROGRAM)
        .args(["serve", "--config"])
        .arg(config)
        .env("RUST_LOG", "warn")
        .stderr(log)
        .spawn()
        .unwrap()
}

fn log(config: &Path) -> PathBuf {
    config.with_extension("log")
}

/// The `comity` program of the same sources, beside the folder of this test.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let deps = std::env::current_exe().unwrap();
    let folder = deps.parent().unwrap().parent().unwrap();
    // Not built with this test: one that lies there may be older than the sources.
    let mut build = cargo();
    build
        .args([
            "build",
            "--quiet",
            "--offline",
            "--workspace",
            "--bin",
            "comity",
        ])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(build.status().unwrap().success());
    folder.join("comity")
});
