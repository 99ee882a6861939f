//! `comity policy decide`: what the gateway would decide, without one.

use std::path::PathBuf;

use clap::Args;
use comity_gateway::wire::{from_proto, to_proto};
use comity_policy::{FormCheck, Library, Question};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    commands::request,
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The request in the contract's JSON mapping
    request: PathBuf,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Apply the law of this day instead of the day the request was issued
    #[arg(long)]
    at: Option<Date>,
    /// Language of texts
    #[arg(long, default_value = "en")]
    language: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Decide) -> Result<Exit, Failure> {
    let Decide {
        request: file,
        policies,
        at,
        language,
        json,
    } = arguments;
    let library = Library::load(&policies)?;
    let mut message = request::read(&file)?;
    let now = Timestamp::now();
    if let Some(day) = at {
        // Noon, so that no time zone makes it another day.
        let noon = TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0))?;
        message.issued_at = Some(to_proto::timestamp(noon));
    }
    let latest = message.issued_at.as_ref().map_or(now, |at| {
        Timestamp::from_second(at.seconds).unwrap_or(now).max(now)
    });
    let (asked, form) = from_proto::request(message, latest).map_err(|violations| {
        violations
            .iter()
            .fold("the request is malformed".to_owned(), |text, violation| {
                format!("{text}\n  {}: {}", violation.field, violation.description)
            })
    })?;
    let form = form.as_ref().map_or(FormCheck::Missing, FormCheck::Given);
    let question = Question {
        request: &asked,
        form,
        language: &language,
        now,
    };
    let decided = library.decide(&question).decision;
    let decision = to_proto::decision(&decided, "", now);
    request::print(json, &decision, || render::decision(&decision))?;
    Ok(request::exit(&decision))
}
