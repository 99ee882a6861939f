//! `comity demo`: several jurisdictions, their backends and a gateway in one
//! process, and real requests through real sockets.

mod exercise;
mod files;
mod judges;

use std::{
    fmt::Display,
    io::ErrorKind,
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
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{library, request, serve::stop_signal};
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
    /// Folder that keeps keys, registers and ledger: a new one, or that of a demonstration
    /// before; a temporary one otherwise
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    #[command(flatten)]
    ask: exercise::Ask,
    /// Print JSON, one object a line: every request and what became of it
    #[arg(long, requires = "once", conflicts_with = "exercise")]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments {
        once,
        data,
        policies,
        ask,
        json,
    } = arguments;
    library::demand(&policies)?;
    let temporary = tempfile::tempdir()?;
    let folder = data.unwrap_or_else(|| temporary.path().to_owned());
    demand_own(&ask.folder(&folder))?;
    if ask.is_one() {
        let place = exercise::Place {
            folder: &folder,
            policies: &policies,
            once,
        };
        return complete(exercise::run(ask, place))?;
    }
    let manner = Manner { once, json };
    complete(show(&folder, &policies, manner))?
}

/// What a demonstration leaves in its folder first.
const MARKS: [&str; 2] = ["registers", "pki"];

/// Refuses a folder that holds something else: files there would be replaced.
fn demand_own(folder: &Path) -> Result<(), Failure> {
    let is_empty = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(format!("cannot use `{}`: {error}", folder.display()).into()),
    };
    if is_empty || MARKS.iter().all(|mark| folder.join(mark).is_dir()) {
        return Ok(());
    }
    let [registers, pki] = MARKS;
    Err(format!(
        "`{}` is not empty, and no folder of a demonstration, which has `{registers}` and `{pki}`: \
         name a new one with --data",
        folder.display()
    )
    .into())
}

/// How a demonstration runs.
#[derive(Clone, Copy)]
struct Manner {
    /// It ends by itself.
    once: bool,
    /// It speaks to machines.
    json: bool,
}

impl Manner {
    fn say(self, words: impl Display) {
        if !self.json {
            println!("{words}");
        }
    }
}

async fn show(folder: &Path, policies: &Path, manner: Manner) -> Result<Exit, Failure> {
    let began = Instant::now();
    let jurisdictions = Register::jurisdictions();
    let world = World::start(folder, &jurisdictions, OffsetDateTime::now_utc()).await?;
    let config = world.write_config("127.0.0.1:0".parse()?, policies)?;
    let running = gateway::start(Config::load(&config)?, Timestamp::now).await?;
    manner.say(format_args!(
        "gateway on {} with {} backends, up in {} ms\n",
        running.address(),
        jurisdictions.len(),
        began.elapsed().as_millis()
    ));
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
        if manner.json {
            println!("{}", machine(&story, &told));
        }
        row(&mut table, &story, &told);
        if told.decision.outcome() == v1::Outcome::Referred {
            for_judges = Some((story, told.case));
        }
    }
    manner.say(table);
    if let Some((story, case)) = &for_judges {
        let (told, ended) = judges::decide(&world, running.address(), (story, case)).await?;
        manner.say(told);
        surprises += usize::from(!ended);
    }
    let (first, rest) = guidance(&world, running.address(), folder)?;
    manner.say(format_args!("\n{first}"));
    if surprises > 0 {
        manner.say(format_args!(
            "{surprises} outcomes differ from what was expected"
        ));
    }
    if !manner.once {
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
    let backend = world
        .backend(executing(story))
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

/// One row for machines.
fn machine(story: &Story, told: &Told) -> Value {
    let Told {
        case,
        decision,
        took,
        waited_for_backend,
    } = told;
    json!({
        "title": story.title, "issuing": story.jurisdiction, "authority": story.authority,
        "executing": executing(story), "measure": story.request.measure, "case": case.name,
        "outcome": render::outcome_name(decision.outcome()),
        "expected": render::outcome_name(story.expected),
        "instrument": decision.instrument, "rules": render::deciding(decision),
        "state": render::state_name(case.state()), "backend_was_down": waited_for_backend,
        "milliseconds": took.as_millis() as u64,
        "entry": case.receipt.as_ref().map(|receipt| receipt.index),
    })
}

/// The State that is asked.
fn executing(story: &Story) -> &str {
    let executing = story.request.executing.as_ref();
    executing.map_or("", |party| party.jurisdiction.as_str())
}

fn row(table: &mut Table, story: &Story, told: &Told) {
    let Told {
        case,
        decision,
        took,
        waited_for_backend,
    } = told;
    let executing = executing(story);
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

/// Who sends the messages that are to be sent by hand: State, authority.
const SENDERS: [(&str, &str); 4] = [
    ("DE", "sta-berlin"),
    ("FR", "parquet-paris"),
    ("GB", "nca"),
    ("IE", "ie-circuit-court"),
];

/// How to go on: for one who leaves now, and for one who stays.
fn guidance(
    world: &World,
    gateway: SocketAddr,
    folder: &Path,
) -> Result<(String, String), Failure> {
    let keys = folder.join("pki");
    for (state, authority) in SENDERS {
        let issued = world.issue(state, authority, "issuing", &[])?;
        issued.write(&keys, authority)?;
    }
    files::write(folder, Timestamp::now())?;
    let (keys, data) = (keys.display(), world.data());
    let at = |name: &str| folder.join(name).display().to_string();
    let by = |authority: &str| {
        format!(
            "--server https://{gateway} --server-name localhost --ca {keys}/ca.pem --cert {keys}/{authority}.pem --key {keys}/{authority}.key"
        )
    };
    let [de, fr, gb, ie] = SENDERS.map(|(_, authority)| by(authority));
    let (request, data) = (at(files::REQUEST), data.display());
    let (tip, agreement, item) = (at(files::TIP), at(files::AGREEMENT), at(files::ITEM));
    let transmission = at(files::TRANSMISSION);
    Ok((
        format!(
            "the ledger is in {data}; with --data DIR it stays, and `comity audit verify --data DIR` checks it"
        ),
        format!(
            "the gateway stays up until Ctrl-C. Try, from the root of the repository:\n\n\
             \x20 comity audit verify --data {data}\n\
             \x20 comity policy decide {request}\n\
             \x20 comity request submit {request} {de}\n\
             \x20 comity request share {tip} {gb}\n\
             \x20 comity team propose {agreement} {de}\n\
             \x20 comity team join teams/ID {fr}\n\
             \x20 comity team share {item} --team teams/ID {de}\n\
             \x20 comity request list --filter 'executing=FR' {ie}\n\
             \x20 comity request report cases/ID transmitted-otherwise --form {transmission} {ie}\n\
             \x20 grpcurl -cacert {keys}/ca.pem -cert {keys}/sta-berlin.pem -key {keys}/sta-berlin.key -servername localhost {gateway} list\n\
             \x20 python3 tests/python/submit.py proto \"$(mktemp -d)\" {gateway} localhost {keys}/ca.pem {keys}/sta-berlin.pem {keys}/sta-berlin.key {request}\n\n\
             the Python call wants the packages grpcio, grpcio-tools and grpcio-reflection"
        ),
    ))
}
