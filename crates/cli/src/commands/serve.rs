//! `comity serve`: run a gateway until SIGTERM; SIGHUP has it read the policy files.

use std::path::PathBuf;

use clap::Args;
use comity_gateway::{
    config::Config,
    gateway::{self, Running},
};
use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
#[command(after_help = "Example: comity serve --config comity.toml")]
pub(crate) struct Arguments {
    /// Settings; every mistake in them is reported at once
    #[arg(long)]
    config: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    init_logging();
    let config = Config::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let hang_up = signal(SignalKind::hangup())?;
        let running = gateway::start(config, Timestamp::now).await?;
        tracing::info!(address = %running.address(), ledger.key = %running.verifier_key(), witness.key = %running.witness_key(), "gateway is up");
        tokio::select! {
            stopped = stop_signal() => stopped?,
            () = reload(&running, hang_up) => {}
        }
        tracing::info!("gateway stops");
        running.stop().await;
        Ok(Exit::Done)
    })
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

/// Has the policy files read whenever the process is told to hang up.
async fn reload(running: &Running, mut hang_up: Signal) {
    while hang_up.recv().await.is_some() {
        running.reload_policies();
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
