//! A request on file as the question that `decide` and `explain` are asked.

use std::path::{Path, PathBuf};

use clap::Args;
use comity::v1;
use comity_domain::Request;
use comity_gateway::wire::{Violation, from_proto, to_proto, words};
use comity_policy::{FormCheck, Library, Question};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;

use crate::{
    commands::{day, library, request},
    exit::Failure,
};

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The request in the contract's JSON mapping; `-` reads it from standard input
    request: PathBuf,
    #[command(flatten)]
    pub(super) manner: Manner,
}

/// By which law, and in which words.
#[derive(Debug, Args)]
pub(crate) struct Manner {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    pub(super) policies: PathBuf,
    /// Apply the law of this day instead of the day the request was issued
    #[arg(long, value_parser = day)]
    at: Option<Date>,
    /// Language of texts, such as en, de or fr; what a module lacks is in English
    #[arg(long, default_value = "en")]
    pub(super) language: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A library with a well-formed request to put to it.
pub(super) struct Ready {
    pub(super) library: Library,
    request: Request,
    form: Option<Value>,
    language: String,
    pub(super) now: Timestamp,
}

impl Manner {
    /// Loads the library and reads the request.
    pub(super) fn ready(self, file: &Path) -> Result<Ready, Failure> {
        let Self {
            policies,
            at,
            language,
            json: _,
        } = self;
        let library = library::load(&policies)?;
        library::demand_language(&library, &language)?;
        let mut message: v1::CooperationRequest = request::read(file)?;
        let now = Timestamp::now();
        // A request is not dated ahead, as for the gateway, but on the day that is asked for.
        let mut latest = now;
        if let Some(day) = at {
            // Noon, so that no time zone makes it another day.
            let noon = TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0))?;
            message.issued_at = Some(to_proto::timestamp(noon));
            latest = noon.max(now);
        }
        let (request, form) = from_proto::request(message, latest).map_err(refused)?;
        let unknown = words::unknown(&library, &request);
        if !unknown.is_empty() {
            return Err(refused(unknown).into());
        }
        Ok(Ready {
            library,
            request,
            form,
            language,
            now,
        })
    }
}

/// Why a gateway would not take the request in.
fn refused(violations: Vec<Violation>) -> String {
    violations
        .iter()
        .fold("the request is malformed".to_owned(), |text, violation| {
            format!("{text}\n  {}: {}", violation.field, violation.description)
        })
}

impl Asked {
    /// See [`Manner::ready`].
    pub(super) fn ready(self) -> Result<Ready, Failure> {
        self.manner.ready(&self.request)
    }
}

impl Ready {
    pub(super) fn question(&self) -> Question<'_> {
        let form = self.form.as_ref();
        Question {
            request: &self.request,
            form: form.map_or(FormCheck::Missing, FormCheck::Given),
            language: &self.language,
            now: self.now,
            rulings: &[],
        }
    }
}
