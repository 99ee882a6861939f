//! The life of an investigation order, from the reviewer's question to what a court
//! of the executing State says in the end.

use comity::v1::{
    self, CaseState, ClockState, HoldState, ResultKind, ReviewVerdict,
    conclude_request::Conclusion, execution_service_client::ExecutionServiceClient,
};
use comity_gateway::wire::structure;
use tonic::{Code, Status, transport::Channel};

use super::{
    AUTHORITY,
    consult::{answer, question},
    decide, doubted, kinds, opinion, reaches, referred, task_name,
};
use crate::world::{Cooperation, Scene, eventually, get, on_shared, violations};

/// The rule by which the transfer waits for a legal remedy.
const REMEDY: &str = "eio-13-2";
const FOUND: &str = "the ledgers of 2024, in three volumes";

/// An order whose proportionality is doubted, and those who deal with it.
struct Order {
    name: String,
    requester: Cooperation,
    executing: ExecutionServiceClient<Channel>,
}

impl Order {
    /// A reviewer asks, is answered, and lets it pass; France's authority has it.
    async fn executed_after_consultation(scene: &Scene, run: &str) -> Self {
        let story = doubted(run);
        let case = referred(scene, &story).await;
        let task = task_name(&case, 1);
        let mut reviewer = scene.reviewer(AUTHORITY.0, AUTHORITY.1, "A. Durand").await;
        decide(&mut reviewer, question(&task)).await.unwrap();
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let answer = answer(&case, &format!("{run}/answer"));
        requester.supplement(answer).await.unwrap();
        let release = opinion(&task, ReviewVerdict::Release);
        decide(&mut reviewer, release).await.unwrap();
        reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
        Self {
            name: case.name,
            requester,
            executing: scene.executing(AUTHORITY.0, AUTHORITY.1).await,
        }
    }

    async fn case(&mut self) -> v1::Case {
        get(&mut self.requester, &self.name).await.unwrap()
    }

    async fn report(&mut self, event: &str) {
        self.tell(event, "the court is seised").await.unwrap();
    }

    async fn tell(&mut self, event: &str, note: &str) -> Result<(), Status> {
        let message = v1::ReportProgressRequest {
            name: self.name.clone(),
            event: event.to_owned(),
            note: note.to_owned(),
            ..v1::ReportProgressRequest::default()
        };
        self.executing.report_progress(message).await.map(drop)
    }

    async fn conclude(&mut self, conclusion: Conclusion) {
        let message = v1::ConcludeRequest {
            name: self.name.clone(),
            conclusion: Some(conclusion),
            form: None,
            request_id: String::new(),
        };
        self.executing.conclude(message).await.unwrap();
    }

    async fn found(&mut self) {
        let data = serde_json::json!({"seized": [FOUND]});
        let result = v1::Result {
            kind: ResultKind::Complete.into(),
            data: Some(structure::from_json(data.as_object().unwrap())),
            ..v1::Result::default()
        };
        self.conclude(Conclusion::Result(result)).await;
    }
}

#[track_caller]
fn clock(case: &v1::Case, id: &str) -> ClockState {
    let found = case.clocks.iter().find(|clock| clock.clock_id == id);
    found.unwrap_or_else(|| panic!("no {id}")).state()
}

fn hold(case: &v1::Case) -> HoldState {
    let hold = case.holds.iter().find(|hold| hold.clock_id == REMEDY);
    hold.expect("a hold").state()
}

#[test]
fn an_order_is_asked_about_postponed_challenged_and_executed() {
    on_shared(async |scene| {
        let mut order = Order::executed_after_consultation(scene, "whole-life").await;
        order.report("recognised").await;
        order.report("").await;
        let postponement = v1::Postponement {
            reason: "art 15(1)(a): it would prejudice a search next week".to_owned(),
            until: None,
        };
        let postponement = Conclusion::Postponement(postponement);
        order.conclude(postponement).await;
        let case = order.case().await;
        assert_eq!(case.state(), CaseState::Postponed);
        assert_eq!(clock(&case, "eio-12-4"), ClockState::Paused);
        order.report("").await;
        let case = order.case().await;
        assert_eq!(clock(&case, "eio-12-4"), ClockState::Running);

        // Somebody seeks a legal remedy before what was found is sent.
        order.report("transfer-suspended").await;
        order.found().await;
        let case = order.case().await;
        assert_eq!(case.state(), CaseState::Concluded);
        assert_eq!((hold(&case), &case.result), (HoldState::On, &None));
        assert!(!format!("{case:?}").contains(FOUND));
        order.report("transfer-resumed").await;
        let name = order.name.clone();
        let case = eventually("it is released", async || {
            let case = get(&mut order.requester, &name).await.unwrap();
            case.result.is_some().then_some(case)
        })
        .await;
        assert_eq!(hold(&case), HoldState::Lifted);
        assert!(format!("{case:?}").contains(FOUND));
        for id in ["eio-16-1", "eio-12-3", "eio-12-4", REMEDY] {
            assert_eq!(clock(&case, id), ClockState::Met, "{id}");
        }
        assert_eq!(
            kinds(&case),
            [
                "decision",
                "consult",
                "supplement",
                "review",
                "acknowledged",
                "recognised",
                "progress",
                "postponed",
                "progress",
                "transfer-suspended",
                "concluded",
                "transfer-resumed",
                "released",
            ]
        );
    });
}

#[test]
fn evidence_that_a_court_keeps_back_never_passes() {
    on_shared(async |scene| {
        let mut order = Order::executed_after_consultation(scene, "kept-back").await;
        order.report("").await;
        order.report("transfer-suspended").await;
        order.found().await;
        let reasons = "the court finds that the search was unlawful";
        order.tell("remedy-upheld", reasons).await.unwrap();
        let case = order.case().await;
        assert_eq!(hold(&case), HoldState::Objected);
        let result = case.result.as_ref().unwrap();
        assert_eq!(result.kind(), ResultKind::NotExecuted);
        assert_eq!((&*result.ground, &*result.reason), (REMEDY, reasons));
        assert!(!format!("{case:?}").contains(FOUND));
        // Nor does it once somebody says that the remedy failed.
        for event in ["transfer-resumed", "transfer-suspended"] {
            let status = order.tell(event, "why").await.unwrap_err();
            assert_eq!(status.code(), Code::FailedPrecondition, "{event}");
        }
    });
}

#[test]
fn a_suspension_is_taken_only_where_it_holds_something() {
    on_shared(async |scene| {
        let mut order = Order::executed_after_consultation(scene, "nothing-to-hold").await;
        let status = order.tell("transfer-resumed", "").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "nothing is held");
        order.report("").await;
        let status = order.tell("transfer-suspended", " ").await.unwrap_err();
        assert!(violations(&status)["note"].contains("say why"));
        order.found().await;
        let case = order.case().await;
        assert!(format!("{case:?}").contains(FOUND), "it went at once");
        let status = order.tell("transfer-suspended", "why").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "it has gone");
    });
}
