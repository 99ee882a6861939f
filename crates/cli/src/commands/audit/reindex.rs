//! `comity audit reindex`: the index of personal values, made again from the records.

use clap::Args;
use comity_gateway::offline::{self, Reindexed};
use serde_json::json;

use crate::{
    client::complete,
    commands::folder::{Folder, Found},
    exit::{Exit, Failure},
    progress::Progress,
};

#[derive(Debug, Args)]
pub(crate) struct Reindex {
    #[command(flatten)]
    folder: Folder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Reindex) -> Result<Exit, Failure> {
    let Reindex { folder, json } = arguments;
    let Found { data, token } = folder.find()?;
    let mut progress = Progress::new("entries", 0);
    let step = |done, of| progress.reach_of(done, of);
    let done = complete(offline::reindex((&data, token.as_ref()), step))??;
    drop(progress);
    let Reindexed {
        entries,
        values,
        unchanged,
    } = done;
    if json {
        let told = json!({ "entries": entries, "values": values, "unchanged": unchanged });
        println!("{told}");
    } else {
        println!("indexed: {values} personal values in {entries} entries of the ledger");
        println!(
            "  {}",
            if unchanged {
                "as many as before"
            } else {
                "not as many as before, or not all were indexed"
            }
        );
    }
    Ok(Exit::Done)
}
