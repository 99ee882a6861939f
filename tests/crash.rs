//! What holds when the gateway dies, its backend is away, its disk is full or
//! its ledger is tampered with.

mod client;
pub(crate) mod disk;
pub(crate) mod process;
mod tamper;

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use comity::v1::{Case, CaseState};
use comity_gateway::offline;
use comity_sandbox::{stories::Story, world::World};
use rusqlite::Connection;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::{sync::watch, task::JoinSet};

use crate::world::{Scene, approvable, eventually};

use self::{
    client::{Client, approved_and_refused, request},
    process::{Process, free_address},
};

const REQUESTS: usize = 1000;
const CLIENTS: usize = 8;
/// Every tenth request is one that is refused.
const REFUSED_EVERY: usize = 10;
/// Kills while the gateway works, and while it starts.
const KILLS: usize = 10;
const KILLS_AT_START: usize = 2;
/// Nothing here takes so long unless it hangs.
const HANGS: Duration = Duration::from_secs(240);
/// State of the backend that all requests go to.
const EXECUTING: &str = "FR";

/// Told to stop while a delivery is under way, the gateway takes in its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_under_way_comes_to_its_end_when_the_gateway_stops() {
    let story = approvable("stopped");
    let executing = story.request.executing.as_ref().unwrap();
    let executing = executing.jurisdiction.as_str();
    let scene = Scene::start(&[executing]).await;
    let backend = scene.backend(executing).clone();
    backend.set_up(false);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let submitted = crate::world::submit(&mut client, &story.request, 0);
    submitted.await.unwrap();
    // The backend has to wait for its register, in the midst of the delivery.
    let register = format!("registers/{executing}.db");
    let register = Connection::open(scene.folder().join(register)).unwrap();
    let lock = |sql| register.execute_batch(sql).unwrap();
    lock("BEGIN IMMEDIATE");
    backend.set_up(true);
    eventually("it has begun", async || {
        (backend.received() > 0).then_some(())
    })
    .await;
    let stopping = tokio::spawn(scene.stop());
    tokio::time::sleep(Duration::from_millis(500)).await;
    lock("COMMIT");
    let report = stopping.await.unwrap();
    assert_eq!((report.jobs, backend.received()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_the_gateway_loses_and_repeats_nothing() {
    let (_folder, world) = world().await;
    let address = free_address();
    let config = world.write_config(address, Path::new("policies")).unwrap();
    let mut gateway = Process::start(&config);
    let stories = Arc::new(approved_and_refused());
    let (progress, watched) = watch::channel(0);
    bounded(async {
        let mut clients = JoinSet::new();
        for first in 0..CLIENTS {
            let [approved, refused] = &*stories;
            let connections = [
                Client::of(&world, address, approved).await,
                Client::of(&world, address, refused).await,
            ];
            let (stories, progress) = (Arc::clone(&stories), progress.clone());
            clients.spawn(async move {
                let numbers = (first..REQUESTS).step_by(CLIENTS);
                submit(numbers, connections, &stories, &progress).await
            });
        }
        kill_and_restart(&mut gateway, watched, REQUESTS).await;
        let filed: Vec<Filed> = clients.join_all().await.into_iter().flatten().collect();
        check(&world, address, &stories, filed).await;
    })
    .await;
    gateway.stop();
    let backend = world.backend(EXECUTING).unwrap();
    let approved = (REQUESTS - REQUESTS / REFUSED_EVERY) as u64;
    assert_eq!(backend.effects().unwrap(), approved);
    assert!(backend.received() >= approved);
    let report = offline::verify(&world.data(), None).unwrap();
    assert_eq!(report.cases, REQUESTS as u64);
    assert_eq!((report.jobs, report.unpublished), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_backend_survives_a_restart_and_is_delivered_once() {
    let (_folder, world) = world().await;
    let address = free_address();
    let config = world.write_config(address, Path::new("policies")).unwrap();
    let backend = world.backend(EXECUTING).unwrap();
    let [approved, _] = approved_and_refused();
    let mut gateway = Process::start(&config);
    bounded(async {
        for (effects, end) in [(1, Process::kill as fn(&mut Process)), (2, Process::stop)] {
            let request = request(&approved, &format!("waits/{effects}"));
            backend.set_up(false);
            let mut client = Client::of(&world, address, &approved).await;
            let case = client.submit(&request, false).await.case.unwrap();
            while client.case(&case.name).await.state() != CaseState::Delivering {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            drop(client);
            end(&mut gateway);
            backend.set_up(true);
            gateway.restart();
            let mut client = Client::of(&world, address, &approved).await;
            let answer = client.submit(&request, true).await;
            assert!(answer.replayed);
            assert_eq!(answer.case.unwrap().state(), CaseState::Concluded);
            assert_eq!(
                (backend.received(), backend.effects().unwrap()),
                (effects, effects)
            );
        }
    })
    .await;
    gateway.stop();
    assert_eq!(offline::verify(&world.data(), None).unwrap().jobs, 0);
}

/// A submission that the gateway acknowledged.
#[derive(Debug)]
struct Filed {
    number: usize,
    /// The case as it was acknowledged.
    case: Case,
    /// The acknowledgement is that of the decision, and no later one.
    at_decision: bool,
}

/// Submits requests one after another, every other one without waiting for its
/// answer, each until it is acknowledged.
async fn submit(
    numbers: impl Iterator<Item = usize>,
    mut connections: [Client; 2],
    stories: &[Story; 2],
    progress: &watch::Sender<usize>,
) -> Vec<Filed> {
    let mut filed = Vec::new();
    for number in numbers {
        let kind = usize::from(is_refused(number));
        // Neither parity goes to one client alone.
        let wait = (number / CLIENTS).is_multiple_of(2);
        let request = request(&stories[kind], &id(number));
        let answer = connections[kind].submit(&request, wait).await;
        progress.send_modify(|acknowledged| *acknowledged += 1);
        filed.push(Filed {
            number,
            case: answer.case.unwrap(),
            at_decision: !wait && !answer.replayed,
        });
    }
    filed
}

/// Kills the gateway at moments spread over `total` acknowledgements.
async fn kill_and_restart(
    gateway: &mut Process,
    mut progress: watch::Receiver<usize>,
    total: usize,
) {
    let mut random = Seeded(0x00C0_3117);
    for kill in 0..KILLS {
        let stretch = total / KILLS;
        let moment = kill * stretch + random.below(stretch as u64 / 2) as usize;
        progress
            .wait_for(|acknowledged| *acknowledged >= moment)
            .await
            .unwrap();
        // Not only just after an answer.
        tokio::time::sleep(Duration::from_micros(random.below(20_000))).await;
        gateway.kill();
        gateway.restart();
        if kill < KILLS_AT_START {
            tokio::time::sleep(Duration::from_millis(random.below(1000))).await;
            gateway.kill();
            gateway.restart();
        }
    }
}

/// Every acknowledged request is one case, decided once and carried to its end.
async fn check(
    world: &World,
    address: std::net::SocketAddr,
    stories: &[Story; 2],
    filed: Vec<Filed>,
) {
    assert_eq!(filed.len(), REQUESTS);
    let mut connections = [
        Client::of(world, address, &stories[0]).await,
        Client::of(world, address, &stories[1]).await,
    ];
    for Filed {
        number,
        case,
        at_decision,
    } in filed
    {
        let kind = usize::from(is_refused(number));
        let client = &mut connections[kind];
        let again = client
            .submit(&request(&stories[kind], &id(number)), true)
            .await;
        assert!(again.replayed);
        assert_eq!(again.case.unwrap().name, case.name);
        let now = client.case(&case.name).await;
        assert_eq!(now.request_id, id(number));
        assert_eq!(
            now.state(),
            [CaseState::Concluded, CaseState::Refused][kind]
        );
        assert_eq!(now.decision, case.decision);
        let (decision, later) = now.events.split_first().unwrap();
        assert_eq!(decision.kind, "decision");
        let ends = later
            .iter()
            .filter(|event| event.state() == CaseState::Concluded);
        assert_eq!(ends.count(), 1 - kind);
        let receipt = case.receipt.unwrap().index;
        if at_decision {
            assert_eq!(receipt, decision.ledger_index);
        } else {
            assert!(now.events.iter().any(|event| event.ledger_index == receipt));
        }
    }
}

fn id(number: usize) -> String {
    format!("crash/{number:04}")
}

fn is_refused(number: usize) -> bool {
    number.is_multiple_of(REFUSED_EVERY)
}

/// A world with the one backend that the requests go to.
async fn world() -> (TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path(), &[EXECUTING], OffsetDateTime::now_utc());
    let world = world.await.unwrap();
    (folder, world)
}

/// Fails where something hangs.
async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, work).await.expect("it hangs")
}

/// Numbers that are the same in every run (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
