//! Whether this gateway's ledger is what witnesses have seen of it, told by health: a
//! gateway that signs nothing is not ready. One that waits for timestamps is: it takes
//! emergencies, which would not reach it otherwise.

use std::time::Duration;

use comity::v1::audit_service_server;
use tokio::{sync::watch, time};
use tonic_health::server::HealthReporter;

use crate::{gateway::Gateway, room};

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
        let stands = gateway.store().health();
        let fails = stands.held || stands.failed;
        if fails == told {
            continue;
        }
        told = fails;
        let status = room::status(!fails);
        for name in ["", audit_service_server::SERVICE_NAME] {
            health.set_service_status(name, status).await;
        }
    }
}
