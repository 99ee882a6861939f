//! How far the ledger is timestamped, and for how long the rest has waited.

use std::{
    io,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use comity_ledger::timestamped_size;
use comity_store::{EntryFilter, Page, Store};
use jiff::SignedDuration;

use crate::{config::Timestamps, gateway::Clock};

/// Nothing waits.
const NONE: i64 = i64::MAX;

/// See the module.
#[derive(Debug)]
pub(crate) struct Standing {
    store: Store,
    clock: Clock,
    required_within: SignedDuration,
    /// Entries under the newest checkpoint that is timestamped.
    covered: AtomicU64,
    /// When the first entry that is not was recorded, in seconds since 1970.
    since: AtomicI64,
    /// How often each authority failed.
    failures: Vec<(String, AtomicU64)>,
}

impl Standing {
    pub(super) async fn open(
        configured: &Timestamps,
        store: &Store,
        clock: Clock,
    ) -> io::Result<Self> {
        let names = configured.authorities.iter().map(|one| one.name.clone());
        let covered = timestamped_size(store.ledger_dir(), store.health().published)?;
        let within = SignedDuration::try_from(configured.required_within);
        let standing = Self {
            store: store.clone(),
            clock,
            required_within: within.unwrap_or(SignedDuration::MAX),
            covered: AtomicU64::new(covered),
            since: AtomicI64::new(NONE),
            failures: names.map(|name| (name, AtomicU64::new(0))).collect(),
        };
        standing.look().await;
        Ok(standing)
    }

    /// Entries under the newest checkpoint that is timestamped.
    pub(crate) fn covered(&self) -> u64 {
        self.covered.load(Ordering::Acquire)
    }

    /// Entries that are not, and for how long the first of them has waited.
    pub(crate) fn backlog(&self) -> (u64, SignedDuration) {
        let entries = self.store.health().committed;
        let waited = match self.since.load(Ordering::Acquire) {
            NONE => 0,
            since => (self.clock)().as_second().saturating_sub(since).max(0),
        };
        (
            entries.saturating_sub(self.covered()),
            SignedDuration::from_secs(waited),
        )
    }

    /// For how long an entry has gone without a timestamp, where that is too long.
    pub(crate) fn overdue(&self) -> Option<SignedDuration> {
        let (_, waited) = self.backlog();
        (waited > self.required_within).then_some(waited)
    }

    /// How often each authority failed since the start.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&str, u64)> {
        let counted = self.failures.iter();
        counted.map(|(name, count)| (name.as_str(), count.load(Ordering::Relaxed)))
    }

    /// Counts that an authority gave nothing that is kept.
    pub(super) fn failed(&self, authority: &str) {
        for (_, count) in self.failures.iter().filter(|(name, _)| name == authority) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that so many entries are timestamped.
    pub(super) async fn cover(&self, size: u64) {
        self.covered.store(size, Ordering::Release);
        self.since.store(NONE, Ordering::Release);
        self.look().await;
    }

    /// Looks since when the first entry without a timestamp has been waiting. While that
    /// cannot be read, it is as it was; where nothing was known, it waits from now on.
    pub(super) async fn look(&self) {
        let covered = self.covered();
        if self.store.health().committed <= covered {
            self.since.store(NONE, Ordering::Release);
            return;
        }
        if self.since.load(Ordering::Acquire) != NONE {
            return;
        }
        let first = self
            .store
            .entries(Page::From(covered), EntryFilter::default(), 1);
        let since = match first.await {
            Ok(rows) => rows.first().map(|row| row.leaf.at),
            Err(error) => {
                tracing::warn!(%error, "the first entry without a timestamp cannot be read");
                None
            }
        };
        let since = since.unwrap_or_else(self.clock);
        self.since.store(since.as_second(), Ordering::Release);
    }
}
