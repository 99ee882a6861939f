//! Questions to the atlas.

use std::sync::Arc;

use comity::v1;
use comity_domain::{JurisdictionCode, MeasureId};
use jiff::civil::Date;

use super::parts::is_day;
use crate::wire::{
    Violation,
    read::{Findings, Path, is_line},
};

/// A question to the atlas, well-formed.
#[derive(Debug)]
pub struct Lookup {
    /// The State that would ask.
    pub issuing: JurisdictionCode,
    /// The State that would be asked.
    pub executing: JurisdictionCode,
    /// What would be asked.
    pub measure: MeasureId,
    /// The day whose law is asked for.
    pub date: Date,
    /// A category or provision, where one is named.
    pub offence: Option<Arc<str>>,
    /// Language of the texts.
    pub language: String,
}

/// Reads a question to the atlas; without a date it is about `today`.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn lookup(message: v1::LookupRequest, today: Date) -> Result<Lookup, Vec<Violation>> {
    let v1::LookupRequest {
        issuing,
        executing,
        measure,
        date,
        offence,
        text_language,
    } = message;
    let mut findings = Findings::default();
    let issuing = findings.id(Path::root("issuing"), &issuing);
    let executing = findings.id(Path::root("executing"), &executing);
    let measure = findings.id(Path::root("measure"), &measure);
    let offence = findings.optional_word(
        Path::root("offence"),
        Some(&offence),
        is_line,
        "a category such as `D20` or a provision such as `StGB 263`, in one line",
    );
    let date = if date.is_empty() {
        Some(today)
    } else {
        let day = is_day(&date).then(|| date.parse().ok()).flatten();
        day.or_else(|| findings.reject(Path::root("date"), "expected a day as `YYYY-MM-DD`"))
    };
    let read = (|| {
        Some(Lookup {
            issuing: issuing?,
            executing: executing?,
            measure: measure?,
            date: date?,
            offence,
            language: text_language,
        })
    })();
    findings.conclude(read)
}
