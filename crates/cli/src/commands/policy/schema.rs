//! `comity policy schema`: the published shape of a kind of file.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// instrument, jurisdiction, vocabulary, measures, sources, calendar,
    /// authorities, offences or tests
    kind: String,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
}

pub(super) fn run(arguments: &Schema) -> Result<Exit, Failure> {
    let path = arguments
        .policies
        .join("schema")
        .join(format!("{}.schema.json", arguments.kind));
    let text = fs::read_to_string(&path).map_err(|error| {
        format!(
            "no schema `{}` in `{}`: {error}",
            arguments.kind,
            path.display()
        )
    })?;
    println!("{}", text.trim_end());
    Ok(Exit::Done)
}
