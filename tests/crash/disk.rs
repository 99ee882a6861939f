//! A store without room: at its limit, and on a disk that is full.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use comity::v1::CaseState;
use comity_gateway::{
    config::Config,
    gateway::{self, Running},
    offline,
};
use comity_sandbox::{stories::Story, world::World};
use jiff::Timestamp;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    EXECUTING, bounded,
    client::{Client, approved_and_refused, request},
    world,
};

/// Requests that are refused while there is no room.
const REFUSED: usize = 3;
/// Size of the disk that fills up.
const DISK: &str = "size=16m";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_at_its_limit_refuses_until_the_limit_is_raised() {
    let (_folder, world) = world().await;
    let [story, _] = approved_and_refused();
    let backend = world.backend(EXECUTING).unwrap();
    let gateway = start(&world, None).await;
    let mut client = Client::of(&world, gateway.address(), &story).await;
    client.submit(&request(&story, "before"), true).await;
    // Accepted, and delivered only after the limit is reached.
    backend.set_up(false);
    let late = request(&story, "late");
    client.submit(&late, false).await;
    drop(client);
    gateway.stop().await;

    let gateway = start(&world, Some(1)).await;
    let mut client = Client::of(&world, gateway.address(), &story).await;
    refuses(&mut client, &story).await;
    backend.set_up(true);
    let late = client.submit(&late, true).await.case.unwrap();
    assert_eq!(late.state(), CaseState::Concluded);
    assert_eq!(backend.effects().unwrap(), 2);
    drop(client);
    gateway.stop().await;

    let gateway = start(&world, Some(1 << 30)).await;
    recovers(&world, gateway.address(), &story, 2).await;
    gateway.stop().await;
    let report = offline::verify(&world.data(), None).unwrap();
    assert_eq!(
        (report.cases, report.jobs, report.unpublished),
        (2 + REFUSED as u64, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_until_there_is_room_again() {
    let (_folder, world) = world().await;
    // Only an administrator may mount; the limit above is tested for everybody.
    let Some(disk) = Disk::mount(&world.data()) else {
        return;
    };
    let [story, _] = approved_and_refused();
    let gateway = start(&world, None).await;
    let mut client = Client::of(&world, gateway.address(), &story).await;
    client.submit(&request(&story, "before"), true).await;
    disk.fill();
    let before = world.backend(EXECUTING).unwrap().effects().unwrap();
    refuses(&mut client, &story).await;
    assert_eq!(world.backend(EXECUTING).unwrap().effects().unwrap(), before);
    disk.free();
    recovers(&world, gateway.address(), &story, before).await;
    drop(client);
    gateway.stop().await;
    let report = offline::verify(&world.data(), None).unwrap();
    assert_eq!((report.jobs, report.unpublished), (0, 0));
    assert_eq!(report.cases, before + REFUSED as u64);
}

/// New requests are told to come back, and none of them goes anywhere.
async fn refuses(client: &mut Client, story: &Story) {
    for number in 0..REFUSED {
        let refused = client.try_submit(&request(story, &id(number)), true).await;
        let status = refused.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let retry = status.get_details_retry_info().unwrap();
        assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()));
    }
}

/// The requests that were refused succeed, as new ones.
async fn recovers(world: &World, gateway: SocketAddr, story: &Story, before: u64) {
    let backend = world.backend(EXECUTING).unwrap();
    bounded(async {
        let mut client = Client::of(world, gateway, story).await;
        for number in 0..REFUSED {
            let answer = client.submit(&request(story, &id(number)), true).await;
            assert!(!answer.replayed);
            assert_eq!(answer.case.unwrap().state(), CaseState::Concluded);
        }
    })
    .await;
    assert_eq!(backend.effects().unwrap(), before + REFUSED as u64);
}

/// Starts a gateway in this process, its store bounded as given.
async fn start(world: &World, store_bytes: Option<u64>) -> Running {
    let listen = "127.0.0.1:0".parse().unwrap();
    let path = world.write_config(listen, Path::new("policies")).unwrap();
    let mut config = Config::load(&path).unwrap();
    config.limits.store_bytes = store_bytes;
    gateway::start(config, Timestamp::now).await.unwrap()
}

fn id(number: usize) -> String {
    format!("refused/{number}")
}

/// A small disk of its own for a folder, as long as this lives.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// `None` where the system does not allow it.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let options = ["-t", "tmpfs", "-o", DISK, "comity-test"];
        let mounted = Command::new("mount").args(options).arg(folder).output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then(|| Self(folder.to_owned()))
    }

    /// Takes all room that is left.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        let error = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    /// Gives the room back.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: after a failed test the gateway still has files open there.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(std::thread::panicking() || unmounted.unwrap().success());
    }
}
