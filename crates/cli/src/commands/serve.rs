//! `comity serve`: run a gateway until SIGTERM; SIGHUP has it read the files of policies and TLS.

use std::{
    fs, future,
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use clap::Args;
use comity_gateway::{
    check::{self, Wrong},
    config::{Config, EXAMPLE, line_of},
    gateway::{self, Running},
};
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::library;
use crate::{
    client::complete,
    exit::{Exit, Failure},
};

/// When memory that was freed as the gateway started can be given back.
const LATER: Duration = Duration::from_secs(3);

/// A service manager is not told more often.
const SHORTEST: Duration = Duration::from_millis(100);

/// Bytes that are no allocator's small change.
const LARGE: usize = 32 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples: comity serve --example > comity.toml
          comity serve --config comity.toml --check
          comity serve --config comity.toml")]
pub(crate) struct Arguments {
    /// Settings; mistakes in them are reported together, and then what is wrong with the
    /// files that they name
    #[arg(long, required_unless_present = "example")]
    config: Option<PathBuf>,
    /// Print settings to begin with, all of them and each explained, and start nothing
    #[arg(long, conflicts_with_all = ["config", "check"])]
    example: bool,
    /// Only say what is wrong with settings, certificates, keys and policies, all at once;
    /// nothing is changed or listened on, and a gateway may be running
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Some(path) = &arguments.config else {
        print!("{EXAMPLE}");
        return Ok(Exit::Done);
    };
    if arguments.check {
        return check_only(path);
    }
    init_logging();
    let settings = path.display();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %settings, pid = process::id(), "comity starts");
    let config = Config::load(path)?;
    refuse(path, &wrong_files(&config))?;
    complete(async {
        let hang_up = signal(SignalKind::hangup())?;
        let running = gateway::start(config.clone(), Timestamp::now).await?;
        give_back();
        for doubt in told(path, &check::law(&config, &running.library())) {
            tracing::warn!("{doubt}");
        }
        tracing::info!(address = %running.address(), ledger.key = %running.verifier_key(), witness.key = %running.witness_key(), "gateway is up");
        notify(&[NotifyState::Ready]);
        let whole = tokio::select! {
            stopped = stop_signal() => stopped.map(|()| true)?,
            () = reload(&running, (path, &config), hang_up) => true,
            () = watchdog() => true,
            () = running.broken() => false,
        };
        tracing::info!("gateway stops");
        notify(&[NotifyState::Stopping]);
        running.stop().await;
        match whole {
            true => Ok(Exit::Done),
            false => {
                Err("a part of the gateway broke off, as the log tells; start it again".into())
            }
        }
    })?
}

/// Says everything that is wrong, and starts nothing.
fn check_only(path: &Path) -> Result<Exit, Failure> {
    let config = Config::load(path)?;
    let mut wrong = wrong_files(&config);
    let mut doubts = Vec::new();
    if library::is_one(&config.policies.folder) {
        match check::policies(&config, Timestamp::now()) {
            Ok(library) => doubts = told(path, &check::law(&config, &library)),
            Err(error) => wrong.push(error),
        }
    }
    for doubt in doubts {
        println!("warning: {doubt}");
    }
    refuse(path, &wrong)?;
    println!("`{}` is in order", path.display());
    Ok(Exit::Done)
}

/// Everything wrong with the files that settings name.
fn wrong_files(config: &Config) -> Vec<Wrong> {
    let mut wrong = check::files(config);
    let folder = &config.policies.folder;
    if !library::is_one(folder) {
        let message = format!(
            "`policies.folder` is `{}`: there is no policy library",
            folder.display()
        );
        wrong.push(Wrong {
            setting: "policies.folder",
            nth: 0,
            message,
        });
    }
    wrong
}

/// Fails with all that is wrong, if anything is.
fn refuse(path: &Path, wrong: &[Wrong]) -> Result<(), Failure> {
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(told(path, wrong).join("\n").into()),
    }
}

/// What is wrong, each with file and line.
fn told(path: &Path, wrong: &[Wrong]) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut found: Vec<_> = wrong
        .iter()
        .map(|wrong| (line_of(&text, wrong.setting, wrong.nth), &wrong.message))
        .collect();
    found.sort_by_key(|(line, _)| *line);
    let tell = |(line, message): (Option<usize>, &String)| match line {
        Some(line) => format!("{}:{line}: {message}", path.display()),
        None => format!("{}: {message}", path.display()),
    };
    found.into_iter().map(tell).collect()
}

/// Tells whoever started the process how it stands, if it is a service of systemd.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

/// Shows that the process lives, twice as often as is asked for; never ends.
async fn watchdog() {
    let mut every = 0;
    if !sd_notify::watchdog_enabled(false, &mut every) {
        return future::pending().await;
    }
    let mut beats = tokio::time::interval(Duration::from_micros(every / 2).max(SHORTEST));
    loop {
        beats.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

/// Has the allocator give back what it keeps of reading the policy files, three times
/// what they come to. It does so a second after memory was freed, as something large is
/// freed by another thread; nothing is in an idle gateway, and a thread that only ends is
/// not enough.
fn give_back() {
    tokio::spawn(async {
        tokio::time::sleep(LATER).await;
        thread::spawn(|| drop(Vec::<u8>::with_capacity(LARGE)));
    });
}

/// Structured events on standard error; `RUST_LOG` selects them.
fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Has the files of policies and TLS read whenever the process is told to hang up.
async fn reload(running: &Running, (path, config): (&Path, &Config), mut hang_up: Signal) {
    while hang_up.recv().await.is_some() {
        let mut states = vec![NotifyState::Reloading];
        states.extend(NotifyState::monotonic_usec_now().ok());
        notify(&states);
        running.reload();
        match Config::load(path) {
            Ok(now) if now == *config => {
                tracing::info!("told to hang up: policies and TLS files are read again")
            }
            Ok(_) => tracing::warn!(
                "told to hang up: policies and TLS files are read again; the settings have changed, \
                 and are read at the start alone"
            ),
            Err(error) => tracing::warn!(
                "told to hang up: policies and TLS files are read again; the settings have changed, \
                 and a start would fail\n{error}"
            ),
        }
        notify(&[NotifyState::Ready]);
    }
}

/// Returns when the process is asked to stop.
pub(super) async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
