//! Personal values by which records are found: what is searched, and what matches what.
//!
//! Requests are searched, of cases and of trials. Of each:
//!
//! - `persons`: name, and name with date of birth;
//! - `selectors`: the values of all kinds;
//! - in the form of the instrument, of each of `persons`: `name` with `first_names`, each
//!   of `aliases`, all these with `date_of_birth`, `identity_document`, `address`;
//! - in the form, of `target`: `user`, by name, and of `identifiers` accounts, e-mail
//!   addresses, telephone numbers and IP addresses;
//! - in `information`: the same as of a person in a form, `contact`, `phone` and `email`.
//!
//! So are the forms of transmissions outside the system: of `sender` and `recipient` the
//! name, each part of it that has two words and more, since it may say both office and
//! person, and the address, which may be one by post, e-mail or telephone.
//!
//! No other part of a form is searched: legal persons' registration numbers and
//! representatives, places, objects, names of files and free text are not. Nor are the
//! officials of a request, results, opinions and evidence: nobody is to follow an official
//! through every case, and what came back stands in the case that is found.
//!
//! A search is exact: a value matches those with the same normal form, and no others.
//! Everything is brought into Unicode form NFKC, and case is folded; invisible characters
//! count for nothing. Then, by kind:
//!
//! | Kind | What does not matter | What does |
//! |---|---|---|
//! | name | the order of its words, full stops, commas; a hyphen or apostrophe within a word is there, left out or a space | every word, accents: `Müller` is not `Mueller` |
//! | name with date of birth | as for a name; the date is `YYYY-MM-DD` | both |
//! | IBAN | spaces and hyphens | its check digits must be right |
//! | telephone number | spaces, hyphens, full stops, slashes, brackets, `(0)`; `00` is `+` | it must be international |
//! | e-mail address | case, also before the `@` | full stops and tags such as `+x` |
//! | IP address | how it is written; IPv4 in IPv6 is IPv4 | |
//! | number plate | all but letters and digits | letters and digits |
//! | postal address | all but letters and digits, which breaks words | its words and their order |
//! | account at a provider | spaces around it, and how many inside | every sign |
//! | identity document | all but letters and digits; words beside a number | letters and digits |
//!
//! Of a name every hyphen is taken in the same way, and so is every apostrophe: `Al-Hassan`
//! finds `Al Hassan` and `Alhassan`, which do not find each other. Apostrophes are all
//! signs that are written for one, as in `O’Neill`, `O´Neill` and `Мар’яна`. `İ`, `I`, `ı`
//! and `i` are one. A number of a document among words is found where it has five letters
//! or digits, one of these at least, and is written in four words at most, among the first
//! 256.

mod normal;
mod rebuild;
mod request;
#[cfg(test)]
mod tests;

use comity_store::{Extractor, Options, Term};

pub use self::rebuild::{ReindexError, Reindexed, reindex};
use self::request::of_record;
pub(crate) use self::{
    rebuild::rebuild,
    request::{of_report, of_request},
};
use crate::wire::fields::take_apart;

/// Number of the rules by which values are taken from records and made equal: another one
/// whenever any record gives others, so that every index is made again.
const EXTRACTOR: u32 = 2;

/// How values are taken from records.
pub(crate) const OF_RECORDS: Extractor = Extractor {
    number: EXTRACTOR,
    terms: of_record,
};

/// Most values of one request, so that no request fills the index.
pub(crate) const TERMS_MAX: usize = 2_000;

/// Kind of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Name of a natural or legal person.
    Name,
    /// International bank account number.
    Iban,
    /// Telephone number.
    Phone,
    /// E-mail address.
    Email,
    /// IPv4 or IPv6 address.
    Ip,
    /// Vehicle registration plate.
    Plate,
    /// Postal address or place.
    Address,
    /// Account at a service provider.
    Account,
    /// Number of an identity document.
    Document,
}

impl Kind {
    /// The kind in the index and in records of searches; it never changes.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Ip => "ip",
            Self::Plate => "plate",
            Self::Address => "address",
            Self::Account => "account",
            Self::Document => "document",
        }
    }

    /// The values of which any is found by a search; none where nothing is left of what
    /// is written, or it is none of this kind.
    #[must_use]
    pub(crate) fn terms(self, value: &str) -> Vec<Term> {
        let normal = match self {
            Self::Name => return terms(self.as_str(), normal::name(value)),
            Self::Iban => normal::iban(value),
            Self::Phone => normal::phone(value),
            Self::Email => normal::email(value),
            Self::Ip => normal::ip(value),
            Self::Plate => normal::signs(value),
            Self::Address => normal::words(value),
            Self::Account => normal::account(value),
            Self::Document => normal::signs(value),
        };
        terms(self.as_str(), normal)
    }
}

/// A name together with a date of birth, `YYYY-MM-DD`; none where either is none.
#[must_use]
pub(crate) fn born(name: &str, date_of_birth: &str) -> Vec<Term> {
    with_date(&normal::name(name), date_of_birth)
}

/// A name, and the name with the date of birth where that is known.
pub(crate) fn named(name: &str, date_of_birth: &str) -> Vec<Term> {
    let names = normal::name(name);
    let mut found = with_date(&names, date_of_birth);
    found.extend(terms(Kind::Name.as_str(), names));
    found
}

fn with_date(names: &[String], date_of_birth: &str) -> Vec<Term> {
    let date = normal::date(date_of_birth);
    let born = date.iter().flat_map(|date| {
        let names = names.iter();
        names.map(move |name| format!("{date} {name}"))
    });
    terms("name and date of birth", born)
}

/// How a store is opened whose records are indexed by [`OF_RECORDS`] and taken apart into
/// the contract's fields, all else as is usual.
#[must_use]
pub(crate) fn options() -> Options {
    Options {
        extractor: EXTRACTOR,
        fields: Some(take_apart),
        ..Options::default()
    }
}

fn terms(kind: &'static str, normal: impl IntoIterator<Item = String>) -> Vec<Term> {
    let terms = normal.into_iter().map(|normal| Term::new(kind, normal));
    terms.collect()
}
