//! `comity audit show`: an entry with its record, or a case as its entries tell it.

use clap::Args;
use comity::v1;
use comity_domain::CaseId;
use comity_gateway::offline::case_of;

use super::source::{Ledger, Source, Subject};
use crate::{
    commands::request::print,
    exit::{Exit, Failure, no},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Index of the entry, or `cases/<id>`
    #[arg(value_name = "INDEX|CASE")]
    subject: Subject,
    #[command(flatten)]
    source: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Show) -> Result<Exit, Failure> {
    let Show {
        subject,
        source,
        json,
    } = arguments;
    let mut ledger = source.open()?;
    match subject {
        Subject::Entry(index) => match ledger.record(index)? {
            Some(found) => {
                print(json, &found, render::ledger::entry)?;
                Ok(Exit::Done)
            }
            None => Ok(no(format_args!("there is no entry {index}"))),
        },
        Subject::Case(case) => show_case(&mut ledger, &case, json),
    }
}

fn show_case(ledger: &mut Ledger, case: &CaseId, json: bool) -> Result<Exit, Failure> {
    let mut found = Vec::new();
    for index in ledger.entries_of(case)? {
        found.extend(ledger.record(index)?);
    }
    if found.is_empty() {
        return Ok(no(format_args!("there is no case {case}")));
    }
    let (told, kept) = case_of(&found)?;
    let told = v1::Case {
        name: format!("cases/{case}"),
        ..told
    };
    let entries: Vec<_> = found.into_iter().filter_map(|one| one.entry).collect();
    let erasure = entries.iter().rfind(|entry| entry.kind == "erasure");
    print(json, &told, |told| match erasure {
        Some(by) => render::ledger::erased_case(&told.name, by, &entries),
        None => {
            let case = render::case(told, jiff::Timestamp::now());
            format!("{case}{}", render::review::opinions(&told.name, &kept))
        }
    })?;
    Ok(Exit::Done)
}
