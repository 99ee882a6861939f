//! The data folder of a gateway, and what opens the records in it.

use std::path::{Path, PathBuf};

use clap::Args;
use comity_evidence::Place;
use comity_gateway::{config::Config, offline::KeyToken};

use crate::exit::Failure;

/// Where a gateway keeps its data by default.
const DATA: &str = ".comity/data";

#[derive(Debug, Clone, Args)]
pub(crate) struct Folder {
    /// Data folder of a gateway; where none is named, that of `--config`, or else
    /// `.comity/data`
    #[arg(long)]
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
    /// Whether a folder was named.
    pub(crate) fn is_named(&self) -> bool {
        self.data.is_some() || self.config.is_some()
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

    pub(crate) fn find(&self) -> Result<Found, Failure> {
        let (of_config, token) = match self.config()? {
            Some(Config { data, keys, .. }) => (Some(data), keys),
            None => (None, None),
        };
        let data = self.data.clone().or(of_config);
        Ok(Found {
            data: data.unwrap_or_else(|| DATA.into()),
            token,
        })
    }
}
