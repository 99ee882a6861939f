//! A ledger that is signed with ML-DSA-44 too.

use std::{fs, path::Path, process::Command};

use comity_gateway::{config::Config, gateway};
use comity_ledger::{Checkpoint, Key, MlDsaKey, verifier_beside};
use jiff::Timestamp;
use time::OffsetDateTime;

use crate::{
    cli::{comity, shown, stable},
    crash::process::{Process, free_address},
    timestamps::{Authority, Mood, all_timestamped, settle},
    world::{Scene, approvable, eventually, policies},
};

fn snapshot(folder: &Path, name: &str, text: &str) {
    let mut settings = stable(folder);
    for (what, instead) in [
        (r"\d+ (entries|files|checkpoints|published)", "[count] $1"),
        (r"(?m)^  \d+ under", "  [count] under"),
        (r"covers entry \d+", "covers entry [index]"),
        (r"entry \d+", "entry [index]"),
        (r"entries \d+(, \d+)*", "entries [indexes]"),
        (r"checkpoints/\d+", "checkpoints/[size]"),
    ] {
        settings.add_filter(what, instead);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_signed_twice_and_auditors_see_it() {
    let authority = Authority::start(Mood::Honest).await;
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.ml_dsa = true;
        settle(config, vec![authority.configured("first")]);
    })
    .await;
    let case = scene.tell(&approvable("seconded")).await.name;
    let size = all_timestamped(&scene).await;
    let data = scene.world.data();
    let ledger = data.join("ledger");
    let folder = scene.folder().to_owned();
    let at = |path: &Path| path.to_str().unwrap().to_owned();
    let (bundle, proof) = (at(&folder.join("case")), at(&folder.join("0.tlog-proof")));
    let (key, second) = (
        at(&ledger.join("verifier")),
        at(&ledger.join("verifier-ml-dsa-44")),
    );
    let other = at(&folder.join("other-verifier"));
    let stranger = MlDsaKey::from_seed("comity.example/ledger", [7; 32]).unwrap();
    fs::write(&other, format!("{}\n", stranger.verifier())).unwrap();
    scene.running.stop().await;

    let shown_data = at(&data);
    let data = ["audit", "verify", "--data", &shown_data];
    let proved = |second: &str| {
        let words = ["audit", "verify", &proof, "--key", &key, "--ml-dsa-key"];
        comity(words.into_iter().chain([second]))
    };
    let told = [
        comity(data),
        comity([&data[..], &["--ml-dsa-key", &second]].concat()),
        comity([&data[..], &["--ml-dsa-key", &other]].concat()),
        comity([
            "audit",
            "export",
            &case,
            "--data",
            &shown_data,
            "--out",
            &bundle,
        ]),
        comity(["audit", "verify", &bundle, "--ml-dsa-key", &second]),
        comity(["audit", "verify", &bundle, "--ml-dsa-key", &other]),
        comity([
            "audit",
            "prove",
            "0",
            "--data",
            &shown_data,
            "--out",
            &proof,
        ]),
        proved(&second),
        proved(&other),
    ];
    let told = told.map(|output| shown(&output)).join("\n");
    snapshot(&folder, "verified", &told);
    // Who has but a shell passes it over, and finds it timestamped.
    let script = Command::new("sh")
        .arg("verify.txt")
        .current_dir(&bundle)
        .output();
    let script = shown(&script.unwrap());
    assert!(
        script.starts_with("exit 0") && script.contains("the checkpoint is timestamped"),
        "{script}"
    );
    let report = fs::read_to_string(Path::new(&bundle).join("report.html")).unwrap();
    assert!(
        !report.contains("Cosigned"),
        "its own second key is no witness"
    );

    let kept = ledger.join(format!("checkpoints/{size}"));
    let whole = fs::read(&kept).unwrap();
    let mut changed = whole.clone();
    // Deep in the second line.
    let middle = whole.len() - 1000;
    changed[middle] = if whole[middle] == b'A' { b'B' } else { b'A' };
    fs::write(&kept, changed).unwrap();
    let found = shown(&comity(data));
    assert!(
        found.starts_with("exit 1") && found.contains(&format!("`checkpoints/{size}`")),
        "{found}"
    );
    fs::write(&kept, whole).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_comes_later_and_is_never_another_one() {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let world = comity_sandbox::world::World::start(folder.path(), &[], OffsetDateTime::now_utc());
    let world = world.await.unwrap();
    let path = world.write_config(free_address(), &policies()).unwrap();
    let run = async |ml_dsa: bool| {
        let mut config = Config::load(&path).unwrap();
        config.ml_dsa = ml_dsa;
        gateway::start(config, Timestamp::now).await
    };
    run(false).await.unwrap().stop().await;
    let ledger = world.data().join("ledger");
    assert!(!ledger.join("verifier-ml-dsa-44").exists());
    let first = fs::read_to_string(ledger.join("checkpoint")).unwrap();
    run(true).await.unwrap().stop().await;
    let later = fs::read(ledger.join("checkpoint")).unwrap();
    assert_ne!(first.as_bytes(), later);
    let key = verifier_beside(&ledger).unwrap();
    let text = fs::read_to_string(ledger.join("verifier-ml-dsa-44")).unwrap();
    let second: comity_ledger::MlDsaVerifier = text.parse().unwrap();
    for (note, signed) in [(first.as_bytes(), false), (&later, true)] {
        let checkpoint = Checkpoint::open(note, &key).unwrap();
        assert_eq!(second.signed(&checkpoint), Ok(signed));
    }
    let data = world.data();
    let verify = ["audit", "verify", "--data", data.to_str().unwrap()];
    let told = shown(&comity(verify));
    assert!(
        told.contains("signed with ML-DSA-44 too: 1 checkpoints"),
        "{told}"
    );
    assert!(!told.contains("the latest checkpoint is not"), "{told}");
    // Whoever leaves it away again is told so, and so are auditors.
    let mut process = Process::start(&path);
    eventually("a checkpoint is signed once again", async || {
        (fs::read(ledger.join("checkpoint")).unwrap() != later).then_some(())
    })
    .await;
    process.stop();
    assert!(process.log().contains("set `ml_dsa = true`"));
    let told = shown(&comity(verify));
    assert!(
        told.starts_with("exit 0") && told.contains("; the latest checkpoint is not"),
        "{told}"
    );
    let told = comity([&verify[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["seconded"]["latest"], false, "{told}");
    // Another one in its place is refused, as is one of another ledger.
    let secret = world.data().join("ledger-ml-dsa.key");
    fs::remove_file(&secret).unwrap();
    let told = causes(&run(true).await.unwrap_err());
    assert!(
        told.contains("signed by another ML-DSA-44 key too"),
        "{told}"
    );
    fs::remove_file(&secret).unwrap();
    let stray = MlDsaKey::load_or_make(&secret, "other.example/ledger").unwrap();
    assert!(Key::load(&secret).is_err(), "{stray:?} is no Ed25519 key");
    let told = causes(&run(true).await.unwrap_err());
    assert!(told.contains("`other.example/ledger`"), "{told}");
}

/// An error and all that it came from.
fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(|cause| format!("{cause}\n")).collect()
}
