//! How far the ledger is timestamped, and for how long the rest has waited.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use comity_ledger::{Roots, Stamped, timestamped_size};
use comity_store::{EntryFilter, Page, Store};
use jiff::{SignedDuration, Timestamp};

use super::wait::Wait;
use crate::{config::Timestamps, gateway::Clock};

/// See the module.
#[derive(Debug)]
pub(crate) struct Standing {
    store: Store,
    clock: Clock,
    required_within: SignedDuration,
    /// Entries under the newest checkpoint that is timestamped.
    covered: AtomicU64,
    /// Of the first entry that is not; `None` where there is none.
    wait: Mutex<Option<Wait>>,
    /// How often each authority failed.
    failures: Vec<(String, AtomicU64)>,
}

impl Standing {
    /// Takes up what lies beside the ledger: timestamps that lead to one of the roots.
    pub(super) async fn open(
        configured: &Timestamps,
        roots: &Roots,
        (store, clock): (&Store, Clock),
    ) -> io::Result<Self> {
        let names = configured.authorities.iter().map(|one| one.name.clone());
        let within = SignedDuration::try_from(configured.required_within);
        let standing = Self {
            store: store.clone(),
            clock,
            required_within: within.unwrap_or(SignedDuration::MAX),
            covered: AtomicU64::new(covered(store, roots)?),
            wait: Mutex::default(),
            failures: names.map(|name| (name, AtomicU64::new(0))).collect(),
        };
        standing.refresh().await?;
        Ok(standing)
    }

    /// Entries under the newest checkpoint that is timestamped.
    pub(crate) fn covered(&self) -> u64 {
        self.covered.load(Ordering::Acquire)
    }

    /// Entries that are not, and for how long the first of them has waited at least.
    pub(crate) fn backlog(&self) -> (u64, SignedDuration) {
        let entries = self.store.health().committed;
        let waited = self.wait().map(|wait| wait.lasted(self.now()));
        (
            entries.saturating_sub(self.covered()),
            waited.unwrap_or_default(),
        )
    }

    /// For how long at least an entry has gone without a timestamp, where that is too
    /// long, or may be because the clock was set back.
    pub(crate) fn overdue(&self) -> Option<SignedDuration> {
        let (wait, now) = (self.wait()?, self.now());
        wait.is_overdue(now, self.required_within)
            .then(|| wait.lasted(now))
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
        self.set(None);
        self.look().await;
    }

    /// Looks since when the first entry without a timestamp has been waiting. While that
    /// cannot be read, it waits from when it was seen first.
    pub(super) async fn look(&self) {
        if let Err(error) = self.refresh().await {
            tracing::warn!(%error, "the first entry without a timestamp cannot be read");
        }
    }

    async fn refresh(&self) -> io::Result<()> {
        let covered = self.covered();
        if self.store.health().committed <= covered {
            self.set(None);
            return Ok(());
        }
        let wait = self.wait().unwrap_or_else(|| Wait::begin(Instant::now()));
        if wait.is_known() {
            return Ok(());
        }
        self.set(Some(wait));
        // What was pruned before there were timestamps waits for none.
        let next = covered.max(self.store.health().pruned);
        let filter = EntryFilter::default();
        let rows = self.store.entries(Page::From(next), filter, 1).await;
        let rows = rows.map_err(io::Error::other)?;
        let missing = || io::Error::other(format!("entry {next} is missing"));
        let first = rows.first().filter(|row| row.index == next);
        let first = first.ok_or_else(missing)?;
        self.set(Some(wait.recorded(first.leaf.at)));
        Ok(())
    }

    fn now(&self) -> (Timestamp, Instant) {
        ((self.clock)(), Instant::now())
    }

    fn wait(&self) -> Option<Wait> {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, wait: Option<Wait>) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

/// How many entries the timestamps beside the ledger cover. Those that are not to be
/// believed are passed over.
fn covered(store: &Store, roots: &Roots) -> io::Result<u64> {
    let published = store.health().published;
    let key = store.verifier_key();
    let Stamped { size, passed_over } =
        timestamped_size(store.ledger_dir(), key, (published, roots))?;
    if let Some(newest) = passed_over.first() {
        tracing::warn!(
            count = passed_over.len(),
            %newest,
            "timestamps beside the ledger do not count"
        );
    }
    Ok(size)
}
