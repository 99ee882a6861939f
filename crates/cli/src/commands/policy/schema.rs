//! `comity policy schema`: the published shape of a kind of file.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::{
    commands::library,
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// instrument, jurisdiction, vocabulary, measures, sources, calendar,
    /// authorities, offences or tests
    kind: String,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Print JSON, as it does anyway
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Schema) -> Result<Exit, Failure> {
    let Schema {
        kind,
        policies,
        json: _,
    } = arguments;
    library::demand(policies)?;
    let path = policies.join("schema").join(format!("{kind}.schema.json"));
    let text = fs::read_to_string(&path).map_err(|error| {
        format!(
            "no schema `{kind}` in `{}`: {error}; `comity policy schema --help` lists the kinds",
            path.display()
        )
    })?;
    println!("{}", text.trim_end());
    Ok(Exit::Done)
}
