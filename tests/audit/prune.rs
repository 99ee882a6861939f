//! Pruning: the oldest entries go once nothing stands in the way, and all that is left
//! proves itself.

use std::{fs, path::Path, process::Output};

use comity::v1::{self, CaseState};
use comity_gateway::{gateway, wire::to_proto};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use tonic::Code;

use super::{
    audit,
    erase::erase,
    erase::holds as text_in,
    gateway::{ask as of_gateway, options_of},
    hold::hold,
    hold::last,
    snapshot,
};
use crate::{
    cli::{comity, shown},
    http::ask,
    world::{Scene, approvable, configure, policies},
};

/// Forty days ago, by the clock of a gateway.
fn then() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(40 * 24)
}

/// Prunes what was recorded until twenty days ago.
fn prune(data: &Path, before: &str, more: &[&str]) -> Output {
    let order = ["prune", "--before", before];
    audit(data, &[order.as_slice(), more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_entries_go_and_every_proof_stays() {
    let scene = Scene::start_by(&["DE", "FR"], then, |_| ()).await;
    let mut story = approvable("prune");
    story.request.issued_at = Some(to_proto::timestamp(then()));
    let ended = scene.tell(&story).await.name;
    let mut auditor = scene.auditor().await;
    for _ in 0..300 {
        let read = v1::ProveRequest { index: 0 };
        auditor.prove(read).await.unwrap();
    }
    let data = scene.world.data();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let before = (today - 20.days()).to_string();
    let by = [
        "--by",
        "registry of the court",
        "--reason",
        "section 76 BDSG",
    ];
    let blank = ["--by", "registry of the court", "--reason", " "];
    let tomorrow = (today + 1.days()).to_string();
    let dry = |before: &str| prune(&data, before, &["--dry-run"]);
    let mut told = vec![prune(&data, &before, &by)];
    // Asked while it works, it is told what is published so far.
    assert_eq!(dry(&before).status.code(), Some(1));
    let mut scene = scene;
    scene.running.stop().await;
    told.extend([
        prune(&data, &before, &[]),
        prune(&data, &before, &blank),
        prune(&data, &tomorrow, &by),
        dry("2020-01-01"),
        prune(&data, &before, &by),
        hold(&data, &ended, &[]),
        dry(&before),
    ]);
    let standing = last(&data, "legal-hold");
    told.extend([
        hold(&data, &ended, &["--lift", &standing]),
        erase(&data, &ended, &[]),
        prune(&data, &before, &["--dry-run", "--json"]),
    ]);
    let proof = data.with_file_name("before.tlog-proof");
    let proof = proof.to_str().unwrap();
    audit(&data, &["prove", "7", "--out", proof]);
    told.push(prune(&data, &before, &by));
    let ledger = data.join("ledger");
    let key = ledger.join("verifier");
    let key = key.to_str().unwrap();
    told.extend([
        prune(&data, &before, &by),
        comity(["audit", "verify", proof, "--key", key]),
        audit(&data, &["verify"]),
        comity(["audit", "verify", ledger.to_str().unwrap()]),
        audit(&data, &["show", "7"]),
        audit(&data, &["prove", "7"]),
        audit(&data, &["export", &ended, "--out", "none.zip"]),
        audit(&data, &["show", &last(&data, "pruning")]),
        audit(&data, &["rerun"]),
        comity(["policy", "replay", "--data", data.to_str().unwrap()]),
        erase(&data, &ended, &[]),
    ]);
    let stats = shown(&audit(&data, &["stats"]));
    assert!(stats.contains("NOT THE WHOLE PERIOD"), "{stats}");
    let stats = shown(&audit(&data, &["stats", "--from", &today.to_string()]));
    assert!(!stats.contains("NOT THE WHOLE PERIOD"), "{stats}");
    assert_eq!(text_in(&data, "section 76"), None, "a reason is sealed");
    assert!(!ledger.join("tile/entries/000").exists());
    let told: Vec<_> = told.iter().map(shown).collect();
    let told = told.join("\n").replace(&before, "[before]");
    let told = told.replace(&tomorrow, "[tomorrow]");
    snapshot(
        &data,
        "prune",
        &told.replace(&format!("--lift {standing}"), "--lift [index]"),
    );

    // It goes on as before, and says over HTTP and to auditors what is gone.
    let mut config = configure(&scene.world, &policies());
    config.log = Some("127.0.0.1:0".parse().unwrap());
    scene.running = gateway::start(config, Timestamp::now).await.unwrap();
    let case = scene.tell(&approvable("prune-later")).await;
    assert_eq!(case.state(), CaseState::Concluded);
    let at = scene.running.log_address().unwrap();
    for path in ["/tile/entries/000", "/tile/entries/000.p/9"] {
        let (head, body) = ask(at, "GET", path).await;
        assert!(head.starts_with("HTTP/1.1 410"), "{head}");
        let body = String::from_utf8(body).unwrap();
        assert!(
            body.starts_with("Entries below 256 of this ledger were pruned"),
            "{body}"
        );
    }
    for path in ["/tile/0/000", "/checkpoint"] {
        let (head, _) = ask(at, "GET", path).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    let mut auditor = scene.auditor().await;
    let gone = auditor
        .prove(v1::ProveRequest { index: 7 })
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::FailedPrecondition);
    assert!(
        gone.message().contains("entries below 256 were pruned"),
        "{gone}"
    );
    auditor
        .prove(v1::ProveRequest { index: 256 })
        .await
        .unwrap();
    let request = v1::StatisticsRequest {
        purpose: "yearly".to_owned(),
        ..v1::StatisticsRequest::default()
    };
    let counted = auditor.statistics(request).await.unwrap().into_inner();
    assert!(counted.pruned_before.is_some());
    left_out_of_emergencies(&scene, &ended).await;
    let report = scene.stop().await;
    assert_eq!(report.pruned.map(|pruned| pruned.below), Some(256));
    fs::metadata(data).unwrap_err();
}

/// Whoever judges emergencies is told that claims may be missing, and why.
async fn left_out_of_emergencies(scene: &Scene, ended: &str) {
    let mut auditor = scene.auditor().await;
    let request = v1::ListEmergenciesRequest {
        purpose: "yearly".to_owned(),
        ..v1::ListEmergenciesRequest::default()
    };
    let listed = auditor.list_emergencies(request).await.unwrap();
    let listed = listed.into_inner();
    assert_eq!((listed.pruned_below, listed.erased), (256, 0));
    let options = options_of(scene, ["EU", "auditor", "auditor"]);
    let told = shown(&of_gateway(
        &options,
        &["emergencies", "--purpose", "yearly"],
    ));
    assert!(
        told.contains("opened in entries below 256, which were pruned"),
        "{told}"
    );
    let assessment = v1::AssessEmergencyRequest {
        name: ended.to_owned(),
        finding: v1::EmergencyFinding::Justified.into(),
        reasons: "there was one".to_owned(),
        request_id: String::new(),
    };
    let status = auditor.assess_emergency(assessment).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert!(
        status.message().contains("entries below 256 were pruned"),
        "{status}"
    );
}
