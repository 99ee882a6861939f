//! Watching the policy folder: what changed comes into force as a whole, on
//! record, or not at all.

use std::{sync::Arc, time::Duration};

use comity::v1::policy_service_server;
use jiff::civil::Date;
use tokio::{sync::watch, time::Instant};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{Candidate, INTERVAL, Listing, Policies, Rejected, Unreadable, blocking};
use crate::{clocks::day, gateway::Gateway, record};

/// Looks in a row that find files changed before it is worth a warning: a minute.
const RESTLESS: u32 = 120;

/// What was seen in the folder at a moment.
type Look = Result<Listing, Unreadable>;

/// See the module.
pub(crate) struct Watcher {
    gateway: Gateway,
    health: HealthReporter,
    /// What was seen last, and so whether somebody is writing.
    last: Look,
    /// How many looks in a row found something changed.
    restless: u32,
    /// What was dealt with last, and on which day: signatures run out overnight.
    settled: (Look, Date),
    /// Why what is in the folder is not in force.
    complaint: Option<String>,
    /// When to come back to what could not be recorded or kept.
    not_before: Instant,
}

impl Watcher {
    /// Watches from what was seen when the bundle in force was read.
    pub(crate) fn new(gateway: Gateway, health: HealthReporter, seen: Listing) -> Self {
        let today = day(gateway.now());
        Self {
            gateway,
            health,
            last: Ok(seen.clone()),
            restless: 0,
            settled: (Ok(seen), today),
            complaint: None,
            not_before: Instant::now(),
        }
    }

    /// Looks at the folder again and again until told to stop.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let policies = Arc::clone(self.gateway.bundles());
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(INTERVAL) => false,
                () = policies.asked.notified() => true,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let looking = Arc::clone(&policies);
            let look = blocking(move || looking.source.look()).await;
            if let Some(look) = look {
                self.seen(look, asked).await;
            }
        }
    }

    /// Deals with what is in the folder if it is new and nobody is writing, or if
    /// asked to.
    async fn seen(&mut self, look: Look, asked: bool) {
        let today = day(self.gateway.now());
        let quiet = self.is_quiet(&look);
        let (settled, on) = &self.settled;
        let new = (settled, *on) != (&look, today);
        let due = new && quiet && self.not_before <= Instant::now();
        if !asked && !due {
            return;
        }
        let pause = match take(self.gateway.bundles(), &look, today).await {
            // Somebody is writing after all.
            Err(Rejected::Changing) => return,
            Ok(candidate) => self.accept(candidate).await,
            Err(rejected) => self.reject(rejected).await,
        };
        match pause {
            None => self.settled = (look, today),
            Some(pause) => self.not_before = Instant::now() + pause,
        }
    }

    /// Whether the folder is as it was at the last look.
    fn is_quiet(&mut self, look: &Look) -> bool {
        let quiet = self.last == *look;
        if quiet {
            self.restless = 0;
        } else {
            self.restless = self.restless.saturating_add(1);
            self.last.clone_from(look);
        }
        if self.restless == RESTLESS {
            tracing::warn!("policy files do not stop changing: none is read until they do");
        }
        quiet
    }

    /// Puts a bundle in force. Answers how long to wait before trying again where
    /// that did not succeed.
    async fn accept(&mut self, candidate: Candidate) -> Option<Duration> {
        let in_force = self.gateway.policies().digest();
        let bundle = candidate.digest();
        if bundle == in_force {
            self.gateway.metrics().reloaded("unchanged");
            tracing::info!(%bundle, "the policy files were read again, and are unchanged");
        } else {
            match put_in_force(&self.gateway, candidate).await {
                Ok(()) => {}
                Err(Some(rejected)) => return self.reject(rejected).await,
                Err(None) => {
                    tracing::error!(%in_force, "a policy bundle cannot come into force: its record cannot be written");
                    self.complain("unrecorded").await;
                    return Some(record::RETRY_AFTER);
                }
            }
            self.gateway.metrics().loaded(self.gateway.now());
            tracing::info!(%bundle, replaced = %in_force, "another policy bundle is in force");
        }
        if self.complaint.take().is_some() {
            tracing::info!(%bundle, "the policy folder is in order again");
        }
        self.standing(ServingStatus::Serving).await;
        None
    }

    /// Leaves the bundle in force, and says why; on record as long as the reason
    /// is a new one.
    async fn reject(&mut self, rejected: Rejected) -> Option<Duration> {
        let report = rejected.to_string();
        let again = self.complaint.as_ref() == Some(&report);
        self.complain(rejected.as_str()).await;
        if !again {
            let in_force = self.gateway.policies().digest();
            tracing::error!(%in_force, "the policy folder cannot come into force\n{report}");
            let recorded = record::bundle_rejected(&self.gateway, rejected.remark()).await;
            if recorded.is_err() {
                return Some(record::RETRY_AFTER);
            }
            self.complaint = Some(report);
        }
        // What the gateway could not do may succeed without another edit.
        matches!(rejected, Rejected::Unkept(_)).then_some(record::RETRY_AFTER)
    }

    async fn complain(&self, result: &'static str) {
        self.gateway.metrics().reloaded(result);
        self.standing(ServingStatus::NotServing).await;
    }

    /// Says in health and metrics whether what is in the folder is in force.
    async fn standing(&self, status: ServingStatus) {
        let in_force = matches!(status, ServingStatus::Serving);
        self.gateway.metrics().folder_in_force(in_force);
        self.health
            .set_service_status(policy_service_server::SERVICE_NAME, status)
            .await;
    }
}

/// Keeps a bundle, records that it comes into force, and puts it in force.
/// Nothing is changed where the record cannot be written.
async fn put_in_force(gateway: &Gateway, candidate: Candidate) -> Result<(), Option<Rejected>> {
    let bundle = candidate.digest();
    let Candidate {
        library,
        signatures,
        copy,
    } = candidate;
    let policies = Arc::clone(gateway.bundles());
    let kept = blocking(move || policies.source.kept.keep(copy, bundle)).await;
    kept.ok_or(Rejected::Failed)?
        .map_err(|error| Some(Rejected::Unkept(error)))?;
    record::bundle_loaded(gateway, bundle, signatures)
        .await
        .map_err(|_| None)?;
    gateway.bundles().put_in_force(library);
    Ok(())
}

/// Reads what is in the folder off the threads that serve.
async fn take(policies: &Arc<Policies>, look: &Look, today: Date) -> Result<Candidate, Rejected> {
    let look = look.clone().map_err(Rejected::Unreadable)?;
    let policies = Arc::clone(policies);
    let taken = blocking(move || policies.source.take(&look, today)).await;
    taken.unwrap_or(Err(Rejected::Failed))
}
