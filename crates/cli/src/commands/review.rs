//! `comity review`: a reviewer on the command line.

use clap::{Args, Subcommand, ValueEnum};
use comity::v1::{self, review_service_client::ReviewServiceClient};
use comity_gateway::wire::statement;
use jiff::Timestamp;
use tonic::transport::Channel;

use super::request::{Call, Once};
use crate::{
    client::{complete, explain},
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
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The task, `tasks/<id>`
    task: String,
    #[command(flatten)]
    call: Call,
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
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
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
    complete(async {
        match command {
            Command::List(listing) => list(listing).await,
            Command::Show(named) => show(named).await,
            Command::Decide(answer) => decide(answer).await,
        }
    })?
}

async fn list(listing: Listing) -> Result<Exit, Failure> {
    let Listing { call } = listing;
    let mut client = connect(&call).await?;
    let ask = async |page_token| {
        let message = v1::ListTasksRequest {
            page_size: 500,
            page_token,
        };
        client.list_tasks(message).await
    };
    let pages = call.pages(review::table(), ask, |table, page| {
        table.add_rows(page.tasks.iter().map(review::row));
        page.next_page_token
    });
    pages.await?;
    Ok(Exit::Done)
}

async fn show(named: Named) -> Result<Exit, Failure> {
    let Named { task, call } = named;
    let mut client = connect(&call).await?;
    let answer = read(&mut client, task).await?;
    call.print(&answer, |answer| {
        review::task(&answer.task.clone().unwrap_or_default(), Timestamp::now())
    })?;
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
        once,
        call,
    } = answer;
    let verdict = match verdict {
        Verdict::Release => v1::ReviewVerdict::Release,
        Verdict::Refuse => v1::ReviewVerdict::Refuse,
        Verdict::Consult => v1::ReviewVerdict::Consult,
    };
    let mut client = connect(&call).await?;
    let seen = read(&mut client, task).await?.task.unwrap_or_default();
    let basis = seen.referral.unwrap_or_default().basis_sha256;
    let mut message = v1::DecideRequest {
        name: seen.name,
        verdict: verdict.into(),
        reasons,
        question,
        etag: seen.etag,
        signature: prost::bytes::Bytes::new(),
        request_id: once.id,
    };
    let lines = statement::of(&message, &basis);
    message.signature = statement::sign(&call.connection.own_key()?, &lines)?.into();
    let answer = client.decide(message).await.map_err(explain)?.into_inner();
    call.print(&answer, |answer| {
        let case = answer.case.clone().unwrap_or_default();
        let task = answer.task.clone().unwrap_or_default();
        format!(
            "{}{}",
            review::task(&task, Timestamp::now()),
            render::case(&case, Timestamp::now())
        )
    })?;
    Ok(Exit::Done)
}

async fn read(client: &mut Client, name: String) -> Result<v1::GetTaskResponse, Failure> {
    let answer = client.get_task(v1::GetTaskRequest { name }).await;
    Ok(answer.map_err(explain)?.into_inner())
}

async fn connect(call: &Call) -> Result<Client, Failure> {
    let client = ReviewServiceClient::new(call.open().await?);
    Ok(client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX))
}
