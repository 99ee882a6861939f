//! One referred case of the demonstration, decided by two judges and delivered.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use comity::v1::{
    self, CaseState, cooperation_service_client::CooperationServiceClient,
    review_service_client::ReviewServiceClient,
};
use comity_gateway::wire::statement;
use comity_sandbox::{
    stories::Story,
    world::{World, connect},
};
use tonic::transport::Channel;

use crate::{exit::Failure, render};

/// Who reviews, each for a court of its own.
const JUDGES: [(&str, &str); 2] = [("tj-paris-ji", "A. Durand"), ("tj-lyon-ji", "B. Martin")];
/// Reasons that a judge could give.
const REASONS: &str = "The issuing court has heard the suspect, who can appeal there.";
/// Longest wait for the delivery, in looks.
const LOOKS: u32 = 200;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Has every question of a case answered; what there is to tell of it, and whether it
/// ended with the executing authority.
pub(super) async fn decide(
    world: &World,
    gateway: SocketAddr,
    (story, case): (&Story, &v1::Case),
) -> Result<(String, bool), Failure> {
    let mut told = format!("\n{}: what humans make of it", story.title);
    for (authority, person) in JUDGES {
        let issued = world.issue_reviewer("FR", authority, person)?;
        let mut client = ReviewServiceClient::new(connect(gateway, &issued).await?);
        let page = client.list_tasks(v1::ListTasksRequest::default()).await?;
        let tasks = page.into_inner().tasks.into_iter();
        for task in tasks.filter(|task| task.case == case.name) {
            let referral = task.referral.clone().unwrap_or_default();
            if task.opinions.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(told, "\n  to the {}: {}", referral.role, referral.question);
            }
            let after = release(&mut client, task, &issued.key).await?;
            let decision = after.decision.unwrap_or_default();
            let _ = write!(
                told,
                "\n  {person}, {authority}: RELEASE, signed; the case is {}",
                render::outcome_name(decision.outcome())
            );
        }
    }
    let case = delivered(world, gateway, (story, case)).await?;
    let index = case.receipt.as_ref().map_or(0, |receipt| receipt.index);
    let state = render::state_name(case.state());
    let _ = write!(told, "\n  {state}, ledger entry {index}");
    Ok((told, case.state() == CaseState::Acknowledged))
}

/// Releases a question, signed, and gives the case after it.
async fn release(
    client: &mut ReviewServiceClient<Channel>,
    task: v1::ReviewTask,
    key: &str,
) -> Result<v1::Case, Failure> {
    let basis = task.referral.unwrap_or_default().basis_sha256;
    let mut message = v1::DecideRequest {
        name: task.name,
        verdict: v1::ReviewVerdict::Release.into(),
        reasons: REASONS.to_owned(),
        etag: task.etag,
        ..v1::DecideRequest::default()
    };
    let lines = statement::of(&message, &basis);
    message.signature = statement::sign(key.as_bytes(), &lines)?.into();
    let answer = client.decide(message).await?.into_inner();
    Ok(answer.case.unwrap_or_default())
}

/// The case once it has come to rest.
async fn delivered(
    world: &World,
    gateway: SocketAddr,
    (story, case): (&Story, &v1::Case),
) -> Result<v1::Case, Failure> {
    let channel = world
        .connect(gateway, story.jurisdiction, story.authority, "issuing")
        .await?;
    let mut client = CooperationServiceClient::new(channel);
    let message = v1::GetCaseRequest {
        name: case.name.clone(),
        text_language: String::new(),
    };
    let mut found = case.clone();
    for _ in 0..LOOKS {
        let answer = client.get_case(message.clone()).await?.into_inner();
        found = answer.case.unwrap_or_default();
        if !matches!(found.state(), CaseState::Approved | CaseState::Delivering) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(found)
}
