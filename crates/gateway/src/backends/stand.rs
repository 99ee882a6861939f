//! Whether a national system answers: told once as it ceases to, and once as it does again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use comity_domain::JurisdictionCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::{sync::watch, time};
use tonic::Code;
use tonic_health::server::HealthReporter;

use super::NoAnswer;
use crate::{gateway::Gateway, metrics::code_name, room};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// What is counted of all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    failures: Family<Failed, Counter>,
    up: Family<Of, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    state: String,
    purpose: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    state: String,
    purpose: &'static str,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Stand {
    state: JurisdictionCode,
    purpose: &'static str,
    down: AtomicBool,
    figures: Figures,
}

impl Figures {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Calls of backends that came to nothing, by State, purpose and code of gRPC";
        registry.register("delivery_failures", help, self.failures.clone());
        let help = "1 while a backend answers, as far as is known, 0 while it does not";
        registry.register("backend_up", help, self.up.clone());
    }
}

impl Stand {
    /// Of a system that nothing is known of yet.
    pub(super) fn new(state: JurisdictionCode, purpose: &'static str, figures: &Figures) -> Self {
        let stand = Self {
            state,
            purpose,
            down: AtomicBool::new(false),
            figures: figures.clone(),
        };
        stand.up(true);
        stand
    }

    /// The name by which health says whether it answers: no service has it.
    pub(super) fn health(&self) -> (String, bool) {
        let end = match self.purpose {
            super::LIVE => "",
            _ => ".exercise",
        };
        let name = format!("comity.backend.{}{end}", self.state);
        (name, !self.down.load(Ordering::Relaxed))
    }

    /// Notes what came of a call.
    pub(super) fn heard<T>(&self, answer: &Result<T, NoAnswer>) {
        let code = match answer {
            Ok(_) => Code::Ok,
            // It was not asked, or not to the end.
            Err(NoAnswer::NotConfigured(_) | NoAnswer::Stopping) => return,
            Err(NoAnswer::Failed(code)) => *code,
        };
        if code != Code::Ok {
            let failed = Failed {
                state: self.state.to_string(),
                purpose: self.purpose,
                code: code_name(code),
            };
            self.figures.failures.get_or_create(&failed).inc();
        }
        let down = is_down(code);
        if self.down.load(Ordering::Relaxed) != down
            && self.down.swap(down, Ordering::Relaxed) != down
        {
            self.up(!down);
            self.tell(down, code);
        }
    }

    fn tell(&self, down: bool, code: Code) {
        let Self { state, purpose, .. } = self;
        let code = code_name(code);
        if down {
            let remedy = match code {
                "UNAUTHENTICATED" | "PERMISSION_DENIED" => {
                    "it does not let this gateway in: see whom it believes"
                }
                _ => "see that it runs and can be reached",
            };
            tracing::warn!(%state, purpose, code, remedy, "a backend does not answer: what is for it is kept and tried again");
        } else {
            tracing::info!(%state, purpose, "a backend answers again");
        }
    }

    fn up(&self, up: bool) {
        let of = Of {
            state: self.state.to_string(),
            purpose: self.purpose,
        };
        self.figures.up.get_or_create(&of).set(up.into());
    }
}

/// Has health say of each whether it answers, until the gateway stops.
pub(crate) async fn run(
    gateway: Gateway,
    health: HealthReporter,
    mut stopped: watch::Receiver<bool>,
) {
    let mut looks = time::interval(EVERY);
    let mut told = Vec::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let now: Vec<_> = gateway.backends().health().collect();
        for stands in now.iter().filter(|stands| !told.contains(*stands)) {
            let (name, up) = stands;
            health.set_service_status(name, room::status(*up)).await;
        }
        told = now;
    }
}

/// Whether this speaks of the system rather than of what was asked of it.
fn is_down(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Unauthenticated | Code::PermissionDenied
    )
}
