//! Bundles that must be signed before they come into force.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

use comity_domain::Digest;
use comity_gateway::{
    config::Config,
    gateway,
    signatures::{FILE, Signatures, Signers, Statement},
};
use comity_ledger::Key;
use comity_sandbox::world::World;
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;
use tonic_health::pb::health_check_response::ServingStatus;

use super::{Workshop, metrics};
use crate::{
    cli::{comity, shown, stable},
    crash::process::{Process, free_address},
    world::{copy, eventually, policies},
};

fn key(number: u8) -> Key {
    Key::from_seed(&format!("legal-{number}.example"), [number; 32]).unwrap()
}

/// Two of three must sign.
fn signers() -> Signers {
    Signers {
        keys: [1, 2, 3]
            .map(|number| key(number).verifier().clone())
            .into(),
        required: 2,
    }
}

fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// The bundle of a folder, as the command names it.
fn bundle(policies: &Path) -> Digest {
    let output = comity(["policy", "check", "--policies", policies.to_str().unwrap()]);
    let text = shown(&output);
    let (_, digest) = text.trim_end().rsplit_once(' ').unwrap();
    digest.parse().unwrap_or_else(|_| panic!("{text}"))
}

/// What `bundle.sig` holds once these keys have signed.
fn note(statement: Statement, by: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let mut signatures = Signatures::new(statement).unwrap();
    for number in by {
        signatures.sign(&key(*number)).unwrap();
    }
    signatures.write(folder.path()).unwrap();
    fs::read_to_string(folder.path().join(FILE)).unwrap()
}

/// What is in `bundle.sig`, and what is wrong with it; nothing where there is none.
fn unsound(bundle: Digest) -> Vec<(&'static str, Option<String>)> {
    let until = today().checked_add(30.days()).unwrap();
    let statement = Statement { bundle, until };
    let sound = note(statement, &[1, 2]);
    let later = until.checked_add(1.year()).unwrap();
    let other = Statement {
        bundle: Digest([7; 32]),
        until,
    };
    let over = Statement {
        bundle,
        until: today().yesterday().unwrap(),
    };
    vec![
        ("unsigned", None),
        ("too few", Some(note(statement, &[2, 9, 2]))),
        ("changed after signing", Some(note(other, &[1, 2]))),
        (
            "altered",
            Some(sound.replace(&until.to_string(), &later.to_string())),
        ),
        ("expired", Some(note(over, &[1, 2, 3]))),
        ("no note", Some("signed, me\n".to_owned())),
    ]
}

fn put(policies: &Path, note: Option<&str>) {
    let file = policies.join(FILE);
    match note {
        Some(note) => fs::write(file, note).unwrap(),
        None => fs::remove_file(file).unwrap_or_default(),
    }
}

fn sound(policies: &Path, bundle: Digest) {
    let until = today().checked_add(30.days()).unwrap();
    put(policies, Some(&note(Statement { bundle, until }, &[3, 1])));
}

/// The least that is a policy folder, so that reading it takes no time.
fn least(folder: &Path) -> PathBuf {
    let least = folder.join("policies");
    copy(&policies(), &least);
    for modules in ["exercises", "forms", "instruments", "jurisdictions"] {
        fs::remove_dir_all(least.join(modules)).unwrap();
    }
    least
}

/// A world with policy files of its own, and the configuration that demands
/// signatures of them.
async fn world() -> (TempDir, World, PathBuf, Config) {
    let folder = TempDir::new().unwrap();
    let policies = least(folder.path());
    let world = World::start(folder.path(), &["DE"], OffsetDateTime::now_utc());
    let world = world.await.unwrap();
    let mut config = crate::world::configure(&world, &policies);
    config.policies.signers = Some(signers());
    (folder, world, policies, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_gateway_starts_under_law_that_is_not_signed_as_demanded() {
    let (folder, _world, policies, config) = world().await;
    let bundle = bundle(&policies);
    let mut told = String::new();
    for (case, note) in unsound(bundle) {
        put(&policies, note.as_deref());
        let error = gateway::start(config.clone(), Timestamp::now).await;
        told.push_str(&format!("{case}: {}\n\n", error.unwrap_err()));
    }
    stable(folder.path()).bind(|| insta::assert_snapshot!("refused_at_start", told));
    sound(&policies, bundle);
    let running = gateway::start(config, Timestamp::now).await.unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_edit_comes_into_force_that_is_not_signed_as_demanded() {
    let (folder, world, policies, _) = world().await;
    let bundle = bundle(&policies);
    sound(&policies, bundle);
    let (config, monitored) = write_config(&world, &policies);
    let mut process = Process::start(&config);
    let mut told = String::new();
    for (number, (case, note)) in unsound(bundle).into_iter().enumerate() {
        // The first edit must not come before the gateway is up.
        eventually("the gateway is up", async || {
            tokio::net::TcpStream::connect(monitored).await.ok()
        })
        .await;
        put(&policies, note.as_deref());
        let message = eventually(case, async || {
            errors(&process.log()).into_iter().nth(number)
        });
        told.push_str(&format!("{case}: {}\n\n", message.await));
    }
    stable(folder.path()).bind(|| insta::assert_snapshot!("refused_at_reload", told));
    let figures = metrics(monitored).await;
    assert!(
        figures.contains("comity_policy_folder_in_force 0"),
        "{figures}"
    );

    sound(&policies, bundle);
    let in_force = |figures: String, unchanged: u32| {
        let line = format!("comity_policy_reloads_total{{result=\"unchanged\"}} {unchanged}\n");
        let in_order = figures.contains("comity_policy_folder_in_force 1");
        (in_order && figures.contains(&line)).then_some(())
    };
    eventually("signed again", async || {
        in_force(metrics(monitored).await, 1)
    })
    .await;
    // Told to hang up, it reads the files although nothing has changed.
    process.signal("-HUP");
    eventually("read again", async || in_force(metrics(monitored).await, 2)).await;
    process.stop();
}

/// Writes a configuration with signers and metrics; answers where those are.
fn write_config(world: &World, policies: &Path) -> (PathBuf, std::net::SocketAddr) {
    let config = world.write_config(free_address(), policies).unwrap();
    let monitored = free_address();
    let keys: Vec<_> = signers().keys.iter().map(ToString::to_string).collect();
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replacen(
        "[policies]",
        &format!(
            "[metrics]\nlisten = \"{monitored}\"\n\n[policies]\nsigners = {keys:?}\nrequired_signatures = 2"
        ),
        1,
    );
    fs::write(&config, text).unwrap();
    (config, monitored)
}

/// The errors in a log, in the order of time.
fn errors(log: &str) -> Vec<String> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["level"] == "ERROR")
        .map(|line| line["fields"]["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Seconds by which the clock of the test goes ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(AHEAD.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_that_run_out_overnight_are_told_and_renewed() {
    let until = today().tomorrow().unwrap();
    let workshop = Workshop::open_by(clock, |config| {
        config.policies.signers = Some(signers());
        let bundle = bundle(&config.policies.folder);
        let statement = Statement { bundle, until };
        put(&config.policies.folder, Some(&note(statement, &[1, 2])));
    })
    .await;
    let before = workshop.bundle().await;
    workshop.expect(ServingStatus::Serving).await;

    AHEAD.store(3 * 24 * 3600, Ordering::Relaxed);
    workshop.expect(ServingStatus::NotServing).await;
    assert_eq!(workshop.bundle().await, before, "what is in force stays");
    let rejected = workshop.scene.entries("kind=policy-rejected").await;
    let notes: Vec<_> = rejected.iter().map(|leaf| leaf.note.as_deref()).collect();
    assert_eq!(notes, [Some("signatures-expired")]);

    sound(&workshop.policies, before.parse().unwrap());
    workshop.expect(ServingStatus::Serving).await;
    let loads = workshop.scene.entries("kind=policy-load").await;
    assert!(loads.is_empty(), "{loads:?}");
    workshop.scene.stop().await;
}

#[test]
fn a_bundle_is_signed_by_two_and_shown() {
    let folder = TempDir::new().unwrap();
    let policies = least(folder.path());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let policies_at = at("policies");
    let keys = [1, 2].map(|number| {
        let out = at(&format!("{number}.key"));
        key(number).save(Path::new(&out)).unwrap();
        out
    });
    let verifiers = [1, 2].map(|number| key(number).verifier().to_string());
    let sign = |rest: &[&str]| {
        let begin = ["policy", "sign", "--policies", &policies_at];
        shown(&comity(begin.iter().chain(rest)))
    };
    let check = [
        "--check",
        "--signer",
        &verifiers[0],
        "--signer",
        &verifiers[1],
    ];
    let mut all = vec![
        shown(&comity([
            "keys",
            "signer",
            "--name",
            "legal-3.example",
            "--out",
            &at("3.key"),
        ])),
        sign(&check),
        sign(&["--key", &keys[0], "--until", "2999-12-31"]),
        sign(&check),
        sign(&["--key", &keys[1], "--until", "2998-12-31"]),
        sign(&["--key", &keys[1]]),
        sign(&check),
        sign(&["--check"]),
        sign(&["--check", "--signer", "legal-1.example+12345678"]),
        sign(&[&check, &["--json"][..]].concat()),
        sign(&["--key", &keys[0], "--json"]),
        sign(&["--key", &keys[0], "--until", "2001-01-01"]),
    ];
    let vocabulary = policies.join("vocabulary.yaml");
    let text = fs::read_to_string(&vocabulary).unwrap();
    fs::write(vocabulary, format!("{text}# edited\n")).unwrap();
    all.push(sign(&check));
    all.push(sign(&["--key", &keys[0]]));
    let mut settings = stable(folder.path());
    settings.add_filter(r"legal-3\.example\+\S+", "[verifier key]");
    settings.bind(|| insta::assert_snapshot!("signing", all.join("\n")));
}
