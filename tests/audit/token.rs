//! A gateway whose records hang on a key that a token keeps: it moves there by itself, and
//! after an erasure no backup of anything opens what was erased.

use std::{fs, net::SocketAddr, path::Path, process::Output};

use comity_sandbox::{stories::Story, world::World};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use super::{erase::erase, snapshot};
use crate::{
    cli::{comity, shown},
    crash::process::{Process, free_address},
    soft::{PIN, Soft, in_own_process},
    world::{Cooperation, approvable, copy, eventually, submit},
};

#[test]
fn what_is_erased_by_a_token_is_erased_in_every_backup() {
    let test = "audit::token::what_is_erased_by_a_token_is_erased_in_every_backup";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    Runtime::new().unwrap().block_on(tell(&soft));
}

async fn tell(soft: &Soft) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let now = OffsetDateTime::now_utc();
    let world = World::start(folder.path(), &["DE", "FR"], now).await;
    let world = world.unwrap();
    let address = free_address();
    let config = world.write_config(address, Path::new("policies")).unwrap();
    let mut gateway = Process::start(&config);
    let kept = ask(&world, address, &approvable("token-kept")).await;
    gateway.stop();
    // In plain so far; from the next start on, by the token.
    let data = world.data();
    let settings = fs::read_to_string(&config).unwrap();
    let keys = format!(
        "\n[keys]\nmodule = {:?}\ntoken = \"comity\"\npin_file = {:?}\n",
        soft.module, soft.pin_file
    );
    fs::write(&config, settings + &keys).unwrap();
    gateway.restart();
    let gone = ask(&world, address, &approvable("token-gone")).await;
    gateway.stop();
    let backup = folder.path().join("backup");
    copy(&data, &backup);

    let with = |folder: &Path, command: &[&str]| {
        let named = ["--data", folder.to_str().unwrap(), "--config"];
        let config = [config.to_str().unwrap()];
        comity([&["audit"], command, &named, &config].concat())
    };
    let of_config = ["--config", config.to_str().unwrap()];
    let mut told = vec![
        // Without the settings the entries are verified, and no record opens.
        super::audit(&data, &["verify"]),
        super::audit(&data, &["show", &gone]),
        erase(&data, &gone, &[]),
        comity([&["audit", "verify"], of_config.as_slice()].concat()),
        with(&backup, &["verify"]),
        erase(&data, &gone, &of_config),
        with(&data, &["verify"]),
        with(&data, &["rerun"]),
        // The backup is whole, and nothing opens it any more.
        with(&backup, &["verify"]),
        with(&backup, &["show", &kept]),
        super::audit(&backup, &["verify"]),
    ];
    let opened = with(&data, &["show", &kept]);
    assert_eq!(opened.status.code(), Some(0), "{}", shown(&opened));
    // Put in place of the folder, it is refused, as is a wrong PIN.
    let serve = || comity(["serve", "--config", config.to_str().unwrap()]);
    fs::rename(&data, folder.path().join("now")).unwrap();
    copy(&backup, &data);
    told.push(serve());
    fs::remove_dir_all(&data).unwrap();
    fs::rename(folder.path().join("now"), &data).unwrap();
    fs::write(&soft.pin_file, "135790").unwrap();
    told.push(serve());
    fs::write(&soft.pin_file, PIN).unwrap();
    gateway.restart();
    ask(&world, address, &approvable("token-again")).await;
    gateway.stop();

    let told: Vec<_> = told.iter().map(without_log).collect();
    let told = told.join("\n");
    for pin in [PIN, "135790"] {
        assert!(!told.contains(pin) && !gateway.log().contains(pin));
    }
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("key `[0-9a-f]{32}`", "key `[name]`");
    let pin_file = soft.pin_file.to_str().unwrap().replace('.', r"\.");
    settings.add_filter(&pin_file, "[pin]");
    settings.bind(|| snapshot(folder.path(), "token", &told));
}

/// Sends a request as soon as the gateway is up; the name of its case.
async fn ask(world: &World, address: SocketAddr, story: &Story) -> String {
    let connect = async || {
        let channel = world.connect(address, story.jurisdiction, story.authority, "issuing");
        channel.await.ok()
    };
    let channel = eventually("the gateway is up", connect).await;
    let mut client = Cooperation::new(channel);
    let answer = submit(&mut client, &story.request, 30).await.unwrap();
    answer.case.unwrap().name
}

/// What a run printed, but for its log.
fn without_log(output: &Output) -> String {
    let text = shown(output);
    let lines = text.lines().filter(|line| !line.starts_with('{'));
    lines.collect::<Vec<_>>().join("\n")
}
