//! `comity audit prove`: a receipt to keep, C2SP tlog-proof.

use std::{fs::File, io::Write as _, path::PathBuf};

use clap::Args;
use comity::v1;
use comity_gateway::wire::json;

use super::source::{Source, Subject, UNSIGNED};
use crate::exit::{Exit, Failure, no};

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// Index of the entry, or `cases/<id>` for the last entry of a case
    #[arg(value_name = "INDEX|CASE")]
    subject: Subject,
    #[command(flatten)]
    source: Source,
    /// File to write the proof to; printed otherwise
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

pub(super) fn run(arguments: Prove) -> Result<Exit, Failure> {
    let Prove {
        subject,
        source,
        out,
        json,
    } = arguments;
    let mut ledger = source.open()?;
    let index = match &subject {
        Subject::Entry(index) => Some(*index),
        Subject::Case(case) => ledger.entries_of(case)?.pop(),
    };
    let proved = match index {
        Some(index) => ledger.prove(index)?,
        None => None,
    };
    let Some(proved) = proved else {
        return Ok(match subject {
            Subject::Entry(index) => no(format_args!("there is no entry {index}")),
            Subject::Case(case) => no(format_args!("there is no case {case}")),
        });
    };
    let v1::ProveResponse { tlog_proof, .. } = &proved;
    if tlog_proof.is_empty() {
        return Ok(no(UNSIGNED));
    }
    match out {
        Some(out) => File::create_new(&out)
            .and_then(|mut file| file.write_all(tlog_proof.as_bytes()))
            .map_err(|error| format!("cannot write `{}`: {error}", out.display()))?,
        None if json => println!("{}", json::print(&proved)?),
        None => print!("{tlog_proof}"),
    }
    Ok(Exit::Done)
}
