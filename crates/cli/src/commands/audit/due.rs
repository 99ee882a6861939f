//! `comity audit due`: cases that have been kept long enough, for whoever erases.

use std::path::PathBuf;

use clap::Args;
use comity_gateway::offline::{Class, DataFolder, DueCase, DueList, Standing, entries_in_words};
use comity_gateway::{config::Config, visible::one_line};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::erase::erasing;
use crate::{
    commands::{
        day,
        folder::{Folder, Found},
    },
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Due {
    /// Settings of the gateway: `[[retention]]` there says how long cases are kept
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Data folder of the gateway, where it is another one than the settings say
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// As of this day, UTC; today where none is named
    #[arg(long, value_name = "DATE", value_parser = day)]
    at: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Due) -> Result<Exit, Failure> {
    let Due {
        config,
        data,
        at,
        json,
    } = arguments;
    let classes = Config::load(&config)?.retention;
    let folder = Folder::of(data, config);
    let Found { data, token } = folder.find()?;
    let at = at.unwrap_or_else(|| TimeZone::UTC.to_datetime(Timestamp::now()).date());
    let list = DataFolder::open(&data, token.as_ref())?.due(&classes, at)?;
    if json {
        println!("{}", machine(&list));
    } else {
        println!("{}", told(&list, &folder));
    }
    Ok(Exit::Done)
}

fn machine(DueList { at, cases, kept }: &DueList) -> Value {
    let cases: Vec<_> = cases.iter().map(case).collect();
    json!({ "at": at.to_string(), "cases": cases, "kept": kept })
}

fn case(due: &DueCase) -> Value {
    let DueCase {
        case,
        issuing,
        executing,
        instrument,
        state,
        ended,
        class,
        holds,
    } = due;
    let standing = match due.standing() {
        Standing::Due => "due",
        Standing::Held => "held",
        Standing::Unclassified => "unclassified",
    };
    let set = class.as_ref().map(|Class { retention, .. }| {
        json!({
            "instrument": retention.instrument.as_ref().map(ToString::to_string),
            "state": retention.state.as_ref().map(ToString::to_string),
            "months": retention.months, "because": retention.because,
        })
    });
    json!({
        "case": format!("cases/{case}"), "standing": standing, "issuing": issuing,
        "executing": executing, "instrument": instrument, "state": state,
        "ended": ended.to_string(), "class": set, "holds": holds,
        "due": class.as_ref().map(|class| class.due.to_string()),
    })
}

fn told(list: &DueList, folder: &Folder) -> String {
    let DueList { at, cases, kept } = list;
    let kept = format!("{kept} more cases have ended and are kept for now");
    if cases.is_empty() {
        return format!("nothing to decide on as of {at}\n{kept}");
    }
    let mut table = render::table(&["case", "under", "ended", "due", "why"]);
    render::keep_whole(&mut table, &[0, 2]);
    for due in cases {
        let parties = format!("{} to {}", due.issuing, due.executing);
        let under = due.instrument.as_ref();
        table.add_row([
            format!("cases/{}", due.case),
            under.map_or_else(|| parties.clone(), |id| format!("{parties}\n{id}")),
            format!("{}\n{}", due.ended, due.state),
            standing(due),
            why(due),
        ]);
    }
    format!(
        "to decide on as of {at}\n{table}\n{kept}\nnothing is erased by itself: `{}`",
        erasing("CASE", folder)
    )
}

fn standing(due: &DueCase) -> String {
    let day = due.class.as_ref().map(|class| class.due.to_string());
    let holds = match due.holds.as_slice() {
        [] => String::new(),
        holds => format!("kept by the legal hold of {}", entries_in_words(holds)),
    };
    let parts = [day.unwrap_or_default(), holds];
    let told: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    told.join("\n")
}

fn why(due: &DueCase) -> String {
    let Some(Class { retention, .. }) = &due.class else {
        return "no retention class: decide and configure".to_owned();
    };
    let instrument = retention.instrument.as_ref().map(ToString::to_string);
    let state = retention.state.as_ref().map(ToString::to_string);
    let regime: Vec<_> = [instrument, state].into_iter().flatten().collect();
    format!(
        "{} months for {}: {}",
        retention.months,
        regime.join(" and "),
        one_line(&retention.because)
    )
}
