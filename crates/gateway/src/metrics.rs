//! Figures on a running gateway, in the text format of Prometheus. No label can
//! have more than a few values, and none says anything of a request.

mod calls;
mod ledger;
mod process;
mod reviews;
mod room;
mod timestamps;
mod tls;

use std::{fmt, sync::Arc};

use comity_domain::{JurisdictionCode, Outcome};
use comity_policy::Moment;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::Gauge,
    },
    registry::Registry,
};
use prost::bytes::Bytes;

pub(crate) use self::calls::{Call, Calls, code_name, code_of};
use self::{
    ledger::Ledger,
    reviews::Reviews,
    room::Room,
    timestamps::Timestamps,
    tls::{Ends, Tls},
};
use crate::{
    backends::Backends, gateway::Gateway, listen::Refused, policies::Policies, timestamp::Standing,
    tls::Current, web,
};

/// What the text is, for who reads it.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    process: Registry,
    calls: Calls,
    room: Room,
    decisions: Family<Decided, Counter>,
    emergencies: Counter,
    brought: Family<BroughtTo, Counter>,
    reloads: Family<Reloaded, Counter>,
    loaded: Gauge,
    in_force: Gauge,
    reviews: Reviews,
    ledger: Ledger,
    tls: Tls,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BroughtTo {
    moment: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reloaded {
    result: &'static str,
}

impl Metrics {
    /// Figures that begin at zero, for a bundle that comes into force now, and of how
    /// the ledger stands with those who timestamp it, if any.
    pub(crate) fn new(
        policies: Arc<Policies>,
        timestamped: Option<Arc<Standing>>,
        now: Timestamp,
    ) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("comity"),
            process: process::registry(now),
            calls: Calls::default(),
            room: Room::default(),
            decisions: Family::default(),
            emergencies: Counter::default(),
            brought: Family::default(),
            reloads: Family::default(),
            loaded: Gauge::default(),
            in_force: Gauge::default(),
            reviews: Reviews::default(),
            ledger: Ledger::default(),
            tls: Tls::default(),
        };
        let Self {
            registry,
            process: _,
            calls,
            room,
            decisions,
            emergencies,
            brought,
            reloads,
            loaded,
            in_force,
            reviews,
            ledger,
            tls,
        } = &mut metrics;
        let help = "Decisions on record, by call and outcome";
        registry.register("decisions", help, decisions.clone());
        let help = "Emergencies that all else gave way to";
        registry.register("emergencies", help, emergencies.clone());
        let help = "Time limits that were reminded of or ran out, by what that means";
        registry.register("clock_moments", help, brought.clone());
        let help = "Times the policy folder was read again, by what came of it";
        registry.register("policy_reloads", help, reloads.clone());
        let help = "When the bundle in force was loaded, in seconds since 1970";
        registry.register("policy_loaded_timestamp_seconds", help, loaded.clone());
        let help = "1 while what is in the policy folder is in force, 0 while it cannot be";
        registry.register("policy_folder_in_force", help, in_force.clone());
        registry.register_collector(Box::new(calls.clone()));
        room.register(registry);
        reviews.register(registry);
        ledger.register(registry);
        tls.register(registry);
        registry.register_collector(Box::new(InForce(policies)));
        if let Some(standing) = timestamped {
            registry.register_collector(Box::new(Timestamps(standing)));
        }
        metrics.loaded(now);
        metrics.folder_in_force(true);
        metrics
    }

    /// Shows also when certificate and revocation lists run out.
    pub(crate) fn with_tls(mut self, current: Current) -> Self {
        self.registry.register_collector(Box::new(Ends(current)));
        self
    }

    /// Shows also what backends answer, and who was not let in.
    pub(crate) fn with_doors(mut self, backends: &Backends, refused: &Refused) -> Self {
        backends.register(&mut self.registry);
        let help = "Connections that came to nothing, by reason";
        self.registry
            .register("handshake_failures", help, refused.0.clone());
        self
    }

    /// The calls that are made here.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Counts a decision on record.
    pub(crate) fn decided(&self, call: &'static str, outcome: Outcome) {
        let outcome = comity_store::outcome_name(outcome);
        let decided = Decided { call, outcome };
        self.decisions.get_or_create(&decided).inc();
    }

    /// Counts an emergency that all else gives way to.
    pub(crate) fn alarmed(&self) {
        self.emergencies.inc();
    }

    /// Counts what time brought to a case.
    pub(crate) fn brought(&self, moment: Moment) {
        let moment = match moment {
            Moment::Reminder => "reminder",
            Moment::Breach => "breach",
            Moment::Lapse => "lapse",
            Moment::Expiry => "expiry",
        };
        self.brought.get_or_create(&BroughtTo { moment }).inc();
    }

    /// Counts a reading of the policy folder.
    pub(crate) fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&Reloaded { result }).inc();
    }

    /// Notes that a bundle came into force, and counts it.
    pub(crate) fn loaded(&self, now: Timestamp) {
        self.reloaded("loaded");
        self.loaded.set(now.as_second());
    }

    /// Notes how many entries a witness cosigned.
    pub(crate) fn cosigned(&self, witness: &str, size: u64) {
        self.ledger.cosigned(witness, size);
    }

    /// Notes whether what is in the policy folder is in force.
    pub(crate) fn folder_in_force(&self, in_force: bool) {
        self.in_force.set(in_force.into());
    }

    /// Counts a reading of the TLS files.
    pub(crate) fn tls_reloaded(&self, result: &'static str) {
        let reloaded = Reloaded { result };
        self.tls.reloads.get_or_create(&reloaded).inc();
    }

    /// Notes whether what is in the TLS files is in force and has not run out.
    pub(crate) fn tls_in_order(&self, in_order: bool) {
        self.tls.in_order.set(in_order.into());
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry)?;
        text::encode_registry(&mut text, &self.process)?;
        text::encode_eof(&mut text)?;
        Ok(text)
    }
}

/// What is asked of the bundle in force at each reading, so that no figure of an
/// earlier one stays behind.
#[derive(Debug)]
struct InForce(Arc<Policies>);

impl Collector for InForce {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let bundle = self.0.in_force().digest().to_string();
        let help = "The policy bundle in force.";
        encoder
            .encode_descriptor("policy_bundle", help, None, MetricType::Info)?
            .encode_info(&[("sha256", bundle.as_str())])?;
        let errors = ConstCounter::new(self.0.engine_errors());
        let help = "Rules that could not be evaluated; a human was asked instead.";
        errors.encode(encoder.encode_descriptor(
            "policy_engine_errors",
            help,
            None,
            errors.metric_type(),
        )?)
    }
}

/// A figure of one State.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: String,
}

impl OfState {
    fn new(state: &JurisdictionCode) -> Self {
        let state = state.to_string();
        Self { state }
    }
}

fn figure(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Answers whoever asks for the figures, at `/metrics`, whether the process lives, at
/// `/livez`, and whether it is ready, which is what health says of the whole, at `/readyz`.
pub(crate) async fn answer(request: Request<Incoming>, gateway: Gateway) -> Response<Full<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return web::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    match request.uri().path() {
        "/metrics" => figures(&gateway).await,
        "/livez" => web::empty(StatusCode::OK),
        "/readyz" if gateway.is_ready() => web::empty(StatusCode::OK),
        "/readyz" => web::empty(StatusCode::SERVICE_UNAVAILABLE),
        _ => web::empty(StatusCode::NOT_FOUND),
    }
}

async fn figures(gateway: &Gateway) -> Response<Full<Bytes>> {
    let (metrics, store) = (gateway.metrics(), gateway.store());
    metrics.room.refresh(store).await;
    metrics.reviews.refresh(store).await;
    metrics.ledger.refresh(store).await;
    match metrics.text() {
        Ok(text) => web::found(text.into(), CONTENT_TYPE),
        Err(fmt::Error) => web::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
