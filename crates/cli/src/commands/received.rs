//! Which cases on record a command is about.

use super::day;
use clap::Args;
use comity_gateway::offline::Period;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Cases by the day on which they were received.
#[derive(Debug, Args)]
pub(super) struct Received {
    /// Only cases received on this day or later, UTC
    #[arg(long, value_parser = day)]
    since: Option<Date>,
    /// Only cases received before this day, UTC: those of the day itself are none of them
    #[arg(long, value_parser = day)]
    until: Option<Date>,
}

impl Received {
    /// The same as instants.
    ///
    /// # Errors
    /// A day that is no instant.
    pub(super) fn period(&self) -> Result<Period, jiff::Error> {
        Ok(Period {
            since: self.since.map(midnight).transpose()?,
            until: self.until.map(midnight).transpose()?,
        })
    }
}

fn midnight(day: Date) -> Result<Timestamp, jiff::Error> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0))
}
