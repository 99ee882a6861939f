//! A running gateway: what every stage shares, and how it stops.

use std::{future, net::SocketAddr, sync::Arc, time::Duration};

use comity_domain::CaseId;
use comity_policy::Library;
use comity_store::Store;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, broadcast, watch},
    time,
};
use tokio_util::task::TaskTracker;
use tonic_health::{ServingStatus, server::HealthReporter};
use uuid::Uuid;

pub use crate::start::{StartError, start};
use crate::{
    attempts::Attempts,
    backends::Backends,
    budget::Budget,
    evidence::Evidence,
    identity::Caller,
    metrics::Metrics,
    places::{Lanes, Place, Places},
    policies::Policies,
    record,
    refusal::Refusal,
    services,
    tasks::Tasks,
    timestamp::Standing,
    witness::Watched,
};

/// Changes of cases kept for watchers that fall behind; they read again then.
const CHANGES: usize = 1024;

/// Auditors who take away something at a time.
const TAKING: usize = 4;

/// Between two looks at whether the store has failed.
const LOOK: Duration = Duration::from_secs(1);

/// How long deliveries under way may take once the gateway stops.
const GRACE: Duration = Duration::from_secs(5);

/// Where the time comes from. Tests and replays pass their own.
pub type Clock = fn() -> Timestamp;

/// What every stage shares; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gateway(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parts: Parts,
    changes: broadcast::Sender<CaseId>,
    attempts: Attempts,
    deliveries: TaskTracker,
    /// For what auditors take away: a case that is exported lies in memory whole, and to
    /// count reads all cases.
    taking: Places,
    budget: Budget,
}

/// What a gateway is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) policies: Arc<Policies>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) backends: Backends,
    pub(crate) evidence: Evidence,
    pub(crate) witness: Arc<Watched>,
    pub(crate) timestamps: Option<Arc<Standing>>,
    pub(crate) lanes: Lanes,
    pub(crate) origin: String,
    pub(crate) clock: Clock,
    pub(crate) signed_opinions: bool,
    /// Most events that a side may add to a case by itself.
    pub(crate) events_per_side: u32,
    /// Largest message, in bytes, and so the largest request.
    pub(crate) max_message_bytes: usize,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Gateway {
    pub(crate) fn new(parts: Parts) -> Self {
        let changes = broadcast::channel(CHANGES).0;
        Self(Arc::new(Shared {
            parts,
            changes,
            attempts: Attempts::default(),
            deliveries: TaskTracker::new(),
            taking: Places::new(TAKING, 1),
            budget: Budget::default(),
        }))
    }

    /// What each caller leaves in the ledger of which no case comes.
    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// A place to export a case, or to count; of each auditor one at a time.
    pub(crate) fn take_away(&self, caller: &Arc<Caller>) -> Result<Place, Refusal> {
        let place = self.0.taking.take(Some(caller));
        place.ok_or(Refusal::Overloaded {
            retry_after: record::RETRY_AFTER,
        })
    }

    /// Turns true when the gateway stops.
    pub(crate) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.0.parts.stopped.clone()
    }

    /// Room for calls.
    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.parts.lanes
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// The policy bundle in force now. Whoever decides takes it once, so that no
    /// two bundles have a part in one decision.
    pub(crate) fn policies(&self) -> Arc<Library> {
        self.bundles().in_force()
    }

    /// The bundle in force and those that were.
    pub(crate) fn bundles(&self) -> &Arc<Policies> {
        &self.0.parts.policies
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    pub(crate) fn backends(&self) -> &Backends {
        &self.0.parts.backends
    }

    pub(crate) fn evidence(&self) -> &Evidence {
        &self.0.parts.evidence
    }

    /// What this gateway cosigns the ledgers of others with.
    pub(crate) fn witness(&self) -> &Arc<Watched> {
        &self.0.parts.witness
    }

    /// How far the ledger is timestamped, where anybody is to timestamp it.
    pub(crate) fn timestamps(&self) -> Option<&Arc<Standing>> {
        self.0.parts.timestamps.as_ref()
    }

    /// Origin line of this gateway's ledger.
    pub(crate) fn origin(&self) -> &str {
        &self.0.parts.origin
    }

    /// Reviewers must sign what they answer.
    pub(crate) fn demands_signed_opinions(&self) -> bool {
        self.0.parts.signed_opinions
    }

    /// Most events that a side may add to a case by itself.
    pub(crate) fn events_per_side(&self) -> u32 {
        self.0.parts.events_per_side
    }

    /// Largest message, in bytes, and so the largest request.
    pub(crate) fn max_message_bytes(&self) -> usize {
        self.0.parts.max_message_bytes
    }

    /// Whether it is of use at all, as health says of the whole: it signs, its disk has not
    /// failed, and it does not stop.
    pub(crate) fn is_ready(&self) -> bool {
        let health = self.store().health();
        !health.held && !health.failed && !*self.0.parts.stopped.borrow()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.parts.clock)()
    }

    /// A byte that spreads retries over time; nothing depends on its secrecy.
    pub(crate) fn jitter(&self) -> u8 {
        let [first, ..] = Uuid::new_v4().into_bytes();
        first
    }

    /// A new case's id: sorts by time, so that its rows lie together.
    pub(crate) fn new_case_id(&self) -> CaseId {
        CaseId::from_uuid(Uuid::now_v7().into_bytes())
    }

    /// Tells watchers that a case has a new event.
    pub(crate) fn changed(&self, id: &CaseId) {
        // Nobody watching is no error.
        let _ = self.0.changes.send(id.clone());
    }

    /// Returns once the gateway is told to stop.
    pub(crate) async fn stopped(&self) {
        let mut stopped = self.0.parts.stopped.clone();
        // An error means that whoever could tell it is gone.
        let _ = stopped.wait_for(|stop| *stop).await;
    }

    /// Room for attempts to reach the systems of States.
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// Deliveries under way, first attempts and others.
    pub(crate) fn deliveries(&self) -> &TaskTracker {
        &self.0.deliveries
    }

    /// Cases that change from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<CaseId> {
        self.0.changes.subscribe()
    }
}

/// A gateway that is up.
#[derive(Debug)]
pub struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) monitored: Option<SocketAddr>,
    pub(crate) shown: Option<SocketAddr>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) tasks: Tasks,
    pub(crate) gateway: Gateway,
    pub(crate) tls_asked: Arc<Notify>,
    pub(crate) health: HealthReporter,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves figures for monitoring, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.monitored
    }

    /// Where the published ledger is served, if it is.
    #[must_use]
    pub fn log_address(&self) -> Option<SocketAddr> {
        self.shown
    }

    /// Has the policy folder and the files of TLS read at once, whether or not they
    /// seem to have changed. What comes of it shows in log, health and ledger.
    pub fn reload(&self) {
        self.gateway.bundles().ask();
        self.tls_asked.notify_one();
    }

    /// The rules in force.
    #[must_use]
    pub fn library(&self) -> Arc<Library> {
        self.gateway.policies()
    }

    /// The verifier key of its ledger, in the format of signed notes.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.gateway.store().verifier_key().to_string()
    }

    /// The key that it cosigns the ledgers of its peers with.
    #[must_use]
    pub fn witness_key(&self) -> String {
        self.gateway.witness().key().to_string()
    }

    /// Waits until some part of it has broken off, by a fault that the log tells: what is up
    /// is then no whole gateway, and is to be stopped and started anew.
    pub async fn broken(&self) {
        tokio::select! {
            () = self.tasks.broken() => {}
            () = self.store_failed() => {}
        }
    }

    /// The disk failed: what it holds is unknown, and only opening the store anew helps.
    async fn store_failed(&self) {
        while !self.gateway.store().health().failed {
            tokio::time::sleep(LOOK).await;
        }
        tracing::error!("the store failed: the gateway has to be started again");
    }

    /// Takes no new work, finishes what is under way, publishes the ledger and
    /// closes the store.
    pub async fn stop(mut self) {
        for name in [""].into_iter().chain(services::NAMES) {
            let none = ServingStatus::NotServing;
            self.health.set_service_status(name, none).await;
        }
        self.stop.send_replace(true);
        let deliveries = self.gateway.deliveries().clone();
        let calls = self.gateway.metrics().calls().under_way();
        tracing::info!(
            calls,
            deliveries = deliveries.len(),
            "the gateway takes nothing new, and ends what is under way"
        );
        let cut = async {
            time::sleep(GRACE).await;
            // What has not ended by then is in the outbox, and taken up at the next start.
            if !deliveries.is_empty() {
                let deliveries = deliveries.len();
                tracing::warn!(deliveries, "deliveries are cut that wait for a backend");
            }
            self.gateway.backends().cut();
            future::pending().await
        };
        let ended = async {
            self.tasks.ended().await;
            deliveries.close();
            // Time for them to come to their end, and for those that are cut.
            let _ = time::timeout(2 * GRACE, deliveries.wait()).await;
        };
        tokio::select! {
            () = ended => {}
            () = cut => {}
        }
        self.gateway.store().clone().close().await;
    }
}
