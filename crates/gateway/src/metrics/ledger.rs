//! How far the ledger is published and cosigned, asked of the store at each reading.

use comity_ledger::cosigned_size;
use comity_store::{Health, Store};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::task;

use super::figure;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Gauge,
    published: Gauge,
    cosigned: Gauge,
    held: Gauge,
    by: Family<Witness, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Witness {
    witness: String,
}

impl Ledger {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Entries of the ledger on record";
        registry.register("ledger_entries", help, self.entries.clone());
        let help = "Entries under the last signed checkpoint";
        registry.register("ledger_published_entries", help, self.published.clone());
        let help = "Entries under the last checkpoint that enough witnesses cosigned";
        registry.register("ledger_cosigned_entries", help, self.cosigned.clone());
        let help = "1 while a witness has seen another ledger than this one and nothing is signed";
        registry.register("ledger_held", help, self.held.clone());
        let help = "Entries under the last checkpoint that a witness cosigned";
        registry.register("witness_cosigned_entries", help, self.by.clone());
    }

    /// Notes what a witness cosigned.
    pub(super) fn cosigned(&self, witness: &str, size: u64) {
        let witness = Witness {
            witness: witness.to_owned(),
        };
        self.by.get_or_create(&witness).set(figure(size));
    }

    /// Looks anew. A figure that cannot be read stays as it was.
    pub(super) async fn refresh(&self, store: &Store) {
        let Health {
            committed,
            published,
            failed: _,
            lacks_room: _,
            publication_failing: _,
            held,
            held_by_word: _,
            pruned: _,
        } = store.health();
        self.entries.set(figure(committed));
        self.published.set(figure(published));
        self.held.set(held.into());
        let dir = store.ledger_dir().to_owned();
        match task::spawn_blocking(move || cosigned_size(&dir)).await {
            Ok(Ok(cosigned)) => {
                self.cosigned.set(figure(cosigned));
            }
            Ok(Err(error)) => tracing::warn!(%error, "what is cosigned cannot be read"),
            Err(error) => tracing::warn!(%error, "looking for what is cosigned ended abnormally"),
        }
    }
}
