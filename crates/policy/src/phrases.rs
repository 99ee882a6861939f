//! The library's own sentences, beside those that the modules bring: one file
//! a language. Every phrase is a variant, so that a language that lacks one
//! does not compile.

mod de;
mod en;
mod finding;
mod fr;
mod telling;

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{ClockUnit, FactSource, ObligationKind, Text, primary};
use jiff::civil::Date;

pub(crate) use self::{
    finding::{Fault, Remark, Weighed},
    telling::{Basis, Because, Carrier, Heading, Next, Office, Particular, Round, Test, Verdict},
};

/// A language that the library speaks itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    English,
    German,
    French,
}

impl Tongue {
    /// The language for a reader of `language`, BCP 47; English where it has
    /// no phrases of its own.
    pub(crate) fn of(language: &str) -> Self {
        match &*primary(language) {
            "de" => Self::German,
            "fr" => Self::French,
            _ => Self::English,
        }
    }

    /// BCP 47.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
        }
    }
}

/// One method for each function that every language file has.
macro_rules! spoken {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        impl Tongue {
            $($(#[$doc])*
            pub(crate) fn $name(self, $($argument: $kind),*) -> $result {
                match self {
                    Self::English => en::$name($($argument),*),
                    Self::German => de::$name($($argument),*),
                    Self::French => fr::$name($($argument),*),
                }
            })*
        }
    };
}

spoken! {
    /// A finding of the library itself.
    remark(remark: &Remark<'_>) -> String;
    /// Why an instrument does not carry a request.
    weighed(weighed: &Weighed<'_>) -> String;
    /// What is wrong with a field of a form.
    fault(fault: &Fault<'_>) -> String;
    /// What stands above a part of an explanation.
    heading(heading: &Heading<'_>) -> String;
    /// One line of what was asked.
    particular(particular: &Particular<'_>) -> String;
    /// What carries a request, and why.
    carrier(carrier: &Carrier<'_>) -> String;
    /// The questioning of one stage.
    round(round: &Round<'_>) -> String;
    /// What a rule comes to, in a few words.
    verdict(verdict: Verdict) -> &'static str;
    /// One reason for a verdict, or one thing it entails.
    because(because: &Because<'_>) -> String;
    /// The facts that a line rests on.
    basis(basis: &Basis<'_>) -> String;
    /// A condition in words.
    test(test: &Test<'_>) -> String;
    /// What became of the request and what to do now.
    next(next: &Next<'_>) -> String;
    /// Who settled a fact.
    source(source: FactSource) -> &'static str;
    /// Who can settle a fact.
    settler(source: FactSource) -> &'static str;
    /// An office that decides.
    office(office: Office) -> &'static str;
    /// A kind of condition on the answer.
    obligation(kind: ObligationKind) -> &'static str;
    /// A length of time.
    length(number: u32, unit: ClockUnit) -> String;
    /// A calendar day.
    day(day: Date) -> String;
    /// Yes or no.
    truth(truth: bool) -> &'static str;
    /// An empty set.
    nothing() -> &'static str;
    /// A label and what it is of.
    labelled(label: &str, text: &str) -> String;
    /// Things that stand side by side.
    row(parts: &[String]) -> String;
    /// A title inside a sentence.
    quoted(title: &str) -> String;
    /// A provision as lawyers of the language cite it.
    provision(provision: &str) -> String;
}

/// A remark for every reader that the library has phrases for.
pub(crate) fn in_every_tongue(remark: &Remark<'_>) -> Text {
    let tongues = [Tongue::English, Tongue::German, Tongue::French];
    let said = tongues.map(|tongue| (Arc::from(tongue.code()), Arc::from(tongue.remark(remark))));
    Text(BTreeMap::from(said))
}

/// Parts joined with commas, the last with a word.
fn listed(parts: &[impl AsRef<str>], last: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.split_last() {
        Some((end, [])) => (*end).to_owned(),
        Some((end, start)) => format!("{} {last} {end}", start.join(", ")),
        None => String::new(),
    }
}

/// A length of time with what counts it, or that there is none.
fn span(number: u32, of: ClockUnit, units: [&str; 4], none: &str) -> String {
    let [hours, days, working_days, months] = units;
    let unit = match of {
        ClockUnit::Hours => hours,
        ClockUnit::Days => days,
        ClockUnit::WorkingDays => working_days,
        ClockUnit::Months => months,
        ClockUnit::Open => return none.to_owned(),
    };
    format!("{number} {unit}")
}

/// Sections as civil lawyers write them: `s 74` is § 74.
fn section(provision: &str) -> Option<String> {
    let several = provision
        .strip_prefix("ss ")
        .map(|rest| format!("§§ {rest}"));
    several.or_else(|| Some(format!("§ {}", provision.strip_prefix("s ")?)))
}

/// The name of a day's month, of twelve in a row.
fn month(day: Date, names: &'static str) -> &'static str {
    let before = usize::try_from(day.month() - 1).unwrap_or_default();
    names.split(' ').nth(before).unwrap_or_default()
}

/// `art 11(1)(g)` taken apart: the article, and what stands in brackets.
/// `None` for what is not written so.
fn article(provision: &str) -> Option<(&str, Vec<&str>)> {
    let rest = provision.strip_prefix("art ")?;
    let (article, mut rest) = rest.split_at(rest.find('(').unwrap_or(rest.len()));
    let mut parts = Vec::new();
    while let Some((part, after)) = rest
        .strip_prefix('(')
        .and_then(|inside| inside.split_once(')'))
    {
        parts.push(part);
        rest = after;
    }
    let plain = !article.is_empty() && !article.contains(' ') && rest.is_empty();
    plain.then_some((article, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_their_first_part() {
        assert_eq!(Tongue::of("de-AT"), Tongue::German);
        assert_eq!(Tongue::of("fr"), Tongue::French);
        assert_eq!(Tongue::of("pl"), Tongue::English);
        for tongue in [Tongue::English, Tongue::German, Tongue::French] {
            assert_eq!(Tongue::of(tongue.code()), tongue);
        }
    }

    #[test]
    fn provisions_are_cited_as_lawyers_do() {
        let all = |provision| {
            [Tongue::English, Tongue::German, Tongue::French]
                .map(|tongue| tongue.provision(provision))
        };
        assert_eq!(
            all("art 11(1)(g)"),
            [
                "Art. 11(1)(g)",
                "Art. 11 Abs. 1 Buchst. g",
                "art. 11, par. 1, point g)"
            ]
        );
        assert_eq!(
            all("art 5(4)(b)(ii)"),
            [
                "Art. 5(4)(b)(ii)",
                "Art. 5 Abs. 4 Buchst. b Ziff. ii",
                "art. 5, par. 4, point b) ii)"
            ]
        );
        assert_eq!(
            all("art 2(c)"),
            ["Art. 2(c)", "Art. 2 Buchst. c", "art. 2, point c)"]
        );
        assert_eq!(
            all("recital 44"),
            ["recital 44", "Erwägungsgrund 44", "considérant 44"]
        );
        assert_eq!(all("s 9"), ["s 9", "§ 9", "§ 9"]);
    }

    #[test]
    fn days_are_written_out() {
        let day = "2026-11-01".parse().unwrap();
        assert_eq!(Tongue::English.day(day), "1 November 2026");
        assert_eq!(Tongue::German.day(day), "1. November 2026");
        assert_eq!(Tongue::French.day(day), "1er novembre 2026");
    }
}
