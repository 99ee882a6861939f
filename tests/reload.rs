//! Policy files that are edited while the gateway runs.

mod load;
mod signed;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use comity::v1::{
    CaseState, CompareRequest, ListModulesRequest, Outcome,
    policy_service_client::PolicyServiceClient,
};
use comity_gateway::{config::Config, gateway::Clock, offline};
use comity_ledger::Leaf;
use jiff::Timestamp;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    http::ask,
    world::{self, Scene, approvable, eventually, policies, reason, story, submit},
};
use comity_sandbox::stories::Story;

const EIO: &str = "instruments/eio/module.yaml";
/// The languages in which France takes an order, and one more: an edit that
/// changes what is decided.
const FRENCH: &str = "languages: [fr], cite: \"fr-cpp";
const FRENCH_OR_ENGLISH: &str = "languages: [fr, en], cite: \"fr-cpp";

/// A gateway on policy files of its own.
struct Workshop {
    scene: Scene,
    policies: PathBuf,
    legal: PolicyServiceClient<Channel>,
    health: HealthClient<Channel>,
}

impl Workshop {
    async fn open(change: impl FnOnce(&mut Config)) -> Self {
        Self::open_by(Timestamp::now, change).await
    }

    async fn open_by(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let mut folder = PathBuf::new();
        let scene = Scene::start_by(&["DE", "FR"], clock, |config| {
            folder = config.data.with_file_name("policies");
            world::copy(&policies(), &folder);
            config.policies.folder.clone_from(&folder);
            config.metrics = Some("127.0.0.1:0".parse().unwrap());
            change(config);
        });
        let scene = scene.await;
        let channel = scene.connect("EU", "team", "legal").await;
        Self {
            scene,
            policies: folder,
            legal: PolicyServiceClient::new(channel.clone()),
            health: HealthClient::new(channel),
        }
    }

    /// Writes a module as an editor would: in place.
    fn write(&self, text: &str) {
        fs::write(self.policies.join(EIO), text).unwrap();
    }

    /// The bundle in force.
    async fn bundle(&self) -> String {
        let mut legal = self.legal.clone();
        let modules = legal.list_modules(ListModulesRequest::default()).await;
        modules.unwrap().into_inner().bundle_sha256
    }

    async fn health(&self, service: &str) -> ServingStatus {
        let question = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = self.health.clone().check(question).await.unwrap();
        answer.into_inner().status()
    }

    /// Waits until health says of the policy folder what is expected.
    async fn expect(&self, status: ServingStatus) {
        let what = format!("the policy service is {status:?}");
        eventually(&what, async || {
            (self.health("comity.v1.PolicyService").await == status).then_some(())
        })
        .await;
    }

    async fn metrics(&self) -> String {
        metrics(self.scene.running.metrics_address().unwrap()).await
    }

    /// Waits until the metrics have a line.
    async fn measures(&self, line: &str) {
        eventually(line, async || {
            let metrics = self.metrics().await;
            metrics.lines().any(|found| found == line).then_some(())
        })
        .await;
    }
}

/// The figures at an address, as monitoring reads them.
pub(crate) async fn metrics(address: SocketAddr) -> String {
    let (head, figures) = ask(address, "GET", "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    String::from_utf8(figures).unwrap()
}

fn shipped() -> String {
    fs::read_to_string(policies().join(EIO)).unwrap()
}

/// The module with France taking orders in English too.
fn edited() -> String {
    let shipped = shipped();
    assert!(shipped.contains(FRENCH), "the test knows another module");
    shipped.replacen(FRENCH, FRENCH_OR_ENGLISH, 1)
}

/// The module as an editor leaves it that died in the middle.
fn half() -> String {
    let shipped = shipped();
    shipped.chars().take(shipped.chars().count() / 2).collect()
}

/// An order that France takes back for translation, unless it reads English.
fn in_english() -> Story {
    story("reload", "House search, form in English only")
}

fn bundle_of(leaf: &Leaf) -> String {
    leaf.bundle.unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_edit_leaves_the_bundle_in_force_and_is_told_until_mended() {
    let workshop = Workshop::open(|_| ()).await;
    let before = workshop.bundle().await;
    workshop.write(&half());
    workshop.expect(ServingStatus::NotServing).await;
    for service in ["", "comity.v1.CooperationService", "comity.v1.AuditService"] {
        let status = workshop.health(service).await;
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }
    assert_eq!(workshop.bundle().await, before);
    let case = workshop.scene.tell(&approvable("broken")).await;
    assert_eq!(case.state(), CaseState::Concluded);
    assert_eq!(case.decision.unwrap().bundle_sha256, before);
    workshop.measures("comity_policy_folder_in_force 0").await;

    // Written again as it was, it is read again and is no news.
    workshop.write(&half());
    workshop
        .measures("comity_policy_reloads_total{result=\"mistakes\"} 2")
        .await;
    let rejected = workshop.scene.entries("kind=policy-rejected").await;
    let [entry] = rejected.as_slice() else {
        panic!("{rejected:?}")
    };
    assert_eq!(bundle_of(entry), before);
    let note = entry.note.as_deref().unwrap();
    assert!(note.starts_with("mistakes: "), "{note}");

    // Taken back, the folder is in order and nothing has changed.
    workshop.write(&shipped());
    workshop.expect(ServingStatus::Serving).await;
    assert_eq!(workshop.bundle().await, before);
    workshop.measures("comity_policy_folder_in_force 1").await;
    let loads = workshop.scene.entries("kind=policy-load").await;
    assert!(loads.is_empty(), "{loads:?}");

    workshop.write(&edited());
    let after = eventually("the edit comes into force", async || {
        let bundle = workshop.bundle().await;
        (bundle != before).then_some(bundle)
    })
    .await;
    let loads = workshop.scene.entries("kind=policy-load").await;
    let [entry] = loads.as_slice() else {
        panic!("{loads:?}")
    };
    assert_eq!(bundle_of(entry), after);
    assert_eq!(entry.note, Some(format!("replaces {before}")));
    let mut settings = crate::cli::stable(workshop.scene.folder());
    settings.add_filter(r"seconds \d{10}", "seconds [time]");
    settings.add_filter(
        r"(comity_(?:ledger_\w*entries|store_bytes)) \d+",
        "$1 [count]",
    );
    let metrics = workshop.metrics().await;
    // Series of one name come in any order.
    // What calls took, and the process, are never twice the same.
    let varies = |line: &&str| {
        !["comity_call", "process_"]
            .iter()
            .any(|by| line.starts_with(by))
    };
    let mut metrics: Vec<_> = metrics.lines().filter(varies).collect();
    metrics.sort_unstable();
    let metrics = metrics.join("\n");
    settings.bind(|| insta::assert_snapshot!("metrics", metrics));
    workshop.scene.stop().await;
}

/// The law in force would not admit it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_record_is_repeated_whatever_words_are_known_since() {
    const DIRECTORY: &str = "jurisdictions/fr/authorities.yaml";
    let workshop = Workshop::open(|_| ()).await;
    let mut story = world::search("repeated");
    let executing = story.request.executing.as_mut().unwrap();
    executing.authority = "tj-lyon-ji".to_owned();
    let mut client = workshop.scene.issuing("DE", "sta-berlin").await;
    let case = submit(&mut client, &story.request, 0).await.unwrap().case;
    let name = case.unwrap().name;
    let before = workshop.bundle().await;
    let path = workshop.policies.join(DIRECTORY);
    let text = fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once("  - id: tj-lyon-ji\n").unwrap();
    let (_, last) = rest.split_once("  - id: ").unwrap();
    fs::write(&path, format!("{first}  - id: {last}")).unwrap();
    eventually("the edit comes into force", async || {
        (workshop.bundle().await != before).then_some(())
    })
    .await;
    let again = submit(&mut client, &story.request, 0).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.case.unwrap().name, name);
    // Another one is refused, also under the same id.
    story.request.purpose = "another".to_owned();
    let status = submit(&mut client, &story.request, 0).await.unwrap_err();
    assert_eq!(reason(&status), "MALFORMED");
    workshop.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_was_in_force_decides_again() {
    let workshop = Workshop::open(|_| ()).await;
    let before = workshop.bundle().await;
    workshop.write(&edited());
    let after = eventually("the edit comes into force", async || {
        let bundle = workshop.bundle().await;
        (bundle != before).then_some(bundle)
    })
    .await;
    let story = in_english();
    let mut client = workshop.scene.issuing("DE", "sta-berlin").await;
    let case = submit(&mut client, &story.request, 0).await.unwrap().case;
    let decided = case.unwrap().decision.unwrap();
    assert_eq!(decided.bundle_sha256, after);

    let mut legal = workshop.legal.clone();
    let question = |bundle: &str| CompareRequest {
        request: Some(story.request.clone()),
        other_bundle_sha256: bundle.to_owned(),
    };
    let answer = legal.compare(question(&before)).await.unwrap().into_inner();
    let (current, other) = (answer.current.unwrap(), answer.other.unwrap());
    assert_eq!(
        (&current.bundle_sha256, &other.bundle_sha256),
        (&after, &before)
    );
    assert_eq!(current.outcome(), decided.outcome());
    assert_eq!(other.outcome(), Outcome::Incomplete);
    assert_ne!(current.outcome(), other.outcome());
    assert_eq!(current.decision_id, "", "it is no decision of a case");
    let compared = workshop.scene.entries("kind=compare").await;
    let [entry] = compared.as_slice() else {
        panic!("{compared:?}")
    };
    assert_eq!(bundle_of(entry), after);
    assert_eq!(entry.note, Some(format!("INCOMPLETE by {before}")));
    assert!(entry.actor.ends_with("/EU/team/legal"), "{}", entry.actor);

    let unknown = "0".repeat(64);
    let status = legal.compare(question(&unknown)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::NotFound, "NOT_FOUND")
    );
    insta::assert_snapshot!(status.message(), @"no bundle 0000000000000000000000000000000000000000000000000000000000000000 is kept here: name the bundle of a decision that this gateway recorded");
    let status = legal.compare(question("latest")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(world::violations(&status).contains_key("other_bundle_sha256"));

    // Without the gateway too, for who makes an old decision again.
    let data = workshop.scene.world.data();
    for bundle in [&before, &after] {
        let kept = offline::bundle(&data, bundle.parse().unwrap()).unwrap();
        assert_eq!(kept.digest().to_string(), **bundle);
    }
    workshop.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_does_not_come_into_force() {
    // Smaller than any database: a start is written beyond it, an edit is not.
    let workshop = Workshop::open(|config| config.limits.store_bytes = Some(1)).await;
    let before = workshop.bundle().await;
    workshop.write(&edited());
    workshop.expect(ServingStatus::NotServing).await;
    workshop
        .measures("comity_policy_reloads_total{result=\"unrecorded\"} 1")
        .await;
    assert_eq!(workshop.bundle().await, before);
    workshop.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_away_and_comes_back() {
    let workshop = Workshop::open(|_| ()).await;
    let before = workshop.bundle().await;
    let away = workshop.policies.with_extension("away");
    fs::rename(&workshop.policies, &away).unwrap();
    workshop.expect(ServingStatus::NotServing).await;
    workshop
        .measures("comity_policy_reloads_total{result=\"unreadable\"} 1")
        .await;
    assert_eq!(workshop.bundle().await, before);
    fs::rename(&away, &workshop.policies).unwrap();
    workshop.expect(ServingStatus::Serving).await;
    assert_eq!(workshop.bundle().await, before);
    let data = workshop.scene.world.data();
    eventually("no copy is left", async || {
        (!leftovers(&data)).then_some(())
    })
    .await;
    workshop.scene.stop().await;
}

/// Whether copies lie about that were never accepted.
fn leftovers(data: &Path) -> bool {
    let mut entries = fs::read_dir(data.join("bundles")).unwrap();
    entries.any(|entry| entry.unwrap().file_name().len() != 64)
}
