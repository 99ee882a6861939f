//! The command: it comes through with a file although the gateway dies meanwhile,
//! and with one that the gateway cannot read.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Output, Stdio},
    time::Duration,
};

use comity_sandbox::{pki::Issued, world::World};
use time::OffsetDateTime;

use super::*;
use crate::{
    cli::{comity, shown, stable},
    crash::process::{Process, free_address},
    world::{self, policies, submit},
};

/// How a party calls the command.
struct Caller {
    server: String,
    folder: PathBuf,
    stem: &'static str,
}

impl Caller {
    fn new(folder: &Path, server: SocketAddr, stem: &'static str, issued: &Issued) -> Self {
        issued.write(folder, stem).unwrap();
        Self {
            server: format!("https://{server}"),
            folder: folder.to_owned(),
            stem,
        }
    }

    fn arguments(&self, command: &[&str]) -> Vec<String> {
        let file = |name: String| self.folder.join(name).to_str().unwrap().to_owned();
        let mut arguments: Vec<_> = ["request"]
            .iter()
            .chain(command)
            .map(ToString::to_string)
            .collect();
        for (option, value) in [
            ("--server", self.server.clone()),
            ("--server-name", "localhost".to_owned()),
            ("--ca", file("ca.pem".to_owned())),
            ("--cert", file(format!("{}.pem", self.stem))),
            ("--key", file(format!("{}.key", self.stem))),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        arguments
    }

    fn run(&self, command: &[&str]) -> Output {
        comity(self.arguments(command))
    }

    /// Starts it and goes on.
    fn start(&self, command: &[&str]) -> Child {
        let program = std::env::current_exe().unwrap();
        let program = program.ancestors().nth(2).unwrap().join("comity");
        let mut started = Command::new(program);
        started.args(self.arguments(command));
        started.stdout(Stdio::piped()).stderr(Stdio::piped());
        started.spawn().unwrap()
    }
}

/// Both sides of a case as callers of the command.
fn callers(world: &World, folder: &Path, server: SocketAddr, story: &Story) -> [Caller; 2] {
    let issuing = world.issue(story.jurisdiction, story.authority, "issuing", &[]);
    let executing = world.issue("FR", "parquet-paris", "executing", &[]);
    [
        Caller::new(folder, server, "issuing", &issuing.unwrap()),
        Caller::new(folder, server, "executing", &executing.unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_through_although_the_gateway_dies_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path(), &["FR"], OffsetDateTime::now_utc());
    let world = world.await.unwrap();
    let address = free_address();
    let config = world.write_config(address, &policies()).unwrap();
    let mut gateway = Process::start(&config);
    let story = search("command");
    let channel = world::eventually("the gateway is up", async || {
        let connected = world.connect(address, story.jurisdiction, story.authority, "issuing");
        connected.await.ok()
    });
    let mut client = world::Cooperation::new(channel.await);
    let answer = submit(&mut client, &story.request, 30).await.unwrap();
    let case = answer.case.unwrap().name;

    let [issuing, executing] = callers(&world, folder.path(), address, &story);
    let content = content(48 * MIB + 7);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("film.mp4"), &content).unwrap();
    let upload = executing.start(&["upload", &case, &path("film.mp4")]);
    let items = world.data().join("evidence/items");
    for segments in [2, 6] {
        world::eventually("segments are stored", async || {
            let stored: usize = fs::read_dir(&items)
                .map(|objects| {
                    objects
                        .map(|object| {
                            fs::read_dir(object.unwrap().path()).map_or(0, Iterator::count)
                        })
                        .sum()
                })
                .unwrap_or(0);
            (stored >= segments).then_some(())
        })
        .await;
        gateway.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        gateway.restart();
    }
    let output = tokio::task::spawn_blocking(|| upload.wait_with_output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", shown(&output));

    let download = issuing.start(&["download", &case, &path("copy.mp4")]);
    world::eventually("a part has come", async || {
        let part = path(&format!(
            "copy.mp4.{}.part",
            &digest(&content).to_string()[..8]
        ));
        fs::metadata(part)
            .is_ok_and(|part| part.len() > 5 << 20)
            .then_some(())
    })
    .await;
    gateway.kill();
    gateway.restart();
    let output = tokio::task::spawn_blocking(|| download.wait_with_output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    assert!(fs::read(path("copy.mp4")).unwrap() == content);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".part") || name.contains("draft"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    drop(client);
    gateway.stop();
    assert!(!on_disk(&world.data(), MARKER));
    comity_gateway::offline::verify(&world.data(), None).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_is_opened_by_its_recipient_alone() {
    let on = Delivered::start("sealed").await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [issuing, executing] = callers(
        &on.scene.world,
        folder.path(),
        on.scene.address(),
        &on.story,
    );
    let mut keys = Vec::new();
    for name in ["sta", "other"] {
        let out = path(&format!("{name}.key"));
        let made = comity(["keys", "recipient", "--name", name, "--out", &out]);
        let text = String::from_utf8(made.stdout.clone()).unwrap();
        let key = text.lines().last().unwrap().to_owned();
        assert!(key.starts_with("comity-recipient-1+"), "{}", shown(&made));
        keys.push(key);
    }
    let content = content(MIB + 9);
    fs::write(path("minutes.pdf"), &content).unwrap();
    let sent = executing.run(&[
        "upload",
        &on.case,
        &path("minutes.pdf"),
        "--seal-to",
        &keys[0],
    ]);
    assert!(sent.status.success(), "{}", shown(&sent));
    assert!(!on.on_disk(MARKER));

    // Nor can anybody read it who has all that the gateway has.
    let mut party = on.issuing().await;
    let [item] = party.items(&on.case).await.try_into().unwrap();
    assert_eq!(
        (item.recipient.as_str(), item.media_type.as_str()),
        (keys[0].as_str(), "application/pdf")
    );
    let (_, bytes) = party.read(&item.name, 0, usize::MAX).await.unwrap();
    assert!(bytes.starts_with(b"COMITY-SEALED-1\n"));
    assert!(
        !bytes
            .windows(MARKER.len())
            .any(|bytes| bytes == MARKER.as_bytes())
    );

    let read = |identity: &[&str], out: &str| {
        let out = path(out);
        let mut command = vec!["download", on.case.as_str(), out.as_str()];
        command.extend(identity);
        issuing.run(&command)
    };
    let wrong = read(&["--identity", &path("other.key")], "wrong.pdf");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!Path::new(&path("wrong.pdf")).exists());
    let right = read(&["--identity", &path("sta.key")], "right.pdf");
    let mode = fs::metadata(path("right.pdf"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        fs::read(path("right.pdf")).unwrap() == content,
        "{}",
        shown(&right)
    );
    let sealed = read(&[], "sealed.pdf");
    assert!(
        fs::read(path("sealed.pdf")).unwrap() == bytes,
        "{}",
        shown(&sealed)
    );
    let again = read(&[], "sealed.pdf");

    let listed = issuing.run(&["evidence", &on.case]);
    let texts = [sent, wrong, right, sealed, again, listed];
    let mut settings = stable(folder.path());
    settings.add_filter(r"entr(y|ies) \d+", "entr$1 [index]");
    settings.bind(|| {
        insta::assert_snapshot!(texts.iter().map(shown).collect::<Vec<_>>().join("\n"));
    });
    on.scene.stop().await;
}
