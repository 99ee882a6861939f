//! The commands by which parties agree, share and leave.

use std::fs;

use super::*;
use crate::cli::stable;

/// What a party's command prints.
async fn says(scene: &Scene, party: (&str, &str), arguments: &[&str]) -> String {
    let (state, authority) = party;
    let issued = scene.world.issue(state, authority, "issuing", &[]).unwrap();
    issued.write(scene.folder(), authority).unwrap();
    let at = |name: &str| scene.folder().join(name).to_str().unwrap().to_owned();
    let connection = [
        ("--server", format!("https://{}", scene.address())),
        ("--server-name", "localhost".to_owned()),
        ("--ca", at("ca.pem")),
        ("--cert", at(&format!("{authority}.pem"))),
        ("--key", at(&format!("{authority}.key"))),
    ];
    let connection = connection.map(|(name, value)| [name.to_owned(), value]);
    let all = ["team"]
        .iter()
        .chain(arguments)
        .map(|part| (*part).to_owned());
    let all: Vec<String> = all.chain(connection.into_iter().flatten()).collect();
    let run = tokio::task::spawn_blocking(move || shown(&comity(all)));
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_from_the_command_line() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let at = |name: &str| scene.folder().join(name).to_str().unwrap().to_owned();
    let mut proposal = agreement("command");
    proposal.conditions = vec![condition(ObligationKind::UseLimit, "the trial")];
    proposal.agreement.as_mut().unwrap().parties.truncate(2);
    let until = "2027-06-30T22:00:00Z".parse().unwrap();
    proposal.agreement.as_mut().unwrap().ends_at = Some(to_proto::timestamp(until));
    fs::write(at("agreement.json"), json::print(&proposal).unwrap()).unwrap();

    let proposed = says(&scene, DE, &["propose", &at("agreement.json")]).await;
    let mut words = proposed.split([' ', ':', '\n']);
    let name = words
        .find(|word| word.starts_with("teams/"))
        .unwrap()
        .to_owned();
    let joined = says(&scene, FR, &["join", &name]).await;
    fs::write(at("item.json"), json::print(&item(&name, "item")).unwrap()).unwrap();
    let sent = says(&scene, FR, &["share", &at("item.json")]).await;
    let listed = says(&scene, DE, &["list", &name]).await;
    let left = says(&scene, FR, &["leave", &name, "--reason", "Closed."]).await;
    let teams = says(&scene, FR, &["list"]).await;
    let strange = says(&scene, NL, &["show", &name]).await;
    let all = [proposed, joined, sent, listed, left, teams, strange].join("\n");
    let mut settings = stable(scene.folder());
    settings.add_filter(r"teams/[0-9a-f-]{36}", "teams/[id]");
    settings.add_filter(r"[A-Z]{2}-\d{6}", "[reference]");
    settings.add_filter(r"\d\d:\d\d(:\d\d)?", "[hour]");
    settings.add_filter(r"(recorded|proved) as entry \d+", "[recorded] as entry [n]");
    settings.bind(|| insta::assert_snapshot!(all));
    scene.stop().await;
}
