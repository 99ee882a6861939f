//! What the command says where it cannot reach a gateway, or is not let in.

use std::net::TcpListener;

use comity_gateway::wire::json;

use super::{comity, shown, stable};
use crate::world::{Scene, approvable};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_come_about_says_what_to_mend() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("connecting");
    let own = scene
        .world
        .issue(story.jurisdiction, story.authority, "issuing", &[]);
    own.unwrap().write(scene.folder(), "me").unwrap();
    let pem = |name: &str| scene.folder().join(name).to_str().unwrap().to_owned();
    let other = pem("other");
    comity(["keys", "init", "--dir", &other]);
    let issue = "keys issue --jurisdiction DE --authority sta-berlin --role issuing --dir";
    comity(issue.split(' ').chain([other.as_str()]));
    let foreign = |ending: &str| format!("{other}/de-sta-berlin-issuing.{ending}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("https://{}", silent.local_addr().unwrap());
    drop(silent);

    let server = format!("https://{}", scene.address());
    let call = |what: &[&str], changed: &[(&str, &str)]| {
        let own = [
            ("--server", server.clone()),
            ("--server-name", "localhost".to_owned()),
            ("--ca", pem("ca.pem")),
            ("--cert", pem("me.pem")),
            ("--key", pem("me.key")),
        ];
        let options = own.iter().flat_map(|(option, value)| {
            let changed = changed.iter().find(|(changed, _)| changed == option);
            [*option, changed.map_or(value.as_str(), |(_, value)| value)]
        });
        shown(&comity(what.iter().copied().chain(options)))
    };
    let list = |changed: &[(&str, &str)]| call(&["request", "list"], changed);
    let file = pem("request.json");
    let text = json::print(&story.request).unwrap();
    let wrong = text.replace("SELECTOR_KIND_PHONE", "SELECTOR_KIND_PHON");
    assert_ne!(text, wrong);
    std::fs::write(&file, wrong).unwrap();
    let all = [
        list(&[("--server", &closed)]),
        list(&[("--server", "http://localhost")]),
        list(&[("--server", "localhost")]),
        list(&[("--server-name", "gateway.example")]),
        list(&[("--ca", &format!("{other}/ca.pem"))]),
        list(&[("--ca", &pem("me.key"))]),
        list(&[("--cert", &pem("me.key"))]),
        list(&[("--key", &pem("me.pem"))]),
        list(&[("--key", &foreign("key"))]),
        list(&[("--cert", &foreign("pem")), ("--key", &foreign("key"))]),
        call(&["request", "submit", &file], &[]),
    ]
    .join("\n");
    let mut settings = stable(scene.folder());
    settings.add_filter(&closed, "[closed]");
    settings.add_filter(&server, "[server]");
    // The alert, or the end of the connection that follows it.
    settings.add_filter(
        r"without an answer \([^)]*\)",
        "without an answer ([cause])",
    );
    settings.bind(|| insta::assert_snapshot!(all));
    scene.stop().await;
}
