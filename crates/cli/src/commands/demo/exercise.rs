//! `comity demo --exercise`: a trainee's requests against sandboxes, and what the
//! trainee missed, told from what the gateway has on record.

mod send;
mod tell;

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use comity_gateway::{config::Config, gateway, offline};
use comity_policy::{Attempt, Exercise, Library};
use comity_sandbox::world::{TRUST_DOMAIN, World};
use jiff::Timestamp;
use time::OffsetDateTime;

use crate::{
    commands::{library, serve::stop_signal},
    exit::{Exit, Failure},
};

/// Asks for a list in place of a name.
const LIST: &str = "list";

#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Run an exercise for trainees; `list` lists them
    #[arg(long, value_name = "NAME")]
    exercise: Option<String>,
    /// Send the request files of a folder, in the order of their names
    #[arg(long, value_name = "FOLDER", requires = "exercise")]
    answers: Option<PathBuf>,
    /// Show the hints of the exercise
    #[arg(long, requires = "exercise")]
    hints: bool,
}

impl Ask {
    /// An exercise is asked for.
    pub(super) fn is_one(&self) -> bool {
        self.exercise.is_some()
    }

    /// Where it runs below a folder.
    pub(super) fn folder(&self, folder: &Path) -> PathBuf {
        // One folder each: what was sent in another exercise says nothing of this one.
        match &self.exercise {
            Some(name) => folder.join(name),
            None => folder.to_owned(),
        }
    }
}

/// Where and how long an exercise runs.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) policies: &'a Path,
    /// It ends by itself.
    pub(super) once: bool,
}

pub(super) async fn run(ask: Ask, place: Place<'_>) -> Result<Exit, Failure> {
    let library = library::load(place.policies)?;
    let folder = ask.folder(place.folder);
    let name = ask.exercise.unwrap_or_default();
    if name == LIST {
        print!("{}", tell::list(&library));
        return Ok(Exit::Done);
    }
    let found = library.exercises().find(|known| *known.name == *name);
    let Some(exercise) = found else {
        let known = tell::list(&library);
        return Err(format!("no exercise is called `{name}`; there are\n{known}").into());
    };
    let states: BTreeSet<&str> = states(exercise);
    let states: Vec<_> = states.into_iter().collect();
    let world = World::start_exercises(&folder, &states, OffsetDateTime::now_utc()).await?;
    let config = world.write_config("127.0.0.1:0".parse()?, place.policies)?;
    let running = gateway::start(Config::load(&config)?, Timestamp::now).await?;
    print!("{}", tell::story(exercise, ask.hints));
    match &ask.answers {
        Some(answers) => {
            let sender = send::Sender::connect(&world, running.address(), exercise).await?;
            for refused in sender.send_all(answers).await? {
                println!("not taken: {refused}");
            }
        }
        None if place.once => {}
        None => invite((&world, &folder), running.address(), exercise)?,
    }
    if !place.once {
        stop_signal().await?;
    }
    running.stop().await;
    evaluate(&library, exercise, &world.data())
}

/// Tells what was met and missed, from the records.
fn evaluate(library: &Library, exercise: &Exercise, data: &Path) -> Result<Exit, Failure> {
    let (state, authority) = (&exercise.state, &exercise.authority);
    let trainee = format!("spiffe://{TRUST_DOMAIN}/{state}/{authority}/issuing");
    let mut drills = offline::drills(data, library)?;
    drills.retain(|drill| drill.owner == trainee);
    let attempts: Vec<_> = drills
        .iter()
        .map(|drill| Attempt {
            question: drill.question(),
            decision: &drill.decision,
            sent: &drill.sent,
        })
        .collect();
    let assessment = library.assess(exercise, &attempts);
    print!("{}", tell::report(exercise, &assessment, &drills));
    let (met, all) = assessment.score();
    Ok(if met == all { Exit::Done } else { Exit::No })
}

/// Every State that takes part.
fn states(exercise: &Exercise) -> BTreeSet<&str> {
    let asked = exercise.tasks.iter().map(|task| task.executing.as_str());
    asked.chain([exercise.state.as_str()]).collect()
}

/// Writes what the trainee begins with, and says how to send it.
fn invite(
    (world, folder): (&World, &Path),
    gateway: SocketAddr,
    exercise: &Exercise,
) -> Result<(), Failure> {
    let (keys, starts) = (folder.join("pki"), folder.join("requests"));
    let (state, authority) = (exercise.state.as_str(), &*exercise.authority);
    world
        .issue(state, authority, "issuing", &[])?
        .write(&keys, authority)?;
    fs::create_dir_all(&starts)?;
    for task in &exercise.tasks {
        let (name, text) = &task.start;
        let file = starts.join(format!("{name}.json"));
        // What the trainee has written is the trainee's.
        if !file.exists() {
            let begun = send::begun(text, &Timestamp::now(), name)?;
            fs::write(file, format!("{}\n", serde_json::to_string_pretty(&begun)?))?;
        }
    }
    let (keys, starts) = (keys.display(), starts.display());
    println!(
        "Complete the files in {starts}, and send each; `request share` instead of `request submit` for\n\
         one that shares. To send one again, change its `request_id`: the last of a task counts. The gateway\n\
         stays up until Ctrl-C, and then you are told what you missed.\n\n\
         \x20 comity request submit {starts}/FILE --server https://{gateway} --server-name localhost --ca {keys}/ca.pem --cert {keys}/{authority}.pem --key {keys}/{authority}.key\n"
    );
    Ok(())
}
