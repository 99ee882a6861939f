//! This gateway as a witness over HTTP: every status that C2SP tlog-witness has, what is
//! put on record, and what nobody can fill.

use std::net::SocketAddr;

use comity_ledger::{
    Checkpoint, CosignerKey, Extension, Key, Publisher, cosignatures, prove_extension,
};
use tempfile::TempDir;

use super::{Gate, rewritten};
use crate::http::{ask, post};

/// A gateway that is a witness of a log outside, and the log.
struct Scene {
    gate: Gate,
    at: SocketAddr,
    key: Key,
    witness: CosignerKey,
    log: TempDir,
}

impl Scene {
    async fn start(entries: u64) -> Self {
        let key = Key::generate("log.example").unwrap();
        let mut gate = Gate::make("berlin", None).await;
        gate.config.log = Some("127.0.0.1:0".parse().unwrap());
        gate.config.witnesses.logs = vec![key.verifier().clone()];
        gate.start().await;
        let log = tempfile::tempdir().unwrap();
        let running = gate.running.as_ref().unwrap();
        let scene = Self {
            at: running.log_address().unwrap(),
            witness: running.witness_key().parse().unwrap(),
            gate,
            key,
            log,
        };
        scene.grow(entries);
        scene
    }

    /// Has the log grow.
    fn grow(&self, entries: u64) {
        let mut publisher = Publisher::open(self.log.path(), self.key.clone(), None).unwrap();
        for number in 0..entries {
            publisher.append(format!("{number}").as_bytes()).unwrap();
        }
        publisher.sign().unwrap();
    }

    fn extension(&self, old: u64) -> Extension {
        prove_extension(self.log.path(), old).unwrap().unwrap()
    }

    async fn show(&self, extension: &Extension) -> (u16, String, String) {
        self.send(&extension.to_submission()).await
    }

    /// Status, media type and body of the answer.
    async fn send(&self, body: &[u8]) -> (u16, String, String) {
        let (head, body) = post(self.at, "/add-checkpoint", body).await;
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let kind = lines.find_map(|line| line.strip_prefix("content-type: "));
        let kind = kind.unwrap_or_default().to_owned();
        (
            status.parse().unwrap(),
            kind,
            String::from_utf8(body).unwrap(),
        )
    }

    /// That it is shown and cosigned.
    async fn cosigned(&self, extension: &Extension) {
        let (status, _, line) = self.show(extension).await;
        assert_eq!(status, 200, "{line}");
        let note = [extension.checkpoint.as_slice(), line.as_bytes()].concat();
        let found = cosignatures(&note, std::slice::from_ref(&self.witness)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, line);
        Checkpoint::open(&note, self.key.verifier()).unwrap();
    }

    async fn conflict(&self, extension: &Extension, size: u64) {
        let (status, kind, body) = self.show(extension).await;
        let answer = (status, kind.as_str(), body.as_str());
        assert_eq!(
            answer,
            (409, "text/x.tlog.size", format!("{size}\n").as_str())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_status_is_that_of_the_specification() {
    let scene = Scene::start(5).await;
    // Something is wrong with the proof of what was never cosigned.
    let mut proven = scene.extension(0);
    proven.path = vec![comity_ledger::Hash([7; 32])];
    assert_eq!(scene.show(&proven).await.0, 422);
    scene.conflict(&scene.extension(3), 0).await;
    let first = scene.extension(0);
    scene.cosigned(&first).await;
    scene.conflict(&first, 5).await;
    // The same again says when.
    scene.cosigned(&scene.extension(5)).await;
    scene.grow(300);
    scene.conflict(&scene.extension(0), 5).await;
    scene.conflict(&scene.extension(4), 5).await;
    scene.cosigned(&scene.extension(5)).await;
    scene.conflict(&first, 305).await;

    let mut backwards = scene.extension(305);
    backwards.old_size = 306;
    assert_eq!(scene.show(&backwards).await.0, 400);
    let unknown = rewritten(Key::generate("other.example").unwrap(), 3);
    let unknown = prove_extension(unknown.path(), 0).unwrap().unwrap();
    let (status, _, why) = scene.show(&unknown).await;
    assert_eq!(
        (status, why.as_str()),
        (
            404,
            "the log `other.example` is not one that this witness watches\n"
        )
    );
    let forged = rewritten(Key::generate("log.example").unwrap(), 3);
    let forged = prove_extension(forged.path(), 0).unwrap().unwrap();
    assert_eq!(scene.show(&forged).await.0, 403);
    let whole = scene.extension(305).to_submission();
    for malformed in [
        Vec::new(),
        b"old 305\n\nlog.example\n".to_vec(),
        whole[..whole.len() - 1].to_vec(),
        [b"x", &whole[..]].concat(),
    ] {
        assert_eq!(scene.send(&malformed).await.0, 400);
    }
    let large = [&whole[..], &[b'x'; 64 * 1024]].concat();
    assert_eq!(scene.send(&large).await.0, 413);
    let (head, _) = ask(scene.at, "GET", "/add-checkpoint").await;
    assert!(
        head.starts_with("HTTP/1.1 405") && head.contains("allow: POST"),
        "{head}"
    );
    // Nothing of that says anything against the log, and nothing fills the ledger.
    for kind in ["not-cosigned", "refused", "unauthorised", "malformed"] {
        assert_eq!(scene.gate.notes(kind).await, [""; 0], "{kind}");
    }
    let mut gate = scene.gate;
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_log_is_refused_and_on_record_however_much_others_claim() {
    let scene = Scene::start(9).await;
    scene.cosigned(&scene.extension(0)).await;
    let rewritten = |size: u64, old: u64| {
        let log = rewritten(scene.key.clone(), size);
        prove_extension(log.path(), old).unwrap().unwrap()
    };
    // An old checkpoint, genuine or not, is anybody's to show.
    scene.conflict(&rewritten(4, 4), 9).await;
    assert_eq!(scene.gate.notes("not-cosigned").await, [""; 0]);
    // Larger ones with proofs from where they part, more than are kept.
    for size in 10..30 {
        let (status, _, why) = scene.show(&rewritten(size, 9)).await;
        assert_eq!(status, 422, "{why}");
        assert!(why.contains("they part before entry 9"), "{why}");
    }
    let split = rewritten(9, 9);
    for _ in 0..2 {
        scene.conflict(&split, 9).await;
    }
    let told = scene.gate.notes("not-cosigned").await;
    let count = |begin: &str| told.iter().filter(|note| note.starts_with(begin)).count();
    assert_eq!(
        count("the log tells two stories: of its 9 entries root"),
        1,
        "{told:?}"
    );
    assert_eq!(told.len(), 17, "{told:?}");
    // What it is in truth is cosigned still.
    scene.grow(2);
    scene.cosigned(&scene.extension(9)).await;
    let mut gate = scene.gate;
    gate.stop().await;
}

/// Over gRPC a log is shown by the gateway that keeps it, and a log outside by none.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_outside_is_shown_over_http_alone() {
    let scene = Scene::start(3).await;
    let gate = &scene.gate;
    let shown = gate
        .cosign(&gate.world, "gateway", scene.log.path(), 0)
        .await;
    assert_eq!(super::reason(&shown.unwrap_err()), "NOT_COMPETENT");
    scene.cosigned(&scene.extension(0)).await;
    let mut gate = scene.gate;
    gate.stop().await;
}
