//! What the law holds back, what it takes back, and what must be confirmed: end to
//! end over mutual TLS, by a clock that jumps.

mod third_country;

use std::sync::atomic::{AtomicI64, Ordering};

use comity::v1::{
    self, CaseState, ConditionState, HoldState, ResultKind, UrgencyLevel,
    evidence_service_client::EvidenceServiceClient,
    execution_service_client::ExecutionServiceClient, upload_request::Part,
};
use comity_sandbox::stories::Story;
use jiff::{SignedDuration, Timestamp};
use prost::{Message as _, bytes::Bytes};
use serde_json::Value;
use tonic::{Code, Status, transport::Channel};

use crate::world::{Cooperation, Scene, eventually, get, reason, story, submit, violations};

/// The rule by which the notified authority has ten days.
const HOLD: &str = "epoc-12-1-clock";
/// The rule by which data are deleted if it objects after an emergency.
const DELETION: &str = "epoc-10-4-objection";
/// A ground that it may raise.
const GROUND: &str = "epoc-12-1-a";

/// A wall clock of a test's own, which runs ahead of the real one.
struct Wall(AtomicI64);

impl Wall {
    const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(self.0.load(Ordering::SeqCst))
    }

    fn set_days(&self, days: i64) {
        self.0.store(24 * days, Ordering::SeqCst);
    }
}

/// A mailbox in France, asked for by a court in Ireland.
struct Mailbox {
    scene: Scene,
    story: Story,
    requester: Cooperation,
    enforcing: ExecutionServiceClient<Channel>,
    /// What the requester was answered at first.
    answer: v1::SubmitResponse,
    /// What only who was given the data can know.
    secrets: Vec<String>,
}

impl Mailbox {
    async fn ask(clock: fn() -> Timestamp, run: &str, level: UrgencyLevel) -> Self {
        Self::ask_with(clock, run, level, true).await
    }

    /// The same; whether France's system can be reached.
    async fn ask_with(
        clock: fn() -> Timestamp,
        run: &str,
        level: UrgencyLevel,
        reachable: bool,
    ) -> Self {
        let scene = Scene::start_by(&["FR", "IE"], clock, |_| ()).await;
        scene.backend("FR").set_up(reachable);
        let mut story = story(run, "Mailbox at a provider");
        story.request.urgency = Some(v1::Urgency {
            level: level.into(),
            reason: "a life is at risk".to_owned(),
        });
        let items = scene
            .register("FR")
            .items(&story.request.selectors[0].value);
        let mut secrets = Vec::new();
        items
            .unwrap()
            .iter()
            .for_each(|item| texts(item, &mut secrets));
        assert!(!secrets.is_empty(), "there is something to hold");
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let patience = if reachable { 30 } else { 0 };
        let answer = submit(&mut requester, &story.request, patience)
            .await
            .unwrap();
        let enforcing = scene.executing("FR", "parquet-paris").await;
        Self {
            scene,
            story,
            requester,
            enforcing,
            answer,
            secrets,
        }
    }

    fn name(&self) -> String {
        self.answer.case.as_ref().unwrap().name.clone()
    }

    async fn case(&mut self) -> v1::Case {
        let name = self.name();
        get(&mut self.requester, &name).await.unwrap()
    }

    /// The case once it has an event of a kind.
    async fn until(&mut self, kind: &str) -> v1::Case {
        let name = self.name();
        eventually(kind, async || {
            let case = get(&mut self.requester, &name).await.unwrap();
            let has = case.events.iter().any(|event| event.kind == kind);
            has.then_some(case)
        })
        .await
    }

    async fn object(&mut self, rule: &str) -> Result<CaseState, Status> {
        let message = v1::ObjectRequest {
            name: self.name(),
            rule_id: rule.to_owned(),
            reasons: "the mailbox is a journalist's".to_owned(),
            request_id: String::new(),
        };
        let answer = self.enforcing.object(message).await?;
        Ok(answer.into_inner().state())
    }

    fn confirmation(&self, obligation: &str) -> v1::ConfirmObligationRequest {
        v1::ConfirmObligationRequest {
            name: self.name(),
            obligation_id: obligation.to_owned(),
            note: "deleted from the file and from two copies".to_owned(),
            broken: false,
            request_id: String::new(),
        }
    }

    /// The bytes of everything that the requester can be answered of its case.
    async fn answers(&mut self) -> Vec<Vec<u8>> {
        let case = self.case().await;
        let last = case.events.len();
        let again = submit(&mut self.requester, &self.story.request, 0).await;
        let page = self.requester.list_cases(v1::ListCasesRequest::default());
        let page = page.await.unwrap().into_inner();
        let watch = v1::WatchCaseRequest {
            name: case.name.clone(),
            after_sequence: 0,
        };
        let watched = self.requester.watch_case(watch).await;
        let mut watched = watched.unwrap().into_inner();
        let mut answers = vec![
            case.encode_to_vec(),
            again.unwrap().encode_to_vec(),
            page.encode_to_vec(),
        ];
        for _ in 0..last {
            let event = watched.message().await.unwrap().unwrap();
            answers.push(event.encode_to_vec());
        }
        answers
    }

    #[track_caller]
    fn tells(&self, bytes: &[u8]) -> bool {
        let tells = |secret: &String| {
            bytes
                .windows(secret.len())
                .any(|at| at == secret.as_bytes())
        };
        self.secrets.iter().any(tells)
    }

    async fn assert_sealed(&mut self) {
        for answer in self.answers().await {
            assert!(!self.tells(&answer), "what is held got out");
        }
    }
}

/// Every text of some length in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= 12 => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[track_caller]
fn hold(case: &v1::Case) -> HoldState {
    let hold = case.holds.iter().find(|hold| hold.clock_id == HOLD);
    hold.expect("a hold").state()
}

#[track_caller]
fn condition<'a>(case: &'a v1::Case, id: &str) -> &'a v1::Condition {
    let mut conditions = case.conditions.iter();
    let found = conditions.find(|one| one.obligation_id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", case.conditions))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_in_no_answer_until_the_hold_lapses() {
    static WALL: Wall = Wall::new();
    let mut mailbox = Mailbox::ask(|| WALL.now(), "lapse", UrgencyLevel::Routine).await;
    let first = mailbox.answer.clone();
    let case = first.case.as_ref().unwrap();
    assert_eq!(case.state(), CaseState::Concluded);
    assert_eq!((hold(case), &case.result), (HoldState::On, &None));
    assert!(!mailbox.tells(&first.encode_to_vec()));
    mailbox.assert_sealed().await;

    WALL.set_days(20);
    let case = mailbox.until("released").await;
    assert_eq!(hold(&case), HoldState::Lapsed);
    assert_eq!(case.state(), CaseState::Concluded);
    assert!(mailbox.tells(&case.encode_to_vec()));
    let kinds = case.events.iter().map(|event| event.kind.as_str());
    let lapsed = kinds
        .clone()
        .position(|kind| kind == "clock-lapsed")
        .unwrap();
    assert!(lapsed < kinds.clone().position(|kind| kind == "released").unwrap());
    let status = mailbox.object(GROUND).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    let report = mailbox.scene.stop().await;
    assert_eq!(report.unpublished, 0);
}

/// A mailbox of which France has stored something as evidence, while it is not answered.
struct Stored {
    scene: Scene,
    requester: Cooperation,
    issuing: EvidenceServiceClient<Channel>,
    case: String,
    item: v1::DownloadRequest,
}

/// What is stored.
const CONTENT: &[u8] = b"what is in the mailbox";

impl Stored {
    async fn ask(clock: fn() -> Timestamp, run: &str, urgency: Option<v1::Urgency>) -> Self {
        let scene = Scene::start_by(&["FR", "IE"], clock, |_| ()).await;
        let mut story = story(run, "Mailbox at a provider");
        // Long enough under way for something to be stored before it is answered.
        for code in ["FR", "IE"] {
            scene.backend(code).set_up(false);
        }
        story.request.urgency = urgency;
        let mut requester = scene.issuing(story.jurisdiction, story.authority).await;
        let answer = submit(&mut requester, &story.request, 0).await.unwrap();
        let case = answer.case.unwrap().name;
        eventually("it is on its way", async || {
            let case = get(&mut requester, &case).await.unwrap();
            (case.state() == CaseState::Delivering).then_some(())
        })
        .await;
        let executing = story.request.executing.as_ref().unwrap();
        let state = &executing.jurisdiction;
        let channel = scene.connect(state, "parquet-paris-e-evidence", "executing");
        let mut executing = EvidenceServiceClient::new(channel.await);
        let channel = scene.connect(story.jurisdiction, story.authority, "issuing");
        let issuing = EvidenceServiceClient::new(channel.await);
        let sha256 = Bytes::copy_from_slice(&comity_evidence::digest(CONTENT).0);
        let header = v1::EvidenceHeader {
            case: case.clone(),
            media_type: "text/plain".to_owned(),
            size: CONTENT.len() as u64,
            sha256: sha256.clone(),
            ..v1::EvidenceHeader::default()
        };
        let chunk = v1::EvidenceChunk {
            data: Bytes::from_static(CONTENT),
            sha256,
        };
        let parts = [Part::Header(header), Part::Chunk(chunk)]
            .map(|part| v1::UploadRequest { part: Some(part) });
        let stored = executing.upload(tokio_stream::iter(parts)).await.unwrap();
        let item = v1::DownloadRequest {
            name: stored.into_inner().name,
            offset: 0,
        };
        Self {
            scene,
            requester,
            issuing,
            case,
            item,
        }
    }

    async fn case(&mut self) -> v1::Case {
        get(&mut self.requester, &self.case).await.unwrap()
    }

    async fn read(&mut self) -> Result<(), Status> {
        let read = self.issuing.download(self.item.clone()).await?;
        let mut read = read.into_inner();
        assert!(read.message().await.unwrap().unwrap().item.is_some());
        let chunk = read.message().await.unwrap().unwrap().chunk.unwrap();
        assert_eq!(chunk.data, CONTENT);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_held_as_results_are() {
    static WALL: Wall = Wall::new();
    let mut stored = Stored::ask(|| WALL.now(), "held-evidence", None).await;
    assert_eq!(hold(&stored.case().await), HoldState::On);
    let status = stored.read().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    assert!(status.message().contains("holds"), "{status:?}");

    WALL.set_days(20);
    let (name, requester) = (stored.case.clone(), stored.requester.clone());
    eventually("the hold lapses", async || {
        let case = get(&mut requester.clone(), &name).await.unwrap();
        (hold(&case) == HoldState::Lapsed).then_some(())
    })
    .await;
    stored.read().await.unwrap();
    stored.scene.stop().await;
}

/// Data that came as evidence alone are data: who objects has them deleted.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_data_binds_once_evidence_is_handed_over() {
    let urgency = v1::Urgency {
        level: UrgencyLevel::Emergency.into(),
        reason: "a life is at risk".to_owned(),
    };
    let mut stored = Stored::ask(Timestamp::now, "read-evidence", Some(urgency)).await;
    let case = stored.case().await;
    assert_eq!(condition(&case, DELETION).state(), ConditionState::Waiting);
    for _ in 0..2 {
        stored.read().await.unwrap();
    }
    let case = stored.case().await;
    let handed = case.events.iter();
    let handed = handed.filter(|event| event.kind == "evidence-handed-over");
    assert_eq!(handed.count(), 1);
    assert_eq!(condition(&case, DELETION).state(), ConditionState::Waiting);
    let mut enforcing = stored.scene.executing("FR", "parquet-paris").await;
    let object = v1::ObjectRequest {
        name: stored.case.clone(),
        rule_id: GROUND.to_owned(),
        reasons: "the mailbox is a journalist's".to_owned(),
        request_id: String::new(),
    };
    enforcing.object(object).await.unwrap();
    let case = stored.case().await;
    let due = condition(&case, DELETION);
    assert_eq!(due.state(), ConditionState::Open, "{case:#?}");
    assert!(due.due_at.is_some());
    stored.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_raises_nothing_lifts_its_hold() {
    let mut mailbox = Mailbox::ask(Timestamp::now, "lifted", UrgencyLevel::Routine).await;
    mailbox.assert_sealed().await;
    let message = v1::ReportProgressRequest {
        name: mailbox.name(),
        event: "confirmed".to_owned(),
        ..v1::ReportProgressRequest::default()
    };
    mailbox.enforcing.report_progress(message).await.unwrap();
    let case = mailbox.case().await;
    assert_eq!(hold(&case), HoldState::Lifted);
    assert!(mailbox.tells(&case.encode_to_vec()));
    let kinds: Vec<_> = case.events.iter().map(|event| &*event.kind).collect();
    assert_eq!(kinds, ["decision", "concluded", "confirmed", "released"]);
    mailbox.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objection_in_time_seals_for_good() {
    static WALL: Wall = Wall::new();
    let mut mailbox = Mailbox::ask(|| WALL.now(), "seals", UrgencyLevel::Routine).await;
    let status = mailbox.object("epoc-1").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let wrong = &violations(&status)["rule_id"];
    assert!(
        wrong.contains(GROUND) && !wrong.contains("`epoc-1`"),
        "{wrong}"
    );

    let state = mailbox.object(GROUND).await.unwrap();
    assert_eq!(state, CaseState::Concluded, "it had been executed");
    WALL.set_days(20);
    mailbox.assert_sealed().await;
    let case = mailbox.case().await;
    assert_eq!(hold(&case), HoldState::Objected);
    let result = case.result.as_ref().unwrap();
    assert_eq!(result.kind(), ResultKind::NotExecuted);
    assert_eq!(result.ground, GROUND);
    assert!(case.events.iter().all(|event| event.kind != "released"));
    mailbox.until("recalled").await;
    mailbox.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_emergency_a_late_objection_recalls_and_has_data_deleted() {
    static WALL: Wall = Wall::new();
    let level = UrgencyLevel::Emergency;
    let mut mailbox = Mailbox::ask(|| WALL.now(), "emergency", level).await;
    let case = mailbox.case().await;
    assert_eq!(case.state(), CaseState::Concluded);
    assert!(case.holds.is_empty(), "data go at once");
    assert!(mailbox.tells(&case.encode_to_vec()));
    assert_eq!(condition(&case, DELETION).state(), ConditionState::Waiting);
    let early = mailbox.confirmation(DELETION);
    let early = mailbox.enforcing.confirm_obligation(early).await;
    assert_eq!(early.unwrap_err().code(), Code::PermissionDenied);

    // The third of the four days in which it may object.
    WALL.set_days(3);
    mailbox.object(GROUND).await.unwrap();
    let case = mailbox.until("recalled").await;
    assert_eq!(mailbox.scene.backend("FR").recalls().unwrap(), 1);
    let due = condition(&case, DELETION);
    assert_eq!(due.state(), ConditionState::Open);
    assert!(due.due_at.is_some());
    mailbox.assert_sealed().await;

    // Nobody deletes in time: that stays on record.
    WALL.set_days(8);
    let case = mailbox.until("clock-breached").await;
    assert_eq!(condition(&case, DELETION).state(), ConditionState::Breached);

    let name = mailbox.confirmation("epoc-none");
    let mut execution = ExecutionServiceClient::new(
        mailbox
            .scene
            .connect(
                mailbox.story.jurisdiction,
                mailbox.story.authority,
                "issuing",
            )
            .await,
    );
    let unknown = execution.confirm_obligation(name).await.unwrap_err();
    assert!(violations(&unknown)["obligation_id"].contains(DELETION));
    let confirmation = mailbox.confirmation(DELETION);
    let answer = execution.confirm_obligation(confirmation.clone()).await;
    assert!(answer.unwrap().into_inner().receipt.is_some());
    let case = mailbox.case().await;
    let done = condition(&case, DELETION);
    assert_eq!(done.state(), ConditionState::Confirmed);
    assert!(done.confirmed_at.is_some() && done.breached_at.is_some());
    assert!(done.confirmed_by.contains(mailbox.story.authority));
    assert_eq!(done.note, confirmation.note);
    let twice = execution.confirm_obligation(confirmation).await;
    assert_eq!(twice.unwrap_err().code(), Code::FailedPrecondition);
    let [leaf] = &mailbox.scene.entries("kind=obligation-confirmed").await[..] else {
        panic!("one confirmation");
    };
    assert!(
        !format!("{leaf:?}").contains("two copies"),
        "the note is sealed"
    );
    let report = mailbox.scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}
