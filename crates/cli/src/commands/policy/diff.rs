//! `comity policy diff`: what an edit of the policy folder means.

mod json;
mod pairs;
mod text;

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
};

use clap::Args;
use comity_policy::Difference;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    commands::{day, library},
    exit::{Exit, Failure},
    progress::Progress,
};

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// Folder of the policy files as they were
    old: PathBuf,
    /// Folder of the policy files as they are
    new: PathBuf,
    /// Compare the law of this day instead of today's
    #[arg(long, value_parser = day)]
    at: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Diff) -> Result<Exit, Failure> {
    let Diff { old, new, at, json } = arguments;
    let day = at.unwrap_or_else(|| TimeZone::UTC.to_datetime(Timestamp::now()).date());
    let (old, new) = thread::scope(|scope| {
        // An error of a command need not be sent from thread to thread, its text can.
        let load = |folder| library::load(folder).map_err(|error| error.to_string());
        let old = scope.spawn(move || load(old));
        let new = load(new);
        let old = old
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (old, new)
    });
    let progress = Mutex::new(None);
    let difference = old?.compare(&new?, day, &|pairs| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress =
            progress.get_or_insert_with(|| Progress::new("pairs of States", pairs as u64));
        progress.step();
    });
    drop(progress);
    if *json {
        println!("{}", json::difference(&difference));
    } else {
        print!("{}", text::difference(&difference));
    }
    Ok(exit(&difference))
}

fn exit(difference: &Difference) -> Exit {
    if difference.changes.is_empty() {
        Exit::Done
    } else {
        Exit::No
    }
}
