//! Transmissions outside the system, put on record by whoever made them.

use std::{fs, path::Path};

use comity::v1::{self, CaseState, execution_service_client::ExecutionServiceClient};
use comity_gateway::wire::structure;
use comity_sandbox::stories::Story;
use prost_types::Struct;
use serde_json::{Value, json};
use tonic::{Code, Status, transport::Channel};

use crate::{
    audit::gateway::options_of,
    cli::{comity, shown, stable},
    log::Log,
    reports::preservation,
    world::{Cooperation, Scene, eventually, get, on_shared, reason, search, submit, violations},
};

const TRANSMITTED: &str = "transmitted-otherwise";
/// A day on which nothing was sent yet.
const TO_COME: &str = "2999-01-31T12:00:00+01:00";
const ANSWERED: &str = "answered-otherwise";
/// What only the parties and auditors may read.
const SECRETS: [&str; 3] = ["order-Musterfrau.pdf", "Orla Absender", "consignment-4711"];

/// An order that went by courier.
fn record() -> Value {
    json!({
        "sent_at": "2025-11-26T14:05:00+01:00",
        "sender": {"name": "Dublin Circuit Court, Orla Absender", "state": "IE"},
        "recipient": {"name": "Example Mail, Paris", "state": "FR", "address": "1 rue Exemple"},
        "means": "courier",
        "consignment": "consignment-4711",
        "reasons": ["disruption"],
        "files": [{
            "name": "order-Musterfrau.pdf",
            "size": 48213,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "media_type": "application/pdf",
        }],
    })
}

fn form(json: &Value) -> Option<Struct> {
    Some(structure::from_json(json.as_object().unwrap()))
}

async fn issuing(
    client: &mut Cooperation,
    (name, event): (&str, &str),
    form: Option<Struct>,
) -> Result<v1::Case, Status> {
    let message = v1::ReportEventRequest {
        name: name.to_owned(),
        event: event.to_owned(),
        form,
        ..v1::ReportEventRequest::default()
    };
    let answer = client.report_event(message).await?;
    Ok(answer.into_inner().case.unwrap())
}

async fn executing(
    client: &mut ExecutionServiceClient<Channel>,
    (name, event): (&str, &str),
    form: Option<Struct>,
) -> Result<CaseState, Status> {
    let message = v1::ReportProgressRequest {
        name: name.to_owned(),
        event: event.to_owned(),
        form,
        ..v1::ReportProgressRequest::default()
    };
    let answer = client.report_progress(message).await?;
    Ok(answer.into_inner().state())
}

/// An order that cannot be delivered, since the backend of France is away.
async fn stuck(run: &str) -> (Scene, Story, Cooperation, String) {
    let scene = Scene::start(&["IE", "FR"]).await;
    scene.backend("FR").set_up(false);
    let story = preservation(run);
    let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut requester, &story.request, 0).await.unwrap();
    let name = answer.case.unwrap().name;
    eventually("delivery is tried", async || {
        let case = get(&mut requester, &name).await.unwrap();
        (case.state() == CaseState::Delivering).then_some(())
    })
    .await;
    (scene, story, requester, name)
}

#[track_caller]
fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    for secret in SECRETS {
        assert!(!format!("{status:?}").contains(secret), "{secret}");
    }
    violations(status).into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transmission_outside_is_on_record_and_stops_no_delivery() {
    let (scene, _, mut requester, name) = stuck("otherwise").await;
    let before = get(&mut requester, &name).await.unwrap();
    let sent = (name.as_str(), TRANSMITTED);
    let case = issuing(&mut requester, sent, form(&record()))
        .await
        .unwrap();
    assert_eq!(case.state(), CaseState::Delivering, "it stays where it is");

    // Both sides read it, and follow it.
    let channel = scene.connect("FR", "parquet-paris", "executing").await;
    let mut other = Cooperation::new(channel);
    for client in [&mut requester, &mut other] {
        let case = get(client, &name).await.unwrap();
        assert_eq!(case.clocks, before.clocks, "no time limit moves");
        let event = case.events.last().unwrap();
        assert_eq!(event.kind, TRANSMITTED);
        let watch = v1::WatchCaseRequest {
            name: name.clone(),
            after_sequence: event.sequence - 1,
        };
        let mut told = client.watch_case(watch).await.unwrap().into_inner();
        let told = told.message().await.unwrap().unwrap().event.unwrap();
        assert_eq!(&told, event);
        let told = structure::to_json(told.form.unwrap()).unwrap();
        assert_eq!(Value::Object(told), record());
    }

    let mut enforcing = scene.executing("FR", "parquet-paris").await;
    let answered = (name.as_str(), ANSWERED);
    let state = executing(&mut enforcing, answered, form(&record())).await;
    assert_eq!(state.unwrap(), CaseState::Delivering);

    scene.backend("FR").set_up(true);
    eventually("the order is delivered all the same", async || {
        let case = get(&mut requester, &name).await.unwrap();
        (case.state() == CaseState::Acknowledged).then_some(())
    })
    .await;
    eventually("the backend is told", async || {
        let told = scene.backend("FR").notices(&name).unwrap();
        told.contains(&TRANSMITTED.to_owned()).then_some(())
    })
    .await;
    assert_eq!(scene.backend("FR").effects().unwrap(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_records_what_it_sent_on_a_whole_form() {
    let (scene, _, mut requester, name) = stuck("otherwise-wrong").await;
    let mut enforcing = scene.executing("FR", "parquet-paris").await;
    let status = issuing(&mut requester, (&name, ANSWERED), form(&record())).await;
    assert_eq!(fields(&status.unwrap_err()), ["event"]);
    let status = executing(&mut enforcing, (&name, TRANSMITTED), form(&record())).await;
    assert_eq!(fields(&status.unwrap_err()), ["event"]);

    let status = executing(&mut enforcing, (&name, ANSWERED), None).await;
    assert_eq!(fields(&status.unwrap_err()), ["form"]);
    let status = issuing(&mut requester, (&name, TRANSMITTED), None).await;
    let status = status.unwrap_err();
    assert!(violations(&status)["form"].starts_with("is missing: `transmitted-otherwise` is"));

    let without = |pointer: &str, field: &str| {
        let mut form = record();
        let object = form.pointer_mut(pointer).unwrap();
        object.as_object_mut().unwrap().remove(field).unwrap();
        form
    };
    let with = |field: &str, value: Value| {
        let mut form = record();
        form[field] = value;
        form
    };
    for (wrong, field) in [
        (without("/files/0", "size"), "form.files[0].size"),
        (without("/files/0", "name"), "form.files[0].name"),
        (without("", "recipient"), "form.recipient"),
        (without("/sender", "name"), "form.sender.name"),
        (without("", "files"), "form.files"),
        (with("sent_at", json!("2026-11-26 14:05")), "form.sent_at"),
        (with("sent_at", json!(TO_COME)), "form.sent_at"),
        (with("means", json!("pigeon")), "form.means"),
        (with("means", json!("other")), "form.explanation"),
        (with("reasons", json!([])), "form.reasons"),
        (with("reasons", json!(["other"])), "form.explanation"),
        (with("files", json!([])), "form.material"),
    ] {
        let status = issuing(&mut requester, (&name, TRANSMITTED), form(&wrong)).await;
        assert_eq!(fields(&status.unwrap_err()), [field]);
    }
    // Paper has no file name.
    let mut paper = with("files", json!([]));
    paper["material"] = json!("the order on paper, 4 pages");
    let case = issuing(&mut requester, (&name, TRANSMITTED), form(&paper)).await;
    assert_eq!(case.unwrap().state(), CaseState::Delivering);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_recorded_also_when_the_case_is_over() {
    let (scene, _, mut requester, name) = stuck("otherwise-over").await;
    let withdraw = v1::WithdrawRequest {
        name: name.clone(),
        reason: "the data came by courier".to_owned(),
        request_id: String::new(),
    };
    requester.withdraw(withdraw).await.unwrap();
    let other = issuing(&mut requester, (&name, "production-requested"), None).await;
    assert_eq!(reason(&other.unwrap_err()), "NOT_ALLOWED_NOW");
    let case = issuing(&mut requester, (&name, TRANSMITTED), form(&record())).await;
    assert_eq!(case.unwrap().state(), CaseState::Withdrawn);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_never_approved_nobody_is_told_what_was_said() {
    let scene = Scene::start(&["IE", "FR"]).await;
    let story = preservation("otherwise-withheld");
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Acknowledged);
    let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
    // The order names another State than its request, and is taken back.
    let mut order = structure::to_json(story.request.form.clone().unwrap()).unwrap();
    order["addressee"]["state"] = json!("NL");
    let rebuttal = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "otherwise-withheld/1".to_owned(),
        form: Some(structure::from_json(&order)),
        ..v1::SupplementRequest::default()
    };
    let answer = requester.supplement(rebuttal).await.unwrap();
    let name = answer.into_inner().case.unwrap().name;
    let withdraw = v1::WithdrawRequest {
        name: name.clone(),
        reason: "consignment-4711 came by courier".to_owned(),
        request_id: String::new(),
    };
    let sent = (name.as_str(), TRANSMITTED);
    let case = issuing(&mut requester, sent, form(&record())).await;
    assert_eq!(case.unwrap().state(), CaseState::Incomplete);
    requester.withdraw(withdraw).await.unwrap();
    // Of what is said from here on the backend is told.
    let case = issuing(&mut requester, sent, form(&record())).await;
    assert_eq!(case.unwrap().state(), CaseState::Withdrawn);

    let channel = scene.connect("FR", "parquet-paris", "executing").await;
    let mut other = Cooperation::new(channel);
    let shown = get(&mut other, &name).await.unwrap().events;
    let watch = v1::WatchCaseRequest {
        name: name.clone(),
        after_sequence: 0,
    };
    let mut watched = other.watch_case(watch).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while seen.len() < shown.len() {
        seen.push(watched.message().await.unwrap().unwrap().event.unwrap());
    }
    assert_eq!(seen, shown);
    let said = shown.iter().filter(|event| event.kind == TRANSMITTED);
    assert_eq!(said.count(), 2, "{shown:#?}");
    let told = eventually("the backend is told", async || {
        let told = scene.backend("FR").told(&name).unwrap();
        let mut said = told.iter().filter(|event| event.kind == TRANSMITTED);
        said.next().is_some().then_some(told)
    })
    .await;
    let own = get(&mut requester, &name).await.unwrap();
    for secret in SECRETS {
        assert!(!format!("{seen:?}").contains(secret), "{secret}");
        assert!(!format!("{told:?}").contains(secret), "{secret}");
        assert!(format!("{own:?}").contains(secret), "{secret}");
    }
    scene.stop().await;
}

#[test]
fn where_no_law_asks_for_a_record_words_do() {
    on_shared(async |scene| {
        let story = search("otherwise-words");
        let case = scene.tell(&story).await;
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let sent = (case.name.as_str(), TRANSMITTED);
        let status = issuing(&mut requester, sent, form(&record())).await;
        assert_eq!(fields(&status.unwrap_err()), ["form"]);
        let case = issuing(&mut requester, sent, None).await.unwrap();
        assert_eq!(case.state(), CaseState::Acknowledged);
    });
}

/// Whether any file below a folder holds the text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, text),
            false => {
                let bytes = fs::read(&path).unwrap();
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_read_it_and_nobody_else() {
    let log = Log::of_all();
    let (scene, _, mut requester, name) = stuck("otherwise-audit").await;
    issuing(&mut requester, (&name, TRANSMITTED), form(&record()))
        .await
        .unwrap();
    let filter = format!("kind={TRANSMITTED}");
    for leaf in scene.entries(&filter).await {
        assert_eq!(
            leaf.note.as_deref(),
            Some("`transmitted-otherwise` is reported")
        );
    }
    let data = scene.world.data();
    scene.running.stop().await;
    let log = log.text();
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} is logged");
        assert!(!holds(&data, secret), "{secret} is not sealed");
    }

    let audit = |arguments: &[&str]| {
        let data = ["--data", data.to_str().unwrap()];
        comity([&["audit"], arguments, &data].concat())
    };
    let found = audit(&["search", "--kind", TRANSMITTED, "--json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let index = found["entries"][0]["index"].as_str().unwrap();
    let whole = shown(&audit(&["show", &name]));
    for secret in SECRETS {
        assert!(whole.contains(secret), "{whole}");
    }
    let mut settings = stable(&data);
    settings.add_filter(r"entry \d+", "entry [index]");
    settings.add_filter(r"\d+ bytes", "[count] bytes");
    settings.bind(|| insta::assert_snapshot!("entry", shown(&audit(&["show", index]))));

    // Who is named in it alone is found, and so again once the index is made anew.
    for value in [
        ["--person", "absender, orla"],
        ["--address", "1, Rue Exemple"],
    ] {
        let found = audit(&[["search", "--json"], value].concat());
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        let entries = found["entries"].as_array().unwrap();
        let kinds: Vec<_> = entries.iter().map(|entry| &entry["kind"]).collect();
        assert_eq!(kinds, [TRANSMITTED]);
    }
    let none = audit(&["search", "--person", "order-Musterfrau.pdf"]);
    assert_eq!(none.status.code(), Some(1), "{}", shown(&none));
    let reindexed = shown(&audit(&["reindex"]));
    assert!(reindexed.contains("as many as before"), "{reindexed}");

    let bundle = data.join("bundle");
    let out = bundle.to_str().unwrap();
    assert!(audit(&["export", &name, "--out", out]).status.success());
    let report = fs::read_to_string(bundle.join("report.html")).unwrap();
    for secret in SECRETS {
        assert!(report.contains(secret), "{secret} is not in the report");
    }
    let verified = shown(&comity(["audit", "verify", out]));
    assert!(verified.starts_with("exit 0"), "{verified}");
}

#[test]
fn the_command_reports_on_a_form_and_names_each_field_to_mend() {
    on_shared(async |scene| {
        let story = preservation("otherwise-command");
        let name = scene.tell(&story).await.name;
        let file = scene.folder().join("transmission.json");
        let path = file.to_str().unwrap();
        let run = |arguments: &[&str], who: [&str; 3]| {
            let options = options_of(scene, who);
            let options = options.iter().map(String::as_str);
            let command = ["request"].into_iter().chain(arguments.iter().copied());
            shown(&comity(command.chain(options)))
        };
        let issuer = [story.jurisdiction, story.authority, "issuing"];
        let report = ["report", &name, TRANSMITTED, "--form", path];

        fs::write(&file, "{\"sent_at\": }").unwrap();
        let broken = run(&report, issuer);
        let mut wrong = record();
        wrong["files"][0].as_object_mut().unwrap().remove("size");
        wrong["sender"] = json!({});
        fs::write(&file, wrong.to_string()).unwrap();
        let wrong = run(&report, issuer);
        fs::write(&file, record().to_string()).unwrap();
        let right = run(&report, issuer);
        let answered = ["report", &name, ANSWERED, "--form", path, "--executing"];
        let answered = run(&answered, ["FR", "parquet-paris", "executing"]);
        let got = run(&["get", &name], issuer);
        let got: Vec<_> = got
            .lines()
            .skip_while(|line| !line.contains(TRANSMITTED))
            .take_while(|line| !line.contains(ANSWERED))
            .collect();

        let mut settings = stable(scene.folder());
        settings.add_filter(r"entry \d+", "entry [index]");
        let text = [broken, wrong, right, answered, got.join("\n")].join("\n");
        settings.bind(|| insta::assert_snapshot!("command", text));
    });
}
