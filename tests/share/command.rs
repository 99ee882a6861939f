//! The command by which a side shares, and says what became of conditions.

use std::{fs, path::Path};

use comity_gateway::wire::json;

use super::{accepted, concluding, tip};
use crate::{
    cli::{comity, shown, stable},
    world::Scene,
};

/// A side on the command line.
struct Side<'a> {
    scene: &'a Scene,
    name: &'static str,
}

impl<'a> Side<'a> {
    fn new(scene: &'a Scene, name: &'static str, who: [&str; 3]) -> Self {
        let [state, authority, role] = who;
        let issued = scene.world.issue(state, authority, role, &[]);
        issued.unwrap().write(scene.folder(), name).unwrap();
        Self { scene, name }
    }

    /// What a command prints.
    async fn says(&self, arguments: &[&str]) -> String {
        let at = |name: &str| self.scene.folder().join(name).to_str().unwrap().to_owned();
        let server = format!("https://{}", self.scene.address());
        let connection = [
            ("--server", server),
            ("--server-name", "localhost".to_owned()),
            ("--ca", at("ca.pem")),
            ("--cert", at(&format!("{}.pem", self.name))),
            ("--key", at(&format!("{}.key", self.name))),
        ];
        let connection = connection.map(|(name, value)| [name.to_owned(), value]);
        let all = ["request"].iter().chain(arguments);
        let all = all.map(|part| (*part).to_owned());
        let all: Vec<String> = all.chain(connection.into_iter().flatten()).collect();
        let run = tokio::task::spawn_blocking(move || shown(&comity(all)));
        run.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tip_from_the_command_line() {
    let scene = Scene::start(&["DE", "GB"]).await;
    let sender = Side::new(&scene, "sender", ["GB", "nca", "issuing"]);
    let recipient = Side::new(&scene, "recipient", ["DE", "bfj", "executing"]);
    let file = scene.folder().join("tip.json");
    fs::write(&file, json::print(&tip("command")).unwrap()).unwrap();
    let file = file.to_str().unwrap();

    let sent = sender.says(&["share", file]).await;
    let name = name_in(&sent);
    let mut client = scene.executing("DE", "bfj").await;
    let message = concluding(&name, accepted());
    client.conclude(message).await.unwrap();

    let of_s2 = ["confirm", &name, "--obligation", "s2"];
    let met = recipient.says(&of_s2).await;
    let broken = ["--obligation", "s1", "--broken", "--note", "Read out."];
    let broken = [&["confirm", &name], &broken[..]].concat();
    let broken = recipient.says(&broken).await;
    let unknown = ["confirm", &name, "--obligation", "s9"];
    let unknown = recipient.says(&unknown).await;
    let late = ["--rule", "ets-30-2-b", "--reasons", "Too late."];
    let late = [&["object", &name], &late[..]].concat();
    let late = recipient.says(&late).await;
    let stands = sender.says(&["get", &name]).await;
    let all = [sent, met, broken, unknown, late, stands].join("\n");
    settings(scene.folder()).bind(|| insta::assert_snapshot!(all));
    scene.stop().await;
}

/// The case that a command tells of.
fn name_in(text: &str) -> String {
    let words = text.split_whitespace();
    let name = words.clone().find(|word| word.starts_with("cases/"));
    name.unwrap_or_else(|| panic!("no case in {text}"))
        .to_owned()
}

fn settings(folder: &Path) -> insta::Settings {
    let mut settings = stable(folder);
    settings.add_filter(r"DE-\d{6}", "[reference]");
    settings.add_filter(r"\d\d:\d\d(:\d\d)?", "[hour]");
    settings.add_filter(r"\d+ days left", "[n] days left");
    settings.add_filter(r"(recorded|proved) as entry \d+", "[recorded] as entry [n]");
    settings
}
