//! Whether this gateway's ledger is what witnesses have seen of it, and timestamped in
//! time, told by health: a gateway that signs nothing, or takes nothing new, is not ready.

use std::time::Duration;

use comity::v1::{audit_service_server, cooperation_service_server};
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
    let mut told = (false, false);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let held = gateway.store().health().held;
        let timestamps = gateway.timestamps();
        let late = timestamps.is_some_and(|standing| standing.overdue().is_some());
        if (held, late) == told {
            continue;
        }
        told = (held, late);
        for (name, unready) in [
            ("", held || late),
            (audit_service_server::SERVICE_NAME, held),
            (cooperation_service_server::SERVICE_NAME, late),
        ] {
            let status = match unready {
                true => ServingStatus::NotServing,
                false => ServingStatus::Serving,
            };
            health.set_service_status(name, status).await;
        }
    }
}
