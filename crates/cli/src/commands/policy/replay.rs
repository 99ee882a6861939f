//! `comity policy replay`: what other policy files would have decided in the
//! cases on record.

mod tally;

use std::path::PathBuf;

use clap::Args;
use comity_gateway::offline::{Case, Replay as Cases};
use serde_json::json;

use self::tally::Tally;
use crate::{
    commands::{
        folder::{Folder, Found},
        library,
        received::Received,
    },
    exit::{Exit, Failure},
    progress::Progress,
    render,
};

/// Changed cases shown by name; all are counted.
const SHOWN: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    folder: Folder,
    /// Folder of the policy files to decide by
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    #[command(flatten)]
    received: Received,
    /// Print JSON, one object a line: every changed case, then the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Replay) -> Result<Exit, Failure> {
    let Replay {
        folder,
        policies,
        received,
        json,
    } = arguments;
    let library = library::load(policies)?;
    let Found { data, token } = folder.find()?;
    let mut cases = Cases::open((&data, token.as_ref()), received.period()?, &library)?;
    let mut progress = Progress::new("cases", cases.cases()?);
    let mut tally = Tally::since(cases.pruned()?);
    let mut shown = Vec::new();
    cases.run(|case| {
        progress.step();
        if tally.add(&case) {
            match json {
                true => println!("{}", tally::changed(&case)),
                false if shown.len() < SHOWN => shown.push(case),
                false => {}
            }
        }
    })?;
    drop(progress);
    if *json {
        println!("{}", json!({"summary": tally.json(&library.digest())}));
    } else {
        print!("{}", tally.text(&library.digest()));
        table(&shown, tally.changed());
    }
    Ok(if tally.is_as_on_record() {
        Exit::Done
    } else {
        Exit::No
    })
}

/// The cases whose outcome or instrument is another, one a row.
fn table(shown: &[Case], changed: u64) {
    if shown.is_empty() {
        return;
    }
    let mut table = render::table(&["case", "from", "to", "measure", "before", "after"]);
    for case in shown {
        table.add_row(tally::row(case));
    }
    render::keep_whole(&mut table, &[0, 1, 2]);
    println!("{table}");
    let more = changed.saturating_sub(shown.len() as u64);
    if more > 0 {
        println!("and {more} more; `--json` names them all");
    }
}
