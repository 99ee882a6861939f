//! A gateway over real sockets with its backends, and what tests ask of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use comity::v1::{
    self,
    audit_service_client::AuditServiceClient,
    cooperation_service_client::CooperationServiceClient,
    execution_service_client::ExecutionServiceClient,
    national_backend_service_server::{NationalBackendService, NationalBackendServiceServer},
    review_service_client::ReviewServiceClient,
};
use comity_evidence::Place;
use comity_gateway::{
    config::Config,
    gateway::{self, Running},
    offline,
    wire::to_proto,
};
use comity_ledger::Leaf;
use comity_sandbox::{
    backend::Backend,
    register::Register,
    stories::{self, Story},
    world::{World, connect},
};
use jiff::Timestamp;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet, time::Instant};
use tonic::{
    Request, Response, Status,
    transport::{Certificate, Channel, Identity, Server, ServerTlsConfig, server::TcpIncoming},
};
use tonic_types::StatusExt as _;

pub(crate) type Cooperation = CooperationServiceClient<Channel>;
pub(crate) type Reviewer = ReviewServiceClient<Channel>;

/// Longest wait for anything; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway, its backends and its certificate authority in one folder.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) running: Running,
    folder: TempDir,
}

impl Scene {
    pub(crate) async fn start(jurisdictions: &[&str]) -> Self {
        Self::start_with(jurisdictions, |_| ()).await
    }

    /// Starts with a configuration that differs from the usual one.
    pub(crate) async fn start_with(
        jurisdictions: &[&str],
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_by(jurisdictions, Timestamp::now, change).await
    }

    /// Starts with a service of the test's own in the place of a jurisdiction's backend.
    pub(crate) async fn start_beside<S: NationalBackendService>(
        jurisdictions: &[&str],
        state: &str,
        service: impl FnOnce(&Backend) -> NationalBackendServiceServer<S>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scene = Self::start_with(jurisdictions, |config| {
            let mut backends = config.backends.iter_mut();
            let own = backends.find(|one| one.jurisdiction.as_str() == state);
            own.unwrap().port = port;
        })
        .await;
        let issued = scene
            .world
            .issue(state, "backend", "backend", &["localhost"]);
        let issued = issued.unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&issued.certificate, &issued.key))
            .client_ca_root(Certificate::from_pem(&issued.ca));
        let server = Server::builder().tls_config(tls).unwrap();
        let served = { server }.add_service(service(scene.backend(state)));
        tokio::spawn(served.serve_with_incoming(TcpIncoming::from(listener)));
        scene
    }

    /// Starts by a clock of the test's own.
    pub(crate) async fn start_by(
        jurisdictions: &[&str],
        clock: gateway::Clock,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let now = OffsetDateTime::now_utc();
        let world = World::start(folder.path(), jurisdictions, now)
            .await
            .unwrap();
        let mut config = configure(&world, &policies());
        change(&mut config);
        let running = gateway::start(config, clock).await.unwrap();
        Self {
            world,
            running,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running.address()
    }

    pub(crate) fn backend(&self, jurisdiction: &str) -> &Backend {
        self.world.backend(jurisdiction).unwrap()
    }

    /// The register behind a jurisdiction's backend.
    pub(crate) fn register(&self, jurisdiction: &str) -> Register {
        let path = format!("registers/{jurisdiction}.db");
        Register::open(&self.folder().join(path), jurisdiction).unwrap()
    }

    pub(crate) async fn connect(&self, state: &str, authority: &str, role: &str) -> Channel {
        self.world
            .connect(self.address(), state, authority, role)
            .await
            .unwrap()
    }

    pub(crate) async fn issuing(&self, state: &str, authority: &str) -> Cooperation {
        Cooperation::new(self.connect(state, authority, "issuing").await)
    }

    pub(crate) async fn executing(
        &self,
        state: &str,
        authority: &str,
    ) -> ExecutionServiceClient<Channel> {
        ExecutionServiceClient::new(self.connect(state, authority, "executing").await)
    }

    /// A person who reviews for an authority.
    pub(crate) async fn reviewer(&self, state: &str, authority: &str, person: &str) -> Reviewer {
        let issued = self.world.issue_reviewer(state, authority, person).unwrap();
        let channel = connect(self.address(), &issued).await.unwrap();
        Reviewer::new(channel)
    }

    pub(crate) async fn auditor(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.connect("EU", "auditor", "auditor").await)
    }

    /// Sends a story's request as its authority and waits for the answer.
    pub(crate) async fn tell(&self, story: &Story) -> v1::Case {
        let mut client = self.issuing(story.jurisdiction, story.authority).await;
        submit(&mut client, &story.request, 30)
            .await
            .unwrap()
            .case
            .unwrap()
    }

    /// Ledger entries that a filter finds, oldest first.
    pub(crate) async fn entries(&self, filter: &str) -> Vec<Leaf> {
        let mut auditor = self.auditor().await;
        let mut message = v1::SearchRequest {
            filter: filter.to_owned(),
            page_size: 500,
            purpose: "test".to_owned(),
            ..v1::SearchRequest::default()
        };
        let mut found = Vec::new();
        loop {
            let page = auditor.search(message.clone()).await.unwrap().into_inner();
            found.extend(page.entries.iter().map(|entry| read_leaf(&entry.leaf)));
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                return found;
            }
        }
    }

    /// The one entry of a kind that an authority left, by its remark.
    pub(crate) async fn assert_recorded(&self, actor: (&str, &str, &str), kind: &str, note: &str) {
        let (state, authority, role) = actor;
        let filter =
            format!("kind={kind} AND actor=spiffe://comity.example/{state}/{authority}/{role}");
        let notes: Vec<_> = self.entries(&filter).await;
        let notes: Vec<_> = notes.iter().map(|leaf| leaf.note.as_deref()).collect();
        assert_eq!(notes, [Some(note)], "{filter}");
    }

    /// Stops the gateway and starts it again over what it has kept.
    pub(crate) async fn restart(self) -> Self {
        self.restart_by(Timestamp::now).await
    }

    /// Stops the gateway and starts it again on what it left behind, by a clock of
    /// the test's own and with the usual configuration.
    pub(crate) async fn restart_by(self, clock: gateway::Clock) -> Self {
        self.restart_after(clock, async || ()).await
    }

    /// As [`Scene::restart_by`], after something was done meanwhile.
    pub(crate) async fn restart_after(
        self,
        clock: gateway::Clock,
        meanwhile: impl AsyncFnOnce(),
    ) -> Self {
        let Self {
            world,
            running,
            folder,
        } = self;
        running.stop().await;
        meanwhile().await;
        let config = configure(&world, &policies());
        let running = gateway::start(config, clock).await.unwrap();
        Self {
            world,
            running,
            folder,
        }
    }

    /// Stops the gateway and verifies what it leaves behind.
    pub(crate) async fn stop(self) -> offline::Report {
        let Self {
            world,
            running,
            folder,
        } = self;
        running.stop().await;
        let data = world.data();
        let report = offline::verify(&data, None).unwrap();
        if report.opened {
            // Whatever clock a test had.
            let late = "2999-01-01T00:00:00Z".parse().unwrap();
            offline::verify_outbox((&data, None), late).unwrap();
        }
        // A test may have had evidence elsewhere.
        let own = data.join("evidence/items").is_dir();
        let place = own.then(|| Place::in_data(&data));
        offline::verify_beside((&data, true), &report, place.as_ref(), &mut |_, _| {}).unwrap();
        drop(folder);
        report
    }
}

/// The gateway that tests share which leave no trace for each other: every
/// jurisdiction, and an authority of its own for each test.
pub(crate) fn on_shared<T>(test: impl AsyncFnOnce(&'static Scene) -> T) -> T {
    static SHARED: LazyLock<(Runtime, Scene)> = LazyLock::new(|| {
        let runtime = Runtime::new().unwrap();
        let scene = runtime.block_on(Scene::start(&Register::jurisdictions()));
        (runtime, scene)
    });
    let (runtime, scene) = &*SHARED;
    runtime.block_on(test(scene))
}

/// The configuration of a gateway in a world, on a port of its own.
pub(crate) fn configure(world: &World, policies: &Path) -> Config {
    let listen = "127.0.0.1:0".parse().unwrap();
    Config::load(&world.write_config(listen, policies).unwrap()).unwrap()
}

/// The repository's own policy folder.
pub(crate) fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// The stories, with request ids that no other `run` has.
pub(crate) fn stories(run: &str) -> Vec<Story> {
    stories::all(run, to_proto::timestamp(Timestamp::now()))
}

/// The story whose title begins so.
pub(crate) fn story(run: &str, title: &str) -> Story {
    stories(run)
        .into_iter()
        .find(|story| story.title.starts_with(title))
        .unwrap_or_else(|| panic!("no story `{title}`"))
}

/// A request for subscriber data that is approved and answered at once.
pub(crate) fn approvable(run: &str) -> Story {
    story(run, "Who holds this telephone number?")
}

/// A house search that is approved and takes people and time.
pub(crate) fn search(run: &str) -> Story {
    let mut story = story(run, "House search");
    story.request.language = "fr".to_owned();
    story.request.persons.push(v1::Person {
        role: v1::PersonRole::Victim.into(),
        ..v1::Person::default()
    });
    story
}

pub(crate) async fn submit(
    client: &mut Cooperation,
    request: &v1::CooperationRequest,
    seconds: i64,
) -> Result<v1::SubmitResponse, Status> {
    let message = v1::SubmitRequest {
        request: Some(request.clone()),
        wait: Some(prost_types::Duration { seconds, nanos: 0 }),
        text_language: "en".to_owned(),
    };
    client
        .submit(message)
        .await
        .map(tonic::Response::into_inner)
}

pub(crate) async fn get(client: &mut Cooperation, name: &str) -> Result<v1::Case, Status> {
    let message = v1::GetCaseRequest {
        name: name.to_owned(),
        text_language: String::new(),
    };
    let answer = client.get_case(message).await?;
    Ok(answer.into_inner().case.unwrap())
}

/// Field and description of every violation in a status.
pub(crate) fn violations(status: &Status) -> BTreeMap<String, String> {
    let details = status.get_error_details();
    let bad = details.bad_request().map(|bad| &bad.field_violations);
    bad.into_iter()
        .flatten()
        .map(|violation| (violation.field.clone(), violation.description.clone()))
        .collect()
}

/// The `reason` of a status, which programs go by.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal has one");
    assert_eq!(info.domain, "comity.v1");
    info.reason.clone()
}

/// What a call is answered that comes four times at a time.
pub(crate) async fn at_a_time<T, F>(call: impl Fn() -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Status>> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        calls.spawn(call());
    }
    let answers = calls.join_all().await.into_iter();
    answers.collect::<Result<_, _>>().unwrap()
}

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Copies a folder with all in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn read_leaf(bytes: &[u8]) -> Leaf {
    Leaf::read(bytes).unwrap().0
}

/// A backend that delivers in a way of the test's own; all else another one does.
#[tonic::async_trait]
pub(crate) trait Delivers: Send + Sync + 'static {
    /// The other one.
    fn backend(&self) -> &Backend;

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverResponse>, Status>;

    /// Hears of a recall.
    fn recalled(&self, _case: &str) {}

    /// Whether it takes a notice; else it knows no such case.
    fn takes_notice(&self) -> bool {
        true
    }
}

/// Serves what delivers in a way of its own.
pub(crate) struct Served<D>(pub(crate) D);

#[tonic::async_trait]
impl<D: Delivers> NationalBackendService for Served<D> {
    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverResponse>, Status> {
        self.0.deliver(request).await
    }

    async fn recall(
        &self,
        request: Request<v1::RecallRequest>,
    ) -> Result<Response<v1::RecallResponse>, Status> {
        self.0.recalled(&request.get_ref().case);
        self.0.backend().recall(request).await
    }

    async fn notify(
        &self,
        request: Request<v1::NotifyRequest>,
    ) -> Result<Response<v1::NotifyResponse>, Status> {
        match self.0.takes_notice() {
            true => self.0.backend().notify(request).await,
            false => Err(Status::not_found("no such case")),
        }
    }

    async fn capabilities(
        &self,
        request: Request<v1::CapabilitiesRequest>,
    ) -> Result<Response<v1::CapabilitiesResponse>, Status> {
        self.0.backend().capabilities(request).await
    }
}
