//! `comity serve`: run a gateway until SIGTERM; SIGHUP has it read the files of policies and TLS.

use std::{path::PathBuf, process, thread, time::Duration};

use clap::Args;
use comity_gateway::{
    config::{Config, Tls},
    gateway::{self, Running},
};
use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::library;
use crate::{
    client::complete,
    exit::{Exit, Failure},
};

/// When memory that was freed as the gateway started can be given back.
const LATER: Duration = Duration::from_secs(3);

/// Bytes that are no allocator's small change.
const LARGE: usize = 32 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Example: comity serve --config comity.toml")]
pub(crate) struct Arguments {
    /// Settings; mistakes in them are reported together, and then files that they name and
    /// that are not there
    #[arg(long)]
    config: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    init_logging();
    let settings = arguments.config.display();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %settings, pid = process::id(), "comity starts");
    let config = Config::load(&arguments.config)?;
    demand_files(&config)?;
    complete(async {
        let hang_up = signal(SignalKind::hangup())?;
        let running = gateway::start(config, Timestamp::now).await?;
        give_back();
        tracing::info!(address = %running.address(), ledger.key = %running.verifier_key(), witness.key = %running.witness_key(), "gateway is up");
        tokio::select! {
            stopped = stop_signal() => stopped?,
            () = reload(&running, hang_up) => {}
        }
        tracing::info!("gateway stops");
        running.stop().await;
        Ok(Exit::Done)
    })?
}

/// Refuses settings that name files which are not there.
fn demand_files(config: &Config) -> Result<(), Failure> {
    let Tls {
        certificate,
        key,
        client_ca,
        revocation_lists,
    } = &config.tls;
    let files = [
        ("tls.certificate", certificate),
        ("tls.key", key),
        ("tls.client_ca", client_ca),
    ];
    let lists = revocation_lists.iter();
    let lists = lists.map(|list| ("tls.revocation_lists", list));
    let lacking = files
        .into_iter()
        .chain(lists)
        .filter(|(_, path)| !path.is_file());
    let mut lacking: Vec<_> = lacking
        .map(|(key, path)| format!("`{key}` is `{}`: there is no such file", path.display()))
        .collect();
    let folder = &config.policies.folder;
    if !library::is_one(folder) {
        lacking.push(format!(
            "`policies.folder` is `{}`: there is no policy library",
            folder.display()
        ));
    }
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(lacking.join("\n  ").into()),
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
async fn reload(running: &Running, mut hang_up: Signal) {
    while hang_up.recv().await.is_some() {
        running.reload();
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
