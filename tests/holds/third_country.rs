//! The law of a third country is objected: nothing passes until the issuing State
//! upholds the order, and nothing ever does once it lifts it.

use comity::v1::{ClockState, ClockUnit};
use comity_gateway::wire::structure;

use super::*;

/// The rule by which execution is suspended.
const REVIEW: &str = "epoc-17-3";
/// The rule by which the data are due.
const PRODUCTION: &str = "epoc-10-2";
const OBJECTION: &str = "third-country-objected";

impl Mailbox {
    /// One that the provider has not produced yet: its State cannot be reached.
    async fn under_way(clock: fn() -> Timestamp, run: &str) -> Self {
        let mut mailbox = Self::ask_with(clock, run, UrgencyLevel::Routine, false).await;
        let name = mailbox.name();
        eventually("it is on its way", async || {
            let case = get(&mut mailbox.requester, &name).await.unwrap();
            (case.state() == CaseState::Delivering).then_some(())
        })
        .await;
        mailbox
    }

    /// The provider objects, on the form of the Regulation.
    async fn object_by_third_law(&mut self) -> Result<CaseState, Status> {
        let form = serde_json::json!({
            "order": {"kind": "EPOC", "issuing_authority": "District Court Dublin"},
            "addressee": {"name": "Fjord Mail SAS", "contact": "legal@fjord.example"},
            "reasons": ["third-country-law"],
            "explanation": "the account is kept under the law of a third country",
            "conflicting_law": {
                "country": "US",
                "law": "18 U.S.C. § 2702",
                "explanation": "it bars the disclosure of content to foreign authorities",
            },
            "signature": {"name": "C. Roche", "date": "2026-11-20"},
        });
        let message = v1::ReportProgressRequest {
            name: self.name(),
            event: OBJECTION.to_owned(),
            form: Some(structure::from_json(form.as_object().unwrap())),
            ..v1::ReportProgressRequest::default()
        };
        let answer = self.enforcing.report_progress(message).await?;
        Ok(answer.into_inner().state())
    }

    async fn report(&mut self, event: &str, note: &str) -> Result<v1::Case, Status> {
        let message = v1::ReportEventRequest {
            name: self.name(),
            event: event.to_owned(),
            note: note.to_owned(),
            ..v1::ReportEventRequest::default()
        };
        let answer = self.requester.report_event(message).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// What its State's system finds reaches the gateway after all.
    async fn is_produced(&mut self) -> v1::Case {
        self.scene.backend("FR").set_up(true);
        self.until("concluded").await
    }
}

#[track_caller]
fn clock<'a>(case: &'a v1::Case, id: &str) -> &'a v1::CaseClock {
    let found = case.clocks.iter().find(|clock| clock.clock_id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", case.clocks))
}

#[track_caller]
fn review(case: &v1::Case) -> &v1::Hold {
    let hold = case.holds.iter().find(|hold| hold.clock_id == REVIEW);
    hold.expect("a hold")
}

#[tokio::test(flavor = "multi_thread")]
async fn execution_is_suspended_until_the_order_is_upheld() {
    static WALL: Wall = Wall::new();
    let mut mailbox = Mailbox::under_way(|| WALL.now(), "upheld").await;
    let early = mailbox.case().await;
    assert_eq!(clock(&early, REVIEW).state(), ClockState::Waiting);
    assert!(early.holds.iter().all(|hold| hold.clock_id != REVIEW));

    // Who is held back by it does not disarm it.
    let disarmed = mailbox.report("order-upheld", "in advance").await;
    assert_eq!(disarmed.unwrap_err().code(), Code::FailedPrecondition);
    let early = mailbox.case().await;
    assert_eq!(clock(&early, REVIEW).state(), ClockState::Waiting);
    let bare = v1::ReportProgressRequest {
        name: mailbox.name(),
        event: OBJECTION.to_owned(),
        ..v1::ReportProgressRequest::default()
    };
    let bare = mailbox.enforcing.report_progress(bare).await.unwrap_err();
    assert!(violations(&bare)["form"].contains("is missing"), "{bare:?}");
    // The question is not for the enforcing authority to answer.
    let status = mailbox.object("epoc-17").await.unwrap_err();
    assert!(violations(&status).contains_key("rule_id"));

    WALL.set_days(2);
    let state = mailbox.object_by_third_law().await.unwrap();
    assert_eq!(state, CaseState::Delivering, "the case goes on waiting");
    let case = mailbox.case().await;
    let open = clock(&case, REVIEW);
    assert_eq!((open.unit(), open.length), (ClockUnit::Open, 0));
    assert_eq!((open.state(), &open.due_at), (ClockState::Running, &None));
    assert_eq!(open.bound_party, "issuing");
    assert_eq!(clock(&case, PRODUCTION).state(), ClockState::Paused);
    let hold = review(&case);
    assert_eq!((hold.state(), &hold.until), (HoldState::On, &None));
    let objection = case.events.last().unwrap();
    assert_eq!(objection.kind, OBJECTION);
    assert!(objection.form.is_some(), "the issuing side can read why");
    let twice = mailbox.object_by_third_law().await.unwrap_err();
    assert_eq!(twice.code(), Code::FailedPrecondition);

    // No time lifts it, and no answer passes it.
    WALL.set_days(60);
    let case = mailbox.is_produced().await;
    assert_eq!(super::hold(&case), HoldState::Lapsed);
    assert_eq!(review(&case).state(), HoldState::On);
    mailbox.assert_sealed().await;

    let note = "the court finds no conflict";
    let case = mailbox.report("order-upheld", note).await.unwrap();
    assert_eq!(clock(&case, REVIEW).state(), ClockState::Met);
    let case = mailbox.until("released").await;
    assert_eq!(review(&case).state(), HoldState::Lifted);
    assert!(mailbox.tells(&case.encode_to_vec()));
    let name = mailbox.name();
    eventually("the provider is told", async || {
        let notices = mailbox.scene.backend("FR").notices(&name).unwrap();
        notices.contains(&"order-upheld".to_owned()).then_some(())
    })
    .await;
    let report = mailbox.scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ever_passes_once_the_order_is_lifted() {
    static WALL: Wall = Wall::new();
    let mut mailbox = Mailbox::under_way(|| WALL.now(), "lifted-order").await;
    let early = mailbox.report("order-lifted", "it is not needed").await;
    assert_eq!(early.unwrap_err().code(), Code::FailedPrecondition);
    mailbox.object_by_third_law().await.unwrap();
    let case = mailbox.is_produced().await;
    assert_eq!(case.state(), CaseState::Concluded);
    mailbox.assert_sealed().await;

    let mute = mailbox.report("order-lifted", "").await.unwrap_err();
    assert!(violations(&mute)["note"].contains("say what the court found"));
    let note = "the law of the third country forbids it";
    let case = mailbox.report("order-lifted", note).await.unwrap();
    assert_eq!(review(&case).state(), HoldState::Objected);
    let result = case.result.as_ref().unwrap();
    assert_eq!(result.kind(), ResultKind::NotExecuted);
    assert_eq!((&*result.ground, &*result.reason), (REVIEW, note));
    mailbox.until("recalled").await;
    WALL.set_days(60);
    mailbox.until("clock-lapsed").await;
    mailbox.assert_sealed().await;
    let twice = mailbox.report("order-lifted", note).await.unwrap_err();
    assert_eq!(twice.code(), Code::FailedPrecondition);
    let report = mailbox.scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lifted_while_it_is_under_way_ends_it() {
    let mut mailbox = Mailbox::under_way(Timestamp::now, "lifted-early").await;
    mailbox.object_by_third_law().await.unwrap();
    let note = "the law of the third country forbids it";
    let case = mailbox.report("order-lifted", note).await.unwrap();
    assert_eq!(case.state(), CaseState::NotExecuted);
    assert_eq!(review(&case).state(), HoldState::Objected);
    mailbox.scene.backend("FR").set_up(true);
    mailbox.until("recalled").await;
    assert_eq!(mailbox.scene.backend("FR").standing(&case.name).unwrap(), 0);
    mailbox.assert_sealed().await;
    mailbox.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_law_is_objected_in_time_or_not_at_all() {
    static WALL: Wall = Wall::new();
    let mut mailbox = Mailbox::under_way(|| WALL.now(), "too-late").await;
    WALL.set_days(20);
    let late = mailbox.object_by_third_law().await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert!(late.message().contains("neither hold back"), "{late:?}");
    mailbox.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_withdrawn_under_review_releases_nothing() {
    let mut mailbox = Mailbox::under_way(Timestamp::now, "withdrawn").await;
    mailbox.object_by_third_law().await.unwrap();
    let message = v1::WithdrawRequest {
        name: mailbox.name(),
        reason: "the data are had from elsewhere".to_owned(),
        request_id: String::new(),
    };
    let answer = mailbox.requester.withdraw(message).await.unwrap();
    let case = answer.into_inner().case.unwrap();
    assert_eq!(case.state(), CaseState::Withdrawn);
    assert_eq!(review(&case).state(), HoldState::Objected);
    let mut holds = case.holds.iter();
    assert!(holds.all(|hold| hold.state() == HoldState::Objected));
    mailbox.assert_sealed().await;
    mailbox.scene.stop().await;
}
