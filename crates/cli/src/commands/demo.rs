//! `comity demo`: several jurisdictions, their backends and a gateway in one
//! process, and real requests through real sockets.

mod exercise;
mod judges;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use comfy_table::{Cell, Table};
use comity::v1::{self, cooperation_service_client::CooperationServiceClient};
use comity_gateway::{config::Config, gateway, wire::to_proto};
use comity_sandbox::{
    register::Register,
    stories::{self, Story},
    world::World,
};
use jiff::Timestamp;
use time::OffsetDateTime;

use super::{request, serve::stop_signal};
use crate::{
    client::complete,
    exit::{Exit, Failure},
    render,
};

/// How long a backend that is down stays down.
const OUTAGE: Duration = Duration::from_millis(700);
/// Longest wait for one answer.
const WAIT_SECONDS: u32 = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples: comity demo --once\n          comity demo --exercise list\n          comity demo --exercise trafficking --answers my-requests --once"
)]
pub(crate) struct Arguments {
    /// End after the table or, in an exercise, after the answers
    #[arg(long)]
    once: bool,
    /// Folder that keeps keys, registers and ledger; a temporary one otherwise
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    #[command(flatten)]
    ask: exercise::Ask,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments {
        once,
        data,
        policies,
        ask,
    } = arguments;
    if !policies.is_dir() {
        let folder = policies.display();
        return Err(format!(
            "there is no policy folder `{folder}`: run this from the root of a clone of the \
             repository, or name the folder of the policy files with `--policies`"
        )
        .into());
    }
    let temporary = tempfile::tempdir()?;
    let folder = data.unwrap_or_else(|| temporary.path().to_owned());
    if ask.is_one() {
        let place = exercise::Place {
            folder: &folder,
            policies: &policies,
            once,
        };
        return complete(exercise::run(ask, place))?;
    }
    complete(show(&folder, &policies, once))?
}

async fn show(folder: &Path, policies: &Path, once: bool) -> Result<Exit, Failure> {
    let began = Instant::now();
    let jurisdictions = Register::jurisdictions();
    let world = World::start(folder, &jurisdictions, OffsetDateTime::now_utc()).await?;
    let config = world.write_config("127.0.0.1:0".parse()?, policies)?;
    let running = gateway::start(Config::load(&config)?, Timestamp::now).await?;
    println!(
        "gateway on {} with {} backends, up in {} ms\n",
        running.address(),
        jurisdictions.len(),
        began.elapsed().as_millis()
    );
    let mut table = render::table(&[
        "who asks whom",
        "for what",
        "outcome",
        "by which rule",
        "deadline",
        "ms",
        "ledger",
    ]);
    render::widths(&mut table, &[18, 26, 10, 45, 16, 5, 6]);
    let mut surprises = 0;
    let mut for_judges = None;
    let run = uuid::Uuid::now_v7().to_string();
    for story in stories::all(&run, to_proto::timestamp(Timestamp::now())) {
        let told = tell(&world, running.address(), &story).await?;
        if told.decision.outcome() != story.expected {
            surprises += 1;
        }
        row(&mut table, &story, &told);
        if told.decision.outcome() == v1::Outcome::Referred {
            for_judges = Some((story, told.case));
        }
    }
    println!("{table}");
    if let Some((story, case)) = &for_judges
        && !judges::decide(&world, running.address(), (story, case)).await?
    {
        surprises += 1;
    }
    let (first, rest) = guidance(&world, running.address(), &config)?;
    println!("\n{first}");
    if surprises > 0 {
        println!("{surprises} outcomes differ from what was expected");
    }
    if !once {
        println!("{rest}");
        stop_signal().await?;
    }
    running.stop().await;
    Ok(if surprises == 0 { Exit::Done } else { Exit::No })
}

/// What became of a story.
struct Told {
    case: v1::Case,
    decision: v1::Decision,
    took: Duration,
    waited_for_backend: bool,
}

/// Sends a story's request as its authority and waits for the answer.
async fn tell(world: &World, gateway: SocketAddr, story: &Story) -> Result<Told, Failure> {
    let channel = world
        .connect(gateway, story.jurisdiction, story.authority, "issuing")
        .await?;
    let mut client = CooperationServiceClient::new(channel);
    let executing = story
        .request
        .executing
        .as_ref()
        .map_or("", |party| party.jurisdiction.as_str());
    let backend = world
        .backend(executing)
        .cloned()
        .filter(|_| story.backend_down);
    if let Some(backend) = &backend {
        backend.set_up(false);
        let backend = backend.clone();
        tokio::spawn(async move {
            tokio::time::sleep(OUTAGE).await;
            backend.set_up(true);
        });
    }
    let message = v1::SubmitRequest {
        request: Some(story.request.clone()),
        wait: Some(request::wait(WAIT_SECONDS)),
        text_language: "en".to_owned(),
    };
    let began = Instant::now();
    let answer = client.submit(message).await?.into_inner();
    let took = began.elapsed();
    let case = answer.case.unwrap_or_default();
    let decision = case.decision.clone().unwrap_or_default();
    Ok(Told {
        case,
        decision,
        took,
        waited_for_backend: backend.is_some(),
    })
}

fn row(table: &mut Table, story: &Story, told: &Told) {
    let Told {
        case,
        decision,
        took,
        waited_for_backend,
    } = told;
    let executing = story
        .request
        .executing
        .as_ref()
        .map_or("", |party| party.jurisdiction.as_str());
    let ledger = case
        .receipt
        .as_ref()
        .map_or_else(String::new, |receipt| receipt.index.to_string());
    table.add_row([
        Cell::new(format!(
            "{} → {executing}\n{}",
            story.jurisdiction, story.authority
        )),
        Cell::new(format!(
            "{}\n{}{}",
            story.title,
            story.request.measure,
            by(decision)
        )),
        render::outcome(decision.outcome()),
        Cell::new(format!(
            "{}{}",
            render::deciding(decision),
            fate(case, *waited_for_backend)
        )),
        Cell::new(render::clocks::deadline(&case.clocks)),
        Cell::new(took.as_millis()),
        Cell::new(ledger),
    ]);
}

/// The instrument that carries the request, where one does.
fn by(decision: &v1::Decision) -> String {
    let instrument = decision.instrument.as_str();
    if instrument.is_empty() {
        String::new()
    } else {
        format!(" by {instrument}")
    }
}

/// What happened after an approval.
fn fate(case: &v1::Case, waited_for_backend: bool) -> String {
    let mut fate = String::new();
    if waited_for_backend {
        fate.push_str("\nbackend was down; delivered when it came back");
    }
    let Some(result) = &case.result else {
        if case.state() == v1::CaseState::Acknowledged {
            fate.push_str("\nwith the executing authority, which reports later");
        }
        return fate;
    };
    match result.kind() {
        v1::ResultKind::NothingFound => fate.push_str("\nanswered: nothing found"),
        v1::ResultKind::NotExecuted => fate.push_str("\nnot executed"),
        v1::ResultKind::Complete | v1::ResultKind::Partial | v1::ResultKind::Unspecified => {
            fate.push_str("\nanswered");
        }
    }
    if !result.redacted.is_empty() {
        fate.push_str(&format!(
            "; {} withheld",
            counted(result.redacted.len(), "value")
        ));
    }
    if !result.obligations.is_empty() {
        let obligations = counted(result.obligations.len(), "obligation");
        fate.push_str(&format!("; {obligations} attached"));
    }
    fate
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How to go on: for one who leaves now, and for one who stays.
fn guidance(
    world: &World,
    gateway: SocketAddr,
    config: &Path,
) -> Result<(String, String), Failure> {
    let folder = config.parent().unwrap_or(Path::new("."));
    let keys = folder.join("pki");
    world
        .issue("DE", "sta-berlin", "issuing", &[])?
        .write(&keys, "sta-berlin")?;
    let request = folder.join("request.json");
    if let Some(story) = stories::all("by-hand", to_proto::timestamp(Timestamp::now()))
        .into_iter()
        .nth(1)
    {
        std::fs::write(&request, comity_gateway::wire::json::print(&story.request)?)?;
    }
    let (keys, request) = (keys.display(), request.display());
    let data = world.data();
    let data = data.display();
    Ok((
        format!(
            "the ledger is in {data}; with --data DIR it stays, and `comity audit verify --data DIR/data` checks it"
        ),
        format!(
            "the gateway stays up until Ctrl-C. Try, from the root of the repository:\n\n\
             \x20 comity audit verify --data {data}\n\
             \x20 comity policy decide {request}\n\
             \x20 comity request submit {request} --server https://{gateway} --server-name localhost --ca {keys}/ca.pem --cert {keys}/sta-berlin.pem --key {keys}/sta-berlin.key\n\
             \x20 grpcurl -cacert {keys}/ca.pem -cert {keys}/sta-berlin.pem -key {keys}/sta-berlin.key -servername localhost {gateway} list\n\
             \x20 python3 tests/python/submit.py proto \"$(mktemp -d)\" {gateway} localhost {keys}/ca.pem {keys}/sta-berlin.pem {keys}/sta-berlin.key {request}\n\n\
             the Python call wants the packages grpcio, grpcio-tools and grpcio-reflection"
        ),
    ))
}
