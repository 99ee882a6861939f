//! Sending what a trainee has written.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use comity_gateway::wire::json;
use comity_policy::Exercise;
use comity_sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::WAIT_SECONDS;
use crate::{
    commands::request::{self, Client, share},
    exit::Failure,
};

/// What only information without request has.
const SHARED: &str = "sender";
/// Where data come from.
const SOURCE: &str = "source_case";

/// The trainee's system.
pub(super) struct Sender {
    client: Client,
    /// Tells the requests of this run from earlier ones.
    run: String,
}

impl Sender {
    pub(super) async fn connect(
        world: &World,
        gateway: SocketAddr,
        exercise: &Exercise,
    ) -> Result<Self, Failure> {
        let (state, authority) = (exercise.state.as_str(), &*exercise.authority);
        let channel = world.connect(gateway, state, authority, "issuing").await?;
        Ok(Self {
            client: Client::new(channel),
            run: uuid::Uuid::now_v7().to_string(),
        })
    }

    /// Sends every request file of a folder, in the order of names. A file may name
    /// another as its source case: by its name, in place of `cases/<id>`.
    ///
    /// Returns which were not taken, and why.
    pub(super) async fn send_all(mut self, folder: &Path) -> Result<Vec<String>, Failure> {
        let (mut refused, mut cases) = (Vec::new(), BTreeMap::new());
        for path in files(folder)? {
            let stem = path.file_stem().unwrap_or_default();
            let stem = stem.to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)?;
            match self.send(&stem, &text, &cases).await {
                Ok(case) => drop(cases.insert(stem, case)),
                Err(failure) => refused.push(format!("{stem}: {failure}")),
            }
        }
        Ok(refused)
    }

    /// Sends one, and gives the name of its case.
    async fn send(
        &mut self,
        stem: &str,
        text: &str,
        cases: &BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let id = format!("{}/{stem}", self.run);
        let mut message = begun(text, &Timestamp::now(), &id)?;
        let source = message.get(SOURCE).and_then(Value::as_str);
        if let Some(case) = source.and_then(|file| cases.get(file)) {
            message.insert(SOURCE.to_owned(), Value::from(case.as_str()));
        }
        let shares = message.contains_key(SHARED);
        let text = Value::Object(message).to_string();
        let case = if shares {
            let message = json::parse(&text)?;
            share::send(&mut self.client, message, WAIT_SECONDS)
                .await?
                .case
        } else {
            let request = json::parse(&text)?;
            let how = (WAIT_SECONDS, "en".to_owned());
            request::send(&mut self.client, request, how).await?.case
        };
        Ok(case.unwrap_or_default().name)
    }
}

/// A request file as it can be sent: an exercise whatever it says, and with what the
/// trainee left to the system.
pub(super) fn begun(text: &str, now: &Timestamp, id: &str) -> Result<Map<String, Value>, Failure> {
    let mut message: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("not a request: {error}"))?;
    message.insert("exercise".to_owned(), Value::from(true));
    for (field, usual) in [("request_id", id), ("issued_at", &now.to_string())] {
        let field = message.entry(field).or_insert(Value::Null);
        if field.as_str().is_none_or(str::is_empty) {
            *field = Value::from(usual);
        }
    }
    Ok(message)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    Ok(files)
}
