//! Whether the store takes new work, how large it is, and what waits in the outbox, asked
//! of the store at each reading.

use std::collections::BTreeMap;

use comity_domain::JurisdictionCode;
use comity_store::{Outstanding, ReadError, Store};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{OfState, figure};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Room {
    takes_work: Gauge,
    refused: Counter,
    bytes: Gauge,
    jobs: Family<OfState, Gauge>,
    oldest: Family<OfState, Gauge>,
}

impl Room {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "1 while the store takes new work, 0 while it has no room for it or has failed";
        registry.register("store_takes_work", help, self.takes_work.clone());
        let help = "Transactions refused because there was no room for them";
        registry.register("store_refused", help, self.refused.clone());
        let help = "Size of the database in bytes";
        registry.register("store_bytes", help, self.bytes.clone());
        let help = "Deliveries and other errands to a State that are not done";
        registry.register("outbox_jobs", help, self.jobs.clone());
        let help = "When the oldest of them came into the ledger, in seconds since 1970";
        registry.register("outbox_oldest_timestamp_seconds", help, self.oldest.clone());
    }

    /// Looks anew; what cannot be read has no figure rather than an old one.
    pub(super) async fn refresh(&self, store: &Store) {
        self.takes_work.set(store.health().takes_work().into());
        let told = self.refused.get();
        self.refused.inc_by(store.refused().saturating_sub(told));
        if let Ok(bytes) = store.bytes().await {
            self.bytes.set(figure(bytes));
        }
        let outstanding: Result<BTreeMap<JurisdictionCode, Outstanding>, ReadError> =
            store.outstanding().await;
        self.jobs.clear();
        self.oldest.clear();
        for (state, Outstanding { jobs, oldest }) in outstanding.unwrap_or_default() {
            let state = OfState::new(&state);
            self.jobs.get_or_create(&state).set(figure(jobs));
            self.oldest.get_or_create(&state).set(oldest.as_second());
        }
    }
}
