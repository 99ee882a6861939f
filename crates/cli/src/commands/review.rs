//! `comity review`: a reviewer on the command line.

use clap::{Args, Subcommand, ValueEnum};
use comity::v1::{self, review_service_client::ReviewServiceClient};
use comity_gateway::wire::{json, statement};
use jiff::Timestamp;
use tonic::transport::Channel;

use super::request::print;
use crate::{
    client::{Connection, explain, runtime},
    exit::{Exit, Failure},
    render::{self, review},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what waits for you, the most urgent first
    #[command(after_help = "Example: comity review list --ca ca.pem --cert me.pem --key me.key")]
    List(Listing),
    /// Show one task: question, rule, facts, grounds and opinions
    #[command(
        after_help = "Example: comity review show tasks/ID-1 --ca ca.pem --cert me.pem --key me.key"
    )]
    Show(Named),
    /// Answer a task's question, signed with your key
    #[command(
        after_help = "Example: comity review decide tasks/ID-1 release --reasons 'The measure is proportionate.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Decide(Answer),
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The task, `tasks/<id>`
    task: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The task, `tasks/<id>`
    task: String,
    /// The answer
    verdict: Verdict,
    /// The reasons; sealed, and shown to reviewers and auditors only
    #[arg(long)]
    reasons: String,
    /// With `consult`: what the issuing authority is asked
    #[arg(long, default_value = "")]
    question: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// See `ReviewVerdict`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    /// The ground does not hold
    Release,
    /// The ground holds
    Refuse,
    /// The issuing authority is asked first
    Consult,
}

type Client = ReviewServiceClient<Channel>;

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    runtime()?.block_on(async {
        match command {
            Command::List(listing) => list(listing).await,
            Command::Show(named) => show(named).await,
            Command::Decide(answer) => decide(answer).await,
        }
    })
}

async fn list(listing: Listing) -> Result<Exit, Failure> {
    let Listing { json, connection } = listing;
    let mut client = connect(&connection).await?;
    let mut table = review::table();
    let mut message = v1::ListTasksRequest {
        page_size: 500,
        page_token: String::new(),
    };
    loop {
        let page = client.list_tasks(message.clone()).await.map_err(explain)?;
        let page = page.into_inner();
        if json {
            println!("{}", json::print(&page)?);
        }
        for task in &page.tasks {
            table.add_row(review::row(task));
        }
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    if !json {
        println!("{table}");
    }
    Ok(Exit::Done)
}

async fn show(named: Named) -> Result<Exit, Failure> {
    let Named {
        task,
        json,
        connection,
    } = named;
    let mut client = connect(&connection).await?;
    let answer = read(&mut client, task).await?;
    let task = answer.task.clone().unwrap_or_default();
    print(json, &answer, || review::task(&task))?;
    Ok(Exit::Done)
}

/// Answers the question as it stands now: if it changes meanwhile, nothing is
/// answered.
async fn decide(answer: Answer) -> Result<Exit, Failure> {
    let Answer {
        task,
        verdict,
        reasons,
        question,
        json,
        connection,
    } = answer;
    let verdict = match verdict {
        Verdict::Release => v1::ReviewVerdict::Release,
        Verdict::Refuse => v1::ReviewVerdict::Refuse,
        Verdict::Consult => v1::ReviewVerdict::Consult,
    };
    let mut client = connect(&connection).await?;
    let seen = read(&mut client, task).await?.task.unwrap_or_default();
    let basis = seen.referral.unwrap_or_default().basis_sha256;
    let mut message = v1::DecideRequest {
        name: seen.name,
        verdict: verdict.into(),
        reasons,
        question,
        etag: seen.etag,
        signature: prost::bytes::Bytes::new(),
    };
    let lines = statement::of(&message, &basis);
    message.signature = statement::sign(&connection.own_key()?, &lines)?.into();
    let answer = client.decide(message).await.map_err(explain)?.into_inner();
    let case = answer.case.clone().unwrap_or_default();
    let task = answer.task.clone().unwrap_or_default();
    print(json, &answer, || {
        format!(
            "{}{}",
            review::task(&task),
            render::case(&case, Timestamp::now())
        )
    })?;
    Ok(Exit::Done)
}

async fn read(client: &mut Client, name: String) -> Result<v1::GetTaskResponse, Failure> {
    let answer = client.get_task(v1::GetTaskRequest { name }).await;
    Ok(answer.map_err(explain)?.into_inner())
}

async fn connect(connection: &Connection) -> Result<Client, Failure> {
    Ok(ReviewServiceClient::new(connection.open().await?))
}
