//! Certificates that are revoked, renewed or run out while the gateway runs.

use std::{fs, net::SocketAddr, path::Path};

use comity::v1::CaseState;
use comity_gateway::config::Config;
use comity_sandbox::{
    backend::Backend,
    pki::{Identity, Issued, Pki, Validity},
    world::connect,
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tonic::{Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::{
    api::tls,
    cli::{self, comity},
    log::Log,
    reload::metrics,
    world::{Cooperation, Scene, approvable, eventually, get, submit},
};

/// By which health tells of the TLS files.
const HEALTH: &str = "comity.tls";
const WEEK: Duration = Duration::days(7);

/// A gateway with a revocation list, which has nobody on it and is valid for a while.
async fn start(valid: Duration) -> Scene {
    start_with(valid, |_| ()).await
}

async fn start_with(valid: Duration, change: impl FnOnce(&mut Config)) -> Scene {
    let start = Scene::start_with(&["DE", "FR"], |config| {
        let folder = config.tls.client_ca.parent().unwrap();
        let pki = Pki::open(folder).unwrap();
        config.tls.revocation_lists = vec![publish(folder, &list(&pki, &[], valid))];
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
        change(config);
    });
    start.await
}

fn list(pki: &Pki, revoked: &[&Issued], valid: Duration) -> String {
    let now = OffsetDateTime::now_utc();
    let validity = Validity {
        from: now - Duration::minutes(1),
        until: now + valid,
    };
    let revoked: Vec<_> = revoked.iter().map(|one| one.certificate.as_str()).collect();
    pki.revoke(None, &revoked, validity).unwrap()
}

/// Puts a list in the place of the one before.
fn publish(folder: &Path, list: &str) -> std::path::PathBuf {
    let (new, path) = (folder.join("new"), folder.join("ca.crl"));
    fs::write(&new, list).unwrap();
    fs::rename(new, &path).unwrap();
    path
}

/// Publishes a list with these on it, and waits until it is in force.
async fn revoke(scene: &Scene, revoked: &[&Issued]) {
    let text = list(scene.world.pki(), revoked, WEEK);
    publish(&scene.folder().join("pki"), &text);
    measures(scene, "comity_tls_reloads_total{result=\"loaded\"} 1").await;
}

/// Waits until the metrics have a line.
async fn measures(scene: &Scene, line: &str) {
    let address = scene.running.metrics_address().unwrap();
    eventually(line, async || {
        let metrics = metrics(address).await;
        metrics.lines().any(|found| found == line).then_some(())
    })
    .await;
}

fn issue(scene: &Scene, authority: &str) -> Issued {
    let issued = scene.world.issue("DE", authority, "issuing", &[]);
    issued.unwrap()
}

/// Whether a caller gets an answer on a connection of its own.
async fn is_served(address: SocketAddr, issued: &Issued) -> bool {
    match connect(address, issued).await {
        Ok(channel) => is_answered(&channel).await,
        Err(_) => false,
    }
}

async fn is_answered(channel: &Channel) -> bool {
    let question = HealthCheckRequest::default();
    HealthClient::new(channel.clone())
        .check(question)
        .await
        .is_ok()
}

/// Health of the TLS files as it changes, on one connection.
async fn watch(scene: &Scene, issued: &Issued) -> Streaming<HealthCheckResponse> {
    let channel = connect(scene.address(), issued).await.unwrap();
    let question = HealthCheckRequest {
        service: HEALTH.to_owned(),
    };
    let answer = HealthClient::new(channel).watch(question).await.unwrap();
    let mut changes = answer.into_inner();
    assert_eq!(next(&mut changes).await, ServingStatus::Serving);
    changes
}

async fn next(changes: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    changes.message().await.unwrap().unwrap().status()
}

/// Waits until a connection has ended that had nothing to tell.
async fn ended(mut changes: Streaming<HealthCheckResponse>) {
    let end = tokio::time::timeout(std::time::Duration::from_secs(60), changes.message());
    let end = end.await.expect("the connection ends");
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
}

async fn refusals(scene: &Scene) -> Vec<String> {
    let entries = scene.entries("kind=unauthorised").await;
    entries.into_iter().filter_map(|leaf| leaf.note).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_caller_is_refused_at_the_handshake_and_others_are_served() {
    let log = Log::of_all();
    let scene = start(WEEK).await;
    let (good, bad) = (issue(&scene, "sta-berlin"), issue(&scene, "sta-koeln"));
    assert!(is_served(scene.address(), &bad).await);
    revoke(&scene, &[&bad]).await;
    assert!(!is_served(scene.address(), &bad).await);
    assert!(is_served(scene.address(), &good).await);
    let refused = refusals(&scene).await;
    assert!(
        refused.contains(&"revoked-certificate".to_owned()),
        "{refused:?}"
    );
    assert_eq!(scene.entries("kind=tls-load").await.len(), 1);
    // Who it was is under seal; of the log only the number is for everybody's eyes.
    let data = scene.world.data();
    scene.running.stop().await;
    let data = data.to_str().unwrap();
    let found = comity([
        "audit",
        "search",
        "--kind",
        "unauthorised",
        "--json",
        "--data",
        data,
    ]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let index = found["entries"][0]["index"].as_str().unwrap();
    let told = cli::shown(&comity(["audit", "show", index, "--data", data]));
    let uri = "spiffe://comity.example/DE/sta-koeln/issuing";
    assert!(
        told.contains(" with certificate ") && told.contains(uri),
        "{told}"
    );
    let log = log.text();
    assert!(log.contains("certificate.serial") && !log.contains("DE sta-koeln issuing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_certificate_that_was_revoked_is_told() {
    let scene = start(WEEK).await;
    let own = fs::read_to_string(scene.folder().join("pki/gateway.pem")).unwrap();
    let good = issue(&scene, "sta-berlin");
    let mut told = watch(&scene, &good).await;
    let validity = Validity {
        from: OffsetDateTime::now_utc(),
        until: OffsetDateTime::now_utc() + WEEK,
    };
    let list = scene.world.pki().revoke(None, &[&own], validity).unwrap();
    publish(&scene.folder().join("pki"), &list);
    assert_eq!(next(&mut told).await, ServingStatus::NotServing);
    measures(&scene, "comity_tls_reloads_total{result=\"loaded\"} 1").await;
    drop(told);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_list_ends_the_connections_of_whom_it_names_and_no_others() {
    let scene = start(WEEK).await;
    let (good, bad) = (issue(&scene, "sta-berlin"), issue(&scene, "sta-koeln"));
    let (mut others, theirs) = (watch(&scene, &good).await, watch(&scene, &bad).await);
    let channel = connect(scene.address(), &bad).await.unwrap();
    assert!(is_answered(&channel).await);
    revoke(&scene, &[&bad]).await;
    ended(theirs).await;
    assert!(!is_answered(&channel).await);

    // The same stream goes on for who is not on the list.
    publish(&scene.folder().join("pki"), "half a list");
    assert_eq!(next(&mut others).await, ServingStatus::NotServing);
    measures(&scene, "comity_tls_in_order 0").await;
    measures(&scene, "comity_tls_reloads_total{result=\"unusable\"} 1").await;
    assert!(
        !is_served(scene.address(), &bad).await,
        "the list stays in force"
    );
    assert!(is_served(scene.address(), &good).await);
    scene.running.reload();
    measures(&scene, "comity_tls_reloads_total{result=\"unusable\"} 2").await;
    publish(
        &scene.folder().join("pki"),
        &list(scene.world.pki(), &[], WEEK),
    );
    assert_eq!(next(&mut others).await, ServingStatus::Serving);
    assert!(is_served(scene.address(), &bad).await);
    drop(others);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_believed_on_a_list_that_has_run_out() {
    let scene = start(Duration::seconds(-30)).await;
    let good = issue(&scene, "sta-berlin");
    measures(&scene, "comity_tls_in_order 0").await;
    assert!(!is_served(scene.address(), &good).await);
    let publish = |valid| {
        let text = list(scene.world.pki(), &[], valid);
        publish(&scene.folder().join("pki"), &text)
    };
    publish(WEEK);
    measures(&scene, "comity_tls_in_order 1").await;
    let mut theirs = watch(&scene, &good).await;

    // It does not take the place of one that holds.
    publish(Duration::seconds(-30));
    measures(&scene, "comity_tls_reloads_total{result=\"ended\"} 1").await;
    assert_eq!(next(&mut theirs).await, ServingStatus::NotServing);
    assert!(is_served(scene.address(), &good).await);

    publish(Duration::seconds(10));
    assert_eq!(next(&mut theirs).await, ServingStatus::Serving);
    while let Ok(Some(_)) = theirs.message().await {}
    assert!(!is_served(scene.address(), &good).await);
    publish(WEEK);
    measures(&scene, "comity_tls_in_order 1").await;
    let refused = refusals(&scene).await;
    assert!(
        refused.contains(&"expired-revocation-list".to_owned()),
        "{refused:?}"
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_the_certificate_that_it_was_made_with() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let identity = Identity {
        jurisdiction: "DE".to_owned(),
        authority: "sta-berlin".to_owned(),
        role: "issuing".to_owned(),
        person: None,
    };
    let now = OffsetDateTime::now_utc();
    let validity = Validity {
        from: now - Duration::hours(1),
        until: now + Duration::seconds(10),
    };
    let short = scene.world.pki().issue(&identity, &[], validity).unwrap();
    ended(watch(&scene, &short).await).await;
    assert!(!is_served(scene.address(), &short).await);
    assert!(is_served(scene.address(), &issue(&scene, "sta-berlin")).await);
    scene.stop().await;
}

/// The certificate that a server shows.
async fn shown(address: SocketAddr, issued: &Issued) -> CertificateDer<'static> {
    let stream = tls(address, issued, "h2").await.unwrap();
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_without_a_restart_once_its_key_is_there_too() {
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let caller = issue(&scene, "sta-berlin");
    let mut changes = watch(&scene, &caller).await;
    let before = shown(scene.address(), &caller).await;
    let renewed = scene.world.issue("EU", "comity", "gateway", &["localhost"]);
    let renewed = renewed.unwrap();
    let folder = scene.folder().join("pki");
    fs::write(folder.join("gateway.pem"), &renewed.certificate).unwrap();
    assert_eq!(next(&mut changes).await, ServingStatus::NotServing);
    measures(&scene, "comity_tls_in_order 0").await;
    measures(&scene, "comity_tls_reloads_total{result=\"unusable\"} 1").await;
    assert_eq!(shown(scene.address(), &caller).await, before);

    fs::write(folder.join("gateway.key"), &renewed.key).unwrap();
    assert_eq!(next(&mut changes).await, ServingStatus::Serving);
    measures(&scene, "comity_tls_in_order 1").await;
    let after = CertificateDer::from_pem_slice(renewed.certificate.as_bytes()).unwrap();
    assert_eq!(shown(scene.address(), &caller).await, after);
    // Deliveries go by it too.
    let case = scene.tell(&approvable("renewed")).await;
    assert_eq!(case.state(), CaseState::Concluded);
    drop(changes);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_backend_gets_nothing_until_its_certificate_is_renewed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let scene = start_with(WEEK, |config| {
        let mut backends = config.backends.iter_mut();
        let german = backends.find(|backend| backend.jurisdiction.to_string() == "DE");
        german.unwrap().port = address.port();
    })
    .await;
    let backend = Backend::in_memory("DE").unwrap();
    let certify = || {
        let issued = scene
            .world
            .issue("DE", "backend", "backend", &["localhost"]);
        issued.unwrap()
    };
    let first = certify();
    let serving = backend.serve(listener, &first).unwrap();
    // A connection is open, and goes with the certificate.
    let case = scene.tell(&approvable("before")).await;
    assert_eq!(case.state(), CaseState::Concluded);
    assert_eq!(backend.received(), 1);

    revoke(&scene, &[&first]).await;
    let story = approvable("revoked");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let case = submit(&mut client, &story.request, 0).await.unwrap().case;
    let name = case.unwrap().name;
    let expect = async |client: &mut Cooperation, state: CaseState| {
        eventually(state.as_str_name(), async || {
            let case = get(client, &name).await.unwrap();
            (case.state() == state).then_some(())
        })
        .await;
    };
    expect(&mut client, CaseState::Delivering).await;
    assert_eq!(backend.received(), 1);

    serving.stop().await;
    let listener = TcpListener::bind(address).await.unwrap();
    let serving = backend.serve(listener, &certify()).unwrap();
    expect(&mut client, CaseState::Concluded).await;
    assert_eq!(backend.received(), 2);
    serving.stop().await;
    scene.stop().await;
}
