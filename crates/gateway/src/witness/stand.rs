//! Whether this gateway's ledger is what witnesses have seen of it, told by health: a
//! gateway that signs nothing is not ready. One that waits for timestamps is: it takes
//! emergencies, which would not reach it otherwise.

use std::time::Duration;

use comity::v1::audit_service_server;
use tokio::{sync::watch, time};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::gateway::Gateway;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Looks from time to time, until the gateway stops.
pub(crate) async fn run(
    gateway: Gateway,
    health: HealthReporter,
    mut stopped: watch::Receiver<bool>,
) {
    let mut looks = time::interval(EVERY);
    let mut told = false;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let held = gateway.store().health().held;
        if held == told {
            continue;
        }
        told = held;
        let status = match held {
            true => ServingStatus::NotServing,
            false => ServingStatus::Serving,
        };
        for name in ["", audit_service_server::SERVICE_NAME] {
            health.set_service_status(name, status).await;
        }
    }
}
