//! The atlas over sockets and on the command line.

use comity::v1::{self, atlas_service_client::AtlasServiceClient};
use comity_gateway::wire::json;
use serde_json::Value;
use tonic::Code;

use crate::{
    cli::{comity, shown},
    world::{on_shared, reason, violations},
};

/// A question that every fact sheet answers.
fn question() -> v1::LookupRequest {
    v1::LookupRequest {
        issuing: "FR".to_owned(),
        executing: "DE".to_owned(),
        measure: "data.content".to_owned(),
        date: "2026-11-23".to_owned(),
        offence: "D20".to_owned(),
        text_language: "de".to_owned(),
    }
}

#[test]
fn the_service_and_the_command_answer_alike() {
    let answer = on_shared(async |scene| {
        let channel = scene.connect("FR", "atlas", "auditor").await;
        let mut client = AtlasServiceClient::new(channel);
        client.lookup(question()).await.unwrap().into_inner()
    });
    let routes: Vec<_> = answer
        .routes
        .iter()
        .map(|route| route.instrument.as_str())
        .collect();
    // A provider's data go by the Regulation first, as the States prefer.
    assert_eq!(routes.first(), Some(&"epoc"));
    let eio = answer.routes.iter().find(|route| route.instrument == "eio");
    let eio = eio.unwrap();
    assert_eq!(eio.title, "Europäische Ermittlungsanordnung");
    assert_eq!(eio.languages, ["de"]);
    assert!(
        eio.form
            .as_ref()
            .is_some_and(|form| form.required_sections.len() > 5)
    );
    let lengths: Vec<_> = eio.clocks.iter().map(|clock| clock.length).collect();
    assert_eq!(lengths, [7, 30, 90, 0], "the last is open");
    assert!(eio.clocks.iter().all(|clock| clock.due_at.is_none()));
    let by_service: Value = serde_json::from_str(&json::print(&answer).unwrap()).unwrap();

    let output = comity([
        "policy",
        "atlas",
        "--from",
        "FR",
        "--to",
        "DE",
        "--measure",
        "data.content",
        "--offence",
        "D20",
        "--date",
        "2026-11-23",
        "--language",
        "de",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let by_command: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(by_command, by_service);
}

#[test]
fn what_the_library_does_not_know_is_said_field_by_field() {
    on_shared(async |scene| {
        let channel = scene.connect("FR", "atlas-lost", "issuing").await;
        let mut client = AtlasServiceClient::new(channel);
        let lost = v1::LookupRequest {
            executing: "XX".to_owned(),
            measure: "data.contents".to_owned(),
            ..question()
        };
        let status = client.lookup(lost).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "MALFORMED");
        let found = violations(&status);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["executing", "measure"]);
        assert!(
            found["executing"].contains("no rules for `XX`"),
            "{found:?}"
        );
        assert!(
            found["measure"].contains("did you mean `data.content`"),
            "{found:?}"
        );
        let actor = ("FR", "atlas-lost", "issuing");
        scene.assert_recorded(actor, "malformed", "MALFORMED").await;
    });
}

#[test]
fn a_pair_without_a_way_says_why_and_the_command_says_no() {
    let arguments = ["--from", "DE", "--to", "IE", "--measure", "transfer.person"];
    let output = comity(
        ["policy", "atlas", "--date", "1960-01-01"]
            .into_iter()
            .chain(arguments),
    );
    let page = shown(&output);
    assert!(page.starts_with("exit 1\n"), "{page}");
    assert!(
        page.contains("No instrument of the library carries this."),
        "{page}"
    );
    assert!(page.contains("`ets-30` binds DE only from"), "{page}");
}

#[test]
fn a_slip_in_the_question_is_a_failure_with_a_remedy() {
    let arguments = ["--from", "DE", "--to", "FR", "--measure", "search.premises"];
    let output = comity(
        ["policy", "atlas", "--offence", "StGB 264x"]
            .into_iter()
            .chain(arguments),
    );
    let page = shown(&output);
    assert!(page.starts_with("exit 2\n"), "{page}");
    assert!(
        page.contains("offence: is no category and not in the register of DE"),
        "{page}"
    );
    assert!(page.contains("did you mean `StGB "), "{page}");
}
