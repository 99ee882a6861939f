//! Personal values by which records are found: what is searched, and what matches what.
//!
//! Requests are searched, of cases and of trials: their persons, their selectors, the
//! `persons` of their forms, and who is referred to support with what is shared. Officials, results, opinions and
//! evidence are not: nobody is to follow an official through every case, and what came
//! back stands in the case that is found.
//!
//! A search is exact: a value matches those with the same normal form, and no others.
//! Everything is brought into Unicode form NFKC, and case is folded; invisible characters
//! count for nothing. Then, by kind:
//!
//! | Kind | What does not matter | What does |
//! |---|---|---|
//! | name | the order of its words, hyphens, apostrophes, full stops, commas | every word, accents: `Müller` is not `Mueller` |
//! | name with date of birth | as for a name; the date is `YYYY-MM-DD` | both |
//! | IBAN | spaces and hyphens | its check digits must be right |
//! | telephone number | spaces, hyphens, full stops, slashes, brackets, `(0)`; `00` is `+` | it must be international |
//! | e-mail address | case, also before the `@` | full stops and tags such as `+x` |
//! | IP address | how it is written; IPv4 in IPv6 is IPv4 | |
//! | number plate | spaces, hyphens, full stops | letters and digits |
//! | postal address | commas, full stops, line breaks | the order of its words |
//! | account at a provider | spaces around it, and how many inside | every sign |
//! | identity document | spaces, hyphens; words beside a number of five signs or more | letters and digits |
//!
//! An alias on a form is a name; a name on a form is looked for with its first names.

mod normal;
mod rebuild;
mod request;
#[cfg(test)]
mod tests;

use comity_store::Term;

pub use self::rebuild::{ReindexError, Reindexed, reindex};
pub(crate) use self::{
    rebuild::rebuild,
    request::{of_record, of_request},
};

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

    /// The value by which a search finds; `None` where nothing is left of it, or it is
    /// none of this kind.
    #[must_use]
    pub(crate) fn term(self, value: &str) -> Option<Term> {
        let normal = match self {
            Self::Name => normal::name(value),
            Self::Iban => normal::iban(value),
            Self::Phone => normal::phone(value),
            Self::Email => normal::email(value),
            Self::Ip => normal::ip(value),
            Self::Plate => normal::signs(value),
            Self::Address => normal::words(value),
            Self::Account => normal::account(value),
            Self::Document => normal::signs(value),
        };
        normal.map(|normal| Term::new(self.as_str(), normal))
    }
}

/// A name together with a date of birth, `YYYY-MM-DD`.
#[must_use]
pub(crate) fn born(name: &str, date_of_birth: &str) -> Option<Term> {
    let (name, date) = (normal::name(name)?, normal::date(date_of_birth)?);
    Some(Term::new(
        "name and date of birth",
        format!("{date} {name}"),
    ))
}
