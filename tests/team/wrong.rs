//! What is wrong with a call on a team is said of the field.

use super::*;
use crate::world::violations;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_agreement_is_said_of_the_field() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let client = teams(&scene, DE).await;
    let check = async |change: fn(&mut v1::ProposeRequest), fields: &[&str]| {
        let mut message = agreement("wrong");
        change(&mut message);
        let status = client.clone().propose(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{fields:?}");
        let found: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(found, fields);
    };
    fn of(message: &mut v1::ProposeRequest) -> &mut v1::TeamAgreement {
        message.agreement.as_mut().unwrap()
    }
    check(|m| m.agreement = None, &["agreement"]).await;
    check(|m| m.request_id = "x".repeat(121), &["request_id"]).await;
    check(|m| of(m).parties.truncate(1), &["agreement.parties"]).await;
    check(|m| drop(of(m).parties.remove(0)), &["agreement.parties"]).await;
    check(
        |m| of(m).parties[2].jurisdiction = "FR".to_owned(),
        &["agreement.parties[2].jurisdiction"],
    )
    .await;
    check(
        |m| of(m).parties[1].authority = "Parquet de Paris".to_owned(),
        &["agreement.parties[1].authority"],
    )
    .await;
    check(
        |m| of(m).parties[1].jurisdiction = "XX".to_owned(),
        &["agreement.parties[1].jurisdiction"],
    )
    .await;
    check(
        |m| {
            of(m).purpose.clear();
            of(m).offences.clear();
            of(m).leaders[0].name = "two\nlines".to_owned();
            of(m).ends_at = m.issued_at;
        },
        &[
            "agreement.ends_at",
            "agreement.leaders[0].name",
            "agreement.offences",
            "agreement.purpose",
        ],
    )
    .await;
    check(
        |m| of(m).instrument = "none".to_owned(),
        &["agreement.instrument"],
    )
    .await;
    check(
        |m| m.conditions = vec![condition(ObligationKind::Redact, "the trial")],
        &["conditions[0].kind"],
    )
    .await;
    check(|m| m.issued_at = None, &["issued_at"]).await;

    // Executing systems propose nothing.
    let channel = scene.connect("DE", "sta-berlin", "executing").await;
    let status = Teams::new(channel)
        .propose(agreement("role"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(scene.backend("FR").received(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_of_a_team_what_its_agreement_does_not() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let mut message = agreement("led");
    message.agreement.as_mut().unwrap().states_of_operation = vec!["DE".to_owned()];
    let answer = teams(&scene, DE).await.propose(message).await.unwrap();
    let case = answer.into_inner().cases.swap_remove(0);
    assert_eq!(case.state(), CaseState::Incomplete);
    let led = "team.leader_of_state_of_operation";
    let said = v1::FactValue {
        value: Some(v1::fact_value::Value::Truth(true)),
    };
    let supplement = v1::SupplementRequest {
        name: case.name,
        request_id: "led/1".to_owned(),
        facts: [(led.to_owned(), said)].into(),
        ..v1::SupplementRequest::default()
    };
    let mut client = scene.issuing(DE.0, DE.1).await;
    let status = client.supplement(supplement).await.unwrap_err();
    let found = violations(&status);
    let fields: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(fields, [format!("facts[\"{led}\"]")]);
    assert_eq!(scene.backend("FR").received(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_share_is_said_of_the_field() {
    let joint = Joint::in_force("wrong-share").await;
    let check = async |change: fn(&mut v1::ShareRequest), fields: &[&str]| {
        let mut message = item(&joint.team.name, "wrong");
        change(&mut message);
        let status = joint.share(FR, &message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{fields:?}");
        let found: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(found, fields);
    };
    check(|m| m.name = "teams/1".to_owned(), &["name"]).await;
    check(
        |m| {
            m.information = None;
            m.offences.clear();
        },
        &["information", "offences"],
    )
    .await;
    check(
        |m| m.recipients = vec!["DE".to_owned(), "IT".to_owned(), "FR".to_owned()],
        &["recipients[1]", "recipients[2]"],
    )
    .await;
    check(
        |m| m.information.as_mut().unwrap().fields.clear(),
        &["information"],
    )
    .await;
    check(
        |m| {
            let mut own = condition(ObligationKind::UseLimit, "the trial");
            own.parameters
                .insert("event".to_owned(), "concluded".to_owned());
            m.conditions = vec![own];
        },
        &["conditions[0].parameters[\"event\"]"],
    )
    .await;
    check(
        |m| {
            m.responsible = Some(v1::ResponsiblePerson {
                name: "x".repeat(513),
                ..v1::ResponsiblePerson::default()
            });
        },
        &["responsible.name"],
    )
    .await;
    // For another offence the law refuses, with the article, and that is on record.
    let mut message = item(&joint.team.name, "other-offence");
    message.offences[0].provision = "CGI 1741".to_owned();
    message.offences[0].category = None;
    for case in joint.share(FR, &message).await.unwrap() {
        assert_eq!(decided(&case), (Outcome::Refused, vec!["jit-1-9-outside"]));
        let decision = case.decision.unwrap();
        let rule = decision.grounds[0].rule.as_ref().unwrap();
        let cited = rule.citation.as_ref().unwrap();
        assert_eq!(
            (cited.source.as_str(), cited.provision.as_str()),
            ("fd-2002-465", "art 1(1)")
        );
    }
    assert!(joint.shared(DE, 0).await.unwrap().is_empty());
    assert_eq!(joint.shared(FR, 0).await.unwrap().len(), 2);
    joint.scene.stop().await;
}
