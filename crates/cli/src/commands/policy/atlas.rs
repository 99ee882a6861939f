//! `comity policy atlas`: which way a request can go, before there is one.

use std::path::PathBuf;

use clap::Args;
use comity_domain::{JurisdictionCode, MeasureId};
use comity_gateway::wire::to_proto;
use comity_policy::AtlasQuery;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    commands::{day, library, request},
    exit::{Exit, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Atlas {
    /// The State that would ask, for example FR
    #[arg(long)]
    from: JurisdictionCode,
    /// The State that would be asked, for example DE
    #[arg(long)]
    to: JurisdictionCode,
    /// What would be asked, a measure of measures.yaml
    #[arg(long)]
    measure: MeasureId,
    /// A category such as D20, or a provision of the asking State such as "StGB 263"
    #[arg(long)]
    offence: Option<String>,
    /// The law of this day; today where absent
    #[arg(long, value_parser = day)]
    date: Option<Date>,
    /// Language of texts, such as en, de or fr; what a module lacks is in English
    #[arg(long, default_value = "en")]
    language: String,
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Atlas) -> Result<Exit, Failure> {
    let Atlas {
        from,
        to,
        measure,
        offence,
        date,
        language,
        policies,
        json,
    } = arguments;
    let library = library::load(policies)?;
    library::demand_language(&library, language)?;
    let query = AtlasQuery {
        issuing: from,
        executing: to,
        measure,
        offence: offence.as_deref(),
        date: date.unwrap_or_else(|| TimeZone::UTC.to_datetime(Timestamp::now()).date()),
        language,
    };
    let found = library.atlas(&query).map_err(|problems| {
        problems
            .iter()
            .fold("the atlas has no such page".to_owned(), |text, problem| {
                format!("{text}\n  {}: {}", problem.field, problem.message)
            })
    })?;
    request::print(*json, &to_proto::atlas(&found), |_| found.to_string())?;
    Ok(if found.routes.is_empty() {
        Exit::No
    } else {
        Exit::Done
    })
}
