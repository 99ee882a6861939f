//! The same asked of a gateway: for a purpose, in a category, and on record.

use std::{net::SocketAddr, path::Path, time::Duration};

use comity::v1::{self, audit_service_client::AuditServiceClient};
use comity_gateway::wire::json;
use comity_sandbox::world::World;
use prost::Message as _;
use tonic::Code;

use super::{audit, tell_all};
use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, eventually, reason, story, violations},
};

/// The options that name a gateway and an auditor.
fn options(scene: &Scene) -> Vec<String> {
    options_of(scene, ["EU", "auditor", "auditor"])
}

/// The options that name a gateway and whoever asks it: State, authority and role.
pub(crate) fn options_of(scene: &Scene, who: [&str; 3]) -> Vec<String> {
    options_in((&scene.world, scene.folder()), scene.address(), who)
}

/// The same for a gateway in a world; files are put in `folder`.
pub(crate) fn options_in(
    (world, folder): (&World, &Path),
    address: SocketAddr,
    [state, authority, role]: [&str; 3],
) -> Vec<String> {
    let issued = world.issue(state, authority, role, &[]).unwrap();
    let file = format!("{authority}-{role}");
    issued.write(folder, &file).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    [
        ("--server", format!("https://{address}")),
        ("--server-name", "localhost".to_owned()),
        ("--ca", path("ca.pem")),
        ("--cert", path(&format!("{file}.pem"))),
        ("--key", path(&format!("{file}.key"))),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

pub(crate) fn ask(options: &[String], arguments: &[&str]) -> std::process::Output {
    let options = options.iter().map(String::as_str);
    let command = ["audit"].into_iter().chain(arguments.iter().copied());
    comity(command.chain(options))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_as_the_files_do() {
    let scene = Scene::start(&comity_sandbox::register::Register::jurisdictions()).await;
    let cases = tell_all(&scene).await;
    let case = &cases["Mailbox at a provider, produced directly"];
    let options = options(&scene);
    let data = scene.world.data();
    scene.running.reload();
    let purpose = ["--purpose", "complaint 7"];
    let both = |arguments: &[&str]| {
        let gateway = ask(&options, &[arguments, &purpose].concat());
        let files = audit(&data, arguments);
        assert_eq!(shown(&gateway), shown(&files), "{arguments:?}");
        gateway
    };
    both(&[
        "search",
        "--kind",
        "decision",
        "--sort",
        "outcome desc",
        "--page-size",
        "3",
    ]);
    both(&["search", "--kind", "decision", "--json"]);
    both(&["search", "--until", "2020-01-01"]);
    both(&["search", "--instrument", "eoi", "--issuing", "XX"]);
    let misspelt = [&["search", "--kind", "decison"], purpose.as_slice()].concat();
    let misspelt = shown(&ask(&options, &misspelt));
    assert!(
        misspelt.starts_with("exit 2\n")
            && misspelt.contains("`filter`: `kind`: expected one of acknowledged, ")
            && misspelt.contains("; did you mean `decision`?"),
        "{misspelt}"
    );
    // Of the law in force, though no entry is of it.
    both(&["search", "--kind", "order-lifted"]);
    both(&["show", "1", "--json"]);
    both(&["show", case, "--json"]);
    both(&["show", "99999"]);
    both(&["disclose", "1", "--list"]);
    both(&["disclose", "99999", "--list"]);
    let stats = both(&["stats", "--json"]);
    assert!(stats.status.success());

    for out in ["by-gateway", "from-files"] {
        let path = scene.folder().join(out);
        let arguments = ["export", case, "--out", path.to_str().unwrap()];
        let output = match out {
            "by-gateway" => {
                let to = ["--recipient", "court of appeal", "--purpose", "appeal"];
                ask(&options, &[arguments.as_slice(), &to].concat())
            }
            _ => audit(&data, &arguments),
        };
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        let verified = comity(["audit", "verify", path.to_str().unwrap()]);
        assert_eq!(verified.status.code(), Some(0), "{}", shown(&verified));
    }
    let decision = |out: &str| std::fs::read(scene.folder().join(out).join("decision.json"));
    assert_eq!(
        decision("by-gateway").unwrap(),
        decision("from-files").unwrap()
    );

    let proof = scene.folder().join("7.tlog-proof");
    let proof = proof.to_str().unwrap();
    let proved = ask(
        &options,
        &["prove", case, "--out", proof, "--purpose", "appeal"],
    );
    assert_eq!(proved.status.code(), Some(0), "{}", shown(&proved));
    let key = data.join("ledger/verifier");
    let verified = comity(["audit", "verify", proof, "--key", key.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{}", shown(&verified));

    let file = scene.folder().join("purpose.json");
    let file = file.to_str().unwrap();
    let field = ["disclose", "1", "--field", "request.purpose", "--out", file];
    let to = ["--recipient", "defence counsel", "--purpose", "file access"];
    let count = || {
        let found = audit(&data, &["search", "--category", "disclosure", "--json"]);
        String::from_utf8(found.stdout)
            .unwrap()
            .matches("\"index\"")
            .count()
    };
    let before = count();
    let disclosed = ask(&options, &[field.as_slice(), &to].concat());
    assert_eq!(disclosed.status.code(), Some(0), "{}", shown(&disclosed));
    assert_eq!(count(), before + 1, "a disclosure is on record as one");
    let verified = comity(["audit", "verify", file, "--key", key.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{}", shown(&verified));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_is_on_record_in_its_category() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let case = scene.tell(&approvable("reading")).await.name;
    let options = options(&scene);

    let silent = ask(&options, &["search"]);
    assert_eq!(silent.status.code(), Some(2), "{}", shown(&silent));
    assert!(shown(&silent).contains("purpose"), "{}", shown(&silent));
    let out = scene.folder().join("never");
    let export = [
        "export",
        &case,
        "--purpose",
        "appeal",
        "--out",
        out.to_str().unwrap(),
    ];
    let nobody = ask(&options, &export);
    assert!(shown(&nobody).contains("recipient"), "{}", shown(&nobody));
    assert!(!out.exists());
    let partial = comity(["audit", "search", "--server", "https://127.0.0.1:1"]);
    assert_eq!(partial.status.code(), Some(2), "{}", shown(&partial));

    ask(&options, &["search", "--purpose", "complaint 7"]);
    ask(
        &options,
        &[
            "show",
            "1",
            "--purpose",
            "complaint 7",
            "--recipient",
            "Anna Beispiel",
        ],
    );
    let export = [export.as_slice(), &["--recipient", "court of appeal"]].concat();
    let exported = ask(&options, &export);
    assert_eq!(exported.status.code(), Some(0), "{}", shown(&exported));
    ask(&options, &["stats", "--purpose", "yearly report"]);

    let data = scene.world.data();
    scene.running.stop().await;
    let reads = |category: &str| -> Vec<(String, v1::Access)> {
        let found = page(&data, &["search", "--kind", "read", "--category", category]);
        let entries = found.entries.into_iter();
        entries
            .map(|entry| {
                let index = entry.index.to_string();
                let record = audit(&data, &["show", &index, "--json"]);
                let text = String::from_utf8(record.stdout).unwrap();
                let record: v1::GetRecordResponse = json::parse(&text).unwrap();
                // What was looked for is nobody else's business.
                assert!(!String::from_utf8_lossy(&entry.leaf).contains("Beispiel"));
                (entry.note, v1::Access::decode(record.record).unwrap())
            })
            .collect()
    };
    let told = |reads: &[(String, v1::Access)]| {
        let one = |(call, read): &(String, v1::Access)| {
            let v1::Access {
                category: _,
                call: _,
                purpose,
                recipient,
                subject,
                ordered_by: _,
                found: _,
            } = read;
            format!("{call} of `{subject}` for {purpose}, to `{recipient}`")
        };
        reads.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&reads("consultation")),
        [
            "search of `` for complaint 7, to ``",
            "statistics of `..` for yearly report, to ``",
        ]
    );
    assert_eq!(
        told(&reads("disclosure")),
        [
            "get-record of `1` for complaint 7, to `Anna Beispiel`".to_owned(),
            format!("export-case of `{case}` for appeal, to `court of appeal`"),
        ]
    );
    let refused = page(&data, &["search", "--kind", "malformed"]);
    assert_eq!(refused.entries.len(), 2);
}

/// The index of an entry that a filter finds.
async fn index_of(scene: &Scene, filter: &str) -> u64 {
    let search = v1::SearchRequest {
        filter: filter.to_owned(),
        purpose: "test".to_owned(),
        ..v1::SearchRequest::default()
    };
    let found = scene.auditor().await.search(search).await.unwrap();
    found.into_inner().entries[0].index
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_opens_the_records_of_its_own_state() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("reach");
    let case = scene.tell(&story).await;
    assert_eq!(story.request.executing.as_ref().unwrap().jurisdiction, "DE");
    let index = case.receipt.unwrap().index;
    // What was only tried names the same States; a reading, whose auditor it was.
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let tried = v1::PreflightRequest {
        request: Some(story.request.clone()),
        ..v1::PreflightRequest::default()
    };
    client.preflight(tried).await.unwrap();
    let tried = index_of(&scene, "kind=preflight").await;
    let states = [("FR", true), ("DE", true), ("EU", true)];
    // Of the library, and not.
    let others = [("IE", false), ("AT", false), ("QQ", false)];
    for (state, reaches) in states.into_iter().chain(others) {
        let channel = scene.connect(state, "supervisor", "auditor").await;
        let mut auditor = AuditServiceClient::new(channel);
        let record = v1::GetRecordRequest {
            index,
            purpose: "supervision".to_owned(),
            ..v1::GetRecordRequest::default()
        };
        let export = v1::ExportCaseRequest {
            name: case.name.clone(),
            purpose: "supervision".to_owned(),
            recipient: "the court".to_owned(),
        };
        let trial = v1::GetRecordRequest {
            index: tried,
            ..record.clone()
        };
        let opened = auditor.get_record(record).await.map(drop);
        let opened_trial = auditor.get_record(trial).await.map(drop);
        let exported = auditor.export_case(export).await.map(drop);
        for done in [opened, opened_trial, exported] {
            match done {
                Ok(()) => assert!(reaches, "{state}"),
                Err(status) => {
                    assert!(!reaches, "{state}: {status:?}");
                    assert_eq!(reason(&status), "NOT_COMPETENT");
                }
            }
        }
    }
    let reader = "spiffe://comity.example/FR/supervisor/auditor";
    let read = v1::GetRecordRequest {
        index: index_of(&scene, &format!("kind=read AND actor={reader}")).await,
        purpose: "supervision".to_owned(),
        ..v1::GetRecordRequest::default()
    };
    for (state, reaches) in [("FR", true), ("DE", false), ("EU", true)] {
        let channel = scene.connect(state, "supervisor", "auditor").await;
        let mut auditor = AuditServiceClient::new(channel);
        let opened = auditor.get_record(read.clone()).await;
        assert_eq!(opened.is_ok(), reaches, "{state}");
    }
    scene.stop().await;
}

fn page(data: &Path, arguments: &[&str]) -> v1::SearchResponse {
    let output = audit(data, &[arguments, &["--json"]].concat());
    json::parse(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// The reading of a page is an entry too: pages must neither shift nor go on for
/// ever.
#[tokio::test(flavor = "multi_thread")]
async fn pages_end_although_reading_them_makes_entries() {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&approvable("pages")).await;
    let mut auditor = scene.auditor().await;
    for order_by in ["", "index desc", "kind", "actor desc"] {
        let mut message = v1::SearchRequest {
            page_size: 1,
            purpose: "complaint 7".to_owned(),
            order_by: order_by.to_owned(),
            ..v1::SearchRequest::default()
        };
        let mut seen = Vec::new();
        let mut first = None;
        loop {
            let page = auditor.search(message.clone()).await.unwrap().into_inner();
            seen.extend(page.entries.iter().map(|entry| entry.index));
            message.page_token = page.next_page_token;
            first.get_or_insert_with(|| message.page_token.clone());
            if message.page_token.is_empty() {
                break;
            }
            assert!(seen.len() < 200, "{order_by}: {seen:?}");
        }
        let all = seen.len() as u64;
        seen.sort_unstable();
        assert_eq!(seen, (0..all).collect::<Vec<_>>(), "{order_by}");
        // A token belongs to its search.
        let other = v1::SearchRequest {
            page_token: first.unwrap(),
            filter: "kind=read".to_owned(),
            ..message
        };
        let status = auditor.search(other).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(violations(&status).contains_key("page_token"));
    }
    scene.stop().await;
}

#[test]
fn a_folder_without_a_store_is_a_failure() {
    let output = comity(["audit", "show", "1", "--data", "no-such-folder"]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let text = shown(&output);
    assert!(
        text.contains("there is no folder `no-such-folder`"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_ledger_shows_that_the_gateway_is_there() {
    let scene = Scene::start_with(&["DE"], |config| {
        config.limits.quiet = Duration::from_millis(200);
    })
    .await;
    let beats = eventually("two signs of life", async || {
        let shown = audit(
            &scene.world.data(),
            &["search", "--kind", "heartbeat", "--json"],
        );
        let shown = String::from_utf8(shown.stdout).unwrap();
        (shown.matches("\"heartbeat\"").count() >= 2).then_some(shown)
    })
    .await;
    assert!(beats.contains("\"gateway\""), "{beats}");
    let report = scene.stop().await;
    assert_eq!(report.unpublished, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_validation_was_refused_is_counted_once() {
    let scene = Scene::start(&["IE", "FR"]).await;
    let story = story("unvalidated", "Mailbox at a provider");
    let name = scene.tell(&story).await.name;
    let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;
    for _ in 0..2 {
        let refused = v1::ReportEventRequest {
            name: name.clone(),
            event: "validation-refused".to_owned(),
            ..v1::ReportEventRequest::default()
        };
        issuing.report_event(refused).await.unwrap();
    }
    let request = v1::StatisticsRequest {
        purpose: "yearly".to_owned(),
        ..v1::StatisticsRequest::default()
    };
    let counted = scene.auditor().await.statistics(request).await.unwrap();
    let rows = counted.into_inner().rows.into_iter();
    let counts: Vec<_> = rows.filter(|row| row.series == "i").collect();
    assert_eq!((counts.len(), counts[0].count), (1, 1), "{counts:?}");
    scene.stop().await;
}
