//! Use of what was shared in a team, for another offence or against a condition: the
//! party that shared it is asked.

use rusqlite::Connection;

use super::*;
use crate::world::{Cooperation, eventually, submit, violations};

/// What Germany asks of France: to use what France shared, for an offence.
fn asked(
    id: &str,
    source: &str,
    team: &str,
    offence: (&str, Option<&str>),
) -> v1::CooperationRequest {
    let (provision, category) = offence;
    let request = serde_json::json!({
        "request_id": id,
        "issuing": {"jurisdiction": "DE", "authority": "sta-berlin"},
        "executing": {"jurisdiction": "FR"},
        "measure": "team.use-of-evidence",
        "language": "fr",
        "offences": [{"provision": provision, "category": category, "max_penalty_months": 60}],
        "purpose": "another trial",
        "source_case": source,
        "form": {
            "document": "use",
            "team": team,
            "purpose": "another trial",
            "information": "what France shared of the account",
            "signed": "2026-11-20",
        },
    });
    v1::CooperationRequest {
        issued_at: now(),
        ..json::parse(&request.to_string()).unwrap()
    }
}

const TAX: (&str, Option<&str>) = ("AO 370", None);
const FRAUD: (&str, Option<&str>) = ("StGB 263", Some("D20"));
const LAUNDERING: (&str, Option<&str>) = ("StGB 261", Some("D09"));

/// A team in which France has shared something with Germany, and its case.
async fn shared(id: &str, conditions: &[v1::Obligation]) -> (Joint, v1::Case) {
    let joint = Joint::in_force(id).await;
    let message = v1::ShareRequest {
        recipients: vec!["DE".to_owned()],
        conditions: conditions.to_vec(),
        ..item(&joint.team.name, "source")
    };
    let [case] = <[_; 1]>::try_from(joint.share(FR, &message).await.unwrap()).unwrap();
    (joint, case)
}

async fn ask(joint: &Joint, request: &v1::CooperationRequest) -> Result<v1::Case, Status> {
    let mut client = joint.scene.issuing("DE", "sta-berlin").await;
    Ok(submit(&mut client, request, 5).await?.case.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_party_that_shared_consents_or_does_not() {
    use v1::ReviewVerdict::{Refuse, Release};
    let (joint, source) = shared("consent", &[]).await;
    let mut reviewer = joint
        .scene
        .reviewer("FR", "parquet-paris", "A. Durand")
        .await;
    for (id, verdict, outcome) in [
        ("use-1", Release, Outcome::Approved),
        ("use-2", Refuse, Outcome::Refused),
    ] {
        let request = asked(id, &source.name, &joint.team.name, TAX);
        let case = ask(&joint, &request).await.unwrap();
        let (outcome_before, mut asked) = decided(&case);
        asked.sort_unstable();
        let consent = vec!["jit-1-10", "jit-1-10-b"];
        assert_eq!((outcome_before, asked), (Outcome::Referred, consent));
        let known = case.request.as_ref().unwrap().origin.clone().unwrap();
        assert_eq!(known.team_use(), v1::TeamUse::OtherOffence);
        assert_eq!(
            (known.instrument.as_str(), known.jurisdiction.as_str()),
            ("jit", "FR")
        );
        let tasks = reviewer.list_tasks(v1::ListTasksRequest::default()).await;
        let tasks = tasks.unwrap().into_inner().tasks;
        for task in tasks.iter().filter(|task| task.case == case.name) {
            let answer = v1::DecideRequest {
                name: task.name.clone(),
                verdict: verdict.into(),
                reasons: "as the file shows".to_owned(),
                ..v1::DecideRequest::default()
            };
            reviewer.decide(answer).await.unwrap();
        }
        let mut asker = joint.scene.issuing("DE", "sta-berlin").await;
        let case = get(&mut asker, &case.name).await.unwrap();
        assert_eq!(decided(&case).0, outcome, "{id}");
    }
    // Who shared it is told of each question and of each answer.
    let mut sharer = joint.scene.issuing("FR", "parquet-paris").await;
    crate::world::eventually("four times told", async || {
        let case = get(&mut sharer, &source.name).await.unwrap();
        let told = case.events.iter();
        let told = told.filter(|one| one.kind == "onward-use-asked");
        (told.count() == 4).then_some(())
    })
    .await;
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_no_party_sees_and_ends_nothing() {
    let (joint, source) = shared("outside", &[]).await;
    for (authority, sees) in [("sta-berlin", true), ("sta-muenchen-1", false)] {
        let channel = joint.scene.connect("DE", authority, "executing").await;
        let found = get(&mut Cooperation::new(channel), &source.name).await;
        assert_eq!(found.is_ok(), sees, "{authority}");
    }
    let mut other = joint.scene.executing("DE", "sta-muenchen-1").await;
    let ended = v1::ConcludeRequest {
        name: source.name.clone(),
        conclusion: Some(v1::conclude_request::Conclusion::Result(v1::Result {
            kind: v1::ResultKind::NotExecuted.into(),
            reason: "not ours".to_owned(),
            ground: "jit-2002 art 1".to_owned(),
            ..v1::Result::default()
        })),
        ..v1::ConcludeRequest::default()
    };
    let status = other.conclude(ended).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_agreed_needs_no_consent_but_a_condition_does() {
    fn in_two_years() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(24 * 730)
    }
    let limit = condition(ObligationKind::UseLimit, "intelligence only");
    let (mut joint, free) = shared("agreed", &[]).await;
    let message = v1::ShareRequest {
        recipients: vec!["DE".to_owned()],
        conditions: vec![limit],
        ..item(&joint.team.name, "limited")
    };
    let [limited] = <[_; 1]>::try_from(joint.share(FR, &message).await.unwrap()).unwrap();
    // The end of the team changes nothing for what it was set up for.
    for run in ["before", "after"] {
        for (source, offence, rules) in [
            (&free, FRAUD, vec![]),
            (&free, LAUNDERING, vec![]),
            (&limited, FRAUD, vec!["jit-1-9-conditions"]),
            (
                &limited,
                TAX,
                vec!["jit-1-10", "jit-1-10-b", "jit-1-9-conditions"],
            ),
        ] {
            let category = offence.1.unwrap_or("none");
            let id = format!("{run}/{}/{category}", source.request_id);
            let request = asked(&id, &source.name, &joint.team.name, offence);
            let case = ask(&joint, &request).await.unwrap();
            let (outcome, mut found) = decided(&case);
            found.sort_unstable();
            assert_eq!(found, rules, "{id}");
            let referred = outcome == Outcome::Referred;
            assert_eq!(referred, !rules.is_empty(), "{id}: {outcome:?}");
            assert!(
                referred || outcome == Outcome::Approved,
                "{id}: {outcome:?}"
            );
        }
        if run == "before" {
            joint.scene = joint.scene.restart_by(in_two_years).await;
        }
    }
    // What is left would be put off for two years.
    let db = joint.scene.world.data().join("comity.db");
    eventually("nothing is left to be done", async || {
        let db = Connection::open(&db).ok()?;
        let left = db.query_row("SELECT count(*) FROM job", [], |row| row.get::<_, i64>(0));
        (left.ok()? == 0).then_some(())
    })
    .await;
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_of_a_team_what_the_gateway_knows() {
    let (joint, source) = shared("said", &[]).await;
    let request = asked("said-1", &source.name, &joint.team.name, TAX);
    let check = async |change: fn(&mut v1::CooperationRequest), field: &str| {
        let mut said = request.clone();
        change(&mut said);
        let status = ask(&joint, &said).await.unwrap_err();
        let found: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(found, [field]);
    };
    check(|r| r.team = Some(v1::TeamContext::default()), "team").await;
    check(|r| r.measure = "team.share".to_owned(), "measure").await;
    check(|r| r.measure = "use.further".to_owned(), "measure").await;
    check(
        |r| r.executing.as_mut().unwrap().jurisdiction = "NL".to_owned(),
        "executing.jurisdiction",
    )
    .await;
    check(
        |r| {
            let own = v1::fact_value::Value::Text("team-purpose".to_owned());
            let own = v1::FactValue { value: Some(own) };
            r.facts.insert("team.use".to_owned(), own);
        },
        "facts[\"team.use\"]",
    )
    .await;
    check(
        |r| {
            let own = v1::FactValue {
                value: Some(v1::fact_value::Value::Truth(true)),
            };
            r.facts.insert("team.in_force".to_owned(), own);
        },
        "facts[\"team.in_force\"]",
    )
    .await;
    // Who was given nothing has nothing to use.
    let mut other = joint.scene.issuing("NL", "om-amsterdam").await;
    let mut request = request.clone();
    let issuing = request.issuing.as_mut().unwrap();
    (issuing.jurisdiction, issuing.authority) = ("NL".to_owned(), "om-amsterdam".to_owned());
    let status = submit(&mut other, &request, 0).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_FOUND");
    joint.scene.stop().await;
}
