//! How a gateway starts: everything it needs is made sure of before it serves.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use comity_evidence::OpenError;
use comity_ledger::{Key, KeyError, MlDsaKey, WitnessError, publish_policy, second_beside};
use comity_store::{DATABASE, Options, Store, demand_free, make_folder};
use futures::stream::{self, StreamExt as _};
use jiff::civil::Date;
use rustls_pki_types::InvalidDnsNameError;
use thiserror::Error;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};
use tonic_web::GrpcWebLayer;

use crate::{
    backends::Backends,
    clocks::{day, engine::Engine},
    config::{Config, Limits},
    deliver,
    evidence::{self, Evidence},
    gateway::{Clock, Gateway, Parts, Running},
    health, listen, log,
    metrics::{self, Metrics},
    observe::Observe,
    outbox, personal,
    places::Lanes,
    policies::{Candidate, Listing, Policies, Rejected, Source, watch::Watcher},
    record,
    refusal::Refusal,
    room, services, strangers,
    tasks::Tasks,
    timestamp::{self, TimestampsError},
    tls::{self, TlsError},
    web,
    witness::{self, SubmissionError, Witnesses},
};

/// The key of the ledger in the data folder.
pub(crate) const LEDGER_KEY: &str = "ledger.key";
/// The second key of the ledger in the data folder.
pub(crate) const SECOND_KEY: &str = "ledger-ml-dsa.key";
/// When to look again whether the index of personal values is complete.
const INDEX_AGAIN: Duration = Duration::from_secs(30);

/// Why a gateway does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// What is in the policy folder cannot come into force.
    #[error("the policy folder `{}` cannot be used\n{why}", folder.display())]
    Policies {
        /// The folder.
        folder: PathBuf,
        /// Every mistake in it, or what its signatures lack.
        why: Rejected,
    },
    /// Certificates or keys cannot be used.
    #[error("the TLS material cannot be used")]
    Tls(#[from] TlsError),
    /// The data folder cannot be used.
    #[error("the data folder `{}` cannot be used", folder.display())]
    Store {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: comity_store::OpenError,
    },
    /// The data folder cannot be made.
    #[error("the data folder `{}` cannot be made", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is gone that something in the data folder hangs on.
    #[error(
        "`{}` is missing, and the data folder holds what was signed with it: restore it", .0.display()
    )]
    Lost(PathBuf),
    /// The ledger's key cannot be read or made.
    #[error("the key of the ledger cannot be used")]
    Key(#[from] KeyError),
    /// What this gateway has cosigned cannot be used.
    #[error("what this gateway has cosigned cannot be used")]
    Witness(#[from] WitnessError),
    /// The policy of witnesses cannot be written beside the ledger.
    #[error("the policy of witnesses cannot be written beside the ledger")]
    Policy(#[source] std::io::Error),
    /// Whoever timestamps the ledger cannot be asked.
    #[error("authorities that timestamp the ledger cannot be asked: see `[timestamps]`")]
    Timestamps(#[from] TimestampsError),
    /// A witness outside cannot be asked.
    #[error("a witness outside cannot be asked: see `[[witness]]`")]
    Outside(#[from] SubmissionError),
    /// Stored evidence cannot be used.
    #[error("the evidence store cannot be used")]
    Evidence(#[from] OpenError),
    /// A backend's name can be in no certificate.
    #[error("a backend's `server_name` can be in no certificate")]
    Name(#[from] InvalidDnsNameError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}, which is `{setting}`")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The start itself could not be recorded.
    #[error("the start cannot be recorded")]
    Record(#[source] Refusal),
}

/// Starts a gateway: copies, checks and keeps what is in the policy folder, opens
/// the store, records the start and the bundle, listens.
///
/// # Errors
/// [`StartError`]; nothing is served then.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let limits = config.limits;
    let source = Source::new(&config);
    let (candidate, seen) = load(&config, &source, day(clock())).await?;
    let tls = tls::watch::Source::open(&config.tls, &config.trust_domain)?;
    let current = tls.current();
    let backends = Backends::new(&config, &current)?;
    let witnesses = Witnesses::new(&config, &current)?;
    let (listener, address) = bind("gateway.listen", config.listen).await?;
    let monitor = bind_if_wanted("metrics.listen", config.metrics).await?;
    let log = bind_if_wanted("log.listen", config.log).await?;
    let store = open_store(&config)?;
    let authorities = timestamp::open(config.timestamps.as_ref(), &store, clock).await?;
    let (stop, stopped) = watch::channel(false);
    let evidence = Evidence::open(&config, stopped.clone())?;
    let kept = source.keep_first(candidate);
    let (library, signatures) = kept.map_err(|why| unusable(&config, why))?;
    let policies = Arc::new(Policies::new(source, library));
    let standing = authorities.standing.clone();
    let metrics = Metrics::new(Arc::clone(&policies), standing.clone(), clock());
    let refused = listen::Refused::default();
    let metrics = metrics.with_tls(current.clone());
    let metrics = metrics.with_doors(&backends, &refused);
    let gateway = Gateway::new(Parts {
        store,
        policies,
        metrics: Arc::new(metrics),
        backends,
        evidence,
        witness: witness::open(&config)?,
        timestamps: standing,
        lanes: Lanes::new(&limits),
        origin: config.origin.clone(),
        clock,
        signed_opinions: config.signed_opinions,
        events_per_side: limits.events_per_side,
        max_message_bytes: limits.max_message_bytes,
        stopped: stopped.clone(),
    });
    // A ledger says under which law each stretch of it was written.
    let recorded = record::start(&gateway, signatures).await;
    recorded.map_err(StartError::Record)?;
    let mut tasks = Tasks::default();
    let bounds = (limits.into(), refused);
    let (incoming, failures) = listen::accept(listener, current, &config.trust_domain, bounds);
    let (routes, health) = routes(&gateway, limits.max_message_bytes).await;
    let watcher = Watcher::new(gateway.clone(), health.clone(), seen);
    let monitored = web::serve(&mut tasks, monitor, &gateway, metrics::answer, &stopped);
    let shown = web::serve(&mut tasks, log, &gateway, log::answer, &stopped);
    tasks.spawn(watcher.run(stopped.clone()));
    let tls_asked = tls.watch(&mut tasks, (&gateway, &health), &stopped);
    tasks.spawn(witness::run(gateway.clone(), witnesses, stopped.clone()));
    tell(&mut tasks, (&gateway, &config, &health), &stopped);
    tasks.spawn(authorities.run(gateway.clone(), stopped.clone()));
    work(&mut tasks, &gateway, (failures, limits.quiet), &stopped);
    let observe = Observe::new(gateway.clone(), limits, config.log_calls);
    tasks.spawn(serve((routes, observe), incoming, limits, stopped));
    Ok(Running {
        address,
        monitored,
        shown,
        stop,
        tasks,
        gateway,
        tls_asked,
        health,
    })
}

/// Reads the rules, once nobody else is seen to use the data folder, where they are copied to.
async fn load(
    config: &Config,
    source: &Source,
    today: Date,
) -> Result<(Candidate, Listing), StartError> {
    demand_free(&config.data).map_err(|source| StartError::Store {
        folder: config.data.clone(),
        source,
    })?;
    make_folder(&config.data).map_err(|source| StartError::Folder {
        folder: config.data.clone(),
        source,
    })?;
    let began = Instant::now();
    let first = source.first(today).await;
    let (candidate, seen) = first.map_err(|why| unusable(config, why))?;
    let milliseconds = began.elapsed().as_millis();
    tracing::info!(bundle = %candidate.digest(), milliseconds, "policies are loaded");
    Ok((candidate, seen))
}

fn unusable(config: &Config, why: Rejected) -> StartError {
    StartError::Policies {
        folder: config.policies.folder.clone(),
        why,
    }
}

/// Has health and the log tell how the gateway stands.
fn tell(
    tasks: &mut Tasks,
    (gateway, config, reporter): (&Gateway, &Config, &HealthReporter),
    stopped: &watch::Receiver<bool>,
) {
    let health = health::run(gateway.clone(), reporter.clone(), stopped.clone());
    tasks.spawn(health);
    let room = room::run(gateway.clone(), config.data.clone(), stopped.clone());
    tasks.spawn(room);
}

/// Has what was accepted carried on, and what failed recorded.
fn work(
    tasks: &mut Tasks,
    gateway: &Gateway,
    (failures, quiet): (listen::Failures, Duration),
    stopped: &watch::Receiver<bool>,
) {
    gateway.backends().tell_of_missing(&gateway.policies());
    tasks.spawn(deliver::run(gateway.clone(), stopped.clone()));
    tasks.spawn(outbox::mend(gateway.clone(), stopped.clone()));
    tasks.spawn(index(gateway.clone(), stopped.clone()));
    tasks.spawn(evidence::sweep(gateway.clone(), stopped.clone()));
    tasks.spawn(Engine::new(gateway.clone()).run(stopped.clone()));
    tasks.spawn(strangers::record(gateway.clone(), failures));
    tasks.spawn(heartbeat(gateway.clone(), quiet, stopped.clone()));
}

/// Has the ledger show that the gateway is there while nothing happens.
async fn heartbeat(gateway: Gateway, quiet: Duration, mut stop: watch::Receiver<bool>) {
    loop {
        let before = gateway.store().health().committed;
        tokio::select! {
            () = tokio::time::sleep(quiet) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if gateway.store().health().committed == before
            && let Err(error) = record::heartbeat(&gateway).await
        {
            tracing::warn!(%error, "the ledger has no sign of life");
        }
    }
}

/// Makes the index of personal values again where it is not complete, and looks again
/// every while. Searches by them are told to wait meanwhile; all else goes on. One that
/// somebody changed while it was whole is made again at the next start.
async fn index(gateway: Gateway, mut stop: watch::Receiver<bool>) {
    let again = async {
        loop {
            if let Err(error) = personal::rebuild(gateway.store(), |_, _| ()).await {
                tracing::error!(%error, "the index of personal values is not complete");
            }
            tokio::time::sleep(INDEX_AGAIN).await;
        }
    };
    tokio::select! {
        () = again => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Listens on an address, and says which it is where the port was left open.
async fn bind(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let listening = listen.await;
    if let Ok((_, address)) = &listening {
        tracing::info!(setting, %address, "listens");
    }
    listening.map_err(|source| StartError::Listen {
        setting,
        address,
        source,
    })
}

async fn bind_if_wanted(
    setting: &'static str,
    address: Option<SocketAddr>,
) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    match address {
        Some(address) => Ok(Some(bind(setting, address).await?)),
        None => Ok(None),
    }
}

/// Opens the store with the ledger's key, which is made on first use.
fn open_store(config: &Config) -> Result<Store, StartError> {
    let path = config.data.join(LEDGER_KEY);
    let is_new = !path.exists();
    if is_new && config.data.join(DATABASE).exists() {
        return Err(StartError::Lost(path));
    }
    let mut key = Key::load_or_make(&path, &config.origin)?;
    if is_new {
        let key = key.verifier();
        tracing::info!(
            "made `{LEDGER_KEY}` for origin `{}`: neither can be changed from now on; its public \
             half is {key}",
            config.origin
        );
    }
    if config.ml_dsa {
        let second = MlDsaKey::load_or_make(&config.data.join(SECOND_KEY), key.name())?;
        key = key.with_second(second)?;
    }
    let options = Options {
        size_limit_bytes: config.limits.store_bytes,
        // Where none must cosign, none is waited for.
        await_witnesses: config.witnesses.required > 0,
        token: config.keys.clone(),
        ..personal::options()
    };
    let store = Store::open(&config.data, key, &options);
    let store = store.map_err(|source| StartError::Store {
        folder: config.data.clone(),
        source,
    })?;
    if !config.ml_dsa && matches!(second_beside(store.ledger_dir()), Ok(Some(_))) {
        tracing::warn!(
            "checkpoints are signed once from now on, and were twice: set `ml_dsa = true` under \
             `[gateway]` to go on"
        );
    }
    let policy = config.witnesses.policy();
    if !policy.witnesses.is_empty() {
        publish_policy(store.ledger_dir(), &policy, store.verifier_key())
            .map_err(StartError::Policy)?;
    }
    Ok(store)
}

/// Every service, with health, service by service, and reflection.
async fn routes(gateway: &Gateway, max_message_bytes: usize) -> (Routes, HealthReporter) {
    let (reporter, health) = tonic_health::server::health_reporter();
    for name in [""].into_iter().chain(services::NAMES) {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    let mut routes = services::routes(gateway, max_message_bytes).add_service(health);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(comity::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Clients speak one or the other: what was stabilised as v1 is called v1alpha by many.
    match (reflection().build_v1(), reflection().build_v1alpha()) {
        (Ok(stable), Ok(alpha)) => routes = routes.add_service(stable).add_service(alpha),
        (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "reflection is off"),
    }
    (routes, reporter)
}

/// How long a connection may take to end when the gateway stops: longer than any call
/// waits for its answer.
const FAREWELL: Duration = Duration::from_secs(60);

/// Serves until told to stop, then finishes what is under way.
async fn serve(
    (routes, observe): (Routes, Observe),
    mut incoming: listen::Incoming,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) {
    let server = tonic::transport::Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(limits.streams_per_connection())
        .http2_keepalive_interval(Some(limits.silence()))
        .http2_keepalive_timeout(Some(limits.handshake_timeout))
        .layer(GrpcWebLayer::new())
        .layer(observe);
    let routes = routes.prepare();
    let open = TaskTracker::new();
    let mut stop = stopped.clone();
    loop {
        let connection = tokio::select! {
            Some(Ok(connection)) = incoming.next() => connection,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (done, mut stop) = (connection.done(), stopped.clone());
        let end = async move {
            tokio::select! {
                () = done.cancelled() => {}
                // An error means that the gateway itself is gone.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        };
        // A server of its own for each: they end one by one.
        let one = stream::once(async { Ok::<_, Infallible>(connection) }).chain(stream::pending());
        let served = server.clone();
        let served = served.serve_with_incoming_shutdown(routes.clone(), one, end);
        let mut stop = stopped.clone();
        let patience = async move {
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep(FAREWELL).await;
        };
        open.spawn(async {
            tokio::select! {
                served = served => {
                    if let Err(error) = served {
                        tracing::error!(%error, "serving a connection ended");
                    }
                }
                () = patience => tracing::warn!("a connection is left open by its peer"),
            }
        });
    }
    drop(incoming);
    open.close();
    open.wait().await;
}
