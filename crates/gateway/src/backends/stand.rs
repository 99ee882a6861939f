//! Whether a national system answers: told once as it ceases to, and once as it does again.

use std::sync::atomic::{AtomicBool, Ordering};

use comity_domain::JurisdictionCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tonic::Code;

use super::{Call, NoAnswer};
use crate::metrics::code_name;

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
    /// By which health says whether it answers: no service has it.
    name: String,
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
        let end = match purpose {
            super::LIVE => "",
            _ => ".exercise",
        };
        let stand = Self {
            name: format!("comity.backend.{state}{end}"),
            state,
            purpose,
            down: AtomicBool::new(false),
            figures: figures.clone(),
        };
        stand.up(true);
        stand
    }

    /// Its name in health, and whether it answers.
    pub(super) fn health(&self) -> (&str, bool) {
        (&self.name, !self.down.load(Ordering::Relaxed))
    }

    /// Notes what came of a call.
    pub(super) fn heard<T>(&self, call: Call, answer: &Result<T, NoAnswer>) {
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
        if call == Call::Optional && code == Code::Unimplemented {
            return;
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
        if down {
            let remedy = remedy(code);
            let code = code_name(code);
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

/// What there is to do about a system that answers so.
fn remedy(code: Code) -> &'static str {
    if matches!(code, Code::Unauthenticated | Code::PermissionDenied) {
        "it does not let this gateway in: see whom it believes"
    } else if code == Code::Unimplemented {
        "it does not serve `NationalBackendService`, or compresses its answers otherwise than by \
         gzip: see what serves at its address, and how"
    } else {
        "see that it runs and can be reached"
    }
}

/// Whether this speaks of the system rather than of what was asked of it.
fn is_down(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unimplemented
            | Code::Unauthenticated
            | Code::PermissionDenied
    )
}
