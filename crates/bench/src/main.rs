//! Measures the gateway beside plain proxies: the same unary exchange, a
//! kibibyte each way, over mutual TLS, in a closed loop.
//!
//! One binary plays every part that is not under test: the load client and
//! referee (`compare`), the backend, the authorizer that Envoy asks, and a relay on the
//! gateway's own stack that decides nothing. It also sends one large item of evidence
//! through the gateway (`evidence`), asks in emergencies while it floods the gateway
//! (`saturate`), and drives the ledger without a gateway (`ledger`).

#![expect(clippy::print_stdout, reason = "printing results is its purpose")]

mod accounts;
mod authorizer;
mod backend;
mod cli;
mod compare;
mod contender;
mod evidence;
mod exchange;
mod ledger;
mod load;
mod pki;
mod process;
mod records;
mod relay;
mod report;
mod request;
mod saturate;
mod spread;
mod workshop;

use std::{error::Error, process::ExitCode};

use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use crate::cli::Command;

/// The gateway's, so that what is measured of its parts is as it ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Anything that ends a command early; its text is for the person who started it.
type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let command = match Command::parse() {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// On one thread, as every contender has: the machine is shared with them. The ledger
/// alone has as many as a gateway that is not told otherwise.
fn run(command: Command) -> Result<(), AnyError> {
    let mut runtime = match command {
        Command::Ledger(_) => Builder::new_multi_thread(),
        Command::Compare(_)
        | Command::Saturate(_)
        | Command::Evidence(_)
        | Command::Backend { .. }
        | Command::Relay { .. }
        | Command::Authorizer { .. } => Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(work(command))
}

async fn work(command: Command) -> Result<(), AnyError> {
    let mut terminated = signal(SignalKind::terminate())?;
    let work = async {
        match command {
            Command::Compare(plan) => compare::compare(&plan).await,
            Command::Saturate(plan) => saturate::measure(&plan).await,
            Command::Ledger(plan) => ledger::measure(&plan).await,
            Command::Evidence(transfer) => evidence::measure(&transfer).await,
            Command::Backend { listen, pki } => backend::serve(listen, &pki).await,
            Command::Relay {
                listen,
                backend,
                pki,
                folder,
            } => relay::serve(listen, backend, &pki, &folder).await,
            Command::Authorizer { listen } => authorizer::serve(listen).await,
        }
    };
    // Dropping the work ends every process that it started.
    tokio::select! {
        ended = work => ended,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminated.recv() => Err("terminated".into()),
    }
}
