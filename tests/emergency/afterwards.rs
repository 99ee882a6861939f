//! Who claims an emergency is asked afterwards whether there was one.

use comity::v1::{
    self, AssessEmergencyRequest, CaseState, EmergencyFinding, ListEmergenciesRequest,
    audit_service_client::AuditServiceClient,
};
use tonic::{Code, Status, transport::Channel};

use super::at_risk;
use crate::{
    audit::gateway::{ask, options_of},
    cli::{shown, stable},
    world::{Scene, eventually, get, reason, search, story, violations},
};

type Auditor = AuditServiceClient<Channel>;

async fn list(auditor: &mut Auditor, assessed: bool) -> v1::ListEmergenciesResponse {
    let message = ListEmergenciesRequest {
        assessed,
        purpose: "yearly review".to_owned(),
        ..ListEmergenciesRequest::default()
    };
    let answer = auditor.list_emergencies(message).await;
    answer.unwrap().into_inner()
}

async fn assess(auditor: &mut Auditor, case: &v1::Case, reasons: &str) -> Result<u64, Status> {
    let message = AssessEmergencyRequest {
        name: case.name.clone(),
        finding: EmergencyFinding::Justified.into(),
        reasons: reasons.to_owned(),
    };
    let answer = auditor.assess_emergency(message).await?;
    Ok(answer.into_inner().receipt.unwrap().index)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_claims_an_emergency_is_asked_whether_there_was_one() {
    let scene = Scene::start(&["DE", "FR", "IE"]).await;
    let mut mailbox = story("claimed", "Mailbox at a provider");
    let routine = scene.tell(&mailbox).await;
    mailbox.request.request_id = "claimed/emergency".to_owned();
    mailbox.request.urgency = Some(at_risk());
    let case = scene.tell(&mailbox).await;
    assert_eq!(case.state(), CaseState::Concluded);
    let mut house = search("claimed-house");
    house.request.urgency = Some(at_risk());
    let under_way = scene.tell(&house).await;
    assert_eq!(under_way.state(), CaseState::Acknowledged);

    let mut auditor = scene.auditor().await;
    let idle = ListEmergenciesRequest::default();
    let status = auditor.list_emergencies(idle).await.unwrap_err();
    assert!(violations(&status).contains_key("purpose"), "{status:?}");
    let answer = list(&mut auditor, false).await;
    let [claim] = &answer.claims[..] else {
        panic!("one case has come to its end: {:#?}", answer.claims);
    };
    assert_eq!((&claim.case, claim.state()), (&case.name, case.state()));
    assert_eq!(claim.reason, "a life is at risk");
    assert_eq!(claim.finding(), EmergencyFinding::Unspecified);
    let claims: Vec<_> = answer.claimants.iter().map(|one| one.claims).collect();
    assert_eq!(claims, [1, 1], "who claims one under way counts, too");

    let mute = assess(&mut auditor, &case, " ").await.unwrap_err();
    assert!(violations(&mute)["reasons"].contains("say why"));
    for other in [&routine, &under_way] {
        let status = assess(&mut auditor, other, "why").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    }
    let own = scene.connect(mailbox.jurisdiction, mailbox.authority, "issuing");
    let mut own = Auditor::new(own.await);
    let status = assess(&mut own, &case, "it was").await.unwrap_err();
    assert_eq!(reason(&status), "PERMISSION_DENIED");

    let options = options_of(&scene, ["EU", "auditor", "auditor"]);
    let audit = |command: &[&str]| shown(&ask(&options, command));
    let mut told = audit(&["emergencies", "--purpose", "yearly review"]);
    let finding = [
        "assess",
        &case.name,
        "unjustified",
        "--reasons",
        "no life was at risk",
    ];
    for command in [
        &finding[..],
        &["emergencies", "--all", "--purpose", "again"],
    ] {
        told.push_str(&audit(command));
    }
    let told = told.replace(&case.name, "cases/[id]");
    stable(scene.folder()).bind(|| insta::assert_snapshot!("assessed", told));

    assert!(list(&mut auditor, false).await.claims.is_empty());
    let twice = assess(&mut auditor, &case, "it was").await.unwrap_err();
    assert_eq!(twice.code(), Code::FailedPrecondition);
    let mut requester = scene.issuing(mailbox.jurisdiction, mailbox.authority).await;
    let seen = get(&mut requester, &case.name).await.unwrap();
    let event = seen.events.last().unwrap();
    assert_eq!(event.kind, "emergency-unjustified");
    assert_eq!(event.remark, "no life was at risk");
    eventually("the executing system is told", async || {
        let notices = scene.entries("kind=notice").await;
        (!notices.is_empty()).then_some(())
    })
    .await;
    let entries = scene.entries("kind=emergency-unjustified").await;
    assert!(
        !format!("{entries:?}").contains("no life"),
        "reasons are sealed"
    );
    let report = scene.stop().await;
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}
