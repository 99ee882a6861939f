//! Joint investigation teams: agreed, shared in, used beyond and left, end to end over
//! mutual TLS.

mod command;
mod outside;
mod wrong;

use comity::v1::{
    self, CaseState, ConditionState, ObligationKind, Outcome, TeamMemberState, TeamState,
    execution_service_client::ExecutionServiceClient, team_service_client::TeamServiceClient,
};
use comity_gateway::wire::{json, to_proto};
use jiff::{SignedDuration, Timestamp};
use tonic::{Code, Status, transport::Channel};

use crate::{
    cli::{comity, shown},
    world::{Scene, at_a_time, get, reason},
};

type Teams = TeamServiceClient<Channel>;

/// What is shared, and must be told to nobody else.
const SECRET: &str = "Aurelia Beispielmann";
/// Who proposes, and the two who are asked.
const DE: (&str, &str) = ("DE", "sta-berlin");
const FR: (&str, &str) = ("FR", "parquet-paris");
const NL: (&str, &str) = ("NL", "om-amsterdam");

fn now() -> Option<prost_types::Timestamp> {
    Some(to_proto::timestamp(Timestamp::now()))
}

/// A team of Germany, France and the Netherlands on fraud, for a year.
fn agreement(id: &str) -> v1::ProposeRequest {
    let fraud = serde_json::json!(
        {"provision": "StGB 263", "category": "D20", "max_penalty_months": 60}
    );
    let laundering = serde_json::json!(
        {"provision": "StGB 261", "category": "D09", "max_penalty_months": 60}
    );
    let message = serde_json::json!({
        "request_id": id,
        "agreement": {
            "parties": [
                {"jurisdiction": "DE", "authority": "sta-berlin"},
                {"jurisdiction": "FR", "authority": "parquet-paris"},
                {"jurisdiction": "NL", "authority": "om-amsterdam"},
            ],
            "purpose": "a fraud on buyers of wood in three States",
            "offences": [fraud],
            "other_offences": [laundering],
            "states_of_operation": ["FR"],
            "leaders": [{"jurisdiction": "FR", "name": "B. Exemple", "authority": "Parquet de Paris"}],
            "members": [{
                "jurisdiction": "DE", "name": "C. Muster", "authority": "LKA Berlin", "seconded": true,
            }],
            "instrument": "jit",
            "language": "fr",
        },
        "wait": "20s",
    });
    let mut message: v1::ProposeRequest = json::parse(&message.to_string()).unwrap();
    let until = Timestamp::now() + SignedDuration::from_hours(24 * 365);
    message.agreement.as_mut().unwrap().ends_at = Some(to_proto::timestamp(until));
    message.issued_at = now();
    message
}

fn condition(kind: ObligationKind, purpose: &str) -> v1::Obligation {
    v1::Obligation {
        kind: kind.into(),
        parameters: [("purpose".to_owned(), purpose.to_owned())].into(),
        ..v1::Obligation::default()
    }
}

/// What is shared about the fraud.
fn item(team: &str, id: &str) -> v1::ShareRequest {
    let message = serde_json::json!({
        "name": team,
        "request_id": id,
        "information": {"account_holder": SECRET, "bank": "Banque"},
        "offences": [{"provision": "CP 313-1", "category": "D20", "max_penalty_months": 60}],
        "purpose": "to find where the money went",
        "language": "fr",
        "wait": "20s",
    });
    v1::ShareRequest {
        issued_at: now(),
        ..json::parse(&message.to_string()).unwrap()
    }
}

/// A scene with a team in it, and its parties.
struct Joint {
    scene: Scene,
    team: v1::Team,
}

impl Joint {
    /// A team that is proposed.
    async fn proposed(scene: Scene, id: &str) -> Self {
        let mut client = teams(&scene, DE).await;
        let answer = client.propose(agreement(id)).await.unwrap().into_inner();
        let team = answer.team.unwrap();
        Self { scene, team }
    }

    /// A team that is in force.
    async fn in_force(id: &str) -> Self {
        let mut joint = Self::proposed(Scene::start(&["DE", "FR", "NL"]).await, id).await;
        joint.join(FR, &[]).await.unwrap();
        joint.join(NL, &[]).await.unwrap();
        assert_eq!(joint.team.state(), TeamState::InForce);
        joint
    }

    async fn of(&self, party: (&str, &str)) -> Teams {
        teams(&self.scene, party).await
    }

    async fn join(
        &mut self,
        party: (&str, &str),
        conditions: &[v1::Obligation],
    ) -> Result<(), Status> {
        let message = v1::JoinRequest {
            name: self.team.name.clone(),
            conditions: conditions.to_vec(),
            request_id: String::new(),
        };
        let answer = self.of(party).await.join(message).await?.into_inner();
        assert!(answer.receipt.is_some());
        self.team = answer.team.unwrap();
        Ok(())
    }

    async fn leave(&mut self, party: (&str, &str)) -> Result<(), Status> {
        let message = v1::LeaveRequest {
            name: self.team.name.clone(),
            reason: "the investigation here is closed".to_owned(),
            request_id: String::new(),
        };
        let answer = self.of(party).await.leave(message).await?.into_inner();
        assert!(answer.receipt.is_some());
        self.team = answer.team.unwrap();
        Ok(())
    }

    async fn get(&self, party: (&str, &str)) -> Result<v1::Team, Status> {
        let name = self.team.name.clone();
        let mut client = self.of(party).await;
        let answer = client.get_team(v1::GetTeamRequest { name }).await?;
        Ok(answer.into_inner().team.unwrap())
    }

    async fn share(
        &self,
        party: (&str, &str),
        message: &v1::ShareRequest,
    ) -> Result<Vec<v1::Case>, Status> {
        let answer = self.of(party).await.share(message.clone()).await?;
        Ok(answer.into_inner().cases)
    }

    /// All that a party sees of what was shared, page by page.
    async fn shared(&self, party: (&str, &str), page_size: i32) -> Result<Vec<v1::Case>, Status> {
        let mut client = self.of(party).await;
        let mut found = Vec::new();
        let mut message = v1::ListSharedRequest {
            name: self.team.name.clone(),
            page_size,
            page_token: String::new(),
        };
        loop {
            let page = client.list_shared(message.clone()).await?.into_inner();
            found.extend(page.cases);
            message.page_token = page.next_page_token;
            if message.page_token.is_empty() {
                return Ok(found);
            }
        }
    }

    fn states(&self) -> Vec<TeamMemberState> {
        let members = self.team.members.iter();
        members.map(v1::TeamMember::state).collect()
    }
}

async fn teams(scene: &Scene, (state, authority): (&str, &str)) -> Teams {
    Teams::new(scene.connect(state, authority, "issuing").await)
}

/// The outcome of a case with the rules that settled it.
fn decided(case: &v1::Case) -> (Outcome, Vec<&str>) {
    let decision = case.decision.as_ref().unwrap();
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let rules = grounds.chain(referrals).flatten();
    let rules = rules.map(|rule| rule.rule_id.as_str()).collect();
    (decision.outcome(), rules)
}

/// Sender and recipient of a case.
fn sides(case: &v1::Case) -> (&str, &str) {
    let request = case.request.as_ref().unwrap();
    let issuing = &request.issuing.as_ref().unwrap().jurisdiction;
    (issuing, &request.executing.as_ref().unwrap().jurisdiction)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_what_was_shared_fits_its_reader() {
    let joint = Joint::in_force("large").await;
    // Three of them, each for two parties, are more than a client takes at once.
    for n in 0..3 {
        let mut message = item(&joint.team.name, &format!("large-{n}"));
        let information = message.information.as_mut().unwrap();
        let value = prost_types::value::Kind::StringValue("x".repeat(1 << 20));
        let value = prost_types::Value { kind: Some(value) };
        information.fields.insert("transcript".to_owned(), value);
        let cases = joint.share(DE, &message).await.unwrap();
        assert_eq!(cases.len(), 2);
    }
    assert_eq!(joint.shared(DE, 0).await.unwrap().len(), 6);
    assert_eq!(joint.shared(FR, 2).await.unwrap().len(), 3);
    joint.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_agreed_shared_in_and_left() {
    use TeamMemberState::{Invited, Joined, Left};
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let mut joint = Joint::proposed(scene, "story").await;
    assert_eq!(joint.team.state(), TeamState::Proposed);
    assert_eq!(joint.states(), [Joined, Invited, Invited]);
    assert_eq!(joint.scene.backend("FR").effects().unwrap(), 1);
    // While not all have signed, nothing passes.
    let early = item(&joint.team.name, "early");
    for case in joint.share(DE, &early).await.unwrap() {
        assert_eq!(decided(&case), (Outcome::Refused, vec!["jit-1-9-outside"]));
    }

    let limit = condition(ObligationKind::HandlingCode, "for investigators only");
    joint.join(FR, &[limit]).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::Proposed);
    joint.join(NL, &[]).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::InForce);
    assert_eq!(joint.states(), [Joined, Joined, Joined]);
    joint.scene = joint.scene.restart().await;
    assert_eq!(joint.get(NL).await.unwrap(), joint.team);

    let message = v1::ShareRequest {
        conditions: vec![condition(ObligationKind::RetainUntil, "the trial")],
        ..item(&joint.team.name, "shared")
    };
    let cases = joint.share(FR, &message).await.unwrap();
    let to: Vec<_> = cases.iter().map(sides).collect();
    assert_eq!(to, [("FR", "DE"), ("FR", "NL")]);
    for case in &cases {
        assert_eq!(decided(case).0, Outcome::Approved);
        assert_eq!(case.state(), CaseState::Acknowledged);
        let bound = case.conditions.iter();
        let bound = bound.map(|one| (one.obligation_id.as_str(), one.state()));
        let bound: Vec<_> = bound.collect();
        let open = ConditionState::Open;
        assert_eq!(bound, [("jit-1-9-binds", open), ("s1", open), ("s2", open)]);
    }
    // Each party sees its own part, in pages of any size.
    assert_eq!(joint.shared(FR, 1).await.unwrap().len(), 2);
    for (party, own) in [(DE, &cases[0]), (NL, &cases[1])] {
        let mut seen = joint.shared(party, 0).await.unwrap();
        seen.retain(|case| case.decision.as_ref().unwrap().outcome() == Outcome::Approved);
        let [seen] = <[_; 1]>::try_from(seen).unwrap();
        assert_eq!(seen.name, own.name);
        let information = seen.request.unwrap().information;
        assert_eq!(information, message.information);
    }

    // Two are enough for a team, one is not.
    joint.leave(NL).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::InForce);
    assert_eq!(joint.states(), [Joined, Joined, Left]);
    let later = item(&joint.team.name, "later");
    let cases = joint.share(DE, &later).await.unwrap();
    assert_eq!(cases.iter().map(sides).collect::<Vec<_>>(), [("DE", "FR")]);
    joint.leave(DE).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::Ended);
    let named = v1::ShareRequest {
        recipients: vec!["DE".to_owned()],
        ..item(&joint.team.name, "late")
    };
    let late = joint.share(FR, &named).await.unwrap();
    assert_eq!(
        decided(&late[0]),
        (Outcome::Refused, vec!["jit-1-9-outside"])
    );
    assert_eq!(joint.shared(NL, 0).await.unwrap().len(), 1);

    let leaves = joint.scene.entries("").await;
    assert!(!format!("{leaves:?}").contains(SECRET));
    let kinds = leaves.iter().map(|leaf| leaf.kind.as_str());
    let acts: Vec<_> = kinds.filter(|kind| kind.starts_with("team-")).collect();
    assert_eq!(
        acts,
        ["team-joined", "team-joined", "team-left", "team-left"]
    );
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_tell_that_a_team_exists() {
    let joint = Joint::in_force("strange").await;
    joint
        .share(FR, &item(&joint.team.name, "secret"))
        .await
        .unwrap();
    let name = joint.team.name.clone();
    // Other authorities of the parties' States too.
    for stranger in [("FR", "pnf"), ("DE", "lka-berlin"), ("IE", "dpp")] {
        let mut client = joint.of(stranger).await;
        let reason_why = "Nothing.".to_owned();
        let refused = [
            client
                .get_team(v1::GetTeamRequest { name: name.clone() })
                .await
                .err(),
            client.share(item(&name, "mine")).await.err(),
            client
                .join(v1::JoinRequest {
                    name: name.clone(),
                    ..v1::JoinRequest::default()
                })
                .await
                .err(),
            client
                .leave(v1::LeaveRequest {
                    name: name.clone(),
                    reason: reason_why,
                    ..v1::LeaveRequest::default()
                })
                .await
                .err(),
            joint.shared(stranger, 0).await.err(),
        ];
        let other = "teams/00000000-0000-4000-8000-000000000000".to_owned();
        let nowhere = client.get_team(v1::GetTeamRequest {
            name: other.clone(),
        });
        let nowhere = nowhere.await.unwrap_err();
        for status in refused {
            let status = status.unwrap();
            assert_eq!(status.code(), Code::NotFound);
            assert_eq!(status.message().replace(&name, &other), nowhere.message());
        }
        let page = client.list_teams(v1::ListTeamsRequest::default()).await;
        assert_eq!(page.unwrap().into_inner(), v1::ListTeamsResponse::default());
    }
    let actor = ("FR", "pnf", "issuing");
    let filter = format!(
        "kind=refused AND actor=spiffe://comity.example/{}/{}/{}",
        actor.0, actor.1, actor.2
    );
    assert_eq!(joint.scene.entries(&filter).await.len(), 6, "on record");
    // A party lists the team once, whoever proposed it.
    for party in [DE, FR, NL] {
        let page = joint
            .of(party)
            .await
            .list_teams(v1::ListTeamsRequest::default())
            .await;
        let listed = page.unwrap().into_inner().teams;
        assert_eq!(listed, std::slice::from_ref(&joint.team));
    }
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_ends_on_its_day() {
    fn in_two_years() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(24 * 730)
    }
    let mut joint = Joint::in_force("expires").await;
    joint.scene = joint.scene.restart_by(in_two_years).await;
    joint.team = joint.get(FR).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::Ended);
    let cases = joint
        .share(FR, &item(&joint.team.name, "late"))
        .await
        .unwrap();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        assert_eq!(decided(case), (Outcome::Refused, vec!["jit-1-9-outside"]));
    }
    assert_eq!(
        joint.scene.backend("NL").effects().unwrap(),
        1,
        "the proposal"
    );
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_calls_change_nothing_and_other_content_is_refused() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let proposal = agreement("again");
    let mut client = teams(&scene, DE).await;
    let first = client.propose(proposal.clone()).await.unwrap().into_inner();
    let again = client.propose(proposal.clone()).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.team, again.team);
    let mut other = proposal.clone();
    other.agreement.as_mut().unwrap().purpose = "another".to_owned();
    let status = client.propose(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    // One with other parties asks nobody: who was asked before would seem to be asked by it.
    let mut other = proposal.clone();
    let parties = &mut other.agreement.as_mut().unwrap().parties;
    parties[1].jurisdiction = "IT".to_owned();
    parties[1].authority = "procura-roma".to_owned();
    let status = client.propose(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    assert_eq!(scene.entries("kind=decision").await.len(), 2);

    let mut joint = Joint {
        scene,
        team: first.team.unwrap(),
    };
    let limit = condition(ObligationKind::UseLimit, "the trial");
    for _ in 0..2 {
        joint.join(FR, std::slice::from_ref(&limit)).await.unwrap();
    }
    let status = joint.join(FR, &[]).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    joint.join(NL, &[]).await.unwrap();
    let message = item(&joint.team.name, "item");
    let cases = joint.share(FR, &message).await.unwrap();
    let mut client = joint.of(FR).await;
    let again = client.share(message.clone()).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(again.cases[0].name, cases[0].name);
    let mut other = message;
    other.purpose = "another".to_owned();
    let status = client.share(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    for _ in 0..2 {
        joint.leave(NL).await.unwrap();
    }
    let joins = joint.scene.entries("kind=team-joined").await;
    let leaves = joint.scene.entries("kind=team-left").await;
    assert_eq!((joins.len(), leaves.len()), (2, 1));
    verify(joint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_an_id_a_party_joins_and_leaves_once_and_is_told_so_later() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let joint = Joint::proposed(scene, "jit/once").await;
    let mut client = joint.of(FR).await;
    let join = v1::JoinRequest {
        name: joint.team.name.clone(),
        request_id: "join/1".to_owned(),
        ..v1::JoinRequest::default()
    };
    let joining = || {
        let (mut client, join) = (client.clone(), join.clone());
        async move { client.join(join).await }
    };
    for answer in at_a_time(joining).await {
        assert!(answer.into_inner().receipt.is_some());
    }
    let leave = v1::LeaveRequest {
        name: joint.team.name.clone(),
        reason: "the investigation here is closed".to_owned(),
        request_id: "leave/1".to_owned(),
    };
    for _ in 0..2 {
        client.leave(leave.clone()).await.unwrap();
    }
    // The joining comes once more, late: it was recorded, and is not refused.
    let late = client.join(join.clone()).await.unwrap().into_inner();
    let members = late.team.unwrap().members;
    assert!(
        members
            .iter()
            .any(|one| one.state() == TeamMemberState::Left)
    );
    let other = v1::JoinRequest {
        conditions: vec![condition(ObligationKind::UseLimit, "other")],
        ..join
    };
    let status = client.join(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    let other = v1::LeaveRequest {
        reason: "for another reason".to_owned(),
        ..leave
    };
    let status = client.leave(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    for kind in ["team-joined", "team-left"] {
        let entries = joint.scene.entries(&format!("kind={kind}")).await;
        assert_eq!(entries.len(), 1, "{kind}");
    }
    joint.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_party_alone_signs_and_one_that_declines_ends_it() {
    let scene = Scene::start(&["DE", "FR", "NL"]).await;
    let mut joint = Joint::proposed(scene, "declined").await;
    let channel = joint
        .scene
        .connect("FR", "parquet-paris", "executing")
        .await;
    let mut system = ExecutionServiceClient::new(channel);
    let result = v1::Result {
        kind: v1::ResultKind::Complete.into(),
        ..v1::Result::default()
    };
    let message = v1::ConcludeRequest {
        name: joint.team.members[1].case.clone(),
        conclusion: Some(v1::conclude_request::Conclusion::Result(result)),
        ..v1::ConcludeRequest::default()
    };
    let status = system.conclude(message).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(crate::world::violations(&status)["result.kind"].contains("TeamService.Join"));

    joint.join(NL, &[]).await.unwrap();
    joint.leave(FR).await.unwrap();
    assert_eq!(joint.team.state(), TeamState::Ended);
    assert_eq!(joint.states()[1], TeamMemberState::Declined);
    let status = joint.join(FR, &[]).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_ALLOWED_NOW");
    verify(joint).await;
}

/// Stops the gateway; its ledger is whole, and its decisions can be made again.
async fn verify(joint: Joint) {
    let data = joint.scene.world.data();
    joint.scene.running.stop().await;
    for command in ["verify", "rerun"] {
        let arguments = ["audit", command, "--data", data.to_str().unwrap()].map(str::to_owned);
        let run = tokio::task::spawn_blocking(move || comity(arguments)).await;
        let run = run.unwrap();
        assert!(run.status.success(), "{}", shown(&run));
    }
}
