//! `comity request`: a requesting national system on the command line.

mod call;
mod download;
mod items;
mod line;
mod respond;
pub(super) mod share;
mod upload;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, value_parser};
use comity::v1::{self, cooperation_service_client::CooperationServiceClient};
use comity_gateway::wire::json;
use jiff::Timestamp;
use tonic::transport::Channel;

use crate::{
    client::{complete, explain},
    exit::{Exit, Failure},
    render,
};

pub(super) use self::call::Call;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Have a possibly incomplete request decided; nothing is sent
    #[command(
        after_help = "Example: comity request preflight request.json --ca ca.pem --cert me.pem --key me.key"
    )]
    Preflight(Submission),
    /// Submit a request
    #[command(
        after_help = "Example: comity request submit request.json --wait 20 --ca ca.pem --cert me.pem --key me.key"
    )]
    Submit(Submission),
    /// Show one case
    #[command(
        after_help = "Example: comity request get cases/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Get(Named),
    /// List cases, newest first
    #[command(
        after_help = "Example: comity request list --filter 'state=UNDER_REVIEW AND executing=FR' --ca ca.pem --cert me.pem --key me.key"
    )]
    List(Listing),
    /// Follow what happens to a case
    #[command(
        after_help = "Example: comity request watch cases/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Watch(Named),
    /// Store a file as evidence of a case; goes on by itself after a cut
    #[command(
        after_help = "Example: comity request upload cases/<id> film.mp4 --ca ca.pem --cert me.pem --key me.key"
    )]
    Upload(upload::Arguments),
    /// Read an item of evidence into a file; goes on by itself after a cut
    #[command(
        after_help = "Example: comity request download cases/<id> film.mp4 --ca ca.pem --cert me.pem --key me.key"
    )]
    Download(download::Arguments),
    /// List the evidence of a case, with who had it and when
    #[command(
        after_help = "Example: comity request evidence cases/ID --ca ca.pem --cert me.pem --key me.key"
    )]
    Evidence(Named),
    /// Supply what a case lacks, or answer what a reviewer asks, and have it
    /// decided again
    #[command(
        after_help = "Example: comity request supplement cases/ID --answer 'There is no milder means.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Supplement(Supplement),
    /// Withdraw a case; what was handed over is recalled
    #[command(
        after_help = "Example: comity request withdraw cases/ID --reason 'The proceedings were discontinued.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Withdraw(Withdraw),
    /// Send information without request, with the conditions that bind whoever
    /// accepts it
    #[command(
        after_help = "Example: comity request share tip.json --ca ca.pem --cert me.pem --key me.key"
    )]
    Share(Submission),
    /// Report what happened on the own side of a case, on the instrument's form
    /// where it has one
    #[command(
        after_help = "Examples:\n  comity request report cases/ID clarified --note 'The second account is meant.' --ca ca.pem --cert me.pem --key me.key\n  comity request report cases/ID answered-otherwise --form transmission.json --executing --ca ca.pem --cert me.pem --key me.key"
    )]
    Report(respond::Report),
    /// Say that a condition of a case was met, or broken
    #[command(
        after_help = "Example: comity request confirm cases/ID --obligation s1 --note 'Deleted.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Confirm(respond::Confirm),
    /// Raise a ground for refusal as notified or executing authority
    #[command(
        after_help = "Example: comity request object cases/ID --rule epoc-12-1-a --reasons 'A journalist is concerned.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Object(respond::Object),
}

#[derive(Debug, Args)]
pub(crate) struct Supplement {
    /// The case, `cases/<id>`
    case: String,
    /// Facts, form, assurances and validation: a `SupplementRequest` in the
    /// contract's JSON mapping
    #[arg(long)]
    file: Option<PathBuf>,
    /// The answer, in words, to what reviewers ask
    #[arg(long, default_value = "")]
    answer: String,
    /// Id of the supplement: repeated with the same content it is taken once. One
    /// is made where neither this nor the file says it
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The case, `cases/<id>`
    case: String,
    /// Why, in one sentence
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
}

/// How a call is told from another one with the same content.
#[derive(Debug, Args)]
pub(crate) struct Once {
    /// Id of the call: repeated with the same content it is done once. Without it a call
    /// that is repeated is another call
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Submission {
    /// The message in the contract's JSON mapping; `-` reads it from standard input
    pub(super) file: PathBuf,
    /// Seconds to wait for the answer, 0 to 60
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(..=60))]
    pub(super) wait: u32,
    /// Language of texts; what the gateway lacks in it is in English
    #[arg(long, default_value = "en")]
    pub(super) language: String,
    #[command(flatten)]
    pub(super) call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The case, `cases/<id>`
    case: String,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// For example `state=UNDER_REVIEW AND executing=FR`
    #[arg(long, default_value = "")]
    filter: String,
    #[command(flatten)]
    call: Call,
}

pub(super) type Client = CooperationServiceClient<Channel>;

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    complete(async {
        match command {
            Command::Preflight(submission) => preflight(submission).await,
            Command::Submit(submission) => submit(submission).await,
            Command::Get(named) => get(named).await,
            Command::List(listing) => list(listing).await,
            Command::Watch(named) => watch(named).await,
            Command::Supplement(supplement) => self::supplement(supplement).await,
            Command::Withdraw(withdraw) => self::withdraw(withdraw).await,
            Command::Share(submission) => share::run(submission).await,
            Command::Report(report) => respond::report(report).await,
            Command::Confirm(confirm) => respond::confirm(confirm).await,
            Command::Object(object) => respond::object(object).await,
            Command::Upload(arguments) => upload::run(arguments).await,
            Command::Download(arguments) => download::run(arguments).await,
            Command::Evidence(named) => items::run(named).await,
        }
    })?
}

async fn preflight(submission: Submission) -> Result<Exit, Failure> {
    let Submission {
        file,
        language,
        call,
        wait: _,
    } = submission;
    let message = v1::PreflightRequest {
        request: Some(read(&file)?),
        text_language: language,
    };
    let answer = connect(&call)
        .await?
        .preflight(message)
        .await
        .map_err(explain)?
        .into_inner();
    call.print(&answer, render::preflight)?;
    Ok(exit(&answer.decision.unwrap_or_default()))
}

async fn submit(submission: Submission) -> Result<Exit, Failure> {
    let Submission {
        file,
        language,
        call,
        wait,
    } = submission;
    let request = read(&file)?;
    let mut client = connect(&call).await?;
    let answer = send(&mut client, request, (wait, language)).await?;
    let case = answer.case.clone().unwrap_or_default();
    call.print(&answer, |answer| shown_case(answer.case.as_ref()))?;
    Ok(exit(&case.decision.unwrap_or_default()))
}

/// Sends a request, waits for its answer so many seconds, and is answered in a language.
pub(super) async fn send(
    client: &mut Client,
    request: v1::CooperationRequest,
    (seconds, language): (u32, String),
) -> Result<v1::SubmitResponse, Failure> {
    let (urgency, exercise) = (request.urgency.clone(), request.exercise);
    let message = v1::SubmitRequest {
        request: Some(request),
        wait: Some(wait(seconds)),
        text_language: language,
    };
    let marked = comity::marked(message, urgency, exercise);
    let answer = client.submit(marked).await;
    Ok(answer.map_err(explain)?.into_inner())
}

async fn get(named: Named) -> Result<Exit, Failure> {
    let Named { case: name, call } = named;
    let message = v1::GetCaseRequest {
        name,
        text_language: String::new(),
    };
    let answer = connect(&call)
        .await?
        .get_case(message)
        .await
        .map_err(explain)?
        .into_inner();
    call.print(&answer, |answer| shown_case(answer.case.as_ref()))?;
    Ok(Exit::Done)
}

async fn list(listing: Listing) -> Result<Exit, Failure> {
    let Listing { filter, call } = listing;
    let mut client = connect(&call).await?;
    let mut table = render::table(&[
        "case",
        "request",
        "state",
        "outcome",
        "received",
        "next limit",
    ]);
    render::keep_whole(&mut table, &[0]);
    let ask = async |page_token| {
        let message = v1::ListCasesRequest {
            page_size: 500,
            page_token,
            filter: filter.clone(),
        };
        client.list_cases(message).await
    };
    let pages = call.pages(table, ask, |table, page| {
        let rows = page.cases.iter();
        table.add_rows(rows.map(|case| render::case_row(case, Timestamp::now())));
        page.next_page_token
    });
    pages.await?;
    Ok(Exit::Done)
}

async fn watch(named: Named) -> Result<Exit, Failure> {
    let Named { case: name, call } = named;
    let message = v1::WatchCaseRequest {
        name,
        after_sequence: 0,
    };
    let mut events = connect(&call)
        .await?
        .watch_case(message)
        .await
        .map_err(explain)?
        .into_inner();
    while let Some(answer) = events.message().await.map_err(explain)? {
        call.print(&answer, |answer| {
            render::event(&answer.event.clone().unwrap_or_default())
        })?;
    }
    Ok(Exit::Done)
}

async fn supplement(supplement: Supplement) -> Result<Exit, Failure> {
    let Supplement {
        case,
        file,
        answer,
        id,
        call,
    } = supplement;
    let mut message: v1::SupplementRequest = match &file {
        Some(file) => read(file)?,
        None => v1::SupplementRequest::default(),
    };
    message.name = case;
    if !answer.is_empty() {
        message.answer = answer;
    }
    if let Some(id) = id {
        message.request_id = id;
    }
    if message.request_id.is_empty() {
        message.request_id = format!("supplement-{}", uuid::Uuid::now_v7());
    }
    let mut client = connect(&call).await?;
    let answer = client.supplement(message).await.map_err(explain)?;
    let answer = answer.into_inner();
    let case = answer.case.clone().unwrap_or_default();
    call.print(&answer, |answer| shown_case(answer.case.as_ref()))?;
    Ok(exit(&case.decision.unwrap_or_default()))
}

async fn withdraw(withdraw: Withdraw) -> Result<Exit, Failure> {
    let Withdraw {
        case: name,
        reason,
        once,
        call,
    } = withdraw;
    let message = v1::WithdrawRequest {
        name,
        reason,
        request_id: once.id,
    };
    let mut client = connect(&call).await?;
    let answer = client.withdraw(message).await.map_err(explain)?;
    let answer = answer.into_inner();
    call.print(&answer, |answer| shown_case(answer.case.as_ref()))?;
    Ok(Exit::Done)
}

/// How long to wait for an answer.
pub(super) fn wait(seconds: u32) -> prost_types::Duration {
    prost_types::Duration {
        seconds: seconds.into(),
        nanos: 0,
    }
}

async fn connect(call: &Call) -> Result<Client, Failure> {
    let client = CooperationServiceClient::new(call.open().await?);
    Ok(client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX))
}

/// Reads a message from its JSON file.
pub(super) fn read<M: prost::Message + prost::Name + Default>(file: &Path) -> Result<M, Failure> {
    json::parse(&text(file)?).map_err(|error| format!("{}:{error}", shown(file)).into())
}

/// In place of a file: standard input.
const FROM_INPUT: &str = "-";

/// A file as errors name it.
fn shown(file: &Path) -> Cow<'_, str> {
    match file == Path::new(FROM_INPUT) {
        true => Cow::Borrowed("standard input"),
        false => file.to_string_lossy(),
    }
}

/// What stands in a file, without the byte order mark that some editors set before it.
fn text(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = match file == Path::new(FROM_INPUT) {
        true => io::stdin().read_to_end(&mut bytes),
        false => File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    let shown = shown(file);
    read.map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| format!("`{shown}` is not UTF-8: save it as UTF-8"))?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// Prints a message as JSON, or in words, which are made of one whose texts, others' among
/// them, move no terminal and forge no line.
pub(super) fn print<M: prost::Message + prost::Name + Default>(
    as_json: bool,
    message: &M,
    words: impl FnOnce(&M) -> String,
) -> Result<(), Failure> {
    if as_json {
        println!("{}", json::print(message)?);
    } else {
        anstream::println!("{}", words(&json::visible(message)?).trim_end());
    }
    Ok(())
}

/// A case for people, as it stands now.
pub(super) fn shown_case(case: Option<&v1::Case>) -> String {
    render::case(&case.cloned().unwrap_or_default(), Timestamp::now())
}

/// The exit code for a decision: yes only when it approves.
pub(super) fn exit(decision: &v1::Decision) -> Exit {
    if decision.outcome() == v1::Outcome::Approved {
        Exit::Done
    } else {
        Exit::No
    }
}
