//! The reference backend over mutual TLS: once in effect, gateways only, down
//! and up, exercises apart.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

use comity::v1::{
    CooperationRequest, DeliverRequest, DeliverResponse, ResultKind, Selector, SelectorKind,
    national_backend_service_client::NationalBackendServiceClient,
};
use comity_sandbox::{
    backend::Backend,
    pki::Pki,
    register::Register,
    world::{World, connect},
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tonic::{Code, Status};

struct Served {
    world: World,
    backend: Backend,
    address: std::net::SocketAddr,
    _serving: comity_sandbox::backend::Serving,
    _folder: TempDir,
}

async fn serve(backend: Backend) -> Served {
    let folder = TempDir::new().unwrap();
    let world = World::start(folder.path(), &[], OffsetDateTime::now_utc())
        .await
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issued = world
        .issue("FR", "backend", "backend", &["localhost"])
        .unwrap();
    let serving = backend.serve(listener, &issued).unwrap();
    let address = serving.address();
    Served {
        world,
        backend,
        address,
        _serving: serving,
        _folder: folder,
    }
}

impl Served {
    async fn deliver(
        &self,
        role: &str,
        message: DeliverRequest,
    ) -> Result<DeliverResponse, Status> {
        let channel = self
            .world
            .connect(self.address, "EU", "comity", role)
            .await
            .unwrap();
        let mut client = NationalBackendServiceClient::new(channel);
        client
            .deliver(message)
            .await
            .map(tonic::Response::into_inner)
    }
}

fn subscriber(step: u32, phone: &str) -> DeliverRequest {
    DeliverRequest {
        case: "cases/1".to_owned(),
        step,
        request: Some(CooperationRequest {
            measure: "data.subscriber".to_owned(),
            selectors: vec![Selector {
                kind: SelectorKind::Phone.into(),
                value: phone.to_owned(),
                ..Selector::default()
            }],
            ..CooperationRequest::default()
        }),
        ..DeliverRequest::default()
    }
}

fn known_phone() -> String {
    Register::samples("FR").unwrap().phone
}

#[tokio::test]
async fn a_repeated_delivery_has_one_effect_and_one_answer() {
    let served = serve(Backend::in_memory("FR").unwrap()).await;
    let first = served
        .deliver("gateway", subscriber(1, &known_phone()))
        .await
        .unwrap();
    assert_eq!(first.result.as_ref().unwrap().kind(), ResultKind::Complete);
    let again = served
        .deliver("gateway", subscriber(1, &known_phone()))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(
        (served.backend.received(), served.backend.effects().unwrap()),
        (2, 1)
    );
    let other = served
        .deliver("gateway", subscriber(1, "+33199001299"))
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn what_was_delivered_is_remembered_over_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("FR.db");
    let before = serve(Backend::open(&path, "FR").unwrap()).await;
    let first = before
        .deliver("gateway", subscriber(1, &known_phone()))
        .await
        .unwrap();
    drop(before);
    let after = serve(Backend::open(&path, "FR").unwrap()).await;
    assert_eq!(
        after
            .deliver("gateway", subscriber(1, &known_phone()))
            .await
            .unwrap(),
        first
    );
    assert_eq!(after.backend.effects().unwrap(), 1);
}

#[tokio::test]
async fn only_gateways_may_deliver() {
    let served = serve(Backend::in_memory("FR").unwrap()).await;
    for role in ["issuing", "executing", "backend", "auditor"] {
        let refused = served
            .deliver(role, subscriber(1, &known_phone()))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
    let elsewhere = TempDir::new().unwrap();
    let foreign = Pki::init(elsewhere.path(), "other.example", OffsetDateTime::now_utc()).unwrap();
    let issued = served.world.issue("EU", "comity", "gateway", &[]).unwrap();
    let issued = comity_sandbox::pki::Issued {
        ca: foreign.ca().to_owned(),
        ..issued
    };
    assert!(connect(served.address, &issued).await.is_err());
    assert_eq!(served.backend.effects().unwrap(), 0);
}

#[tokio::test]
async fn a_backend_that_is_down_takes_nothing() {
    let served = serve(Backend::in_memory("FR").unwrap()).await;
    served.backend.set_up(false);
    let refused = served
        .deliver("gateway", subscriber(1, &known_phone()))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), served.backend.effects().unwrap()),
        (Code::Unavailable, 0)
    );
    served.backend.set_up(true);
    served
        .deliver("gateway", subscriber(1, &known_phone()))
        .await
        .unwrap();
}

#[tokio::test]
async fn exercises_and_live_requests_never_meet() {
    let live = serve(Backend::in_memory("FR").unwrap()).await;
    let exercises = serve(Backend::for_exercises("FR").unwrap()).await;
    let mut drill = subscriber(1, &known_phone());
    drill.request.as_mut().unwrap().exercise = true;
    let refused = live.deliver("gateway", drill.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    exercises.deliver("gateway", drill).await.unwrap();
    let refused = exercises
        .deliver("gateway", subscriber(2, "x"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn nothing_found_and_wrong_selectors_are_told_apart() {
    let served = serve(Backend::in_memory("FR").unwrap()).await;
    let nothing = served
        .deliver("gateway", subscriber(1, "+33199001299"))
        .await
        .unwrap();
    assert_eq!(nothing.result.unwrap().kind(), ResultKind::NothingFound);
    let mut wrong = subscriber(2, "AB-123-CD");
    wrong.request.as_mut().unwrap().selectors[0].kind = SelectorKind::Plate.into();
    let refused = served.deliver("gateway", wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let mut by_hand = subscriber(3, &known_phone());
    by_hand.request.as_mut().unwrap().measure = "search.premises".to_owned();
    assert_eq!(
        served.deliver("gateway", by_hand).await.unwrap().result,
        None
    );
}
