//! The data folder of a gateway, and what opens the records in it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;
use comity_evidence::Place;
use comity_gateway::{config::Config, offline::KeyToken};

use crate::exit::Failure;

/// Where a gateway keeps its data by default.
const DATA: &str = ".comity/data";

/// What a data folder has at least one of, the store and the published ledger: one that
/// lost either is not passed over, and whoever reads it says what it lacks.
const MARKS: [&str; 2] = ["comity.db", "ledger"];

#[derive(Debug, Clone, Args)]
pub(crate) struct Folder {
    /// Data folder of a gateway, or the folder that `comity demo --data` made, with that
    /// in `data`; where none is named, that of `--config`, or else `.comity/data`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings of the gateway, where they name a token that keeps the key to its records
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A data folder, and the token that keeps the key to its records, if one does.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) data: PathBuf,
    pub(crate) token: Option<KeyToken>,
}

impl Folder {
    /// The folder of the settings, unless another one is named.
    pub(crate) fn of(data: Option<PathBuf>, config: PathBuf) -> Self {
        let config = Some(config);
        Self { data, config }
    }

    /// Whether a folder was named.
    pub(crate) fn is_named(&self) -> bool {
        self.data.is_some() || self.config.is_some()
    }

    /// The options that name it, to be put after a command.
    pub(crate) fn options(&self) -> String {
        let named = [("--data", &self.data), ("--config", &self.config)];
        let named = named.into_iter();
        let named = named.filter_map(|(option, path)| Some((option, path.as_ref()?)));
        let options = named.map(|(option, path)| format!(" {option} {}", quoted(path)));
        options.collect()
    }

    /// The settings, where they are named.
    pub(crate) fn config(&self) -> Result<Option<Config>, Failure> {
        Ok(self.config.as_deref().map(Config::load).transpose()?)
    }

    /// Where evidence lies in the data folder `data`, or elsewhere, as the settings say.
    pub(crate) fn evidence(&self, data: &Path) -> Result<Place, Failure> {
        let Some(Config {
            data: own,
            evidence,
            ..
        }) = self.config()?
        else {
            return Ok(Place::in_data(data));
        };
        // A copy of the data folder has its own.
        Ok(match evidence.place == Place::in_data(&own) {
            true => Place::in_data(data),
            false => evidence.place,
        })
    }

    /// Whether the settings name this very data folder: not a copy, which may lack its keys.
    pub(crate) fn is_own(&self, data: &Path) -> Result<bool, Failure> {
        let own = self.config()?.map(|config| config.data.canonicalize());
        Ok(own.is_some_and(|own| own.ok() == data.canonicalize().ok()))
    }

    /// The folder that is named, or the usual one.
    ///
    /// # Errors
    /// There is none, or it is no data folder.
    pub(crate) fn find(&self) -> Result<Found, Failure> {
        let (of_config, token) = match self.config()? {
            Some(Config { data, keys, .. }) => (Some(data), keys),
            None => (None, None),
        };
        let data = self.data.clone().or(of_config);
        Ok(Found {
            data: located(&data.unwrap_or_else(|| DATA.into()))?,
            token,
        })
    }

    /// The folder at `path` rather than the one that is named.
    ///
    /// # Errors
    /// As of [`Folder::find`].
    pub(crate) fn at(&self, path: &Path) -> Result<Found, Failure> {
        let folder = Self {
            data: Some(path.to_owned()),
            config: self.config.clone(),
        };
        folder.find()
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@%".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The data folder that a path names: itself or, of a demonstration, `data` in it.
fn located(path: &Path) -> Result<PathBuf, Failure> {
    let shown = path.display();
    let remedy = "name the data folder of a gateway with --data, or its settings with --config";
    match path.metadata() {
        Ok(found) if !found.is_dir() => {
            return Err(format!("`{shown}` is no folder: {remedy}").into());
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(format!("there is no folder `{shown}`: {remedy}").into());
        }
        Err(error) => return Err(format!("cannot read `{shown}`: {error}").into()),
    }
    // What cannot be looked into is not ruled out: whoever opens it says why.
    let is_one = |folder: &PathBuf| {
        MARKS
            .iter()
            .any(|mark| folder.join(mark).try_exists().unwrap_or(true))
    };
    let within = [path.to_owned(), path.join("data")];
    within.into_iter().find(is_one).ok_or_else(|| {
        let [store, ledger] = MARKS;
        format!(
            "`{shown}` is no data folder of a gateway: neither `{store}` nor `{ledger}` is in it \
             or in `data` below it; {remedy}"
        )
        .into()
    })
}
