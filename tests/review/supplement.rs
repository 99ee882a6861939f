//! What the issuing authority adds to its request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use comity::v1::{
    self, CaseState, Outcome,
    conclude_request::Conclusion,
    execution_service_client::ExecutionServiceClient,
    national_backend_service_server::{NationalBackendService as _, NationalBackendServiceServer},
};
use comity_gateway::wire::structure;
use comity_sandbox::{backend::Backend, stories::Story};
use tonic::{Code, Request, Response, Status};

use super::{kinds, reaches, truth};
use crate::world::{
    Cooperation, Delivers, Scene, Served, eventually, get, on_shared, reason, search, story,
    submit, violations,
};

/// A capital charge without an assurance: incomplete.
const CAPITAL: &str = "Bank records for a capital charge, no assurance";

fn assurance(case: &v1::Case, id: &str) -> v1::SupplementRequest {
    let given = |kind: &str| v1::Assurance {
        kind: kind.to_owned(),
        text: "it is given".to_owned(),
        given_by: "the Minister".to_owned(),
        given_at: None,
    };
    v1::SupplementRequest {
        name: case.name.clone(),
        request_id: id.to_owned(),
        assurances: vec![
            given("no-death-penalty"),
            given("no-use-for-death-sentence"),
        ],
        ..v1::SupplementRequest::default()
    }
}

#[test]
fn an_incomplete_case_is_completed_decided_anew_and_delivered() {
    on_shared(async |scene| {
        let story = story("completed", CAPITAL);
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Incomplete);
        let before = case.decision.clone().unwrap();
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let message = assurance(&case, "completed/1");
        let answer = client.supplement(message.clone()).await.unwrap();
        let answer = answer.into_inner();
        assert!(!answer.replayed);
        let supplemented = answer.case.unwrap();
        let decision = supplemented.decision.clone().unwrap();
        assert_eq!(decision.outcome(), Outcome::Approved, "{decision:#?}");
        assert_eq!(decision.law_date, before.law_date);
        assert_ne!(decision.decision_id, before.decision_id);
        let request = supplemented.request.unwrap();
        assert_eq!(request.assurances.len(), 2);
        let case = reaches(scene, &story, &case.name, CaseState::Concluded).await;
        assert_eq!(kinds(&case), ["decision", "supplement", "concluded"]);

        // The answer was lost: the same again changes nothing, also at the end.
        let again = client.supplement(message.clone()).await.unwrap();
        let again = again.into_inner();
        assert!(again.replayed);
        assert_eq!(again.case.unwrap().state(), CaseState::Concluded);
        let events = get(&mut client, &case.name).await.unwrap().events;
        assert_eq!(events, case.events);
        let mut other = message;
        other.answer = "something else".to_owned();
        let status = client.supplement(other).await.unwrap_err();
        assert_eq!(reason(&status), "REQUEST_ID_REUSED");
        assert_eq!(status.code(), Code::AlreadyExists);
        let late = assurance(&case, "completed/2");
        let status = client.supplement(late).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
        let message = status.message();
        assert!(
            message.contains("possible while the case is INCOMPLETE"),
            "{message}"
        );
    });
}

#[test]
fn a_case_in_a_language_that_is_not_read_is_completed_in_one_that_is() {
    on_shared(async |scene| {
        let mut story = search("language");
        story.request.language = "EN".to_owned();
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Incomplete);
        let missing = case.decision.unwrap().requirements;
        assert!(
            missing.iter().all(|one| one.field == "language"),
            "{missing:?}"
        );
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let message = v1::SupplementRequest {
            name: case.name.clone(),
            request_id: "language/1".to_owned(),
            // Tags are the same in letters of any case.
            language: "FR-fr".to_owned(),
            ..v1::SupplementRequest::default()
        };
        let answer = client.supplement(message.clone()).await.unwrap();
        let case = answer.into_inner().case.unwrap();
        let decision = case.decision.unwrap();
        assert_eq!(decision.outcome(), Outcome::Approved, "{decision:#?}");
        assert_eq!(case.request.unwrap().language, "FR-fr");
        // What was handed over remains what it is.
        let case = reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
        let later = v1::SupplementRequest {
            request_id: "language/2".to_owned(),
            offences: story.request.offences.clone(),
            persons: story.request.persons.clone(),
            ..message
        };
        let status = client.supplement(later).await.unwrap_err();
        let found = violations(&status);
        let fields: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(fields, ["language", "offences", "persons"]);
        assert!(get(&mut client, &case.name).await.is_ok());
    });
}

#[test]
fn who_has_the_request_is_told_of_a_supplement() {
    on_shared(async |scene| {
        let story = search("told");
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Acknowledged);
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let message = assurance(&case, "told/1");
        let answer = client.supplement(message).await.unwrap().into_inner();
        assert_eq!(answer.case.unwrap().state(), CaseState::Acknowledged);
        let told = eventually("it is told", async || {
            let told = scene.backend("FR").notices(&case.name).unwrap();
            (!told.is_empty()).then_some(told)
        })
        .await;
        assert!(
            told.iter().all(|told| told.contains("supplement")),
            "{told:?}"
        );
    });
}

/// A system that is down at first, and meanwhile knows no case.
#[derive(Clone)]
struct Late {
    backend: Backend,
    is_up: Arc<AtomicBool>,
    /// Notices that it did not take.
    unknown: Arc<AtomicU32>,
}

#[tonic::async_trait]
impl Delivers for Late {
    fn backend(&self) -> &Backend {
        &self.backend
    }

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverResponse>, Status> {
        match self.is_up.load(Ordering::Relaxed) {
            true => self.backend.deliver(request).await,
            false => Err(Status::unavailable("not yet")),
        }
    }

    fn takes_notice(&self) -> bool {
        let is_up = self.is_up.load(Ordering::Relaxed);
        self.unknown.fetch_add(u32::from(!is_up), Ordering::Relaxed);
        is_up
    }
}

/// What is handed over is what was approved: of what came after that the notice tells alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_supplemented_on_the_way_is_told_once_the_request_is_there() {
    let mut late = None;
    let scene = Scene::start_beside(&["DE", "FR"], "FR", |backend| {
        let late = late.insert(Late {
            backend: backend.clone(),
            is_up: Arc::default(),
            unknown: Arc::default(),
        });
        NationalBackendServiceServer::new(Served(late.clone()))
    })
    .await;
    let late = late.unwrap();
    let story = search("late");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut client, &story.request, 0).await.unwrap();
    let case = reaches(
        &scene,
        &story,
        &answer.case.unwrap().name,
        CaseState::Delivering,
    )
    .await;
    client.supplement(assurance(&case, "late/1")).await.unwrap();
    eventually("the notice comes before the request", async || {
        (late.unknown.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    late.is_up.store(true, Ordering::Relaxed);
    reaches(&scene, &story, &case.name, CaseState::Acknowledged).await;
    eventually("it is told", async || {
        let told = scene.backend("FR").notices(&case.name).unwrap();
        told.iter()
            .any(|told| told.contains("supplement"))
            .then_some(())
    })
    .await;
    scene.stop().await;
}

/// What a use of data is bound by is confirmed by who asked.
async fn confirm(
    scene: &Scene,
    story: &Story,
    case: &v1::Case,
) -> Result<Response<v1::ConfirmObligationResponse>, Status> {
    let of_data = case.conditions.iter().find(|condition| {
        condition.kind() == v1::ObligationKind::UseLimit && condition.bound_party == "issuing"
    });
    let channel = scene.connect(story.jurisdiction, story.authority, "issuing");
    let mut client = ExecutionServiceClient::new(channel.await);
    let confirmation = v1::ConfirmObligationRequest {
        name: case.name.clone(),
        obligation_id: of_data.unwrap().obligation_id.clone(),
        note: "we keep to it".to_owned(),
        ..v1::ConfirmObligationRequest::default()
    };
    client.confirm_obligation(confirmation).await
}

/// The executing authority has done with a case.
async fn conclude(scene: &Scene, case: &v1::Case, result: v1::Result) {
    let mut executing = scene.executing("FR", "parquet-paris").await;
    let conclude = v1::ConcludeRequest {
        name: case.name.clone(),
        conclusion: Some(Conclusion::Result(result)),
        ..v1::ConcludeRequest::default()
    };
    executing.conclude(conclude).await.unwrap();
}

/// A confirmation given before would count for what comes.
#[test]
fn what_is_about_data_is_not_confirmed_before_any_came() {
    on_shared(async |scene| {
        let story = search("early");
        let case = scene.tell(&story).await;
        let early = confirm(scene, &story, &case).await.unwrap_err();
        assert_eq!(reason(&early), "NOT_ALLOWED_NOW", "{early:?}");
        assert!(
            early.message().contains("nothing was received yet"),
            "{early:?}"
        );
        let found = v1::Result {
            kind: v1::ResultKind::NothingFound.into(),
            ..v1::Result::default()
        };
        conclude(scene, &case, found).await;
        confirm(scene, &story, &case).await.unwrap();
    });
}

/// None will come, and nobody is left with a condition that cannot be met.
#[test]
fn what_is_about_data_is_confirmed_where_a_case_ended_without() {
    on_shared(async |scene| {
        let story = search("without");
        let case = scene.tell(&story).await;
        let refused = v1::Result {
            kind: v1::ResultKind::NotExecuted.into(),
            reason: "the court did not allow it".to_owned(),
            ground: "dir-2014-41 art 11(1)(a)".to_owned(),
            ..v1::Result::default()
        };
        conclude(scene, &case, refused).await;
        confirm(scene, &story, &case).await.unwrap();
    });
}

#[test]
fn only_the_owner_supplements_and_something_must_be_supplied() {
    on_shared(async |scene| {
        let story = story("owner", CAPITAL);
        let case = scene.tell(&story).await;
        let message = assurance(&case, "owner/1");
        let mut other = scene.issuing("US", "us-attorney-sdny").await;
        let status = other.supplement(message).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let empty = v1::SupplementRequest {
            name: case.name.clone(),
            request_id: "owner/2".to_owned(),
            ..v1::SupplementRequest::default()
        };
        let status = client.supplement(empty).await.unwrap_err();
        assert!(violations(&status)["facts"].contains("nothing is supplied"));
        let mut unknown = assurance(&case, "owner/3");
        unknown.facts.insert("no.such_fact".to_owned(), truth(true));
        let status = client.supplement(unknown).await.unwrap_err();
        assert!(violations(&status).contains_key("facts[\"no.such_fact\"]"));
        let case = get(&mut client, &case.name).await.unwrap();
        assert_eq!(kinds(&case), ["decision"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_rebutted_after_delivery_is_recalled() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("rebutted");
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Acknowledged);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let executing = scene.connect("FR", "tj-paris-ji", "executing").await;
    let watch = v1::WatchCaseRequest {
        name: case.name.clone(),
        after_sequence: 0,
    };
    let watched = Cooperation::new(executing).watch_case(watch).await;
    let mut watched = watched.unwrap().into_inner();
    let mut message = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "rebutted/1".to_owned(),
        answer: "the person is a member of parliament".to_owned(),
        ..v1::SupplementRequest::default()
    };
    // What changes nothing leaves the case where it stands.
    let answer = client.supplement(message.clone()).await.unwrap();
    let standing = answer.into_inner().case.unwrap();
    assert_eq!(standing.state(), CaseState::Acknowledged);
    assert_eq!(scene.backend("FR").received(), 1);
    for kind in ["decision", "acknowledged", "supplement"] {
        let event = watched.message().await.unwrap().unwrap().event.unwrap();
        assert_eq!(event.kind, kind);
    }

    let raised = "ground.disproportionate".to_owned();
    message.facts.insert(raised, truth(true));
    message.request_id = "rebutted/2".to_owned();
    let answer = client.supplement(message).await.unwrap();
    let referred = answer.into_inner().case.unwrap();
    assert_eq!(referred.state(), CaseState::UnderReview);
    // Who had it is told no more of what is none of its own again.
    let status = watched.message().await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let backend = scene.backend("FR");
    let case = eventually("it is recalled", async || {
        let case = get(&mut client, &case.name).await.unwrap();
        kinds(&case).contains(&"recalled").then_some(case)
    })
    .await;
    assert_eq!(backend.recalls().unwrap(), 1);
    assert_eq!(backend.standing(&case.name).unwrap(), 0);

    // Once a human releases it, it is delivered anew, under another step.
    let name = super::task_name(&case, 1);
    let (state, authority) = super::AUTHORITY;
    let mut reviewer = scene.reviewer(state, authority, "A. Durand").await;
    let release = super::opinion(&name, v1::ReviewVerdict::Release);
    super::decide(&mut reviewer, release).await.unwrap();
    let case = reaches(&scene, &story, &case.name, CaseState::Acknowledged).await;
    assert_eq!(backend.standing(&case.name).unwrap(), 1);
    assert_eq!(
        kinds(&case),
        [
            "decision",
            "acknowledged",
            "supplement",
            "supplement",
            "recalled",
            "review",
            "acknowledged"
        ]
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_approved_is_not_shown_once_it_is_withdrawn() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("unapproved");
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Acknowledged);
    let executing = scene.connect("FR", "tj-paris-ji", "executing").await;
    let mut executing = Cooperation::new(executing);
    let seen = get(&mut executing, &case.name).await.unwrap();
    assert!(seen.request.is_some() && seen.decision.is_some());
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let raised = "ground.disproportionate".to_owned();
    let message = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "unapproved/1".to_owned(),
        answer: "a name that nobody handed over".to_owned(),
        facts: [(raised, truth(true))].into(),
        ..v1::SupplementRequest::default()
    };
    let answer = client.supplement(message).await.unwrap().into_inner();
    assert_eq!(answer.case.unwrap().state(), CaseState::UnderReview);
    let message = v1::WithdrawRequest {
        name: case.name.clone(),
        reason: "it is not needed any more".to_owned(),
        request_id: String::new(),
    };
    client.withdraw(message).await.unwrap();

    let seen = get(&mut executing, &case.name).await.unwrap();
    assert_eq!(seen.state(), CaseState::Withdrawn);
    assert!(seen.request.is_none() && seen.decision.is_none());
    assert!(seen.consultations.is_empty());
    assert!(!format!("{seen:?}").contains("nobody handed over"));
    let listed = executing.list_cases(v1::ListCasesRequest::default()).await;
    let listed = listed.unwrap().into_inner().cases;
    assert!(matches!(&listed[..], [one] if one.decision.is_none()));
    let own = get(&mut client, &case.name).await.unwrap();
    assert!(own.request.is_some() && own.decision.is_some());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_under_way_hands_over_what_was_approved() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let backend = scene.backend("FR");
    backend.set_up(false);
    let story = search("under-way");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let case = crate::world::submit(&mut client, &story.request, 0).await;
    let case = case.unwrap().case.unwrap();
    let case = reaches(&scene, &story, &case.name, CaseState::Delivering).await;
    let message = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "under-way/1".to_owned(),
        answer: "for your information".to_owned(),
        assurances: vec![v1::Assurance {
            kind: "confidentiality".to_owned(),
            ..v1::Assurance::default()
        }],
        ..v1::SupplementRequest::default()
    };
    let answer = client.supplement(message).await.unwrap().into_inner();
    assert_eq!(answer.case.unwrap().state(), CaseState::Delivering);
    backend.set_up(true);
    let case = reaches(&scene, &story, &case.name, CaseState::Acknowledged).await;
    assert_eq!(case.request.unwrap().assurances.len(), 1);
    assert_eq!(backend.standing(&case.name).unwrap(), 1);
    scene.stop().await;
}

#[test]
fn a_form_that_names_another_state_than_its_request_is_mended_first() {
    on_shared(async |scene| {
        let mut story = search("contradicting");
        let right = story.request.form.clone().unwrap();
        let mut form = structure::to_json(right.clone()).unwrap();
        form["states"]["executing"] = "NL".into();
        story.request.form = Some(structure::from_json(&form));
        let case = scene.tell(&story).await;
        assert_eq!(case.state(), CaseState::Incomplete);
        let found = case.decision.clone().unwrap().requirements;
        let [requirement] = found.as_slice() else {
            panic!("{found:#?}");
        };
        assert_eq!(requirement.field, "form.states.executing");
        assert_eq!(
            requirement.remedy,
            "must agree with `executing.jurisdiction` of the request"
        );

        let mended = v1::SupplementRequest {
            name: case.name.clone(),
            request_id: "contradicting/1".to_owned(),
            form: Some(right),
            ..v1::SupplementRequest::default()
        };
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let answer = client.supplement(mended).await.unwrap().into_inner();
        let decision = answer.case.unwrap().decision.unwrap();
        assert_eq!(decision.outcome(), Outcome::Approved, "{decision:#?}");
        reaches(scene, &story, &case.name, CaseState::Acknowledged).await;
    });
}
