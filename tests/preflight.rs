//! A request tried out before it is sent: complete, begun, and wrong.

use std::fs;

use comity::v1::{self, Outcome, ProspectEffect};
use comity_gateway::wire::json;
use tonic::{Code, Status};

use crate::{
    cli::{comity, shown, stable},
    world::{Cooperation, Scene, on_shared, reason, search, violations},
};

async fn preflight(
    client: &mut Cooperation,
    request: v1::CooperationRequest,
) -> Result<v1::PreflightResponse, Status> {
    let message = v1::PreflightRequest {
        request: Some(request),
        text_language: "en".to_owned(),
    };
    client
        .preflight(message)
        .await
        .map(tonic::Response::into_inner)
}

/// The least that can be tried out.
fn begun(executing: &str, measure: &str) -> v1::CooperationRequest {
    v1::CooperationRequest {
        executing: Some(v1::ExecutingParty {
            jurisdiction: executing.to_owned(),
            authority: String::new(),
        }),
        measure: measure.to_owned(),
        ..v1::CooperationRequest::default()
    }
}

fn fields(missing: &[v1::MissingItem]) -> Vec<&str> {
    missing.iter().map(|item| item.field.as_str()).collect()
}

fn names(facts: &[v1::OpenFact]) -> Vec<&str> {
    facts.iter().map(|fact| fact.name.as_str()).collect()
}

#[test]
fn a_request_that_is_only_begun_is_told_what_it_needs() {
    on_shared(async |scene| {
        let mut client = scene.issuing("DE", "sta-berlin").await;
        let answer = preflight(&mut client, begun("FR", "search.premises"))
            .await
            .unwrap();
        let decision = answer.decision.as_ref().unwrap();
        assert_eq!(decision.instrument, "eio");
        assert_ne!(decision.outcome(), Outcome::Approved);
        let missing = fields(&answer.missing);
        for field in [
            "request_id",
            "issuing.jurisdiction",
            "issuing.authority",
            "issued_at",
            "language",
            "form",
        ] {
            assert!(missing.contains(&field), "{field}: {missing:?}");
        }
        let asked = names(&answer.will_be_asked);
        assert!(asked.contains(&"dual_criminality"), "{asked:?}");
        assert!(asked.contains(&"offence.max_penalty_months"), "{asked:?}");
        let dual =
            &answer.will_be_asked[asked.iter().position(|n| *n == "dual_criminality").unwrap()];
        assert_eq!(
            (dual.stated_by.as_str(), dual.field.as_str()),
            ("executing", "")
        );
        assert!(dual.rules.iter().any(|rule| rule.rule_id == "eio-11-1-g"));
        let raised = names(&answer.may_be_raised);
        assert!(raised.contains(&"ground.press_freedom"), "{raised:?}");
        assert!(
            answer
                .may_be_raised
                .iter()
                .all(|fact| fact.presumed.is_some())
        );
        assert!(answer.would_be_refused.is_empty());
        // Nothing was sent, and the trial is on record.
        let tried = scene.entries("kind=preflight AND executing=FR").await;
        assert!(!tried.is_empty());
    });
}

#[test]
fn what_would_be_refused_says_why_and_what_would_lift_it() {
    on_shared(async |scene| {
        // A tax office is no judicial authority.
        let mut client = scene.issuing("DE", "fa-berlin").await;
        let mut request = begun("FR", "documents.obtain");
        request.instrument = "eio".to_owned();
        request.offences.push(v1::Offence {
            max_penalty_months: Some(60),
            ..v1::Offence::default()
        });
        let answer = preflight(&mut client, request).await.unwrap();
        let refused = answer
            .would_be_refused
            .iter()
            .find(|ground| ground.rule.as_ref().unwrap().rule_id == "eio-9-3")
            .unwrap();
        assert_eq!(refused.effect(), ProspectEffect::Return);
        let lifts: Vec<_> = refused
            .unless
            .iter()
            .map(|line| line.words.as_str())
            .collect();
        assert!(
            lifts
                .iter()
                .any(|words| words.contains("validated the request")),
            "{lifts:?}"
        );
        assert!(fields(&answer.missing).contains(&"offences[0].provision"));
    });
}

#[test]
fn what_is_there_must_be_right_and_two_things_must_be_there() {
    on_shared(async |scene| {
        let mut client = scene.issuing("DE", "trial").await;
        let mut wrong = begun("FR", "search.premises");
        wrong.language = "français".to_owned();
        wrong.offences.push(v1::Offence {
            iccs: Some("one".to_owned()),
            ..v1::Offence::default()
        });
        let status = preflight(&mut client, wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "MALFORMED");
        let found = violations(&status);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["language", "offences[0].iccs"]
        );

        let nothing = v1::CooperationRequest::default();
        let status = preflight(&mut client, nothing).await.unwrap_err();
        let found = violations(&status);
        // What may be left out is not asked for.
        assert_eq!(found.keys().collect::<Vec<_>>(), ["executing", "measure"]);

        let mut other = begun("FR", "search.premises");
        other.issuing = Some(v1::IssuingParty {
            jurisdiction: "FR".to_owned(),
            ..v1::IssuingParty::default()
        });
        let status = preflight(&mut client, other).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_COMPETENT");
    });
}

#[test]
fn a_complete_request_lacks_nothing() {
    on_shared(async |scene| {
        let story = search("preflight");
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let answer = preflight(&mut client, story.request.clone()).await.unwrap();
        let decision = answer.decision.as_ref().unwrap();
        assert_eq!(decision.outcome(), Outcome::Approved, "{decision:#?}");
        assert_eq!(fields(&answer.missing), [""; 0]);
        assert_eq!(names(&answer.will_be_asked), [""; 0]);
        assert!(answer.would_be_refused.is_empty());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_it_for_people() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let folder = scene.folder().to_owned();
    let issued = scene.world.issue("DE", "fa-berlin", "issuing", &[]);
    issued.unwrap().write(&folder, "client").unwrap();
    let file = folder.join("request.json");
    let mut request = begun("FR", "search.premises");
    request.issued_at = Some(prost_types::Timestamp {
        seconds: 1_793_534_400,
        nanos: 0,
    });
    fs::write(&file, json::print(&request).unwrap()).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let server = format!("https://{}", scene.address());
    let (ca, cert, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let arguments = [
        "request",
        "preflight",
        file.to_str().unwrap(),
        "--server",
        &server,
        "--server-name",
        "localhost",
        "--ca",
        &ca,
        "--cert",
        &cert,
        "--key",
        &key,
    ]
    .map(str::to_owned);
    let output = tokio::task::spawn_blocking(move || comity(arguments))
        .await
        .unwrap();
    stable(&folder).bind(|| insta::assert_snapshot!(shown(&output)));
    scene.stop().await;
}
