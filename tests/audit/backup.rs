//! Backups of a gateway at work: whole, verified, without keys, and gone on from.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use comity::v1::CaseState;
use comity_gateway::gateway;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::{JoinSet, block_in_place};

use super::{audit, erase::erase, snapshot};
use crate::{
    cli::{COMMAND, comity, shown},
    world::{Scene, approvable, configure, get, policies, submit},
};

/// What a data folder keeps apart from its copies.
const KEYS: [&str; 4] = ["vault.key", "evidence.key", "ledger.key", "witness.key"];

pub(crate) fn backup(data: &Path, out: &Path, more: &[&str]) -> Output {
    let order = ["backup", out.to_str().unwrap()];
    block_in_place(|| audit(data, &[order.as_slice(), more].concat()))
}

fn verify(data: &Path) -> String {
    block_in_place(|| shown(&audit(data, &["verify"])))
}

/// Puts the keys of a data folder into a copy of it.
pub(crate) fn put_back(data: &Path, copy: &Path) {
    for key in KEYS {
        fs::copy(data.join(key), copy.join(key)).unwrap();
    }
}

/// Whatever lies in a folder is for its owner alone, and is no key.
fn assert_guarded(folder: &Path) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_guarded(&path);
            continue;
        }
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        assert!(path.extension().is_none_or(|ending| ending != "key"));
    }
}

/// Requests that are sent one after the other, by several at a time, until they are told to
/// stop.
struct Flow {
    acknowledged: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    senders: JoinSet<()>,
}

impl Flow {
    async fn start(scene: &Scene) -> Self {
        let acknowledged = Arc::<Mutex<Vec<String>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let mut senders = JoinSet::new();
        for sender in 0..3 {
            let story = approvable("flow");
            let mut client = scene.issuing(story.jurisdiction, story.authority).await;
            let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
            senders.spawn(async move {
                for number in 0.. {
                    let mut request = story.request.clone();
                    request.request_id = format!("flow-{sender}-{number}");
                    let answer = submit(&mut client, &request, 0).await.unwrap();
                    acknowledged.lock().unwrap().push(answer.case.unwrap().name);
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        Self {
            acknowledged,
            stop,
            senders,
        }
    }

    fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.senders.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gateway_at_work_is_backed_up_and_gone_on_from() {
    let mut scene = Scene::start(&["DE", "FR"]).await;
    let data = scene.world.data();
    let flow = Flow::start(&scene).await;
    let mut made = Vec::new();
    for number in 0..4 {
        let before = flow.acknowledged();
        let copy = scene.folder().join(format!("backup-{number}"));
        let told = shown(&backup(&data, &copy, &[]));
        assert!(told.starts_with("exit 0\nbackup: "), "{told}");
        let after = flow.acknowledged();
        assert_guarded(&copy);
        let verified = verify(&copy);
        assert!(verified.starts_with("exit 0\nverified: "), "{verified}");
        made.push((copy, before, after));
    }
    assert!(
        made.iter()
            .any(|(_, before, after)| before.len() < after.len())
    );
    flow.end().await;
    scene.running.stop().await;

    let (copy, before, _) = &made[2];
    put_back(&data, copy);
    let verified = verify(copy);
    assert!(
        verified.starts_with("exit 0\n") && !verified.contains("no record was opened"),
        "{verified}"
    );
    let mut config = configure(&scene.world, &policies());
    config.data.clone_from(copy);
    scene.running = gateway::start(config, Timestamp::now).await.unwrap();
    let story = approvable("restored");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    assert!(!before.is_empty());
    for case in before {
        get(&mut client, case).await.unwrap();
    }
    let new = scene.tell(&story).await;
    assert_eq!(new.state(), CaseState::Concluded);
    scene.running.stop().await;
    let verified = verify(copy);
    assert!(verified.starts_with("exit 0\nverified: "), "{verified}");

    // With the keys from after an erasure a copy from before it opens no more.
    let erased = shown(&block_in_place(|| erase(&data, &before[0], &[])));
    assert!(erased.starts_with("exit 0\n"), "{erased}");
    let (copy, _, _) = &made[3];
    put_back(&data, copy);
    let verified = verify(copy);
    assert!(verified.starts_with("exit 1\nNOT VERIFIED\n"), "{verified}");
    assert!(verified.contains("opens none of the records"), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_says_what_is_in_it_what_is_not_and_how_to_restore() {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&approvable("told")).await;
    let data = scene.world.data();
    let folder = scene.folder().to_owned();
    let config = folder.join("comity.toml");
    let config = ["--config", config.to_str().unwrap()];
    let running = backup(&data, &folder.join("running"), &config);
    assert!(
        shown(&running).starts_with("exit 0\n"),
        "{}",
        shown(&running)
    );
    scene.running.stop().await;
    fs::create_dir(folder.join("empty")).unwrap();
    let told = [
        backup(&data, &folder.join("stopped"), &config),
        // One that is there and has nothing in it is as good as a new one.
        backup(&data, &folder.join("empty"), &["--skip-evidence"]),
        backup(&data, &folder.join("stopped"), &[]),
        backup(&data, &data.join("copy"), &[]),
        backup(&data, &data.join("evidence/items/copy"), &[]),
        backup(&data, &folder.join("none/copy"), &[]),
        backup(&data, Path::new("/proc/copy"), &[]),
        backup(&data, Path::new("/"), &[]),
        backup(&folder.join("registers"), &folder.join("other"), &[]),
    ];
    let told = told.map(|output| shown(&output)).join("\n");
    let bytes = told.split(" files, ").nth(1).unwrap();
    let bytes = bytes.split(' ').next().unwrap().to_owned();
    assert!(bytes.parse::<u64>().unwrap() > 100_000, "{bytes}");
    snapshot(&folder, "backup", &told);
    // What was refused left nothing.
    for gone in ["none", "other", "data/copy"] {
        assert!(!folder.join(gone).exists(), "{gone}");
    }
    let json = backup(&data, &folder.join("json"), &["--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["verified"]["verified"], true);
    assert_eq!(json["verified"]["opened"], false);
    assert_eq!(json["verified"]["evidence"]["checked"], true);
    let keys = json["keys_apart"].as_array().unwrap().iter();
    let keys = keys.map(|key| key["path"].as_str().unwrap().to_owned());
    let expected = KEYS.map(|key| data.join(key).to_str().unwrap().to_owned());
    assert_eq!(keys.collect::<Vec<_>>(), expected);
    assert_eq!(json["leftovers"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cut_short_is_taken_for_none() {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&approvable("cut")).await;
    let (data, folder) = (scene.world.data(), scene.folder().to_owned());
    let out = folder.join("cut");
    // No file may grow beyond some blocks: whoever does is killed, or told so.
    let limited = |trap: &str| {
        let script = format!("{trap} ulimit -f 16; exec \"$0\" audit backup \"$1\" --data \"$2\"");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .arg(&*COMMAND)
            .arg(&out)
            .arg(&data);
        block_in_place(|| shell.output().unwrap())
    };
    let parts = || {
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with(".cut.part-"))
            .collect::<Vec<_>>()
    };
    let full = shown(&limited("trap '' XFSZ;"));
    assert!(
        full.starts_with(
            "exit 2\nerror: no backup was made, and nothing is left of it\n  because "
        ),
        "{full}"
    );
    assert!(!out.exists() && parts().is_empty(), "{:?}", parts());
    let killed = limited("");
    assert_eq!(killed.status.code(), None, "it was killed");
    let left = parts();
    assert!(!out.exists() && left.len() == 1, "{left:?}");
    let half = verify(&folder.join(&left[0]));
    assert!(!half.starts_with("exit 0"), "{half}");
    // It is told and left alone.
    let told = shown(&backup(&data, &out, &[]));
    let named = format!("remove it: {}", folder.join(&left[0]).display());
    assert!(
        told.starts_with("exit 0\n") && told.contains(&named),
        "{told}"
    );
    assert_eq!(parts(), left);
    let verified = shown(&comity([
        "audit",
        "verify",
        "--data",
        out.to_str().unwrap(),
    ]));
    assert!(verified.starts_with("exit 0\n"), "{verified}");
    scene.stop().await;
}
