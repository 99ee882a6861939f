//! Calls about a case that are repeated because their answer was lost.

use comity::v1::{
    self, CaseState, ResultKind, ReviewTaskState, ReviewVerdict, conclude_request::Conclusion,
    fact_value::Value,
};
use comity_gateway::wire::structure;
use tonic::Code;

use crate::world::{Scene, at_a_time, eventually, get, on_shared, reason, search, violations};

fn kinds(case: &v1::Case) -> Vec<&str> {
    case.events
        .iter()
        .map(|event| event.kind.as_str())
        .collect()
}

#[test]
fn under_an_id_of_the_callers_each_is_done_once() {
    on_shared(async |scene| {
        let story = search("once");
        let case = scene.tell(&story).await;
        let name = case.name;
        let mut executing = scene.executing("FR", "parquet-paris").await;
        let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;

        let progress = v1::ReportProgressRequest {
            name: name.clone(),
            note: "on the way".to_owned(),
            request_id: "progress/1".to_owned(),
            ..Default::default()
        };
        for _ in 0..2 {
            let answer = executing.report_progress(progress.clone()).await.unwrap();
            assert_eq!(answer.into_inner().state(), CaseState::Executing);
        }
        let clarified = v1::ReportEventRequest {
            name: name.clone(),
            event: "clarified".to_owned(),
            request_id: "clarified/1".to_owned(),
            ..Default::default()
        };
        for _ in 0..2 {
            issuing.report_event(clarified.clone()).await.unwrap();
        }
        let conclude = v1::ConcludeRequest {
            name: name.clone(),
            conclusion: Some(Conclusion::Result(v1::Result {
                kind: ResultKind::NothingFound.into(),
                reason: "nothing was there".to_owned(),
                ..v1::Result::default()
            })),
            form: None,
            request_id: "conclude/1".to_owned(),
        };
        let first = executing.conclude(conclude.clone()).await.unwrap();
        let again = executing.conclude(conclude.clone()).await.unwrap();
        let (first, again) = (first.into_inner(), again.into_inner());
        assert_eq!(again.state(), CaseState::Concluded);
        let index = |answer: &v1::ConcludeResponse| answer.receipt.as_ref().unwrap().index;
        assert_eq!(index(&first), index(&again));
        // It is proved, not what came after it.
        let outside = v1::ReportProgressRequest {
            name: name.clone(),
            event: "answered-otherwise".to_owned(),
            note: "by courier".to_owned(),
            ..Default::default()
        };
        executing.report_progress(outside).await.unwrap();
        let again = executing.conclude(conclude.clone()).await.unwrap();
        assert_eq!(index(&first), index(&again.into_inner()));

        let case = get(&mut issuing, &name).await.unwrap();
        let once = [
            "decision",
            "acknowledged",
            "progress",
            "clarified",
            "concluded",
            "answered-otherwise",
        ];
        assert_eq!(kinds(&case), once);

        // The id is of that call alone, whatever else is called under it.
        let other = v1::ReportProgressRequest {
            note: "still on the way".to_owned(),
            ..progress.clone()
        };
        let status = executing.report_progress(other).await.unwrap_err();
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
        let object = v1::ObjectRequest {
            name: name.clone(),
            rule_id: "eio-11-1-b".to_owned(),
            reasons: "of security".to_owned(),
            request_id: conclude.request_id.clone(),
        };
        let status = executing.object(object).await.unwrap_err();
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
        // Without an id a repetition is a call of its own.
        let bare = v1::ConcludeRequest {
            request_id: String::new(),
            ..conclude
        };
        let status = executing.conclude(bare).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
        // And an id of another caller's says nothing of this one's.
        let mut other = scene.executing("FR", "tj-lyon-ji").await;
        let answer = other.report_progress(progress).await.unwrap_err();
        assert_eq!(reason(&answer), "NOT_ALLOWED_NOW");
    });
}

#[test]
fn receipts_and_objections_are_recorded_once() {
    on_shared(async |scene| {
        let story = search("objected-once");
        let name = scene.tell(&story).await.name;
        let mut executing = scene.executing("FR", "parquet-paris").await;
        let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;
        let form = serde_json::json!({
            "order": {"issuing_authority": "StA Berlin", "received_on": "2026-11-25"},
            "received_by": {"name": "Parquet de Paris", "contact": "greffe"},
            "signature": {"name": "A. Durand", "date": "2026-11-26"},
        });
        let acknowledge = v1::AcknowledgeRequest {
            name: name.clone(),
            reference: "FR-1".to_owned(),
            form: Some(structure::from_json(form.as_object().unwrap())),
            request_id: "acknowledge/1".to_owned(),
        };
        let object = v1::ObjectRequest {
            name: name.clone(),
            rule_id: "eio-11-1-b".to_owned(),
            reasons: "of security".to_owned(),
            request_id: "object/1".to_owned(),
        };
        for _ in 0..2 {
            executing.acknowledge(acknowledge.clone()).await.unwrap();
        }
        for _ in 0..2 {
            let answer = executing.object(object.clone()).await.unwrap();
            assert_eq!(answer.into_inner().state(), CaseState::NotExecuted);
        }
        let case = get(&mut issuing, &name).await.unwrap();
        let once = ["decision", "acknowledged", "acknowledged", "objected"];
        // By now it may have been recalled.
        let mut kinds = kinds(&case);
        kinds.truncate(once.len());
        assert_eq!(kinds, once, "on delivery, and on the form");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_comes_twice_at_a_time_recalls_once() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("twice");
    let case = scene.tell(&story).await;
    let mut issuing = scene.issuing(story.jurisdiction, story.authority).await;
    let withdraw = v1::WithdrawRequest {
        name: case.name.clone(),
        reason: "no need any more".to_owned(),
        request_id: "withdraw/1".to_owned(),
    };
    let withdrawing = || {
        let (mut issuing, withdraw) = (issuing.clone(), withdraw.clone());
        async move { issuing.withdraw(withdraw).await }
    };
    for answer in at_a_time(withdrawing).await {
        let case = answer.into_inner().case.unwrap();
        assert_eq!(case.state(), CaseState::Withdrawn);
        assert!(case.receipt.is_some());
    }
    assert_eq!(scene.entries("kind=withdraw").await.len(), 1);
    eventually("it is recalled", async || {
        let case = get(&mut issuing, &case.name).await.unwrap();
        kinds(&case).contains(&"recalled").then_some(())
    })
    .await;
    assert_eq!(scene.backend("FR").recalls().unwrap(), 1);
    assert!(scene.entries("kind=refused").await.is_empty());

    let long = v1::WithdrawRequest {
        request_id: "x".repeat(1000),
        ..withdraw
    };
    let status = issuing.withdraw(long).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(violations(&status).contains_key("request_id"));
    scene.stop().await;
}

#[test]
fn an_opinion_that_comes_twice_at_a_time_is_one_persons_one_opinion() {
    on_shared(async |scene| {
        let mut story = search("decide-once");
        let stated = v1::FactValue {
            value: Some(Value::Truth(true)),
        };
        let facts = &mut story.request.facts;
        facts.insert("ground.fundamental_rights".to_owned(), stated);
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::UnderReview);
        let name = format!("{}-1", case.name.replace("cases/", "tasks/"));

        let mut durand = scene.reviewer("FR", "tj-paris-ji", "A. Durand").await;
        let read = v1::GetTaskRequest { name: name.clone() };
        let read = durand.get_task(read).await.unwrap().into_inner();
        let release = v1::DecideRequest {
            name: name.clone(),
            verdict: ReviewVerdict::Release.into(),
            reasons: "as the file shows".to_owned(),
            etag: read.task.unwrap().etag,
            request_id: "decide/1".to_owned(),
            ..v1::DecideRequest::default()
        };
        let deciding = || {
            let (mut durand, release) = (durand.clone(), release.clone());
            async move { durand.decide(release).await }
        };
        for answer in at_a_time(deciding).await {
            let answer = answer.into_inner();
            assert_eq!(answer.task.unwrap().opinions.len(), 1);
            assert_eq!(kinds(&answer.case.unwrap()), ["decision", "review"]);
        }
        // Read anew, as who lost the answer does: the task has changed by the first.
        let anew = v1::DecideRequest {
            etag: String::new(),
            ..release.clone()
        };
        let answer = durand.decide(anew.clone()).await.unwrap().into_inner();
        assert_eq!(answer.task.unwrap().state(), ReviewTaskState::Open);
        let other = v1::DecideRequest {
            verdict: ReviewVerdict::Refuse.into(),
            ..anew.clone()
        };
        let status = durand.decide(other).await.unwrap_err();
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
        // A colleague's opinion is never taken for hers.
        let mut martin = scene.reviewer("FR", "tj-paris-ji", "B. Martin").await;
        let status = martin.decide(anew.clone()).await.unwrap_err();
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
        let own = v1::DecideRequest {
            request_id: "decide/martin".to_owned(),
            ..anew
        };
        for _ in 0..2 {
            let answer = martin.decide(own.clone()).await.unwrap().into_inner();
            assert_eq!(answer.task.unwrap().state(), ReviewTaskState::Answered);
        }
    });
}
