//! What is wrong is refused, says what to mend, and is on record.

use std::fs;

use comity::v1::{
    self, FactValue, Outcome, fact_value::Value,
    federation_service_client::FederationServiceClient, policy_service_client::PolicyServiceClient,
};
use comity_gateway::{config::Config, gateway};
use comity_sandbox::{
    pki::{Identity, Issued, Pki, Validity},
    stories::Story,
    world::{TRUST_DOMAIN, World, connect},
};
use jiff::Timestamp;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::world::{
    Scene, approvable, configure, copy, eventually, get, on_shared, policies, reason, submit,
    violations,
};

/// The story of a number's holder, asked by an authority of the test's own.
fn asked_by(authority: &'static str) -> Story {
    let mut story = approvable(authority);
    story.authority = authority;
    story.request.issuing.as_mut().unwrap().authority = authority.to_owned();
    story
}

/// Submits a request that is refused, as the authority it names.
async fn refused(scene: &Scene, story: &Story) -> Status {
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    submit(&mut client, &story.request, 0).await.unwrap_err()
}

/// Checks that a request with `change` is refused for exactly these fields,
/// and that the attempt is on record.
#[track_caller]
fn check_fields(
    authority: &'static str,
    change: impl FnOnce(&mut v1::CooperationRequest),
    expected: &[(&str, &str)],
) {
    let mut story = asked_by(authority);
    change(&mut story.request);
    let status = on_shared(async |scene| {
        let status = refused(scene, &story).await;
        let actor = (story.jurisdiction, authority, "issuing");
        scene.assert_recorded(actor, "malformed", "MALFORMED").await;
        status
    });
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "MALFORMED");
    let found = violations(&status);
    let fields: Vec<_> = found.keys().map(String::as_str).collect();
    let (wanted, _): (Vec<_>, Vec<_>) = expected.iter().copied().unzip();
    assert_eq!(fields, wanted, "{found:#?}");
    for (field, description) in expected {
        assert!(found[*field].contains(description), "{found:#?}");
    }
}

fn state(request: &mut v1::CooperationRequest, fact: &str, value: Value) {
    let value = FactValue { value: Some(value) };
    request.facts.insert(fact.to_owned(), value);
}

#[test]
fn a_message_that_is_no_protobuf_of_its_type() {
    on_shared(async |scene| {
        let channel = scene.connect("FR", "malformed", "issuing").await;
        let mut client = Grpc::new(channel);
        client.ready().await.unwrap();
        // Field 1 is a number here and a message in `SubmitRequest`.
        let other = v1::ProveRequest { index: 7 };
        let codec = ProstCodec::<v1::ProveRequest, v1::SubmitResponse>::default();
        let path = PathAndQuery::from_static("/comity.v1.CooperationService/Submit");
        let answer = client.unary(Request::new(other), path, codec).await;
        let status = answer.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "MALFORMED");
        assert!(
            status.message().contains("not valid protobuf"),
            "{status:?}"
        );
        let actor = ("FR", "malformed", "issuing");
        scene.assert_recorded(actor, "malformed", "MALFORMED").await;
    });
}

#[test]
fn a_message_beyond_the_limit() {
    on_shared(async |scene| {
        let mut story = asked_by("oversize");
        story.request.purpose = "x".repeat(5 * 1024 * 1024);
        let status = refused(scene, &story).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "TOO_LARGE");
        assert!(status.message().contains("4194304 bytes"), "{status:?}");
        let actor = ("FR", "oversize", "issuing");
        scene.assert_recorded(actor, "malformed", "TOO_LARGE").await;
    });
}

#[test]
fn more_persons_than_are_read() {
    check_fields(
        "many-persons",
        |request| {
            let person = |n| v1::Person {
                name: format!("Person No {n}"),
                ..v1::Person::default()
            };
            request.persons = (0..2001).map(person).collect();
        },
        &[("persons", "more than 256 entries")],
    );
}

#[test]
fn what_is_not_served_or_not_there_is_on_record() {
    on_shared(async |scene| {
        let peer = scene.connect("DE", "peer", "gateway").await;
        let mut peer = FederationServiceClient::new(peer);
        let status = peer.relay(v1::RelayRequest::default()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        let actor = ("DE", "peer", "gateway");
        scene.assert_recorded(actor, "refused", "NOT_YET").await;

        let reader = scene.connect("DE", "reader", "legal").await;
        let mut reader = PolicyServiceClient::new(reader);
        let module = v1::GetModuleRequest {
            name: "instrument/none".to_owned(),
        };
        let status = reader.get_module(module).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("module `instrument/none`"));
        let module = v1::GetModuleRequest {
            name: "eio".to_owned(),
        };
        let status = reader.get_module(module).await.unwrap_err();
        assert!(violations(&status)["name"].contains("`instrument/<id>`"));
        let page = v1::ListModulesRequest {
            page_token: "none".to_owned(),
            ..v1::ListModulesRequest::default()
        };
        let status = reader.list_modules(page).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let actor = ("DE", "reader", "legal");
        scene.assert_recorded(actor, "refused", "NOT_FOUND").await;
        let filter = "kind=malformed AND actor=spiffe://comity.example/DE/reader/legal";
        assert_eq!(scene.entries(filter).await.len(), 2);
    });
}

#[test]
fn a_country_without_rules() {
    check_fields(
        "unknown-country",
        |request| request.executing.as_mut().unwrap().jurisdiction = "XX".to_owned(),
        &[("executing.jurisdiction", "no rules for `XX` are loaded")],
    );
}

#[test]
fn an_executing_authority_that_the_directory_does_not_know() {
    check_fields(
        "unknown-addressee",
        |request| request.executing.as_mut().unwrap().authority = "tj-atlantis".to_owned(),
        &[(
            "executing.authority",
            "`tj-atlantis` is not in the directory of DE: leave it empty",
        )],
    );
}

#[test]
fn a_measure_that_is_not_in_the_tree() {
    check_fields(
        "unknown-measure",
        |request| request.measure = "data.everything".to_owned(),
        &[("measure", "`data.everything` is not in the measure tree")],
    );
}

#[test]
fn every_wrong_field_is_named_at_once() {
    check_fields(
        "many-fields",
        |request| {
            request.request_id.clear();
            request.measure = "Data Subscriber".to_owned();
            request.executing = None;
            request.issued_at = None;
            request.offences[0].iccs = Some("burglary".to_owned());
            request.selectors[0].kind = 99;
        },
        &[
            ("executing", ""),
            ("issued_at", ""),
            ("measure", ""),
            ("offences[0].iccs", ""),
            ("request_id", ""),
            ("selectors[0].kind", ""),
        ],
    );
}

#[test]
fn a_request_from_the_future() {
    check_fields(
        "future",
        |request| {
            if let Some(issued_at) = &mut request.issued_at {
                issued_at.seconds += 7 * 24 * 60 * 60;
            }
        },
        &[("issued_at", "future")],
    );
}

#[test]
fn a_fact_that_nobody_knows() {
    check_fields(
        "unknown-fact",
        |request| state(request, "issuing.court_ordr", Value::Truth(true)),
        &[("facts[\"issuing.court_ordr\"]", "issuing.court_order")],
    );
}

#[test]
fn a_fact_of_another_type() {
    check_fields(
        "wrong-type",
        |request| state(request, "issuing.court_order", Value::Number(1)),
        &[("facts[\"issuing.court_order\"]", "must be true or false")],
    );
}

#[test]
fn a_fact_that_the_gateway_establishes() {
    check_fields(
        "own-fact",
        |request| state(request, "issuing.validated", Value::Truth(true)),
        &[(
            "facts[\"issuing.validated\"]",
            "is established by the gateway",
        )],
    );
}

#[test]
fn a_form_that_is_not_filled_in_rightly() {
    let mut story = approvable("wrong-form");
    let form = story.request.form.as_mut().unwrap();
    form.fields.remove("signature");
    let list = prost_types::value::Kind::StringValue("all".to_owned());
    let list = prost_types::Value { kind: Some(list) };
    form.fields.insert("measures".to_owned(), list);
    let case = on_shared(async |scene| scene.tell(&story).await);
    assert_eq!(case.state(), v1::CaseState::Incomplete);
    let decision = case.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Incomplete);
    let fields = decision.requirements.iter();
    let fields: Vec<_> = fields
        .map(|requirement| requirement.field.as_str())
        .collect();
    assert_eq!(fields, ["form.signature", "form.measures"]);
    let remedies = decision.requirements.iter();
    assert!(remedies.into_iter().all(|wanted| !wanted.remedy.is_empty()));
}

#[test]
fn an_authority_that_speaks_for_another() {
    on_shared(async |scene| {
        let story = approvable("another");
        let mut client = scene.issuing("FR", "not-parquet-paris").await;
        let status = submit(&mut client, &story.request, 0).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "NOT_COMPETENT");
        let actor = ("FR", "not-parquet-paris", "issuing");
        scene
            .assert_recorded(actor, "unauthorised", "NOT_COMPETENT")
            .await;
    });
}

#[test]
fn a_backend_that_submits() {
    on_shared(async |scene| {
        let story = approvable("backend");
        let channel = scene.connect("FR", "parquet-paris", "backend").await;
        let mut client = crate::world::Cooperation::new(channel);
        let status = submit(&mut client, &story.request, 0).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "PERMISSION_DENIED");
        let actor = ("FR", "parquet-paris", "backend");
        scene
            .assert_recorded(actor, "unauthorised", "PERMISSION_DENIED")
            .await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_stands_for_one_content() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let mut story = approvable("replay");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let first = submit(&mut client, &story.request, 30).await.unwrap();
    let again = submit(&mut client, &story.request, 30).await.unwrap();
    assert!(!first.replayed && again.replayed);
    let [first, again] = [first, again].map(|answer| answer.case.unwrap());
    assert_eq!(first.name, again.name);
    let index = |case: &v1::Case| case.receipt.as_ref().unwrap().index;
    assert_eq!(index(&first), index(&again));
    assert_eq!(scene.backend("DE").effects().unwrap(), 1);

    story.request.purpose.push_str(", and more");
    let status = submit(&mut client, &story.request, 0).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    let actor = (story.jurisdiction, story.authority, "issuing");
    scene
        .assert_recorded(actor, "replay-mismatch", "REQUEST_ID_REUSED")
        .await;
    assert_eq!(scene.backend("DE").received(), 1);
    assert_eq!(scene.stop().await.cases, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_not_believed() {
    let scene = Scene::start(&["DE"]).await;
    let folder = TempDir::new().unwrap();
    let now = OffsetDateTime::now_utc();
    let of_stranger = |domain| {
        let stranger = Pki::init(&folder.path().join(domain), domain, now).unwrap();
        Issued {
            ca: scene.world.pki().ca().to_owned(),
            ..issue(&stranger, now)
        }
    };
    let expired = issue(scene.world.pki(), now - Duration::days(2));
    for (issued, reason) in [
        (Some(expired), "expired-certificate"),
        (Some(of_stranger("other.example")), "unknown-issuer"),
        // One that calls itself what the world's own is called.
        (Some(of_stranger(TRUST_DOMAIN)), "invalid-certificate"),
        (None, "no-certificate"),
    ] {
        let error = call_with(&scene, issued.as_ref()).await;
        assert!(error.is_err(), "{reason} was let in");
        eventually(reason, async || {
            let entries = scene.entries("kind=unauthorised").await;
            let found = entries.iter().find(|e| e.note.as_deref() == Some(reason))?;
            assert_eq!(found.actor, "unknown");
            Some(())
        })
        .await;
    }
    scene.stop().await;
}

/// A certificate for an hour around `at`.
fn issue(pki: &Pki, at: OffsetDateTime) -> Issued {
    let identity = Identity {
        jurisdiction: "DE".to_owned(),
        authority: "sta-berlin".to_owned(),
        role: "issuing".to_owned(),
        person: None,
    };
    let validity = Validity {
        from: at - Duration::hours(1),
        until: at + Duration::hours(1),
    };
    pki.issue(&identity, &[], validity).unwrap()
}

/// Tries a call; with TLS 1.3 a client learns of the refusal with its first one.
async fn call_with(
    scene: &Scene,
    issued: Option<&Issued>,
) -> Result<v1::Case, Box<dyn std::error::Error>> {
    let channel = match issued {
        Some(issued) => connect(scene.address(), issued).await?,
        None => {
            let tls = ClientTlsConfig::new()
                .ca_certificate(Certificate::from_pem(scene.world.pki().ca()))
                .domain_name("localhost");
            let address = format!("https://{}", scene.address());
            let endpoint = Endpoint::from_shared(address)?.tls_config(tls)?;
            endpoint.connect().await?
        }
    };
    let mut client = crate::world::Cooperation::new(channel);
    Ok(get(&mut client, "cases/none").await?)
}

#[tokio::test]
async fn two_broken_policy_files_are_both_named() {
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("policies");
    copy(&policies(), &broken);
    let eio = broken.join("instruments/eio/module.yaml");
    let text = fs::read_to_string(&eio).unwrap();
    fs::write(
        &eio,
        text.replacen("effect: may-refuse", "effect: maybe", 1),
    )
    .unwrap();
    let german = broken.join("jurisdictions/de/module.yaml");
    let text = fs::read_to_string(&german).unwrap();
    fs::write(&german, text.replacen("context.", "contekst.", 1)).unwrap();

    let world = World::start(folder.path(), &["DE"], OffsetDateTime::now_utc())
        .await
        .unwrap();
    let config = configure(&world, &broken);
    let error = gateway::start(config, Timestamp::now).await.unwrap_err();
    let text = error.to_string();
    for file in [
        "instruments/eio/module.yaml:",
        "jurisdictions/de/module.yaml:",
    ] {
        let (_, after) = text.split_once(file).unwrap_or_else(|| panic!("{text}"));
        assert!(after.starts_with(|c: char| c.is_ascii_digit()), "{text}");
    }
    for opened in ["comity.db", "ledger.key"] {
        let opened = world.data().join(opened);
        assert!(!opened.exists(), "nothing is opened under broken law");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_folder() {
    let scene = Scene::start(&["DE"]).await;
    let config: Config = configure(&scene.world, &policies());
    let error = gateway::start(config, Timestamp::now).await.unwrap_err();
    assert!(
        matches!(error, gateway::StartError::Store { .. }),
        "{error:?}"
    );
    // The first one is none the worse for it.
    let case = scene.tell(&approvable("first-gateway")).await;
    assert_eq!(case.decision.unwrap().outcome(), Outcome::Approved);
    scene.stop().await;
}
