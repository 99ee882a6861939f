//! `comity team`: a party to joint investigation teams on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comity::v1::{self, team_service_client::TeamServiceClient};
use jiff::Timestamp;
use tonic::transport::Channel;

use super::request::{Call, Once, Submission, exit, read, wait};
use crate::{
    client::{complete, explain},
    exit::{Exit, Failure},
    render::{self, team},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Propose an agreement to its other parties, and sign it
    #[command(
        after_help = "Example: comity team propose agreement.json --ca ca.pem --cert me.pem --key me.key"
    )]
    Propose(Submission),
    /// Sign an agreement that was proposed
    #[command(
        after_help = "Example: comity team join teams/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Join(Join),
    /// Leave a team, or decline to join it
    #[command(
        after_help = "Example: comity team leave teams/ID --reason 'The investigation is closed.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Leave(Leave),
    /// Share information inside a team
    #[command(
        after_help = "Example: comity team share item.json --team teams/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Share(Sharing),
    /// Show one team
    #[command(
        after_help = "Example: comity team show teams/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Show(Named),
    /// List teams; of one that is named, what was shared in it with or by you
    #[command(
        after_help = "Examples: comity team list --ca ca.pem --cert me.pem --key me.key
          comity team list teams/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    List(Listing),
}

#[derive(Debug, Args)]
pub(crate) struct Sharing {
    #[command(flatten)]
    sending: Submission,
    /// The team, `teams/<id>`, where the file does not name it
    #[arg(long)]
    team: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The team, `teams/<id>`
    team: String,
    /// Conditions on all that you will share: a `JoinRequest` in the contract's JSON
    /// mapping
    #[arg(long)]
    file: Option<PathBuf>,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Leave {
    /// The team, `teams/<id>`
    team: String,
    /// Why, in one sentence
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The team, `teams/<id>`
    team: String,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// The team, `teams/<id>`, of which to list what was shared
    team: Option<String>,
    #[command(flatten)]
    call: Call,
}

type Client = TeamServiceClient<Channel>;

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    complete(async {
        match command {
            Command::Propose(sending) => propose(sending).await,
            Command::Join(join) => self::join(join).await,
            Command::Leave(leave) => self::leave(leave).await,
            Command::Share(sharing) => share(sharing).await,
            Command::Show(named) => show(named).await,
            Command::List(Listing {
                team: Some(team),
                call,
            }) => list_shared(team, &call).await,
            Command::List(Listing { team: None, call }) => list_teams(&call).await,
        }
    })?
}

async fn propose(sending: Submission) -> Result<Exit, Failure> {
    let message = v1::ProposeRequest {
        wait: Some(wait(sending.wait)),
        text_language: sending.language.clone(),
        ..read(&sending.file)?
    };
    let mut client = connect(&sending.call).await?;
    let answer = client.propose(message).await.map_err(explain)?.into_inner();
    sending.call.print(&answer, |answer| {
        let team = team::team(&answer.team.clone().unwrap_or_default());
        format!("{team}{}", cases(&answer.cases))
    })?;
    Ok(all_approved(&answer.cases))
}

async fn share(Sharing { sending, team }: Sharing) -> Result<Exit, Failure> {
    let mut message = v1::ShareRequest {
        wait: Some(wait(sending.wait)),
        text_language: sending.language.clone(),
        ..read(&sending.file)?
    };
    if let Some(team) = team {
        message.name = team;
    }
    let urgency = message.urgency.clone();
    let mut client = connect(&sending.call).await?;
    let answer = client.share(comity::marked(message, urgency, false)).await;
    let answer = answer.map_err(explain)?.into_inner();
    sending.call.print(&answer, |answer| cases(&answer.cases))?;
    Ok(all_approved(&answer.cases))
}

async fn join(join: Join) -> Result<Exit, Failure> {
    let Join {
        team: name,
        file,
        once,
        call,
    } = join;
    let message = match &file {
        Some(file) => read(file)?,
        None => v1::JoinRequest::default(),
    };
    let mut message = v1::JoinRequest { name, ..message };
    if !once.id.is_empty() {
        message.request_id = once.id;
    }
    let mut client = connect(&call).await?;
    let answer = client.join(message).await.map_err(explain)?.into_inner();
    call.print(&answer, |answer| {
        after(answer.team.as_ref(), answer.receipt.as_ref())
    })?;
    Ok(Exit::Done)
}

async fn leave(leave: Leave) -> Result<Exit, Failure> {
    let Leave {
        team: name,
        reason,
        once,
        call,
    } = leave;
    let message = v1::LeaveRequest {
        name,
        reason,
        request_id: once.id,
    };
    let mut client = connect(&call).await?;
    let answer = client.leave(message).await.map_err(explain)?.into_inner();
    call.print(&answer, |answer| {
        after(answer.team.as_ref(), answer.receipt.as_ref())
    })?;
    Ok(Exit::Done)
}

async fn show(named: Named) -> Result<Exit, Failure> {
    let Named { team: name, call } = named;
    let mut client = connect(&call).await?;
    let answer = client.get_team(v1::GetTeamRequest { name }).await;
    let answer = answer.map_err(explain)?.into_inner();
    call.print(&answer, |answer| after(answer.team.as_ref(), None))?;
    Ok(Exit::Done)
}

async fn list_teams(call: &Call) -> Result<Exit, Failure> {
    let mut client = connect(call).await?;
    let ask = async |page_token| {
        let message = v1::ListTeamsRequest {
            page_token,
            ..v1::ListTeamsRequest::default()
        };
        client.list_teams(message).await
    };
    let pages = call.pages(team::teams(), ask, |table, page| {
        table.add_rows(page.teams.iter().map(team::row));
        page.next_page_token
    });
    pages.await?;
    Ok(Exit::Done)
}

async fn list_shared(name: String, call: &Call) -> Result<Exit, Failure> {
    let mut client = connect(call).await?;
    let ask = async |page_token| {
        let message = v1::ListSharedRequest {
            name: name.clone(),
            page_token,
            ..v1::ListSharedRequest::default()
        };
        client.list_shared(message).await
    };
    let pages = call.pages(team::shared(), ask, |table, page| {
        table.add_rows(page.cases.iter().map(team::shared_row));
        page.next_page_token
    });
    pages.await?;
    Ok(Exit::Done)
}

/// A team after a call, and the proof of the call.
fn after(team: Option<&v1::Team>, receipt: Option<&v1::Receipt>) -> String {
    let team = team.map(team::team).unwrap_or_default();
    let receipt = receipt.map(render::receipt).unwrap_or_default();
    format!("{team}{receipt}")
}

fn cases(cases: &[v1::Case]) -> String {
    let now = Timestamp::now();
    cases.iter().map(|case| render::case(case, now)).collect()
}

/// Yes only when every case is approved.
fn all_approved(cases: &[v1::Case]) -> Exit {
    let decided = |case: &v1::Case| exit(&case.decision.clone().unwrap_or_default());
    match cases.iter().map(decided).all(|exit| exit == Exit::Done) {
        true => Exit::Done,
        false => Exit::No,
    }
}

async fn connect(call: &Call) -> Result<Client, Failure> {
    let client = TeamServiceClient::new(call.open().await?);
    Ok(client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX))
}
