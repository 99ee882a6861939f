//! `comity audit`: for auditors; works on the files alone, offline.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comity_gateway::offline;
use comity_ledger::{Leaf, VerifierKey, prove};

use crate::{
    exit::{Exit, Failure},
    render,
};

/// Entries in one published bundle.
const BUNDLE: u64 = 256;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify ledger, records and cases; names the place of any flaw
    #[command(after_help = "Example: comity audit verify --data .comity/data")]
    Verify(Verify),
    /// List published entries
    #[command(after_help = "Example: comity audit search --data .comity/data --outcome REFUSED")]
    Search(Search),
    /// Show one published entry as it was hashed
    Show(Show),
    /// Prove that an entry is in the ledger: C2SP tlog-proof
    Prove(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Data folder of the gateway
    #[arg(long, default_value = ".comity/data")]
    data: PathBuf,
    /// Verifier key known from elsewhere; without it, the one beside the ledger
    #[arg(long)]
    key: Option<VerifierKey>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Data folder of the gateway
    #[arg(long, default_value = ".comity/data")]
    data: PathBuf,
    /// Only entries of this kind, for example decision
    #[arg(long)]
    kind: Option<String>,
    /// Only entries of this case
    #[arg(long)]
    case: Option<String>,
    /// Only decisions with this outcome, for example REFUSED
    #[arg(long)]
    outcome: Option<String>,
    /// Print the entries as hashed, one a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Index of the entry
    index: u64,
    /// Data folder of the gateway
    #[arg(long, default_value = ".comity/data")]
    data: PathBuf,
}

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => Ok(verify(&arguments)),
        Command::Search(arguments) => search(&arguments),
        Command::Show(arguments) => show(&arguments),
        Command::Prove(arguments) => print_proof(&arguments),
    }
}

fn verify(arguments: &Verify) -> Exit {
    match offline::verify(&arguments.data, arguments.key.as_ref()) {
        Ok(report) if arguments.json => {
            let root = report.ledger.root;
            println!(
                "{}",
                serde_json::json!({
                    "verified": true, "entries": report.entries, "published": report.ledger.size,
                    "checkpoints": report.ledger.checkpoints, "cases": report.cases,
                    "root": root.to_string(), "key": report.key.to_string(),
                })
            );
            Exit::Done
        }
        Ok(report) => {
            println!(
                "verified: {} entries, {} cases",
                report.entries, report.cases
            );
            println!(
                "  {} under {} signed checkpoints, root {}",
                report.ledger.size, report.ledger.checkpoints, report.ledger.root
            );
            println!(
                "  {} not yet published, {} deliveries under way",
                report.unpublished, report.jobs
            );
            println!("  key {}", report.key);
            Exit::Done
        }
        Err(flaw) if arguments.json => {
            println!(
                "{}",
                serde_json::json!({"verified": false, "flaw": flaw.to_string()})
            );
            Exit::No
        }
        Err(flaw) => {
            println!("NOT VERIFIED\n  {flaw}");
            Exit::No
        }
    }
}

fn search(arguments: &Search) -> Result<Exit, Failure> {
    let mut table = render::table(&[
        "index",
        "at",
        "kind",
        "outcome",
        "instrument",
        "rules",
        "case",
    ]);
    let wanted = |filter: &Option<String>, value: Option<&str>| {
        filter.as_deref().is_none_or(|filter| value == Some(filter))
    };
    let mut found = 0;
    for (index, bytes) in entries(&arguments.data)? {
        let (leaf, _) = Leaf::read(&bytes)?;
        if !wanted(&arguments.kind, Some(&leaf.kind))
            || !wanted(&arguments.case, leaf.case.as_deref())
            || !wanted(&arguments.outcome, leaf.outcome.as_deref())
        {
            continue;
        }
        found += 1;
        if arguments.json {
            println!("{}", String::from_utf8_lossy(&bytes));
            continue;
        }
        let text = |value: Option<String>| value.unwrap_or_default();
        table.add_row([
            index.to_string(),
            leaf.at.to_string(),
            leaf.kind,
            text(leaf.outcome),
            text(leaf.instrument),
            leaf.rules.join(" "),
            text(leaf.case),
        ]);
    }
    if !arguments.json {
        println!("{table}");
    }
    Ok(if found > 0 { Exit::Done } else { Exit::No })
}

fn show(arguments: &Show) -> Result<Exit, Failure> {
    let Some((_, bytes)) = entries(&arguments.data)?
        .into_iter()
        .find(|(index, _)| *index == arguments.index)
    else {
        println!("entry {} is not published", arguments.index);
        return Ok(Exit::No);
    };
    let json: serde_json::Value = serde_json::from_slice(&bytes)?;
    println!("{}", serde_json::to_string_pretty(&json)?);
    Ok(Exit::Done)
}

fn print_proof(arguments: &Show) -> Result<Exit, Failure> {
    match prove(&arguments.data.join("ledger"), arguments.index)? {
        Some(proof) => {
            print!("{}", proof.to_text());
            Ok(Exit::Done)
        }
        None => {
            println!("entry {} is not published", arguments.index);
            Ok(Exit::No)
        }
    }
}

/// Every published entry with its index.
fn entries(data: &std::path::Path) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
    let ledger = data.join("ledger");
    let key = comity_ledger::verifier_beside(&ledger)?;
    let size = comity_ledger::latest(&ledger, &key)?.size;
    let mut all = Vec::new();
    for bundle in 0..size.div_ceil(BUNDLE) {
        let entries = comity_ledger::published_entries(&ledger, bundle, size)?.unwrap_or_default();
        all.extend((bundle * BUNDLE..).zip(entries));
    }
    Ok(all)
}
