//! `comity audit rerun`: whether the law of its day still makes every decision on
//! record.

use std::collections::BTreeMap;

use clap::Args;
use comity_gateway::{
    offline::{Erasure, Made, NoLaw, Pruned, Redone, Rerun as Cases, Verdict},
    visible::one_line,
};
use serde_json::{Value, json};

use crate::{
    commands::{
        folder::{Folder, Found},
        received::Received,
    },
    exit::{Exit, Failure},
    progress::Progress,
    render,
};

/// Decisions shown by case; all are counted.
const SHOWN: usize = 100;

/// What is compared, for whoever relies on it.
const COMPARED: &str = "compared is the whole decision in its canonical encoding, but for its \
     random id and the moment it was made; the request, the answers of humans, the language and \
     the moment from which clocks run are taken from the record";

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    received: Received,
    /// Print JSON, one object a line: every decision that is not as on record, then
    /// the summary
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Tally {
    decisions: u64,
    same: u64,
    otherwise: u64,
    /// By why there is no law to make them again by.
    no_law: BTreeMap<NoLaw, u64>,
    erased: u64,
    unread: u64,
}

pub(super) fn run(arguments: &Rerun) -> Result<Exit, Failure> {
    let Rerun {
        folder,
        received,
        json,
    } = arguments;
    let Found { data, token } = folder.find()?;
    let mut cases = Cases::open(&data, token.as_ref(), received.period()?)?;
    let pruned = cases.pruned()?;
    let mut progress = Progress::new("cases", cases.cases()?);
    let mut tally = Tally::default();
    let mut shown = Vec::new();
    cases.run(|decisions| {
        progress.step();
        for redone in decisions {
            if tally.add(&redone.verdict) {
                match json {
                    true => println!("{}", machine(&redone)),
                    // Told once, for all of them.
                    false if matches!(redone.verdict, Verdict::NoLaw(_)) => {}
                    false if shown.len() < SHOWN => shown.push(redone),
                    false => {}
                }
            }
        }
    })?;
    drop(progress);
    if *json {
        println!("{}", json!({"summary": tally.json(pruned)}));
    } else {
        tell(&tally, pruned, &shown);
    }
    Ok(if tally.is_as_on_record() {
        Exit::Done
    } else {
        Exit::No
    })
}

impl Tally {
    /// Counts a decision; whether it is to be shown.
    fn add(&mut self, verdict: &Verdict) -> bool {
        self.decisions += 1;
        let count = match verdict {
            Verdict::Same => &mut self.same,
            Verdict::Otherwise { .. } => &mut self.otherwise,
            Verdict::NoLaw(why) => self.no_law.entry(why.clone()).or_default(),
            Verdict::Erased(_) => &mut self.erased,
            Verdict::Unread(_) | Verdict::Gone => &mut self.unread,
        };
        *count += 1;
        *verdict != Verdict::Same
    }

    /// What was erased on purpose speaks against nothing.
    fn is_as_on_record(&self) -> bool {
        self.same + self.erased == self.decisions
    }

    fn json(&self, pruned: Option<Pruned>) -> Value {
        let Self {
            decisions,
            same,
            otherwise,
            no_law,
            erased,
            unread,
        } = self;
        let changed = no_law.iter();
        let changed = changed.filter(|(why, _)| matches!(why, NoLaw::Changed { .. }));
        let changed: u64 = changed.map(|(_, count)| count).sum();
        let not_kept = no_law.values().sum::<u64>() - changed;
        let mut summary = json!({
            "decisions": decisions, "asOnRecord": same, "otherwise": otherwise,
            "bundleNotKept": not_kept, "bundleChanged": changed, "erased": erased, "unread": unread,
        });
        if let (Some(pruned), Some(summary)) = (pruned, summary.as_object_mut()) {
            summary.insert("prunedBelow".to_owned(), pruned.below.into());
        }
        summary
    }
}

fn tell(tally: &Tally, pruned: Option<Pruned>, shown: &[Redone]) {
    let Tally {
        decisions,
        same,
        otherwise,
        no_law,
        erased,
        unread,
    } = tally;
    let again = same + otherwise;
    let of = match again == *decisions {
        true => String::new(),
        false => format!(" of {decisions}"),
    };
    println!("{again}{of} decisions made again: {same} as on record, {otherwise} otherwise");
    for (why, count) in no_law {
        println!("  {count} not made again: policy {why}");
    }
    for (count, why) in [
        (erased, "its records were erased"),
        (unread, "its records cannot be read; verify the store"),
    ] {
        if *count > 0 {
            println!("  {count} not made again: {why}");
        }
    }
    if let Some(pruned) = pruned {
        println!("  {pruned}: decisions on cases opened there are not made again");
    }
    println!("  {COMPARED}");
    if shown.is_empty() {
        return;
    }
    let mut table = render::table(&["case", "decision", "from", "to", "what"]);
    for redone in shown {
        let [from, to] = &redone.pair;
        table.add_row([
            redone.case.to_string(),
            redone.number.to_string(),
            from.to_string(),
            to.to_string(),
            one_line(&what(&redone.verdict)),
        ]);
    }
    render::keep_whole(&mut table, &[0]);
    println!("{table}");
    let told = tally.same + no_law.values().sum::<u64>() + shown.len() as u64;
    let more = tally.decisions - told;
    if more > 0 {
        println!("and {more} more; `--json` names them all");
    }
}

fn what(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Same => "as on record".to_owned(),
        Verdict::Otherwise {
            before,
            after,
            differs,
        } => format!(
            "{} was {}; differs in {}",
            outcome(after),
            outcome(before),
            differs.join(", ")
        ),
        Verdict::NoLaw(why) => why.to_string(),
        Verdict::Erased(Erasure { entry, at, reason }) => {
            format!("its records were erased at {at:.0}: {reason}; entry {entry} says so")
        }
        Verdict::Gone => {
            "a record is gone, and no entry says that it was erased; verify the store".to_owned()
        }
        Verdict::Unread(why) => why.to_string(),
    }
}

fn outcome(made: &Made) -> &'static str {
    render::outcome_name(made.outcome)
}

fn machine(redone: &Redone) -> Value {
    let Redone {
        case,
        number,
        received,
        pair: [issuing, executing],
        verdict,
    } = redone;
    let differs = match verdict {
        Verdict::Otherwise { differs, .. } => differs.as_slice(),
        Verdict::Same
        | Verdict::NoLaw(_)
        | Verdict::Erased(_)
        | Verdict::Gone
        | Verdict::Unread(_) => &[],
    };
    json!({
        "case": case.as_str(),
        "decision": number,
        "received": received.to_string(),
        "issuing": issuing.as_str(),
        "executing": executing.as_str(),
        "what": what(verdict),
        "differs": differs,
    })
}
