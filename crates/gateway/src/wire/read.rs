//! Reading untrusted fields: where they stand, what was found wrong, and the
//! checks that many fields share.

use std::{fmt, str::FromStr, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use serde_json::{Map, Value as Json};

use super::{
    Violation,
    structure::{self, Misfit},
};

/// Longest free text, in bytes: a page; longer matter belongs into evidence.
pub(super) const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Longest name, function, contact or other line, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 512;
/// The beginning of year 1, in seconds of Unix time: the contract's first moment.
const YEAR_1: i64 = -62_135_596_800;
/// How far a requester's clock may run ahead of the gateway's.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The place of a field in a message; costs nothing until it is displayed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Field(&'static str),
    Item(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// A field of the outermost message.
    pub(super) const fn root(field: &'static str) -> Self {
        Path {
            parent: None,
            step: Step::Field(field),
        }
    }

    /// A field of the message at this path.
    pub(super) const fn field(&'a self, field: &'static str) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Field(field),
        }
    }

    /// An element of the list at this path.
    pub(super) const fn item(&'a self, index: usize) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Item(index),
        }
    }

    /// An entry of the map at this path; `key` must be fit to be shown.
    pub(super) const fn key(&'a self, key: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[\"{key}\"]"),
        }
    }
}

/// Everything found wrong with a message so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    wrong: Vec<Violation>,
    /// What a draft does not have yet; `None`: the message is no draft, and
    /// what is absent is wrong.
    absent: Option<Vec<Violation>>,
}

impl Findings {
    /// For a message that may be incomplete.
    pub(super) fn of_draft() -> Self {
        Self {
            absent: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Notes that the field at `at` is wrong; answers `None` so that a reader
    /// can end with it.
    pub(super) fn reject<T>(&mut self, at: Path<'_>, description: impl Into<String>) -> Option<T> {
        self.wrong.push(violation(at, description));
        None
    }

    /// The JSON that a structure stands for.
    pub(super) fn json(
        &mut self,
        at: Path<'_>,
        structure: prost_types::Struct,
    ) -> Option<Map<String, Json>> {
        let read = structure::to_json(structure);
        let misfit = |Misfit { at: below, why }| Violation {
            field: format!("{at}{below}"),
            description: why.to_string(),
        };
        read.map_err(|found| self.wrong.push(misfit(found))).ok()
    }

    /// Notes that the field at `at` is not there: wrong, unless in a draft.
    pub(super) fn missing<T>(&mut self, at: Path<'_>, description: impl Into<String>) -> Option<T> {
        match &mut self.absent {
            Some(absent) => absent.push(violation(at, description)),
            None => self.wrong.push(violation(at, description)),
        }
        None
    }

    /// What stands in a draft for a value that is missing.
    pub(super) fn stand_in<T>(&self, value: impl FnOnce() -> T) -> Option<T> {
        self.absent.is_some().then(value)
    }

    /// The value read, or everything found wrong.
    ///
    /// This is why readers may leave out what they could not read, as long as
    /// they say so: with any finding there is no value.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.wrong.is_empty() => Ok(value),
            Some(_) | None => Err(self.wrong),
        }
    }

    /// The draft read, with what it does not have yet; or everything found
    /// wrong, with what is missing of the `needed`, without which there is no draft.
    pub(super) fn conclude_draft<T>(
        self,
        value: Option<T>,
        needed: &[&str],
    ) -> Result<(T, Vec<Violation>), Vec<Violation>> {
        let absent = self.absent.unwrap_or_default();
        match value {
            Some(value) if self.wrong.is_empty() => Ok((value, absent)),
            Some(_) | None => {
                let needed = |one: &Violation| needed.contains(&one.field.as_str());
                let absent = absent.into_iter().filter(needed);
                Err(absent.chain(self.wrong).collect())
            }
        }
    }

    /// An identifier that must be there.
    pub(super) fn id<T>(&mut self, at: Path<'_>, text: &str) -> Option<T>
    where
        T: FromStr<Err = comity_domain::InvalidId>,
    {
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) if text.is_empty() => self.missing(at, format!("missing: {}", error.rule())),
            Err(error) => self.reject(at, error.to_string()),
        }
    }

    /// An identifier whose absence is written as the empty text.
    pub(super) fn optional_id<T>(&mut self, at: Path<'_>, text: &str) -> Option<T>
    where
        T: FromStr<Err = comity_domain::InvalidId>,
    {
        if text.is_empty() {
            None
        } else {
            self.id(at, text)
        }
    }

    /// Checks that a text is no longer than `bytes_max`.
    pub(super) fn bounded(&mut self, at: Path<'_>, text: &str, bytes_max: usize) {
        if text.len() > bytes_max {
            self.reject::<()>(at, format!("longer than {bytes_max} bytes: shorten it"));
        }
    }

    /// Reads every element of a list of at most `max`. Elements that could not
    /// be read are left out, and their findings say why.
    pub(super) fn list<T, U>(
        &mut self,
        field: &'static str,
        max: usize,
        elements: Vec<T>,
        mut read: impl FnMut(&mut Self, Path<'_>, T) -> Option<U>,
    ) -> Vec<U> {
        let at = Path::root(field);
        if elements.len() > max {
            self.reject::<()>(at, format!("more than {max} entries: divide the request"));
            return Vec::new();
        }
        elements
            .into_iter()
            .enumerate()
            .filter_map(|(index, element)| read(self, at.item(index), element))
            .collect()
    }

    /// A text that must be there and meet `rule`, which `expected` puts in words.
    pub(super) fn word(
        &mut self,
        at: Path<'_>,
        text: &str,
        rule: fn(&str) -> bool,
        expected: &str,
    ) -> Option<Arc<str>> {
        let description = || format!("expected {expected}");
        if rule(text) {
            Some(Arc::from(text))
        } else if text.is_empty() {
            self.missing(at, description())
        } else {
            self.reject(at, description())
        }
    }

    /// As [`word`](Self::word), where absent or empty means not stated.
    pub(super) fn optional_word(
        &mut self,
        at: Path<'_>,
        text: Option<&str>,
        rule: fn(&str) -> bool,
        expected: &str,
    ) -> Option<Arc<str>> {
        text.filter(|text| !text.is_empty())
            .and_then(|text| self.word(at, text, rule, expected))
    }

    /// A moment, where stated.
    pub(super) fn time(
        &mut self,
        at: Path<'_>,
        time: Option<prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let prost_types::Timestamp { seconds, nanos } = time?;
        if !(0..1_000_000_000).contains(&nanos) {
            return self.reject(at, "expected `nanos` from 0 to 999,999,999");
        }
        match Timestamp::new(seconds, nanos) {
            Ok(time) if seconds >= YEAR_1 => Some(time),
            Ok(_) | Err(_) => self.reject(
                at,
                "not a moment between the year 1 and 9999-12-30T22:00:00Z, the last that is counted",
            ),
        }
    }

    /// A moment that must be there and lie in the past, clocks being as they are.
    pub(super) fn past_time(
        &mut self,
        at: Path<'_>,
        time: Option<prost_types::Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if time.is_none() {
            return self.missing(
                at,
                "missing: state the moment, for example `2026-01-31T12:00:00Z`",
            );
        }
        let time = self.time(at, time)?;
        if is_ahead(time, now) {
            return self.reject(
                at,
                "more than 5 minutes in the future: check the clock that set it",
            );
        }
        Some(time)
    }
}

/// Whether a moment lies in the future, clocks being as they are.
pub(super) fn is_ahead(time: Timestamp, now: Timestamp) -> bool {
    time.duration_since(now) > CLOCK_SKEW
}

fn violation(at: Path<'_>, description: impl Into<String>) -> Violation {
    Violation {
        field: at.to_string(),
        description: description.into(),
    }
}

/// One line of printable text with something in it.
pub(super) fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LINE_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_the_contract() {
        let offences = Path::root("offences");
        let second = offences.item(1);
        assert_eq!(second.field("iccs").to_string(), "offences[1].iccs");
        assert_eq!(Path::root("facts").key("x.y").to_string(), "facts[\"x.y\"]");
    }

    #[test]
    fn a_value_with_findings_is_no_value() {
        let mut findings = Findings::default();
        findings.bounded(Path::root("purpose"), "abc", 2);
        assert_eq!(findings.conclude(Some(())).unwrap_err()[0].field, "purpose");
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let read = |seconds| {
            let time = prost_types::Timestamp { seconds, nanos: 0 };
            Findings::default().past_time(Path::root("issued_at"), Some(time), now)
        };
        assert!(read(1_000_300).is_some());
        assert!(read(1_000_301).is_none());
        assert!(read(i64::MAX).is_none());
    }
}
