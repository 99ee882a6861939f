//! What whoever runs a gateway is told of it.

use std::{error::Error as _, fs, os::unix::fs::PermissionsExt as _, path::Path};

use comity::v1::CaseState;
use comity_gateway::gateway;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    cli::{comity, shown, stable},
    http::ask,
    log::Log,
    reload::metrics,
    world::{Scene, approvable, configure, eventually, policies, submit},
};

/// A gateway with figures.
async fn measured(change: impl FnOnce(&mut comity_gateway::config::Config)) -> Scene {
    Scene::start_with(&["DE", "FR"], |config| {
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
        change(config);
    })
    .await
}

async fn expect_health(scene: &Scene, service: &str, expected: ServingStatus) {
    let channel = scene.connect("DE", "sta-berlin", "issuing").await;
    let mut client = HealthClient::new(channel);
    eventually(&format!("{service} is {expected:?}"), async || {
        let service = service.to_owned();
        let answer = client.check(HealthCheckRequest { service }).await.ok()?;
        (answer.into_inner().status() == expected).then_some(())
    })
    .await;
}

async fn expect_figure(scene: &Scene, line: &str) {
    eventually(line, async || {
        let told = metrics(scene.running.metrics_address().unwrap()).await;
        told.lines().any(|found| found == line).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_room_says_so_in_health_figures_log_and_refusals() {
    let log = Log::of_all();
    let scene = measured(|config| config.limits.store_bytes = Some(1)).await;
    let service = "comity.v1.CooperationService";
    expect_health(&scene, service, ServingStatus::NotServing).await;
    expect_health(&scene, "", ServingStatus::Serving).await;
    expect_figure(&scene, "comity_store_takes_work 0").await;
    let story = approvable("room");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    for _ in 0..3 {
        let refused = submit(&mut client, &story.request, 0).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(
            refused
                .message()
                .starts_with("the store is as large as it may be"),
            "{}",
            refused.message()
        );
    }
    expect_figure(&scene, "comity_store_refused_total 3").await;
    let line = "comity_calls_total{service=\"comity.v1.CooperationService\",method=\"Submit\",code=\"UNAVAILABLE\"} 3";
    expect_figure(&scene, line).await;
    let address = scene.running.metrics_address().unwrap();
    for (method, path, expected) in [
        ("GET", "/readyz", "HTTP/1.1 200"),
        ("HEAD", "/livez", "HTTP/1.1 200"),
        ("HEAD", "/metrics", "HTTP/1.1 200"),
        ("POST", "/metrics", "HTTP/1.1 405"),
        ("GET", "/other", "HTTP/1.1 404"),
    ] {
        let (head, _) = ask(address, method, path).await;
        assert!(head.starts_with(expected), "{method} {path}: {head}");
    }
    let told = "the store takes no new work";
    assert!(log.text().contains(told), "the log says it");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_down_is_told_until_it_is_back() {
    let log = Log::of_all();
    let scene = measured(|config| config.log_calls = true).await;
    expect_health(&scene, "comity.backend.DE", ServingStatus::Serving).await;
    scene.backend("DE").set_up(false);
    let story = approvable("down");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    submit(&mut client, &story.request, 0).await.unwrap();
    expect_health(&scene, "comity.backend.DE", ServingStatus::NotServing).await;
    expect_health(&scene, "comity.backend.FR", ServingStatus::Serving).await;
    expect_figure(
        &scene,
        "comity_backend_up{state=\"DE\",purpose=\"backend\"} 0",
    )
    .await;
    expect_figure(&scene, "comity_outbox_jobs{state=\"DE\"} 1").await;
    let told = metrics(scene.running.metrics_address().unwrap()).await;
    let failed =
        "comity_delivery_failures_total{state=\"DE\",purpose=\"backend\",code=\"UNAVAILABLE\"}";
    assert!(told.contains(failed), "{told}");
    let log = log.text();
    let mut lines = log.lines();
    let called = [
        "CooperationService/Submit",
        "milliseconds",
        "spiffe://comity.example/",
    ];
    assert!(lines.any(|line| called.iter().all(|part| line.contains(part))));
    scene.backend("DE").set_up(true);
    expect_health(&scene, "comity.backend.DE", ServingStatus::Serving).await;
    expect_figure(
        &scene,
        "comity_backend_up{state=\"DE\",purpose=\"backend\"} 1",
    )
    .await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_hangs_does_not_hold_up_the_end() {
    let log = Log::of_all();
    // Nobody ever answers there.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let scene = measured(|config| {
        for backend in &mut config.backends {
            backend.port = port;
        }
    })
    .await;
    let story = approvable("hangs");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let waiting = tokio::spawn(async move { submit(&mut client, &story.request, 30).await });
    let hanging = silent.accept().await.unwrap();
    scene.stop().await;
    // The call was answered, and the delivery is kept for the next start.
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.case.unwrap().state(), CaseState::Delivering);
    let told = log.text();
    assert!(told.contains("deliveries are cut that wait for a backend"));
    drop(hanging);
}

fn check(config: &Path) -> String {
    shown(&comity([
        "serve",
        "--check",
        "--config",
        config.to_str().unwrap(),
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_all_that_is_wrong_at_once_and_changes_nothing() {
    let scene = Scene::start(&["DE"]).await;
    let config = scene.folder().join("comity.toml");
    // Also while the gateway runs.
    assert!(check(&config).starts_with("exit 0\n"), "{}", check(&config));
    let written = fs::read_to_string(&config).unwrap();
    let other = scene
        .world
        .issue("DE", "sta-berlin", "issuing", &[])
        .unwrap();
    let [ca, key] = ["other.pem", "other.key"].map(|name| scene.folder().join(name));
    fs::write(&ca, &other.certificate).unwrap();
    fs::write(&key, &other.key).unwrap();
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&key, open.clone()).unwrap();
    fs::set_permissions(scene.world.data().join("ledger.key"), open).unwrap();
    let own = |setting: &str, path: &Path| {
        let mut lines = written.lines().map(str::to_owned).collect::<Vec<_>>();
        let line = lines
            .iter_mut()
            .find(|line| line.starts_with(&format!("{setting} = ")));
        *line.unwrap() = format!("{setting} = \"{}\"", path.display());
        lines.push("\n[[retention]]\ninstrument = \"eoi\"\nmonths = 1\nbecause = \"x\"".into());
        fs::write(&config, lines.join("\n")).unwrap();
        check(&config)
    };
    let told = [
        own("certificate", &ca),
        own("key", &key),
        own("client_ca", &ca),
        own("client_ca", scene.folder()),
    ];
    let settings = stable(scene.folder());
    settings.bind(|| insta::assert_snapshot!(told.join("\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_and_a_key_that_was_lost_are_named_and_left_alone() {
    let scene = Scene::start(&["DE"]).await;
    let config = configure(&scene.world, &policies());
    let data = scene.world.data();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("comity.db"))), (0o700, 0o600));
    let refused = gateway::start(config.clone(), Timestamp::now)
        .await
        .unwrap_err();
    let why = refused.source().unwrap().to_string();
    assert!(why.contains("another process has the store"), "{why}");
    let staged = fs::read_dir(data.join("bundles"))
        .unwrap()
        .map(Result::unwrap);
    let staged = staged.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
    assert_eq!(staged.count(), 0);
    scene.running.stop().await;
    let key = data.join("ledger.key");
    fs::remove_file(&key).unwrap();
    let refused = gateway::start(config, Timestamp::now).await.unwrap_err();
    let why = refused.to_string();
    assert!(
        why.contains("ledger.key` is missing") && !key.exists(),
        "{why}"
    );
}
