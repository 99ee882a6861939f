//! Who claims an emergency is asked afterwards whether there was one.

use comity::v1::{
    self, AssessEmergencyRequest, CaseState, EmergencyFinding, ListEmergenciesRequest,
    audit_service_client::AuditServiceClient,
};
use jiff::Timestamp;
use tonic::{Code, Status, transport::Channel};

use super::at_risk;
use crate::{
    audit::{
        erase::erase,
        gateway::{ask, options_of},
    },
    cli::{comity, shown, stable},
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
        request_id: String::new(),
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
    // Nobody judges its own claim, or another State's.
    for (state, authority) in [(mailbox.jurisdiction, mailbox.authority), ("DE", "bfj")] {
        let mut judge = Auditor::new(scene.connect(state, authority, "auditor").await);
        let status = assess(&mut judge, &case, "it was").await.unwrap_err();
        assert_eq!(reason(&status), "NOT_COMPETENT", "{state} {authority}");
    }

    let options = options_of(&scene, ["EU", "auditor", "auditor"]);
    let audit = |command: &[&str]| shown(&ask(&options, command));
    let mut told = audit(&["emergencies", "--purpose", "yearly review"]);
    let finding = [
        "assess",
        &case.name,
        "unjustified",
        "--reasons",
        "no life was at risk",
        "--id",
        "assess/1",
    ];
    for command in [
        &finding[..],
        &["emergencies", "--all", "--purpose", "again"],
    ] {
        told.push_str(&audit(command));
    }
    let again = audit(&finding);
    assert!(
        again.contains("unjustified") && told.contains(again.trim()),
        "{again}"
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_were_erased_are_counted_where_they_are_left_out() {
    let scene = Scene::start(&["DE", "FR", "IE"]).await;
    let mut cases = Vec::new();
    for run in ["erased", "kept"] {
        let mut mailbox = story(run, "Mailbox at a provider");
        mailbox.request.urgency = Some(at_risk());
        cases.push(scene.tell(&mailbox).await);
    }
    let data = scene.world.data();
    let [gone, _] = &cases[..] else {
        panic!("two were told");
    };
    let mut replayed = String::new();
    let scene = scene
        .restart_after(Timestamp::now, async || {
            let erased = erase(&data, &gone.name, &[]);
            assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
            let data = data.to_str().unwrap();
            replayed = shown(&comity(["policy", "replay", "--data", data]));
        })
        .await;
    assert!(
        replayed.starts_with("exit 0\n2 cases on record"),
        "{replayed}"
    );
    assert!(
        replayed.contains("\n1 not decided again: their records were erased\n"),
        "{replayed}"
    );
    let mut auditor = scene.auditor().await;
    let waiting = list(&mut auditor, false).await;
    assert_eq!((waiting.claims.len(), waiting.erased), (1, 1));
    assert_eq!(waiting.pruned_below, 0);
    let all = list(&mut auditor, true).await;
    assert_eq!((all.claims.len(), all.erased), (2, 0));
    let status = assess(&mut auditor, gone, "it was").await.unwrap_err();
    assert!(
        status.message().contains("the case are erased"),
        "{status:?}"
    );
    let options = options_of(&scene, ["EU", "auditor", "auditor"]);
    let told = shown(&ask(&options, &["emergencies", "--purpose", "review"]));
    assert!(
        told.contains("\nnot listed: 1, whose records were erased before anybody assessed them"),
        "{told}"
    );
    scene.stop().await;
}
