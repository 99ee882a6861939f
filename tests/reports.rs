//! What executing systems report of a case that was delivered to them.

use comity::v1::{self, CaseState, ResultKind, conclude_request::Conclusion};
use comity_gateway::wire::{json, structure};
use comity_sandbox::stories::Story;
use tonic::Code;

use crate::world::{Scene, get, on_shared, reason, search, story, violations};

/// A house search in France, delivered and waiting for people.
async fn delivered(scene: &Scene, run: &str) -> (Story, v1::Case) {
    let story = search(run);
    let case = scene.tell(&story).await;
    let decision = case.decision.as_ref().unwrap();
    assert_eq!(case.state(), CaseState::Acknowledged, "{decision:#?}");
    (story, case)
}

fn result(data: &serde_json::Value) -> v1::Result {
    let text = serde_json::json!({"kind": "RESULT_KIND_COMPLETE", "data": data});
    json::parse(&text.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_reported_step_by_step_and_spares_the_victim() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let (story, case) = delivered(&scene, "search").await;
    let name = case.name;
    let mut client = scene.executing("FR", "parquet-paris").await;
    let acknowledge = v1::AcknowledgeRequest {
        name: name.clone(),
        reference: "FR-1".to_owned(),
        form: None,
        request_id: String::new(),
    };
    // The backend acknowledged on delivery already.
    let status = client.acknowledge(acknowledge).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    assert!(
        status
            .message()
            .ends_with("while the case is APPROVED or DELIVERING"),
        "{}",
        status.message()
    );

    let progress = v1::ReportProgressRequest {
        name: name.clone(),
        note: "on the way".to_owned(),
        ..Default::default()
    };
    let answer = client.report_progress(progress).await.unwrap().into_inner();
    assert_eq!(answer.state(), CaseState::Executing);

    let data = serde_json::json!({"persons": [
        {"role": "suspect", "name": "Jean Suspect"},
        {"role": "victim", "name": "Claire Victime", "address": "2 rue Secrète"},
    ]});
    let conclude = v1::ConcludeRequest {
        name: name.clone(),
        conclusion: Some(Conclusion::Result(result(&data))),
        form: None,
        request_id: String::new(),
    };
    let answer = client
        .conclude(conclude.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.state(), CaseState::Concluded);
    assert!(answer.receipt.is_some());
    let status = client.conclude(conclude).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "an end is an end");

    let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
    let case = get(&mut requester, &name).await.unwrap();
    let told = case.result.clone().unwrap();
    assert_eq!(
        told.redacted,
        ["$['persons'][1]['address']", "$['persons'][1]['name']"]
    );
    let text = format!("{case:?}");
    assert!(text.contains("Jean Suspect"));
    assert!(!text.contains("Victime") && !text.contains("Secrète"));
    let kinds: Vec<_> = case.events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "acknowledged", "progress", "concluded"]);
    scene.stop().await;
}

#[test]
fn a_receipt_on_the_instruments_form_is_checked_and_told() {
    on_shared(async |scene| {
        let (story, case) = delivered(scene, "annex-b").await;
        let mut client = scene.executing("FR", "parquet-paris").await;
        let receipt = |form: serde_json::Value| v1::AcknowledgeRequest {
            name: case.name.clone(),
            reference: "FR-1".to_owned(),
            form: Some(structure::from_json(form.as_object().unwrap())),
            request_id: String::new(),
        };
        let form = serde_json::json!({
            "order": {"issuing_authority": "StA Berlin", "received_on": "2026-11-25"},
            "received_by": {"name": "Parquet de Paris", "contact": "greffe"},
            "signature": {"name": "A. Durand", "date": "2026-11-26"},
        });
        let mut wrong = form.clone();
        wrong["order"]["received_on"] = "yesterday".into();
        wrong["received_by"].as_object_mut().unwrap().remove("name");
        let status = client.acknowledge(receipt(wrong)).await.unwrap_err();
        let found = violations(&status);
        let fields: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(fields, ["form.order.received_on", "form.received_by.name"]);
        assert!(!status.message().contains("yesterday"));

        let answer = client.acknowledge(receipt(form.clone())).await.unwrap();
        assert_eq!(answer.into_inner().state(), CaseState::Acknowledged);
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let told = get(&mut requester, &case.name).await.unwrap();
        let event = told.events.last().unwrap();
        assert_eq!(event.kind, "acknowledged");
        let told = structure::to_json(event.form.clone().unwrap()).unwrap();
        assert_eq!(serde_json::Value::Object(told), form);

        let progress = v1::ReportProgressRequest {
            name: case.name.clone(),
            event: "recognised".to_owned(),
            form: receipt(form).form,
            ..Default::default()
        };
        let status = client.report_progress(progress).await.unwrap_err();
        assert!(violations(&status)["form"].contains("no form for `recognised`"));
    });
}

/// An order to keep a mailbox in France, which waits for people.
pub(crate) fn preservation(run: &str) -> Story {
    let mut story = story(run, "Mailbox at a provider");
    let form = serde_json::json!({
        "order": "preservation",
        "issuing_authority": {
            "name": "Dublin Circuit Court", "address": "Dublin", "email": "desk@court.example",
            "kind": "judge",
        },
        "addressee": {"provider": "Example Mail", "establishment": "Paris", "state": "FR"},
        "target": {"identifiers": [{"kind": "email", "value": "user@provider.example"}]},
        "data": {"category": "content"},
        "provisions": ["s.6"],
        "grounds": "the data are deleted after a month",
        "summary": "goods were sold that the seller did not have",
        "signature": {"name": "A. Beispiel", "post": "judge", "date": "2026-11-20"},
    });
    story.request.measure = "preserve.data".to_owned();
    story.request.form = Some(structure::from_json(form.as_object().unwrap()));
    story
}

#[test]
fn that_an_order_cannot_be_executed_is_told_on_its_form() {
    on_shared(async |scene| {
        let story = preservation("annex-iii");
        let case = scene.tell(&story).await;
        let decision = case.decision.as_ref().unwrap();
        assert_eq!(case.state(), CaseState::Acknowledged, "{decision:#?}");
        let mut client = scene.executing("FR", "parquet-paris").await;
        let conclude = |form: &serde_json::Value| {
            let refusal = v1::Result {
                kind: ResultKind::NotExecuted.into(),
                reason: "the law of a third country forbids it".to_owned(),
                ground: "reg-2023-1543 art 17".to_owned(),
                ..v1::Result::default()
            };
            v1::ConcludeRequest {
                name: case.name.clone(),
                conclusion: Some(Conclusion::Result(refusal)),
                form: Some(structure::from_json(form.as_object().unwrap())),
                request_id: String::new(),
            }
        };
        let form = serde_json::json!({
            "order": {"kind": "EPOC-PR", "issuing_authority": "Dublin Circuit Court"},
            "addressee": {"name": "Example Mail", "contact": "legal@provider.example"},
            "reasons": ["third-country-law"],
            "explanation": "the provider may not touch the mailbox",
            "signature": {"name": "B. Exemple", "date": "2026-11-26"},
        });
        // A law that stands against it is named; no reason is no such reason.
        let status = client.conclude(conclude(&form)).await.unwrap_err();
        let found = violations(&status);
        let fields: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(fields, ["form.conflicting_law"]);
        let mut silent = form.clone();
        silent.as_object_mut().unwrap().remove("reasons");
        let status = client.conclude(conclude(&silent)).await.unwrap_err();
        let found = violations(&status);
        let fields: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(fields, ["form.reasons"]);

        let mut whole = form;
        whole["conflicting_law"] = serde_json::json!({
            "country": "US", "law": "18 USC 2702", "explanation": "the mailbox is stored there",
        });
        let answer = client.conclude(conclude(&whole)).await.unwrap();
        assert_eq!(answer.into_inner().state(), CaseState::NotExecuted);
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let told = get(&mut requester, &case.name).await.unwrap();
        let event = told.events.last().unwrap();
        assert_eq!(event.kind, "not-executed");
        let told = structure::to_json(event.form.clone().unwrap()).unwrap();
        assert_eq!(serde_json::Value::Object(told), whole);
    });
}

#[test]
fn no_condition_waits_for_what_cannot_happen() {
    on_shared(async |scene| {
        let (_, case) = delivered(scene, "in-vain").await;
        let mut client = scene.executing("FR", "parquet-paris").await;
        let conclude = |event: &str| {
            let mut result = result(&serde_json::json!({"found": "a diary"}));
            result.obligations = vec![v1::Obligation {
                kind: v1::ObligationKind::Notify.into(),
                bound_party: "issuing".to_owned(),
                parameters: [("event".to_owned(), event.to_owned())].into(),
                ..v1::Obligation::default()
            }];
            v1::ConcludeRequest {
                name: case.name.clone(),
                conclusion: Some(Conclusion::Result(result)),
                ..v1::ConcludeRequest::default()
            }
        };
        let status = client.conclude(conclude("nope")).await.unwrap_err();
        let found = violations(&status);
        let fields: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(fields, ["result.obligations[0].parameters[\"event\"]"]);
        client.conclude(conclude("transferred")).await.unwrap();
    });
}

#[test]
fn an_event_that_has_no_form_is_reported_on_none() {
    on_shared(async |scene| {
        let story = preservation("no-form");
        let case = scene.tell(&story).await;
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let form = serde_json::json!({"order": "production"});
        let mut report = v1::ReportEventRequest {
            name: case.name.clone(),
            event: "production-requested".to_owned(),
            form: Some(structure::from_json(form.as_object().unwrap())),
            ..v1::ReportEventRequest::default()
        };
        let status = requester.report_event(report.clone()).await.unwrap_err();
        assert!(violations(&status)["form"].contains("no form for `production-requested`"));
        report.form = None;
        requester.report_event(report).await.unwrap();
        let told = get(&mut requester, &case.name).await.unwrap();
        let event = told.events.last().cloned().unwrap();
        assert_eq!(
            (event.kind.as_str(), event.form),
            ("production-requested", None)
        );
    });
}

#[test]
fn only_the_executing_state_reports() {
    on_shared(async |scene| {
        let (_, case) = delivered(scene, "reports").await;
        let message = v1::ReportProgressRequest {
            name: case.name,
            ..Default::default()
        };
        let mut other = scene.executing("IE", "ie-dpp").await;
        let status = other.report_progress(message.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        scene
            .assert_recorded(("IE", "ie-dpp", "executing"), "refused", "NOT_FOUND")
            .await;
        let mut own = scene.executing("FR", "parquet-paris").await;
        own.report_progress(message).await.unwrap();
    });
}
