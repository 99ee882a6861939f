//! `comity audit prune`: the oldest entries of the ledger, for good.

use clap::Args;
use comity_gateway::offline::{
    self, InTheWay, Prunable, PruneDone, PruneOrder, PrunePlan, Why, entries_in_words,
};
use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::{erase::erasing, hold::lifting};
use crate::{
    client::complete,
    commands::{
        day,
        folder::{Folder, Found},
    },
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Entries recorded before this day, UTC
    #[arg(long, value_name = "DATE", value_parser = day)]
    before: Date,
    /// Why, and on which legal basis; kept under seal
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Who ordered it, an office rather than a person; kept under seal
    #[arg(long, required_unless_present = "dry_run")]
    by: Option<String>,
    /// Say what would go and what stands in the way, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    folder: Folder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Prune) -> Result<Exit, Failure> {
    let Prune {
        before,
        reason,
        by,
        dry_run,
        folder,
        json,
    } = arguments;
    let Found { data, token } = folder.find()?;
    let asked = Asked { before, folder };
    let now = Timestamp::now();
    if dry_run {
        let plan = offline::plan_pruning((&data, token.as_ref()), before, now)?;
        return Ok(told(json, &asked, &plan, None));
    }
    let order = PruneOrder {
        before,
        reason: reason.unwrap_or_default(),
        by: by.unwrap_or_default(),
    };
    let prune = offline::prune((&data, token.as_ref()), &order, now);
    Ok(match complete(prune)?? {
        Ok(done) => told(json, &asked, &done.plan, Some(&done)),
        Err(plan) => told(json, &asked, &plan, None),
    })
}

/// What is to go, and where it lies.
struct Asked {
    before: Date,
    folder: Folder,
}

/// Tells what goes, or would; whether anything does.
fn told(json: bool, asked: &Asked, plan: &PrunePlan, done: Option<&PruneDone>) -> Exit {
    if json {
        println!("{}", machine(asked, plan, done));
    } else {
        tell(asked, plan, done);
    }
    match plan.prunable.below > plan.prunable.from {
        true => Exit::Done,
        false => Exit::No,
    }
}

fn machine(Asked { before, folder }: &Asked, plan: &PrunePlan, done: Option<&PruneDone>) -> Value {
    let PrunePlan { prunable, untimed } = plan;
    let Prunable {
        from,
        below,
        wanted,
        in_the_way,
    } = prunable;
    let in_the_way: Vec<_> = in_the_way
        .iter()
        .map(|one| {
            let (why, remedy) = words(one, folder);
            json!({
                "case": format!("cases/{}", one.case), "entry": one.first, "why": why,
                "remedy": remedy,
            })
        })
        .collect();
    let done = done.map(|done| {
        let report = &done.report;
        json!({
            "entry": done.entry, "signed": !done.waits, "key_destroyed_on": done.token, "verified": true,
            "entries": report.entries, "published": report.ledger.size,
            "root": report.ledger.root.to_string(), "key": report.key.to_string(),
        })
    });
    json!({
        "before": before.to_string(), "from": from, "below": below, "wanted": wanted,
        "untimestamped": untimed, "in_the_way": in_the_way, "pruned": done,
    })
}

fn tell(Asked { before, folder }: &Asked, plan: &PrunePlan, done: Option<&PruneDone>) {
    let PrunePlan { prunable, untimed } = plan;
    let Prunable {
        from,
        below,
        wanted,
        in_the_way,
    } = prunable;
    if below == from {
        println!("nothing to prune: no 256 entries in a row are free to go");
        if *from > 0 {
            println!("  those below {from} were pruned before");
        }
    } else {
        let verb = if done.is_some() { "pruned" } else { "would go" };
        println!("{verb}: entries {from} to {}", below.saturating_sub(1));
        println!("  recorded before {before}, with their records");
    }
    if let Some(done) = done {
        tell_done(done);
    }
    if *untimed {
        println!("newer ones are not under a timestamp yet, and stay until they are");
    }
    if wanted > below {
        println!(
            "up to {}, these stand in the way:",
            wanted.saturating_sub(1)
        );
        for one in in_the_way {
            let (why, remedy) = words(one, folder);
            println!(
                "  cases/{} from entry {} on {why}: {remedy}",
                one.case, one.first
            );
        }
    }
}

fn tell_done(done: &PruneDone) {
    let PruneDone {
        plan: _,
        entry,
        token,
        waits,
        report,
    } = done;
    println!("  entry {entry} says so, and under seal by whose order and why");
    if *waits {
        println!("  {}", offline::SIGNED_ONCE_HEARD);
    }
    println!("left: the hashes of what is gone, with every checkpoint and proof");
    println!("  copies of the data folder from before: destroy them, for they have the entries");
    match token {
        None => {
            println!("  and `vault.key` from before, which opens the records in these");
        }
        Some(token) => println!(
            "  in plain; the records in these do not open, for the key was destroyed on token \
             `{token}`"
        ),
    }
    println!(
        "verified: every proof still holds, {} entries under {} signed checkpoints",
        report.ledger.size, report.ledger.checkpoints
    );
    println!("  root {}", report.ledger.root);
    println!("  key {}", report.key);
}

/// Why a case stands in the way, and what to do.
fn words(one: &InTheWay, folder: &Folder) -> (String, String) {
    let InTheWay {
        case,
        first: _,
        why,
    } = one;
    match why {
        Why::UnderWay => (
            "has not come to its end".to_owned(),
            "it goes once it has, and is erased".to_owned(),
        ),
        Why::NotErased => (
            "is not erased".to_owned(),
            format!("`{}`", erasing(&format!("cases/{case}"), folder)),
        ),
        Why::Held(holds) => {
            let lift = holds.first().copied().unwrap_or_default();
            (
                format!("is under the legal hold of {}", entries_in_words(holds)),
                format!(
                    "when that is over, `{}`, and erase it",
                    lifting(case, lift, folder)
                ),
            )
        }
        Why::Stored => (
            "was erased, and evidence of it is still stored".to_owned(),
            "start the gateway, which erases that".to_owned(),
        ),
    }
}
