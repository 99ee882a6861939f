//! Three gateways that cosign each other's ledgers, and one of them that comes to tell
//! another story: restored from an old copy, and rewritten on purpose.

mod foreign;
mod outside;
mod over_http;
mod server;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use comity::v1::{
    self, audit_service_client::AuditServiceClient,
    federation_service_client::FederationServiceClient,
};
use comity_gateway::{
    config::{Config, Peer, Witnesses},
    gateway::{self, Running},
};
use comity_ledger::{Cosigner, Key, Publisher, cosigned_size, prove_extension};
use comity_sandbox::world::World;
use jiff::Timestamp;
use tempfile::TempDir;
use time::OffsetDateTime;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt as _;

use crate::{
    audit::gateway::{ask, options_in},
    cli::{comity, shown, stable},
    crash::process::free_address,
    reload::metrics,
    world::{Cooperation, approvable, configure, copy, eventually, policies, reason, submit},
};

const NAMES: [&str; 3] = ["berlin", "paris", "rome"];

/// A gateway with a ledger of its own.
struct Gate {
    name: &'static str,
    folder: TempDir,
    world: World,
    config: Config,
    running: Option<Running>,
}

/// Three gateways under one authority that issues certificates, each a witness of the
/// other two. One of the two must have cosigned.
async fn three() -> [Gate; 3] {
    let mut gates = Vec::new();
    for name in NAMES {
        let pki = gates
            .first()
            .map(|first: &Gate| first.folder.path().join("pki"));
        gates.push(Gate::make(name, pki.as_deref()).await);
    }
    let peers: Vec<Peer> = gates.iter().map(Gate::as_peer).collect();
    for gate in &mut gates {
        let others = peers.iter().filter(|peer| peer.name != gate.name);
        gate.config.witnesses = Witnesses {
            peers: others.cloned().collect(),
            required: 1,
            ..Witnesses::default()
        };
        gate.start().await;
    }
    gates.try_into().ok().unwrap()
}

impl Gate {
    async fn make(name: &'static str, pki: Option<&Path>) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        if let Some(pki) = pki {
            copy(pki, &folder.path().join("pki"));
        }
        let now = OffsetDateTime::now_utc();
        let world = World::start(folder.path(), &[], now).await.unwrap();
        let mut config = configure(&world, &policies());
        config.listen = free_address();
        config.metrics = Some("127.0.0.1:0".parse().unwrap());
        config.origin = format!("{name}.example/ledger");
        // Long signatures travel too, also in refusals.
        config.ml_dsa = name == "rome";
        fs::create_dir_all(&config.data).unwrap();
        let key = Key::generate(&config.origin).unwrap();
        key.save(&config.data.join("ledger.key")).unwrap();
        Self {
            name,
            folder,
            world,
            config,
            running: None,
        }
    }

    fn data(&self) -> &Path {
        &self.config.data
    }

    fn ledger(&self) -> PathBuf {
        self.data().join("ledger")
    }

    fn key(&self) -> Key {
        Key::load(&self.data().join("ledger.key")).unwrap()
    }

    /// How the others know it.
    fn as_peer(&self) -> Peer {
        let name = format!("{}/witness", self.config.origin);
        let cosigner = Cosigner::load_or_make(&self.data().join("witness.key"), &name).unwrap();
        Peer {
            name: self.name.to_owned(),
            jurisdiction: "EU".parse().unwrap(),
            host: "127.0.0.1".to_owned(),
            port: self.config.listen.port(),
            server_name: "localhost".to_owned(),
            log: self.key().verifier().clone(),
            witness: cosigner.key().clone(),
        }
    }

    async fn start(&mut self) {
        let started = gateway::start(self.config.clone(), Timestamp::now).await;
        self.running = Some(started.unwrap());
    }

    async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().address()
    }

    /// Has the ledger read so often: each reading is an entry.
    async fn grow(&self, readings: usize) {
        let channel = self
            .world
            .connect(self.address(), "EU", "auditor", "auditor");
        let mut auditor = AuditServiceClient::new(channel.await.unwrap());
        for _ in 0..readings {
            let message = v1::SearchRequest {
                purpose: "test".to_owned(),
                ..v1::SearchRequest::default()
            };
            auditor.search(message).await.unwrap();
        }
    }

    /// Notes of the entries of a kind.
    async fn notes(&self, kind: &str) -> Vec<String> {
        let channel = self
            .world
            .connect(self.address(), "EU", "auditor", "auditor");
        let mut auditor = AuditServiceClient::new(channel.await.unwrap());
        let message = v1::SearchRequest {
            filter: format!("kind={kind}"),
            purpose: "test".to_owned(),
            ..v1::SearchRequest::default()
        };
        let page = auditor.search(message).await.unwrap().into_inner();
        page.entries.into_iter().map(|entry| entry.note).collect()
    }

    /// A figure that monitoring reads.
    async fn figure(&self, name: &str) -> Option<u64> {
        let address = self.running.as_ref().unwrap().metrics_address().unwrap();
        let text = metrics(address).await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|figure| figure.parse().ok())
    }

    /// Waits until all that is on record is cosigned; how many entries that is.
    async fn cosigned(&self) -> u64 {
        eventually("all is cosigned", async || {
            let entries = self.figure("comity_ledger_entries").await?;
            (cosigned_size(&self.ledger()).ok()? == entries).then_some(entries)
        })
        .await
    }

    async fn health(&self, service: &str) -> ServingStatus {
        let channel = self
            .world
            .connect(self.address(), "EU", "auditor", "auditor");
        let question = HealthCheckRequest {
            service: service.to_owned(),
        };
        let mut client = HealthClient::new(channel.await.unwrap());
        client.check(question).await.unwrap().into_inner().status()
    }

    fn checkpoint(&self) -> String {
        fs::read_to_string(self.ledger().join("checkpoint")).unwrap()
    }

    /// Asks for a cosignature, as the gateway of a world.
    async fn cosign(&self, by: &World, role: &str, log: &Path, old: u64) -> Result<String, Status> {
        self.cosign_for((by, "EU", role), log, old).await
    }

    /// Asks for one, as somebody of a State.
    async fn cosign_for(
        &self,
        (by, state, role): (&World, &str, &str),
        log: &Path,
        old: u64,
    ) -> Result<String, Status> {
        let extension = prove_extension(log, old).unwrap().unwrap();
        let path = extension.path.iter().map(|hash| hash.0.to_vec().into());
        let message = v1::CosignRequest {
            old_size: extension.old_size,
            consistency_path: path.collect(),
            checkpoint: String::from_utf8(extension.checkpoint).unwrap(),
        };
        let channel = by.connect(self.address(), state, "comity", role);
        let channel = channel.await.unwrap();
        let answer = FederationServiceClient::new(channel)
            .cosign(message)
            .await?;
        Ok(answer.into_inner().cosignature)
    }
}

/// A log that a gateway's key signs, with entries that its ledger does not have.
fn rewritten(key: Key, size: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::open(dir.path(), key, None).unwrap();
    for number in 0..size {
        publisher
            .append(format!("rewritten {number}").as_bytes())
            .unwrap();
    }
    publisher.sign().unwrap();
    dir
}

/// The size of the checkpoint that a refusal shows.
fn seen(status: &Status) -> u64 {
    let details = status.get_error_details();
    let note = &details.error_info().unwrap().metadata["seen"];
    note.lines().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_cosign_each_other_and_auditors_see_it() {
    let mut gates = three().await;
    gates[0].grow(3).await;
    for gate in &gates {
        gate.cosigned().await;
        assert_eq!(gate.health("").await, ServingStatus::Serving);
        assert_eq!(gate.figure("comity_ledger_held").await, Some(0));
    }
    for gate in &mut gates {
        gate.stop().await;
    }
    let data = gates[0].data().to_str().unwrap().to_owned();
    let policy = gates[0].ledger().join("policy");
    let strict = gates[0].folder.path().join("strict.policy");
    let others = fs::read_to_string(gates[1].ledger().join("policy")).unwrap();
    fs::write(
        &strict,
        others.replacen("group witnesses 1", "group witnesses 2", 1),
    )
    .unwrap();
    let proof = gates[0].folder.path().join("first.tlog-proof");
    let [policy, strict, proof] = [&policy, &strict, &proof].map(|path| path.to_str().unwrap());
    let prove = comity(["audit", "prove", "0", "--data", &data, "--out", proof]);
    assert_eq!(prove.status.code(), Some(0), "{}", shown(&prove));
    let key = gates[0].ledger().join("verifier");
    let key = key.to_str().unwrap();
    let told = [
        comity(["audit", "verify", "--data", &data]),
        comity(["audit", "verify", "--data", &data, "--policy", strict]),
        comity(["audit", "verify", proof, "--key", key, "--policy", policy]),
        comity(["audit", "verify", proof, "--key", key, "--policy", strict]),
    ];
    let mut settings = stable(gates[0].folder.path());
    for (what, instead) in [
        (r"\d+ entries", "[count] entries"),
        (r"under \d+ signed", "under [count] signed"),
        (r"(?m)^  \d+ under", "  [count] under"),
        (r"its first \d+", "its first [count]"),
        // Whether both had cosigned the newest, or one of them.
        (
            r"cosigned by .*; demanded",
            "cosigned by [witnesses]; demanded",
        ),
        (
            r"cosigned by \d of \d witnesses",
            "cosigned by [too few] witnesses",
        ),
    ] {
        settings.add_filter(what, instead);
    }
    let told = told.map(|output| shown(&output)).join("\n");
    settings.bind(|| insta::assert_snapshot!("verified", told));
    // A cosignature that was changed is found.
    let folder = gates[0].ledger().join("cosignatures");
    let newest = fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let line = fs::read_to_string(&newest).unwrap();
    let (rest, signature) = line.trim_end().rsplit_once(' ').unwrap();
    let changed: String = signature.chars().rev().collect();
    let changed = changed.trim_start_matches('=');
    fs::write(
        &newest,
        format!(
            "{rest} {}\n",
            &signature.replacen(&signature[30..34], &changed[0..4], 1)
        ),
    )
    .unwrap();
    let found = comity(["audit", "verify", "--data", &data]);
    assert_eq!(found.status.code(), Some(1), "{}", shown(&found));
    assert!(
        shown(&found).contains("`cosignatures/"),
        "{}",
        shown(&found)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_exported_by_a_gateway_takes_its_cosignatures_along() {
    let mut gates = three().await;
    let berlin = &gates[0];
    let story = approvable("cosigned");
    let channel = berlin.world.connect(
        berlin.address(),
        story.jurisdiction,
        story.authority,
        "issuing",
    );
    let mut client = Cooperation::new(channel.await.unwrap());
    let case = submit(&mut client, &story.request, 0).await.unwrap();
    let case = case.case.unwrap().name;
    berlin.cosigned().await;

    let folder = berlin.folder.path();
    let who = ["EU", "auditor", "auditor"];
    let options = options_in((&berlin.world, folder), berlin.address(), who);
    let out = folder.join("bundle");
    let out = out.to_str().unwrap();
    let why = ["--recipient", "court of appeal", "--purpose", "appeal"];
    let exported = ask(
        &options,
        &[&["export", &case, "--out", out][..], &why].concat(),
    );
    assert_eq!(exported.status.code(), Some(0), "{}", shown(&exported));

    let key = berlin.ledger().join("verifier");
    let policy = berlin.ledger().join("policy");
    let verify = |policy: &Path| {
        let [key, policy] = [&key, policy].map(|path| path.to_str().unwrap());
        comity(["audit", "verify", out, "--key", key, "--policy", policy])
    };
    let verified = verify(&policy);
    assert_eq!(verified.status.code(), Some(0), "{}", shown(&verified));
    let told = shown(&verified);
    assert!(
        told.contains("are cosigned by ") && told.contains("demanded: 1 of 2"),
        "{told}"
    );
    let report = fs::read_to_string(Path::new(out).join("report.html")).unwrap();
    assert!(report.contains("Cosigned, as it says, by"), "{report}");
    // It is no witness of its own.
    let foreign = folder.join("foreign.policy");
    let others = fs::read_to_string(gates[1].ledger().join("policy")).unwrap();
    let both = others.replacen("group witnesses 1", "group witnesses 2", 1);
    fs::write(&foreign, both).unwrap();
    let refused = verify(&foreign);
    assert_eq!(refused.status.code(), Some(1), "{}", shown(&refused));
    for gate in &mut gates {
        gate.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_restored_from_an_old_copy_signs_nothing_and_says_so() {
    let [berlin, paris, mut rome] = three().await;
    rome.grow(2).await;
    let old = rome.cosigned().await;
    rome.stop().await;
    let backup = tempfile::tempdir().unwrap();
    copy(rome.data(), backup.path());
    let before = rome.checkpoint();
    rome.start().await;
    rome.grow(5).await;
    let new = rome.cosigned().await;
    assert!(new > old + 5);
    rome.stop().await;
    let newest = tempfile::tempdir().unwrap();
    copy(rome.data(), newest.path());

    // Everything of the folder is older, the keys are the same.
    fs::remove_dir_all(rome.data()).unwrap();
    copy(backup.path(), rome.data());
    rome.start().await;
    let held = async || (rome.figure("comity_ledger_held").await? == 1).then_some(());
    eventually("it is held", held).await;
    eventually("health says so", async || {
        let unready = rome.health("").await == ServingStatus::NotServing;
        let audit = rome.health("comity.v1.AuditService").await;
        (unready && audit == ServingStatus::NotServing).then_some(())
    })
    .await;
    // It works on, and grows beyond what was seen; nothing of that is signed.
    rome.grow(8).await;
    let entries = rome.figure("comity_ledger_entries").await.unwrap();
    assert!(entries > new, "{entries}");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(rome.checkpoint(), before);
    assert_eq!(
        rome.figure("comity_ledger_published_entries").await,
        Some(old)
    );
    // Both sides say so, with the sizes.
    let told = [
        berlin.notes("not-cosigned").await,
        paris.notes("not-cosigned").await,
    ]
    .concat();
    let says = format!("the log was rolled back: {new} entries were cosigned, root ");
    assert!(
        told.iter().any(|note| {
            note.starts_with(&says) && note.ends_with(&format!("and only {old} are shown now"))
        }),
        "{told:?}"
    );
    rome.stop().await;
    let flaw = comity(["audit", "verify", "--data", rome.data().to_str().unwrap()]);
    let flaw = shown(&flaw);
    assert!(
        flaw.starts_with("exit 1\nNOT VERIFIED\n  `witnessed`: `")
            && flaw.contains(&format!(
                ".example/ledger/witness` has cosigned {new} entries, and fewer are signed here"
            )),
        "{flaw}"
    );
    // It has not forgotten after a restart.
    rome.start().await;
    let held = async || (rome.figure("comity_ledger_held").await? == 1).then_some(());
    eventually("it is held still", held).await;
    rome.stop().await;
    // With all that was cosigned it goes on.
    fs::remove_dir_all(rome.data()).unwrap();
    copy(newest.path(), rome.data());
    rome.start().await;
    assert!(rome.cosigned().await > new);
    assert_eq!(rome.health("").await, ServingStatus::Serving);
    for mut gate in [berlin, paris, rome] {
        gate.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_ledger_is_refused_with_the_place_where_it_parts() {
    let [mut berlin, paris, mut rome] = three().await;
    rome.grow(2).await;
    let size = rome.cosigned().await;
    rome.stop().await;
    // The stories part at the first entry: as large, larger, and smaller ones.
    let forged = |size| rewritten(rome.key(), size);
    for (size_shown, code) in [
        (size, "LOG_SPLIT"),
        (size + 5, "LOG_UNPROVEN"),
        (1, "LOG_ROLLED_BACK"),
    ] {
        let log = forged(size_shown);
        let old = size.min(size_shown);
        for gate in [&berlin, &paris] {
            let refused = gate.cosign(&rome.world, "gateway", log.path(), old).await;
            let status = refused.unwrap_err();
            // A witness that was not asked last may remember a little less.
            let known = seen(&status);
            if known != size && code != "LOG_ROLLED_BACK" {
                continue;
            }
            assert_eq!(reason(&status), code, "{}", status.message());
            assert_eq!(status.code(), Code::FailedPrecondition);
            let place = match code {
                "LOG_ROLLED_BACK" => format!("{known} entries were cosigned"),
                _ => format!("part before entry {known}"),
            };
            assert!(status.message().contains(&place), "{}", status.message());
        }
    }
    let told = [
        berlin.notes("not-cosigned").await,
        paris.notes("not-cosigned").await,
    ]
    .concat();
    assert!(
        told.iter()
            .any(|note| note.starts_with("the log tells two stories")),
        "{told:?}"
    );
    // Shown again it is on record no oftener.
    let log = forged(1);
    let recorded = berlin.notes("not-cosigned").await.len();
    for _ in 0..2 {
        let again = berlin.cosign(&rome.world, "gateway", log.path(), 1).await;
        assert_eq!(reason(&again.unwrap_err()), "LOG_ROLLED_BACK");
    }
    assert_eq!(berlin.notes("not-cosigned").await.len(), recorded);
    // Nobody shows another's log, be it a genuine copy of an older day.
    let other = (&rome.world, "FR", "gateway");
    let framed = berlin.cosign_for(other, log.path(), 1).await;
    assert_eq!(reason(&framed.unwrap_err()), "NOT_COMPETENT");
    assert_eq!(berlin.notes("not-cosigned").await.len(), recorded);
    // Only gateways are let in, and only logs that are known.
    let log = forged(3);
    let stranger = berlin.cosign(&rome.world, "auditor", log.path(), 0).await;
    assert_eq!(reason(&stranger.unwrap_err()), "PERMISSION_DENIED");
    let other = rewritten(Key::generate("other.example/ledger").unwrap(), 3);
    let unknown = berlin
        .cosign(&rome.world, "gateway", other.path(), 0)
        .await
        .unwrap_err();
    assert_eq!(
        (reason(&unknown).as_str(), unknown.code()),
        ("LOG_UNKNOWN", Code::NotFound)
    );
    let forger = rewritten(Key::generate(&rome.config.origin).unwrap(), 3);
    let unsigned = berlin
        .cosign(&rome.world, "gateway", forger.path(), 0)
        .await
        .unwrap_err();
    assert_eq!(reason(&unsigned), "CHECKPOINT_NOT_SIGNED");
    // The others go on with each other, and with what Rome is in truth.
    paris.grow(2).await;
    paris.cosigned().await;
    rome.start().await;
    assert!(rome.cosigned().await > size);
    berlin.stop().await;
    for mut gate in [paris, rome] {
        gate.stop().await;
    }
}
