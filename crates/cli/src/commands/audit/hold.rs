//! `comity audit hold` and `holds`: cases that must not be erased.

use clap::Args;
use comity_domain::CaseId;
use comity_gateway::{
    offline::{self, DataFolder, Held, HoldOrder, Ordered, Signing},
    visible::one_line,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::source;
use crate::{
    client::complete,
    commands::folder::{Folder, Found},
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The case, `cases/<id>`; it may have ended
    #[arg(value_parser = source::case)]
    case: CaseId,
    /// Lift the hold of this entry, rather than set one
    #[arg(long, value_name = "ENTRY")]
    lift: Option<u64>,
    /// Why, and on which legal ground; kept under seal
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

#[derive(Debug, Args)]
pub(crate) struct Holds {
    #[command(flatten)]
    folder: Folder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn order(arguments: Hold) -> Result<Exit, Failure> {
    let Hold {
        case,
        lift,
        reason,
        by,
        folder,
        json,
    } = arguments;
    let order = HoldOrder {
        case,
        lifts: lift,
        reason,
        by,
    };
    let Found { data, token } = folder.find()?;
    let hold = offline::hold((&data, token.as_ref()), &order, Timestamp::now());
    let done = complete(hold)??;
    if json {
        let Ordered {
            entry,
            standing,
            signing,
        } = &done;
        let unsigned = match signing {
            Signing::Done => None,
            Signing::Waits => Some(offline::SIGNED_ONCE_HEARD),
            Signing::Failed(why) => Some(why.as_str()),
        };
        let case = format!("cases/{}", order.case);
        println!(
            "{}",
            json!({
                "case": case, "entry": entry, "lifted": lift, "standing": standing,
                "unsigned": unsigned,
            })
        );
    } else {
        tell(&order, &done, &folder);
    }
    Ok(Exit::Done)
}

/// The command that lifts a hold, but for who orders it and why.
pub(super) fn lifting(case: &str, hold: u64, folder: &Folder) -> String {
    format!(
        "comity audit hold cases/{case} --lift {hold} --by OFFICE --reason WHY{}",
        folder.options()
    )
}

fn tell(order: &HoldOrder, done: &Ordered, folder: &Folder) {
    let Ordered {
        entry,
        standing,
        signing,
    } = done;
    let case = &order.case;
    let under = "under seal by whose order and why";
    match order.lifts {
        None => {
            println!("held: cases/{case}\n  entry {entry} says so, and {under}");
            println!("  nothing of it is erased until that is lifted:");
            println!("  {}", lifting(case.as_str(), *entry, folder));
        }
        Some(hold) => {
            println!("lifted: the legal hold of entry {hold} over cases/{case}");
            println!("  entry {entry} says so, and {under}");
            match standing.as_slice() {
                [] => println!("  no other stands: the case can be erased once it has ended"),
                holds => println!("  still held by {}", offline::entries_in_words(holds)),
            }
        }
    }
    match signing {
        Signing::Done => {}
        Signing::Waits => println!("  {}", offline::SIGNED_ONCE_HEARD),
        Signing::Failed(why) => {
            println!(
                "NOT SIGNED: entry {entry} is recorded, but not under a signed checkpoint yet:"
            );
            println!("  {why}");
            println!("  {}", offline::TO_BE_SIGNED);
        }
    }
}

pub(super) fn list(arguments: Holds) -> Result<Exit, Failure> {
    let Holds { folder, json } = arguments;
    let Found { data, token } = folder.find()?;
    let holds = DataFolder::open(&data, token.as_ref())?.legal_holds()?;
    if json {
        let holds: Vec<_> = holds.iter().map(machine).collect();
        println!("{}", json!({ "holds": holds }));
    } else if holds.is_empty() {
        println!("no legal hold stands");
    } else {
        println!("{}", table(&holds));
    }
    Ok(Exit::Done)
}

fn machine(held: &Held) -> serde_json::Value {
    let Held {
        entry,
        case,
        since,
        by,
        reason,
    } = held;
    json!({
        "entry": entry, "case": format!("cases/{case}"), "since": since.to_string(),
        "by": by, "reason": reason,
    })
}

fn table(holds: &[Held]) -> String {
    let mut table = render::table(&["entry", "case", "since", "by", "why"]);
    render::keep_whole(&mut table, &[0, 1, 2]);
    for held in holds {
        table.add_row([
            held.entry.to_string(),
            format!("cases/{}", held.case),
            TimeZone::UTC.to_datetime(held.since).date().to_string(),
            one_line(&held.by),
            one_line(&held.reason),
        ]);
    }
    table.to_string()
}
