//! The ledger timestamped by a foreign authority: OpenSSL's. What it gets right is kept
//! and verified, also by OpenSSL; what it gets wrong is refused and named; and where it
//! gives nothing for too long, nothing new is taken.

mod authority;
mod stripped;
pub(crate) mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use comity::v1;
use comity_gateway::{
    config::{self, Timestamps},
    wire::to_proto,
};
use comity_sandbox::{stories::Story, world::World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

pub(crate) use self::authority::{Authority, Mood};
use self::{
    authority::{WRONG, openssl},
    stripped::{
        a_stripped_bundle_is_told, only_new_timestamps_satisfy, only_what_is_in_order_counts,
    },
};
use crate::{
    cli::{comity, shown, stable},
    crash::process::{Process, free_address},
    http::ask,
    reload::metrics,
    world::{Scene, approvable, eventually, policies, reason, story, submit},
};

/// A gateway that asks these, as often as it can.
async fn scene_of(authorities: Vec<config::Authority>) -> Scene {
    Scene::start_with(&["DE", "FR"], |config| settle(config, authorities)).await
}

pub(crate) fn settle(config: &mut config::Config, authorities: Vec<config::Authority>) {
    config.metrics = Some("127.0.0.1:0".parse().unwrap());
    config.log = Some("127.0.0.1:0".parse().unwrap());
    config.timestamps = Some(Timestamps {
        authorities,
        every: Duration::from_millis(100),
        required_within: Duration::from_secs(4 * 3600),
    });
}

fn ledger(scene: &Scene) -> PathBuf {
    scene.world.data().join("ledger")
}

/// A figure that monitoring reads.
pub(crate) async fn figure(scene: &Scene, name: &str) -> Option<u64> {
    let text = metrics(scene.running.metrics_address().unwrap()).await;
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|figure| figure.parse().ok())
}

/// Waits until everything on record is timestamped; how many entries that is.
pub(crate) async fn all_timestamped(scene: &Scene) -> u64 {
    eventually("all is timestamped", async || {
        let entries = figure(scene, "comity_ledger_entries").await?;
        let covered = figure(scene, "comity_ledger_timestamped_entries").await?;
        (entries == covered).then_some(entries)
    })
    .await
}

async fn health(scene: &Scene, service: &str) -> ServingStatus {
    let question = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut client = HealthClient::new(scene.connect("EU", "auditor", "auditor").await);
    client.check(question).await.unwrap().into_inner().status()
}

fn snapshot(folder: &Path, name: &str, text: &str) {
    let mut settings = stable(folder);
    for (what, instead) in [
        (r"\d+ entries", "[count] entries"),
        (r"\d+ published", "[count] published"),
        (r"\d+ checkpoints", "[count] checkpoints"),
        (r"(?m)^  \d+ under", "  [count] under"),
        (r"covers entry \d+", "covers entry [index]"),
        (r"under \d+ signed", "under [count] signed"),
        (r"timestamps/\d+", "timestamps/[size]"),
        (r"http://127\.0\.0\.1:\d+", "http://[address]"),
        (r"\d+ files", "[count] files"),
        (r"entries \d+(, \d+)*", "entries [indexes]"),
        (r"policies/\S+", "policies/[bundle]"),
        (r"entry \d+", "entry [index]"),
        (r"timestamped: .* GMT", "timestamped: [time] GMT"),
        (r"comity\.example/ledger\+\S+", "[verifier key]"),
        (r"\S+/((other-)?root\.pem|between\.pem)", "[authority]/$1"),
    ] {
        settings.add_filter(what, instead);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_timestamped_and_auditors_see_it() {
    let authority = Authority::start(Mood::Honest).await;
    let scene = scene_of(vec![authority.configured("first")]).await;
    let case = scene.tell(&approvable("timestamps")).await.name;
    let size = all_timestamped(&scene).await;
    assert_eq!(
        figure(&scene, "comity_ledger_timestamp_backlog_entries").await,
        Some(0)
    );
    assert_eq!(
        figure(&scene, "comity_ledger_timestamp_backlog_seconds").await,
        Some(0)
    );
    assert_eq!(
        figure(
            &scene,
            "comity_timestamp_failures_total{authority=\"first\"}"
        )
        .await,
        Some(0)
    );
    let ledger = ledger(&scene);
    let path = |path: String| ledger.join(path).to_str().unwrap().to_owned();
    let (token, checkpoint) = (
        path(format!("timestamps/{size}")),
        path(format!("checkpoints/{size}")),
    );
    // A verifier that is not ours.
    let root = authority.root().to_str().unwrap().to_owned();
    openssl(&[
        "ts",
        "-verify",
        "-token_in",
        "-in",
        &token,
        "-data",
        &checkpoint,
        "-CAfile",
        &root,
    ]);
    let at = scene.running.log_address().unwrap();
    let (head, body) = ask(at, "GET", &format!("/timestamps/{size}")).await;
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("immutable"),
        "{head}"
    );
    assert_eq!(body, fs::read(&token).unwrap());
    let (_, body) = ask(at, "GET", "/authorities").await;
    assert_eq!(body, fs::read(ledger.join("authorities")).unwrap());

    let data = scene.world.data();
    let out = scene.folder().join("case");
    // Where the text in the bundle says that own roots should be.
    let beside = scene.folder().join("roots.pem");
    fs::copy(&root, &beside).unwrap();
    let between = authority.between().to_str().unwrap().to_owned();
    let [data, out] = [&data, &out].map(|path| path.to_str().unwrap().to_owned());
    scene.running.stop().await;
    let other = authority.other_root().to_str().unwrap().to_owned();
    let told = [
        comity(["audit", "verify", "--data", &data]),
        comity(["audit", "verify", "--data", &data, "--authorities", &root]),
        comity(["audit", "verify", "--data", &data, "--authorities", &other]),
        comity(["audit", "verify", ledger.to_str().unwrap()]),
        comity(["audit", "export", &case, "--data", &data, "--out", &out]),
        comity(["audit", "verify", &out]),
        comity(["audit", "verify", &out, "--authorities", &root]),
        comity(["audit", "verify", &out, "--authorities", &between]),
        comity(["audit", "verify", &out, "--authorities", &other]),
        by_shell(&out, None),
        by_shell(&out, Some("../roots.pem")),
        by_shell(&out, Some(&between)),
        by_shell(&out, Some(&other)),
    ];
    let told = told.map(|output| shown(&output)).join("\n");
    snapshot(scene.world.data().parent().unwrap(), "verified", &told);
    let report = fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    assert!(report.contains("Timestamped by") && report.contains("Test Authority at "));
    machines_are_told_whose_roots(&data, &root);
    every_part_counts(Path::new(&token), &data);
    only_what_is_in_order_counts(&ledger, size, &authority);
    a_stripped_bundle_is_told(Path::new(&out));
}

fn machines_are_told_whose_roots(data: &str, root: &str) {
    for (more, authorities) in [(&[][..], "beside"), (&["--authorities", root], "given")] {
        let verify = ["audit", "verify", "--json", "--data", data];
        let told = comity([&verify[..], more].concat());
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(told["timestamped"]["authorities"], authorities, "{told}");
        assert_eq!(told["timestamped"]["uncovered"], 0, "{told}");
    }
}

/// Runs a bundle's own script.
fn by_shell(bundle: &str, roots: Option<&str>) -> std::process::Output {
    let mut script = Command::new("sh");
    script.arg("verify.txt").current_dir(bundle);
    script.envs(roots.map(|roots| ("ROOTS", roots)));
    script.output().unwrap()
}

/// A token with a changed byte is found, and its file named.
fn every_part_counts(token: &Path, data: &str) {
    let whole = fs::read(token).unwrap();
    let name = format!(
        "`timestamps/{}`",
        token.file_name().unwrap().to_str().unwrap()
    );
    let found_at = |part: &[u8]| whole.windows(part.len()).position(|here| here == part);
    let policy = found_at(&[6, 9, 0x2b, 6, 1, 4, 1]).unwrap();
    let imprint = found_at(&[4, 32]).unwrap();
    for at in [0, policy + 8, imprint + 9, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(token, changed).unwrap();
        let found = shown(&comity(["audit", "verify", "--data", data]));
        assert!(
            found.starts_with("exit 1\nNOT VERIFIED") && found.contains(&name),
            "byte {at}: {found}"
        );
    }
    fs::write(token, [&whole[..], b"more"].concat()).unwrap();
    let found = shown(&comity(["audit", "verify", "--data", data]));
    assert!(
        found.starts_with("exit 1") && found.contains(&name),
        "{found}"
    );
    fs::write(token, whole).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_authority_gets_wrong_is_refused_and_named() {
    let mut authorities = Vec::new();
    let mut section = "\n[timestamps]\nevery_s = 1\n".to_owned();
    for mood in WRONG {
        let authority = Authority::start(mood).await;
        section.push_str(&format!(
            "[[timestamps.authority]]\nname = \"{mood:?}\"\nurl = \"{}\"\ncertificate = {:?}\n",
            authority.url(),
            authority.root()
        ));
        authorities.push(authority);
    }
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let now = time::OffsetDateTime::now_utc();
    let world = World::start(folder.path(), &[], now).await.unwrap();
    let config = world.write_config(free_address(), &policies()).unwrap();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}{section}")).unwrap();
    let mut process = Process::start(&config);
    let told = eventually("all are named", async || {
        let told = refused(&process.log());
        (told.len() == WRONG.len()).then(|| told.concat())
    })
    .await;
    snapshot(folder.path(), "refused", &told);
    let ledger = world.data().join("ledger");
    assert!(!ledger.join("timestamps").exists());
    authorities.last().unwrap().set(Mood::Honest);
    eventually("the last of them is right again", async || {
        ledger.join("timestamps").exists().then_some(())
    })
    .await;
    process.stop();
}

/// Who was refused and why, as the log has it: each once.
fn refused(log: &str) -> Vec<String> {
    let lines = log.lines();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .map(|line| line["fields"].clone())
        .filter(|line| line["message"] == "an authority does not timestamp the ledger")
        .map(|line| {
            [&line["authority"], &line["error"]].map(|text| text.as_str().unwrap().to_owned())
        })
        .map(|[authority, error]| format!("{authority}: {error}\n"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_authority_fails_the_next_is_asked() {
    let first = Authority::start(Mood::OtherRoot).await;
    let second = Authority::start_secure(Mood::Honest).await;
    let third = Authority::start(Mood::Honest).await;
    // A web server that is not whom the configuration believes gets no query.
    let mut impostor = second.configured("impostor");
    impostor.web_ca = Some(third.root());
    let asked = vec![
        first.configured("first"),
        impostor,
        second.configured("second"),
        third.configured("third"),
    ];
    let scene = scene_of(asked).await;
    let size = all_timestamped(&scene).await;
    for (name, fails) in [
        ("first", true),
        ("impostor", true),
        ("second", false),
        ("third", false),
    ] {
        let failures = format!("comity_timestamp_failures_total{{authority=\"{name}\"}}");
        let failures = figure(&scene, &failures).await.unwrap();
        assert_eq!(failures > 0, fails, "{name}: {failures}");
    }
    // By the second it is; the roots of all are beside the ledger, each once.
    let token = ledger(&scene).join(format!("timestamps/{size}"));
    let checkpoint = ledger(&scene).join(format!("checkpoints/{size}"));
    let [token, checkpoint] = [&token, &checkpoint].map(|path| path.to_str().unwrap());
    openssl(&[
        "ts",
        "-verify",
        "-token_in",
        "-in",
        token,
        "-data",
        checkpoint,
        "-CAfile",
        second.root().to_str().unwrap(),
    ]);
    let beside = fs::read_to_string(ledger(&scene).join("authorities")).unwrap();
    assert_eq!(beside.matches("BEGIN CERTIFICATE").count(), 3);
    scene.stop().await;
}

/// Seconds by which the clock of the test goes behind.
static BEHIND: AtomicI64 = AtomicI64::new(5 * 3600);

fn clock() -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(BEHIND.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_taken_where_timestamps_fail_for_too_long() {
    let authority = Authority::start(Mood::Down).await;
    let asked = vec![authority.configured("first")];
    let scene = Scene::start_by(&["DE", "NL"], clock, |config| settle(config, asked)).await;
    // What is published by then is all that an authority is asked about in the end.
    eventually("the start is published", async || {
        let published = figure(&scene, "comity_ledger_published_entries").await?;
        (published > 0).then_some(())
    })
    .await;
    // Not for long yet.
    let mut early = story("early", "Accounts of a person, backend down");
    early.request.issued_at = Some(to_proto::timestamp(clock()));
    let mut client = scene.issuing(early.jurisdiction, early.authority).await;
    submit(&mut client, &early.request, 0).await.unwrap();
    assert_eq!(health(&scene, "").await, ServingStatus::Serving);
    assert_eq!(
        figure(&scene, "comity_ledger_timestamp_overdue").await,
        Some(0)
    );
    let waits = figure(&scene, "comity_ledger_timestamp_backlog_entries").await;
    assert!(waits >= Some(2), "{waits:?}");

    BEHIND.store(0, Ordering::Relaxed);
    let mut late = story("late", "Accounts of a person, backend down").request;
    let status = submit(&mut client, &late, 0).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "LEDGER_NOT_TIMESTAMPED");
    assert!(
        status
            .message()
            .starts_with("the ledger has waited 300 minutes"),
        "{}",
        status.message()
    );
    // What is on record is answered, and a life at risk does not wait.
    let again = submit(&mut client, &early.request, 0).await.unwrap();
    assert!(again.replayed);
    let mut urgent = story("urgent", "Accounts of a person, backend down").request;
    urgent.urgency = Some(v1::Urgency {
        level: v1::UrgencyLevel::Emergency.into(),
        reason: "a life is at risk".to_owned(),
    });
    submit(&mut client, &urgent, 0).await.unwrap();
    urgent.exercise = true;
    urgent.request_id = "9b0f2a52-2d2c-4c8e-9f2b-0d1f6a3e7c10".to_owned();
    let status = submit(&mut client, &urgent, 0).await.unwrap_err();
    assert_eq!(reason(&status), "LEDGER_NOT_TIMESTAMPED");
    assert_eq!(
        figure(&scene, "comity_ledger_timestamp_overdue").await,
        Some(1)
    );
    // Whoever goes by health still sends emergencies here. It looks twice a second.
    tokio::time::sleep(Duration::from_millis(700)).await;
    for service in ["", "comity.v1.CooperationService"] {
        assert_eq!(health(&scene, service).await, ServingStatus::Serving);
    }
    let waited = figure(&scene, "comity_ledger_timestamp_backlog_seconds").await;
    assert!(waited >= Some(5 * 3600), "{waited:?}");

    authority.set(Mood::Honest);
    all_timestamped(&scene).await;
    authority.set(Mood::Down);
    late.request_id = "9b0f2a52-2d2c-4c8e-9f2b-0d1f6a3e7c11".to_owned();
    submit(&mut client, &late, 0).await.unwrap();
    a_clock_set_back_wins_no_time(&scene, early).await;
    let data = scene.world.data();
    scene.running.stop().await;
    only_new_timestamps_satisfy(&authority, &data);
}

/// Sets the clock back while an entry waits, and asks for something.
async fn a_clock_set_back_wins_no_time(scene: &Scene, mut story: Story) {
    BEHIND.store(3600, Ordering::Relaxed);
    eventually("nobody knows how long it has waited", async || {
        let overdue = figure(scene, "comity_ledger_timestamp_overdue").await;
        (overdue == Some(1)).then_some(())
    })
    .await;
    story.request.request_id = "9b0f2a52-2d2c-4c8e-9f2b-0d1f6a3e7c12".to_owned();
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let status = submit(&mut client, &story.request, 0).await.unwrap_err();
    assert_eq!(reason(&status), "LEDGER_NOT_TIMESTAMPED");
}
