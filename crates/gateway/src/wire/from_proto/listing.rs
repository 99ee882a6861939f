//! Pages and filters of lists.

use std::str::FromStr;

use comity::v1;
use comity_domain::{CaseState, InstrumentId, JurisdictionCode};

use super::{case_state, search::seal};
use crate::wire::{
    Violation,
    read::{Findings, Path},
};

/// Entries on a page for which the caller names no size.
const PAGE_SIZE_DEFAULT: usize = 50;
/// Most entries on a page.
pub const PAGE_SIZE_MAX: usize = 500;

/// The order of lists that go by place.
const PLACES: &str = "place";

/// Which cases to list; what is `None` is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Where they stand.
    pub state: Option<CaseState>,
    /// The State that is asked.
    pub executing: Option<JurisdictionCode>,
    /// The instrument that carries them.
    pub instrument: Option<InstrumentId>,
}

/// How many entries a page has: 50 for 0, and never more than 500 (AIP-158).
///
/// # Errors
/// One violation of the field `page_size` when it is negative.
pub fn page_size(asked: i32) -> Result<usize, Vec<Violation>> {
    let mut findings = Findings::default();
    let size = match usize::try_from(asked) {
        Ok(0) => Some(PAGE_SIZE_DEFAULT),
        Ok(size) => Some(size.min(PAGE_SIZE_MAX)),
        Err(_) => findings.reject(Path::root("page_size"), "negative: leave it out for 50"),
    };
    findings.conclude(size)
}

/// Where a page begins: the token is the place of the last entry before it.
///
/// # Errors
/// One violation of the field `page_token` when no page named it.
pub fn page_token<T: FromStr>(token: &str) -> Result<Option<T>, Vec<Violation>> {
    let mut findings = Findings::default();
    let read = match token {
        "" => Some(None),
        token => token.parse().map(Some).ok().or_else(|| {
            findings.reject(
                Path::root("page_token"),
                "is not one that a page named: begin without it",
            )
        }),
    };
    findings.conclude(read)
}

/// Where a page of cases begins: the place of the last case before it, by a token of the
/// same list.
///
/// # Errors
/// One violation of the field `page_token` when no page of this list named it.
pub(crate) fn place(token: &str, list: &str) -> Result<Option<u64>, Vec<Violation>> {
    let (place, sealed) = token.split_once('-').unwrap_or((token, ""));
    let own = token.is_empty() || sealed == seal(list, PLACES);
    // What is no number names no place.
    page_token(if own { place } else { "another list's" })
}

/// The token of a page of a list that begins after a place.
pub(crate) fn place_token(place: u64, list: &str) -> String {
    format!("{place}-{}", seal(list, PLACES))
}

/// Reads a filter such as `state=UNDER_REVIEW AND executing=FR`.
///
/// # Errors
/// One violation of the field `filter` for each term that cannot be read.
pub fn case_filter(text: &str) -> Result<CaseFilter, Vec<Violation>> {
    let mut findings = Findings::default();
    let mut filter = CaseFilter::default();
    for term in text
        .split(" AND ")
        .map(str::trim)
        .filter(|term| !term.is_empty())
    {
        if read_term(&mut filter, term).is_none() {
            findings.reject::<()>(
                Path::root("filter"),
                "expected `state=`, `executing=` or `instrument=` once each with a known value, \
                 joined by ` AND `",
            );
        }
    }
    findings.conclude(Some(filter))
}

fn read_term(filter: &mut CaseFilter, term: &str) -> Option<()> {
    let CaseFilter {
        state,
        executing,
        instrument,
    } = filter;
    let (key, value) = term.split_once('=')?;
    // A value may be quoted (AIP-160).
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let value = quoted.unwrap_or(value);
    match key.trim() {
        "state" => once(state, read_state(value)?),
        "executing" => once(executing, value.parse().ok()?),
        "instrument" => once(instrument, value.parse().ok()?),
        _ => None,
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn read_state(name: &str) -> Option<CaseState> {
    v1::CaseState::from_str_name(&format!("CASE_STATE_{name}"))
        .or_else(|| v1::CaseState::from_str_name(name))
        .and_then(case_state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_bounded() {
        assert_eq!(page_size(0), Ok(50));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(i32::MAX), Ok(PAGE_SIZE_MAX));
        assert!(page_size(-1).is_err());
    }

    #[test]
    fn filters() {
        assert_eq!(case_filter(""), Ok(CaseFilter::default()));
        let expected = CaseFilter {
            state: Some(CaseState::UnderReview),
            executing: Some("FR".parse().unwrap()),
            instrument: Some("eio".parse().unwrap()),
        };
        let text = "state=\"UNDER_REVIEW\" AND executing = FR AND instrument=eio";
        assert_eq!(case_filter(text), Ok(expected));
        for bad in [
            "state",
            "state=",
            "state=UNSPECIFIED",
            "x=1",
            "executing=FR AND executing=DE",
        ] {
            assert_eq!(case_filter(bad).unwrap_err()[0].field, "filter", "{bad}");
        }
    }
}
