//! A running gateway: what every stage shares, and how it starts and stops.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use comity_domain::CaseId;
use comity_ledger::{Hash, Key, KeyError, Leaf};
use comity_policy::{Library, Report};
use comity_store::{Options, Store};
use jiff::Timestamp;
use rustls_pki_types::InvalidDnsNameError;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinSet,
};
use tonic_web::GrpcWebLayer;
use uuid::Uuid;

use crate::{
    backends::Backends,
    config::Config,
    deliver, listen,
    observe::Observe,
    record,
    refusal::Refusal,
    services,
    tls::{Material, TlsError},
};

/// Changes of cases kept for watchers that fall behind; they read again then.
const CHANGES: usize = 1024;

/// Where the time comes from. Tests and replays pass their own.
pub type Clock = fn() -> Timestamp;

/// What every stage shares; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gateway(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    policies: Arc<Library>,
    backends: Backends,
    origin: String,
    clock: Clock,
    changes: broadcast::Sender<CaseId>,
}

impl Gateway {
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// The policy bundle in force.
    pub(crate) fn policies(&self) -> &Library {
        &self.0.policies
    }

    pub(crate) fn backends(&self) -> &Backends {
        &self.0.backends
    }

    /// Origin line of this gateway's ledger.
    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
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

    /// Cases that change from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<CaseId> {
        self.0.changes.subscribe()
    }
}

/// Why a gateway does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The policy folder has mistakes; all of them are listed.
    #[error("the policy folder `{}` cannot be used\n{report}", folder.display())]
    Policies {
        /// The folder.
        folder: PathBuf,
        /// Every mistake in it.
        report: Report,
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
    /// The ledger's key cannot be read or made.
    #[error("the key of the ledger cannot be used")]
    Key(#[from] KeyError),
    /// A backend's name can be in no certificate.
    #[error("a backend's `server_name` can be in no certificate")]
    Name(#[from] InvalidDnsNameError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The start itself could not be recorded.
    #[error("the start cannot be recorded")]
    Record(#[source] Refusal),
}

/// Starts a gateway: loads and checks the policy folder, opens the store,
/// records the start and the bundle, listens.
///
/// # Errors
/// [`StartError`]; nothing is served then.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let policies = Library::load(&config.policies).map_err(|report| StartError::Policies {
        folder: config.policies.clone(),
        report,
    })?;
    let material = Material::load(
        &config.tls.certificate,
        &config.tls.key,
        &config.tls.client_ca,
    )?;
    let backends = Backends::new(&config, &material.client()?)?;
    let listener = TcpListener::bind(config.listen).await;
    let listen_error = |source| StartError::Listen {
        address: config.listen,
        source,
    };
    let listener = listener.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let store = open_store(&config)?;
    let gateway = Gateway(Arc::new(Shared {
        store,
        policies: Arc::new(policies),
        backends,
        origin: config.origin.clone(),
        clock,
        changes: broadcast::channel(CHANGES).0,
    }));
    // A ledger says under which law each stretch of it was written.
    let bundle = Hash(gateway.policies().digest().0);
    record::start(&gateway, bundle)
        .await
        .map_err(StartError::Record)?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let (incoming, failures) = listen::accept(
        listener,
        material.server()?,
        &config.trust_domain,
        config.limits.into(),
    );
    tasks.spawn(deliver::run(gateway.clone(), stopped.clone()));
    tasks.spawn(record_failures(gateway.clone(), failures));
    tasks.spawn(serve(gateway.clone(), config, incoming, stopped));
    Ok(Running {
        address,
        stop,
        tasks,
        gateway,
    })
}

/// Opens the store with the ledger's key, which is made on first use.
fn open_store(config: &Config) -> Result<Store, StartError> {
    let path = config.data.join("ledger.key");
    let key = if path.exists() {
        Key::load(&path)?
    } else {
        let key = Key::generate(&config.origin)?;
        let folder = |source| StartError::Folder {
            folder: config.data.clone(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(folder)?;
        key.save(&path)?;
        key
    };
    let options = Options {
        size_limit_bytes: config.limits.store_bytes,
        ..Options::default()
    };
    Store::open(&config.data, key, &options).map_err(|source| StartError::Store {
        folder: config.data.clone(),
        source,
    })
}

/// Records connections that came to nothing as unauthorised attempts.
async fn record_failures(gateway: Gateway, mut failures: listen::Failures) {
    while let Some(failure) = failures.next().await {
        let leaf = Leaf::new(gateway.now(), "unauthorised", "unknown");
        let note = Some(failure.reason.as_str().to_owned());
        // The peer's address is personal data and is sealed.
        let peer = failure.peer.to_string().into_bytes();
        if record::event(&gateway, Leaf { note, ..leaf }, peer)
            .await
            .is_err()
        {
            tracing::warn!(
                reason = failure.reason.as_str(),
                "a failed handshake is not on record"
            );
        }
        let missed = failures.take_missed();
        if missed > 0 {
            tracing::warn!(
                missed,
                "failed handshakes came faster than they could be recorded"
            );
        }
    }
}

/// Serves until told to stop, then finishes what is under way.
async fn serve(
    gateway: Gateway,
    config: Config,
    incoming: listen::Incoming,
    mut stopped: watch::Receiver<bool>,
) {
    let (health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(comity::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1alpha();
    let mut routes =
        services::routes(&gateway, config.limits.max_message_bytes).add_service(health);
    match reflection {
        Ok(reflection) => routes = routes.add_service(reflection),
        Err(error) => tracing::error!(%error, "reflection is off"),
    }
    let served = tonic::transport::Server::builder()
        .accept_http1(true)
        .layer(GrpcWebLayer::new())
        .layer(Observe::new(gateway, &config.limits))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, async move {
            // An error means that the gateway itself is gone.
            let _ = stopped.wait_for(|stop| *stop).await;
        })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "serving ended");
    }
}

/// A gateway that is up.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    gateway: Gateway,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The verifier key of its ledger, in the format of signed notes.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.gateway.store().verifier_key().to_string()
    }

    /// Takes no new work, finishes what is under way, publishes the ledger and
    /// closes the store.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.gateway.store().clone().close().await;
    }
}
