//! `comity audit erase`: the records of a case, or of an entry without one, for good.

use std::error::Error as _;

use clap::Args;
use comity_gateway::offline::{self, EraseError, Erased, Order};
use jiff::Timestamp;
use serde_json::json;

use super::{hold, source::Subject};
use crate::{
    client::complete,
    commands::folder::{Folder, Found},
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// `cases/<id>`, or the index of an entry that no case belongs to
    #[arg(value_name = "CASE|INDEX")]
    subject: Subject,
    /// Why, and on which legal basis; kept under seal
    #[arg(long)]
    reason: String,
    /// Who ordered it, an office rather than a person; kept under seal
    #[arg(long)]
    by: String,
    #[command(flatten)]
    folder: Folder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Erase) -> Result<Exit, Failure> {
    let Erase {
        subject,
        reason,
        by,
        folder,
        json,
    } = arguments;
    let (subject, name) = match subject {
        Subject::Case(case) => (
            offline::Subject::Case(case.clone()),
            format!("cases/{case}"),
        ),
        Subject::Entry(index) => (offline::Subject::Entry(index), format!("entry {index}")),
    };
    let order = Order {
        subject,
        reason,
        by,
    };
    let Found { data, token } = folder.find()?;
    let erase = offline::erase((&data, token.as_ref()), &order, Timestamp::now());
    let erased = complete(erase)?.map_err(|error| remedied(error, &order, &folder))?;
    if json {
        println!("{}", machine(&name, &erased));
    } else {
        tell(&name, &erased);
    }
    Ok(Exit::Done)
}

/// The command that erases something, but for who orders it and why.
pub(super) fn erasing(what: &str, folder: &Folder) -> String {
    let options = folder.options();
    format!("comity audit erase {what} --by OFFICE --reason WHY{options}")
}

/// Why nothing was erased; where a legal hold stands in the way, with what lifts it.
fn remedied(error: EraseError, order: &Order, folder: &Folder) -> Failure {
    let (offline::Subject::Case(case), Some(first)) = (&order.subject, error.holds().first())
    else {
        return error.into();
    };
    let lifting = hold::lifting(case.as_str(), *first, folder);
    let why = error.source().map(|why| format!(", because {why}"));
    format!(
        "{error}{}; once what it is held for is over:\n  {lifting}",
        why.unwrap_or_default()
    )
    .into()
}

fn machine(name: &str, erased: &Erased) -> serde_json::Value {
    let Erased {
        entry,
        entries,
        evidence,
        token,
        waits,
        report,
    } = erased;
    json!({
        "erased": name, "entry": entry, "records": entries, "evidence": evidence,
        "key_destroyed_on": token, "signed": !waits,
        "verified": true, "entries": report.entries, "published": report.ledger.size,
        "root": report.ledger.root.to_string(), "key": report.key.to_string(),
    })
}

fn tell(name: &str, erased: &Erased) {
    let Erased {
        entry,
        entries,
        evidence,
        token,
        waits,
        report,
    } = erased;
    let indexes: Vec<_> = entries.iter().map(ToString::to_string).collect();
    match indexes.as_slice() {
        [one] => println!("erased: {name}\n  the record of entry {one}"),
        _ => println!(
            "erased: {name}\n  the records of entries {}",
            indexes.join(", ")
        ),
    }
    println!("  entry {entry} says so, and under seal by whose order and why");
    if *waits {
        println!("  {}", offline::SIGNED_ONCE_HEARD);
    }
    println!("left: what these entries say in public, and the hashes of what is gone");
    match token {
        None => {
            println!(
                "  any copy of `vault.key` from before: destroy it, for it opens copies of the"
            );
            println!("  database from before");
        }
        Some(token) => {
            println!(
                "  copies of the data folder from before, without the key: it was destroyed on token"
            );
            println!(
                "  `{token}`; those from before a token kept it have theirs. Make a new copy now"
            );
        }
    }
    if *evidence {
        println!("  stored evidence: the gateway erases it when it starts next");
    }
    println!(
        "verified: every proof still holds, {} entries under {} signed checkpoints",
        report.ledger.size, report.ledger.checkpoints
    );
    println!("  root {}", report.ledger.root);
    println!("  key {}", report.key);
}
