//! The engine of the time limits: files what time brings when it is due.
//!
//! It sleeps until the first case of all has to be looked at, so that running
//! clocks cost nothing. What it files is guarded by the case's version, as any
//! other event is: whatever happens twice at once, happens once.

use std::{collections::HashMap, time::Duration};

use comity_domain::CaseId;
use comity_store::ReadError;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::{sync::watch, time::Instant};

use crate::{
    cases,
    gateway::Gateway,
    happen::{self, Unfiled},
    record,
};

/// How often the wall clock is compared with the time of the next moment: it may
/// be set, or stand still with the machine, while the engine sleeps.
const TICK: Duration = Duration::from_millis(250);
/// Cases looked at in one round.
const BATCH: usize = 256;
/// Cases looked at at once: they share the store's flush.
const IN_FLIGHT: usize = 64;
/// When a case that could not be brought up to date is looked at again.
const AGAIN: Duration = Duration::from_secs(60);
/// How often the list of due cases is read while it has such a case at its head.
const WITH_FAILED: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Engine {
    gateway: Gateway,
    /// Cases that could not be brought up to date, and when to try again.
    failed: HashMap<CaseId, Instant>,
}

impl Engine {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            failed: HashMap::new(),
        }
    }

    /// Files what time brings until told to stop.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the cases that are due cannot be read");
                tokio::time::sleep(record::RETRY_AFTER).await;
            }
            tokio::select! {
                () = self.rest() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Brings every case that is due up to date. Says how many cases it read.
    async fn look(&mut self) -> Result<usize, ReadError> {
        let start = Instant::now();
        self.failed.retain(|_, again| *again > start);
        let mut read = 0;
        loop {
            let now = self.gateway.now();
            let limit = BATCH + self.failed.len();
            let mut due = self.gateway.store().due_cases(now, limit).await?;
            due.retain(|id| !self.failed.contains_key(id));
            if due.is_empty() {
                return Ok(read);
            }
            read += due.len();
            let gateway = &self.gateway;
            let looked = stream::iter(due).map(async |id| {
                let done = up_to_date(gateway, &id, now).await;
                (!done).then_some(id)
            });
            let failed: Vec<_> = looked.buffer_unordered(IN_FLIGHT).collect().await;
            let failed = failed.into_iter().flatten();
            self.failed.extend(failed.map(|id| (id, start + AGAIN)));
        }
    }

    /// Returns when a case may have to be looked at.
    async fn rest(&self) {
        let store = self.gateway.store();
        if !self.failed.is_empty() {
            return tokio::time::sleep(WITH_FAILED).await;
        }
        let Ok(next) = store.next_wake().await else {
            return tokio::time::sleep(record::RETRY_AFTER).await;
        };
        while next.is_none_or(|at| self.gateway.now() < at) {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = store.wake_changed() => return,
            }
        }
    }
}

/// Files what time has brought to a case; whether nothing is due any more.
async fn up_to_date(gateway: &Gateway, id: &CaseId, now: Timestamp) -> bool {
    let filed = async {
        let case = cases::load(gateway, id).await?;
        happen::up_to(gateway, case, now).await
    };
    match filed.await {
        Ok(case) if case.row.wake_at.is_none_or(|at| now < at) => true,
        // Somebody else had it meanwhile; if it is due still, it comes again.
        Err(Unfiled::Conflict) => true,
        Ok(_) => {
            tracing::error!(case.id = %id, "a case waits for a time that brings nothing");
            false
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(case.id = %id, error, "what time brought is not on record");
            false
        }
    }
}
