//! What health says of the gateway, of its services and of the systems that it calls: looked
//! at from time to time, and told where it has changed.
//!
//! A gateway that signs nothing, as witnesses have seen another ledger than its own, is not
//! ready, nor is one whose disk has failed. One that waits for timestamps is: it takes
//! emergencies, which would not reach it otherwise.

use std::{collections::HashMap, time::Duration};

use comity::v1::{audit_service_server, cooperation_service_server};
use tokio::{sync::watch, time};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::gateway::Gateway;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Looks from time to time, until the gateway stops.
pub(crate) async fn run(
    gateway: Gateway,
    reporter: HealthReporter,
    mut stopped: watch::Receiver<bool>,
) {
    let mut looks = time::interval(EVERY);
    let mut told = HashMap::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        for (name, serves) in stands(&gateway) {
            if told.insert(name, serves) != Some(serves) {
                let status = match serves {
                    true => ServingStatus::Serving,
                    false => ServingStatus::NotServing,
                };
                reporter.set_service_status(name, status).await;
            }
        }
    }
}

/// Names that health knows, and whether it says of them that they serve.
fn stands(gateway: &Gateway) -> impl Iterator<Item = (&str, bool)> {
    let ready = gateway.is_ready();
    let own = [
        ("", ready),
        (audit_service_server::SERVICE_NAME, ready),
        (
            cooperation_service_server::SERVICE_NAME,
            gateway.store().health().takes_work(),
        ),
    ];
    own.into_iter().chain(gateway.backends().health())
}
