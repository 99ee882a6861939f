//! What waits for reviewers, State by State, asked of the store at each reading.

use std::collections::BTreeMap;

use comity_domain::JurisdictionCode;
use comity_store::{ReadError, Store, Waiting};
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{OfState, figure};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    cases: Family<OfState, Gauge>,
    oldest: Family<OfState, Gauge>,
}

impl Reviews {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Cases with an open task for a State's reviewers";
        registry.register("review_waiting_cases", help, self.cases.clone());
        let help = "When the oldest of those cases was opened, in seconds since 1970";
        registry.register("review_oldest_timestamp_seconds", help, self.oldest.clone());
    }

    /// Counts anew; where the store cannot be read there are no figures rather than
    /// old ones.
    pub(super) async fn refresh(&self, store: &Store) {
        let waiting: Result<BTreeMap<JurisdictionCode, Waiting>, ReadError> =
            store.waiting_for_review().await;
        self.cases.clear();
        self.oldest.clear();
        for (state, Waiting { cases, oldest }) in waiting.unwrap_or_default() {
            let state = OfState::new(&state);
            self.cases.get_or_create(&state).set(figure(cases));
            self.oldest.get_or_create(&state).set(oldest.as_second());
        }
    }
}
