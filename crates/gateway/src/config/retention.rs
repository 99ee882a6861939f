//! `[[retention]]`: how long cases are kept after they end.

use std::collections::BTreeSet;

use comity_domain::{InstrumentId, JurisdictionCode};
use serde::Deserialize;
use toml::Spanned;

use super::file::Mistakes;

/// Longest retention, in months: a hundred years.
const MONTHS_MAX: u32 = 1200;

/// How long cases of a regime are kept after they end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// The instrument that the cases are under; `None`: any, or none.
    pub instrument: Option<InstrumentId>,
    /// The State that asks or is asked; `None`: any. One of the two is named.
    pub state: Option<JurisdictionCode>,
    /// How long, in months: from 1 to 1200.
    pub months: u32,
    /// The provision that sets it.
    pub because: String,
}

/// `[[retention]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionFile {
    instrument: Option<Spanned<String>>,
    state: Option<Spanned<String>>,
    months: Spanned<u32>,
    because: Spanned<String>,
}

/// Classes that cannot be resolved are left out; the mistakes say why.
pub(super) fn resolve(files: Vec<RetentionFile>, mistakes: &mut Mistakes<'_>) -> Vec<Retention> {
    let mut named = BTreeSet::new();
    let mut resolved = Vec::new();
    for file in files {
        let span = file.months.span();
        let Some(class) = file.resolve(mistakes) else {
            continue;
        };
        if !named.insert((class.instrument.clone(), class.state.clone())) {
            let message = "second retention class for the same cases: keep one";
            mistakes.add::<()>(Some(span), message);
        }
        resolved.push(class);
    }
    resolved
}

impl RetentionFile {
    fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Retention> {
        let Self {
            instrument,
            state,
            months,
            because,
        } = self;
        if instrument.is_none() && state.is_none() {
            let message = "`retention` names neither `instrument` nor `state`: name one, or both";
            mistakes.add::<()>(Some(months.span()), message)?;
        }
        let instrument = instrument.map(|written| {
            let expected = "the id of an instrument, such as `eio`";
            let read = written.get_ref().parse().ok();
            read.or_else(|| mistakes.expected("retention.instrument", &written, expected))
        });
        let state = state.map(|written| {
            let expected = "ISO 3166-1 alpha-2 such as `DE`, or 3166-2 such as `GB-SCT`";
            let read = written.get_ref().parse().ok();
            read.or_else(|| mistakes.expected("retention.state", &written, expected))
        });
        if !(1..=MONTHS_MAX).contains(months.get_ref()) {
            let message = format!(
                "`retention.months` is `{}`: expected 1 to {MONTHS_MAX}",
                months.get_ref()
            );
            mistakes.add::<()>(Some(months.span()), &message);
        }
        if because.get_ref().trim().is_empty() {
            let message = "`retention.because` is empty: name the provision that sets it";
            mistakes.add::<()>(Some(because.span()), message);
        }
        Some(Retention {
            instrument: instrument.map_or(Some(None), |read| read.map(Some))?,
            state: state.map_or(Some(None), |read| read.map(Some))?,
            months: months.into_inner(),
            because: because.into_inner(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, EXAMPLE};

    fn parse(classes: &str) -> Result<Vec<Retention>, Vec<String>> {
        let text = format!("{EXAMPLE}{classes}");
        let (path, before) = (Path::new("comity.toml"), EXAMPLE.lines().count());
        let config = Config::parse(&text, path).map_err(|error| error.to_string());
        match config {
            Ok(config) => Ok(config.retention),
            Err(told) => Err(told
                .lines()
                .map(|line| {
                    let (_, rest) = line.split_once(':').unwrap();
                    let (line, what) = rest.split_once(": ").unwrap();
                    let line: usize = line.parse().unwrap();
                    format!("{}: {what}", line - before)
                })
                .collect()),
        }
    }

    #[test]
    fn the_example_shows_a_class() {
        let (_, class) = EXAMPLE.split_once("# [[retention]]\n").unwrap();
        let class = class.replace("# ", "").replace("How long", "# How long");
        let class = class.replace("The provision", "# The provision");
        let read = parse(&format!("[[retention]]\n{class}")).unwrap();
        let [read] = read.as_slice() else {
            panic!("{read:?}")
        };
        let named = (read.instrument.as_ref(), read.state.as_ref());
        assert_eq!(
            named,
            (Some(&"eio".parse().unwrap()), Some(&"DE".parse().unwrap()))
        );
        assert_eq!(read.months, 120);
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn each_mistake_names_its_line_and_remedy() {
        let class = |lines: &str| format!("[[retention]]\n{lines}\n");
        let because = "because = \"the registry's rules\"";
        for (classes, expected) in [
            (
                class(&format!("months = 1\n{because}")),
                "2: `retention` names neither `instrument` nor `state`: name one, or both",
            ),
            (
                class(&format!("instrument = \"E I O\"\nmonths = 1\n{because}")),
                "2: `retention.instrument` is `E I O`: expected the id of an instrument, such as `eio`",
            ),
            (
                class(&format!("state = \"Germany\"\nmonths = 1\n{because}")),
                "2: `retention.state` is `Germany`: expected ISO 3166-1 alpha-2 such as `DE`, or 3166-2 such as `GB-SCT`",
            ),
            (
                class(&format!("state = \"DE\"\nmonths = 0\n{because}")),
                "3: `retention.months` is `0`: expected 1 to 1200",
            ),
            (
                class(&format!("state = \"DE\"\nmonths = 1201\n{because}")),
                "3: `retention.months` is `1201`: expected 1 to 1200",
            ),
            (
                class("state = \"DE\"\nmonths = 1\nbecause = \" \""),
                "4: `retention.because` is empty: name the provision that sets it",
            ),
            (
                class("state = \"DE\"\nmonths = 1"),
                "1: missing field `because`",
            ),
            (
                class(&format!("state = \"DE\"\nmonths = 1\n{because}")).repeat(2),
                "7: second retention class for the same cases: keep one",
            ),
        ] {
            assert_eq!(parse(&classes), Err(vec![expected.to_owned()]));
        }
    }
}
