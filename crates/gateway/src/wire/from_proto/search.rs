//! Searches of the ledger: filter, order and page.

use comity::v1::{self, AccessCategory, PersonalKind};
use comity_domain::CaseState;
use comity_policy::nearest;
use comity_store::{
    Cursor, EntryFilter, OUTCOMES, Order, Period, Search, SortBy, Term, outcome_name, state_name,
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use super::page_size;
use crate::{
    personal::{self, Kind},
    wire::{
        Violation,
        read::{Findings, LINE_BYTES_MAX, Path},
        to_proto,
    },
};

/// What a caller searches for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Terms joined by ` AND `.
    pub filter: &'a str,
    /// A name, with ` desc` the other way round.
    pub order_by: &'a str,
    /// At most so many; 0 for the usual number.
    pub page_size: i32,
    /// What the page before named.
    pub page_token: &'a str,
}

/// Reads a search.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn search(asked: Asked<'_>) -> Result<Search, Vec<Violation>> {
    read_search(asked, seal(asked.filter, asked.order_by))
}

/// A search by a personal value.
#[derive(Debug)]
pub struct Personal {
    /// All but the value.
    pub search: Search,
    /// The value, in each of its forms: one at least.
    pub terms: Vec<Term>,
    /// What is searched for, without the value.
    pub subject: String,
}

/// Reads a search by a personal value.
///
/// # Errors
/// Every field that is not as the contract demands; none of them repeats the value.
pub fn search_personal(
    asked: Asked<'_>,
    value: &v1::PersonalValue,
) -> Result<Personal, Vec<Violation>> {
    let terms = terms(value)?;
    let subject = searched(terms.first().map_or("", Term::kind), asked.filter);
    let search = read_search(asked, seal(&subject, asked.order_by))?;
    Ok(Personal {
        search,
        terms,
        subject,
    })
}

/// What a search by a personal value is for, without the value.
fn searched(kind: &str, filter: &str) -> String {
    match filter {
        "" => kind.to_owned(),
        filter => format!("{kind}; {filter}"),
    }
}

/// The value that is searched for, in each of its forms: one at least.
fn terms(value: &v1::PersonalValue) -> Result<Vec<Term>, Vec<Violation>> {
    let v1::PersonalValue {
        kind,
        value,
        date_of_birth,
    } = value;
    let at = Path::root("personal");
    let mut findings = Findings::default();
    let known = PersonalKind::try_from(*kind).ok().and_then(personal_kind);
    let Some(kind) = known else {
        let expected = "missing or unknown: state the kind of `value`";
        let read = findings.reject(at.field("kind"), expected);
        return findings.conclude(read);
    };
    findings.bounded(at.field("value"), value, LINE_BYTES_MAX);
    let found = some(kind.terms(value));
    if found.is_none() {
        findings.reject::<()>(at.field("value"), format!("expected {}", expected(kind)));
    }
    if date_of_birth.is_empty() {
        return findings.conclude(found);
    }
    if kind != Kind::Name {
        let wrong = "belongs to a name: leave it out";
        findings.reject::<()>(at.field("date_of_birth"), wrong);
    }
    let born = some(personal::born(value, date_of_birth));
    if found.is_some() && born.is_none() {
        let expected = "expected a day such as `1980-02-01`";
        findings.reject::<()>(at.field("date_of_birth"), expected);
    }
    findings.conclude(born)
}

fn some(terms: Vec<Term>) -> Option<Vec<Term>> {
    (!terms.is_empty()).then_some(terms)
}

fn personal_kind(kind: PersonalKind) -> Option<Kind> {
    match kind {
        PersonalKind::Unspecified => None,
        PersonalKind::Name => Some(Kind::Name),
        PersonalKind::Iban => Some(Kind::Iban),
        PersonalKind::Phone => Some(Kind::Phone),
        PersonalKind::Email => Some(Kind::Email),
        PersonalKind::Ip => Some(Kind::Ip),
        PersonalKind::Plate => Some(Kind::Plate),
        PersonalKind::Address => Some(Kind::Address),
        PersonalKind::Account => Some(Kind::Account),
        PersonalKind::Document => Some(Kind::Document),
    }
}

/// What a value of a kind is, in words.
fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Name => "a name with at least one letter",
        Kind::Iban => "an IBAN whose check digits are right",
        Kind::Phone => "an international number, such as `+4930123456`",
        Kind::Email => "one e-mail address, such as `name@example.org`",
        Kind::Ip => "one IPv4 or IPv6 address without prefix or port",
        Kind::Plate | Kind::Document => "letters or digits",
        Kind::Address => "a postal address or place",
        Kind::Account => "an account at a provider",
    }
}

fn read_search(asked: Asked<'_>, seal: String) -> Result<Search, Vec<Violation>> {
    let Asked {
        filter,
        order_by,
        page_size: size,
        page_token,
    } = asked;
    let mut findings = Findings::default();
    let limit = page_size(size)?;
    let read =
        read_filter(filter).map_or_else(|wrong| findings.reject(Path::root("filter"), wrong), Some);
    let order =
        sort(order_by).map_or_else(|wrong| findings.reject(Path::root("order_by"), wrong), Some);
    let after = match page_token {
        "" => Some(None),
        token => match read_token(token, seal) {
            Some(cursor) => Some(Some(cursor)),
            None => findings.reject(Path::root("page_token"), FOREIGN),
        },
    };
    let read = read.zip(order).zip(after);
    findings.conclude(read.map(|((filter, order), after)| Search {
        filter,
        order,
        after,
        limit,
        ..Search::default()
    }))
}

/// The period from a first to a last day, in UTC; empty where it is open.
///
/// # Errors
/// Both fields, where they are no days.
pub fn days(from: &str, until: &str) -> Result<Period, Vec<Violation>> {
    let mut findings = Findings::default();
    let mut read = |field, text: &str, after: i64| {
        if text.is_empty() {
            return None;
        }
        let day = text.parse::<Date>().ok();
        let day = day.and_then(|day| day.checked_add(after.days()).ok());
        let begins = day.and_then(midnight);
        begins.or_else(|| findings.reject(Path::root(field), "expected a day such as `2026-01-31`"))
    };
    // The last day is part of the period, which ends as the next begins.
    let (since, until) = (read("from", from, 0), read("until", until, 1));
    if since
        .zip(until)
        .is_some_and(|(since, until)| since >= until)
    {
        findings.reject::<()>(Path::root("until"), "is before `from`");
    }
    findings.conclude(Some(Period { since, until }))
}

/// The token of the page after a cursor; empty where there is none.
#[must_use]
pub fn token(next: Option<Cursor>, filter: &str, order_by: &str) -> String {
    next.map_or_else(String::new, |Cursor { last, below, of }| {
        let of = of.map_or_else(String::new, |of| format!("-{}", hex::encode(of)));
        format!("{below}-{last}-{}{of}", seal(filter, order_by))
    })
}

/// A token that a page of another search named.
#[must_use]
pub fn foreign_token() -> Violation {
    Violation {
        field: "page_token".to_owned(),
        description: FOREIGN.to_owned(),
    }
}

const FOREIGN: &str = "is not one that a page of this search named: begin again without it";

const TERMS: &str = "expected terms such as `kind=decision`, joined by ` AND `, each name once; \
     the names are kind, case, actor, outcome, state, instrument, issuing, executing, category, \
     since and until, the last two with a day such as `2026-01-31` or a moment";

const MOMENT: &str = "expected a day such as `2026-01-31` or a moment";

const COUNTRY: &str = "expected the code of a State, such as `DE`";

/// What a reading may be recorded as.
const CATEGORIES: [AccessCategory; 6] = [
    AccessCategory::Collection,
    AccessCategory::Alteration,
    AccessCategory::Consultation,
    AccessCategory::Disclosure,
    AccessCategory::Combination,
    AccessCategory::Erasure,
];

const ORDERS: &str = "expected one of index, at, kind, actor, case, outcome, state, instrument, \
     issuing and executing, with ` desc` behind it for the other way round";

/// Reads what entries are sorted by.
///
/// # Errors
/// What is expected.
pub fn sort(order_by: &str) -> Result<Order, String> {
    read_order(order_by).ok_or_else(|| ORDERS.to_owned())
}

/// Reads one term of a filter alone.
///
/// # Errors
/// What is expected; the value is not repeated.
pub fn term(name: &str, value: &str) -> Result<(), String> {
    read_term(&mut EntryFilter::default(), name, value)
}

fn read_filter(text: &str) -> Result<EntryFilter, String> {
    let mut filter = EntryFilter::default();
    for term in text.split(" AND ") {
        let term = term.trim();
        if term.is_empty() {
            continue;
        }
        let (name, value) = term.split_once('=').ok_or(TERMS)?;
        let name = name.trim();
        read_term(&mut filter, name, value.trim()).map_err(|wrong| match wrong.as_str() {
            TERMS => wrong,
            _ => format!("`{name}`: {wrong}"),
        })?;
    }
    Ok(filter)
}

fn read_term(filter: &mut EntryFilter, name: &str, value: &str) -> Result<(), String> {
    let EntryFilter {
        kind,
        case,
        actor,
        outcome,
        state,
        instrument,
        issuing,
        executing,
        category,
        since,
        until,
    } = filter;
    if value.is_empty() {
        return Err(TERMS.to_owned());
    }
    let moment = || moment(value).ok_or_else(|| MOMENT.to_owned());
    let country = || value.parse().map_err(|_| COUNTRY.to_owned());
    let once = match name {
        "kind" => once(kind, value.to_owned()),
        "case" => {
            let id = value.strip_prefix("cases/").unwrap_or(value);
            once(case, id.parse().map_err(|_| "expected `cases/<id>`")?)
        }
        "actor" => once(actor, value.to_owned()),
        "outcome" => once(outcome, one_of(value, OUTCOMES.map(outcome_name))?),
        "state" => once(state, one_of(value, CaseState::ALL.map(state_name))?),
        "instrument" => {
            let id = value.parse().map_err(|_| "expected an id such as `eio`")?;
            once(instrument, id)
        }
        "issuing" => once(issuing, country()?),
        "executing" => once(executing, country()?),
        "category" => {
            let names = CATEGORIES.map(to_proto::category_name);
            once(
                category,
                one_of(value, names.each_ref().map(String::as_str))?,
            )
        }
        "since" => once(since, moment()?),
        "until" => once(until, moment()?),
        _ => None,
    };
    once.ok_or_else(|| TERMS.to_owned())
}

/// A value that is one of the known ones.
fn one_of<const N: usize>(value: &str, known: [&str; N]) -> Result<String, String> {
    match known.contains(&value) {
        true => Ok(value.to_owned()),
        false => Err(expected_one_of(value, &known)),
    }
}

/// What is expected in the place of a value, and what was perhaps meant.
pub(crate) fn expected_one_of(value: &str, known: &[&str]) -> String {
    let meant = nearest(value, known.iter().copied());
    let meant = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    format!("expected one of {}{meant}", known.join(", "))
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// A moment, or the beginning of a day in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    midnight(text.parse().ok()?)
}

fn midnight(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

fn read_order(text: &str) -> Option<Order> {
    let text = text.trim();
    let (name, descending) = match text.strip_suffix(" desc") {
        Some(name) => (name.trim_end(), true),
        None => (text, false),
    };
    let by = match name {
        "" | "index" => SortBy::Index,
        "at" => SortBy::At,
        "kind" => SortBy::Kind,
        "actor" => SortBy::Actor,
        "case" => SortBy::Case,
        "outcome" => SortBy::Outcome,
        "state" => SortBy::State,
        "instrument" => SortBy::Instrument,
        "issuing" => SortBy::Issuing,
        "executing" => SortBy::Executing,
        _ => return None,
    };
    Some(Order { by, descending })
}

fn read_token(token: &str, seal: String) -> Option<Cursor> {
    let mut parts = token.split('-');
    let below = parts.next()?.parse().ok()?;
    let last = parts.next()?.parse().ok()?;
    let sealed = parts.next()? == seal;
    let of = match parts.next() {
        None => None,
        Some(of) => Some(hex::decode(of).ok()?.try_into().ok()?),
    };
    let sealed = sealed && parts.next().is_none();
    sealed.then_some(Cursor { last, below, of })
}

/// What ties a token to its search: a slip, not a secret. To the value of a search by one
/// the store ties it, under a key.
pub(super) fn seal(filter: &str, order_by: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(format!("{filter}\n{order_by}")).into();
    let [a, b, c, d, ..] = digest;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(filter: &'static str) -> Asked<'static> {
        Asked {
            filter,
            order_by: "at desc",
            page_size: 2,
            page_token: "",
        }
    }

    #[track_caller]
    fn rejects(asked: Asked<'_>, field: &str) {
        let violations = search(asked).unwrap_err();
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].field, field);
    }

    #[test]
    fn every_term_is_read() {
        let id = "00000000-0000-4000-8000-000000000001";
        let filter = format!(
            "kind=decision AND case=cases/{id} AND actor=spiffe://x/DE/a/issuing AND outcome=REFUSED \
             AND state=REFUSED AND instrument=eio AND issuing=DE AND executing=FR AND \
             category=disclosure AND since=2026-01-31 AND until=2026-02-01T12:00:00Z"
        );
        let found = search(Asked {
            filter: &filter,
            ..asked("")
        })
        .unwrap();
        let EntryFilter { case, since, .. } = &found.filter;
        assert_eq!(case.as_ref().unwrap().as_str(), id);
        assert_eq!(since.unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert!(found.order.descending && found.order.by == SortBy::At);
        assert_eq!((found.limit, found.after), (2, None));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for filter in [
            "kind",
            "kind=",
            "colour=red",
            "kind=a AND kind=b",
            "case=7",
            "since=yesterday",
            "until=2026-13-01",
            "outcome=REFUSD",
            "state=APPROVD",
            "category=disclosur",
        ] {
            rejects(asked(filter), "filter");
        }
        let order_by = "index down";
        rejects(
            Asked {
                order_by,
                ..asked("")
            },
            "order_by",
        );
        let page_size = -1;
        rejects(
            Asked {
                page_size,
                ..asked("")
            },
            "page_size",
        );
    }

    #[test]
    fn what_is_misspelt_is_named_with_what_was_meant() {
        let told = |filter| search(asked(filter)).unwrap_err()[0].description.clone();
        assert_eq!(
            told("kind=decision AND outcome=REFUSD"),
            "`outcome`: expected one of APPROVED, INCOMPLETE, REFERRED, REFUSED; did you mean \
             `REFUSED`?"
        );
        assert!(told("state=APPROVD").ends_with("; did you mean `APPROVED`?"));
        assert_eq!(told("case=1"), "`case`: expected `cases/<id>`");
        assert_eq!(told("since=1"), format!("`since`: {MOMENT}"));
    }

    #[test]
    fn periods_are_whole_days() {
        let Period { since, until } = days("2026-01-01", "2026-12-31").unwrap();
        assert_eq!(since.unwrap().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(until.unwrap().to_string(), "2027-01-01T00:00:00Z");
        let Period { since, until } = days("", "").unwrap();
        assert_eq!((since, until), (None, None));
        let fields: Vec<_> = days("1.1.2026", "x").unwrap_err();
        assert_eq!(fields.len(), 2);
        assert!(days("2026-01-01", "2026-01-01").is_ok());
        let backwards = days("2026-12-31", "2026-01-01").unwrap_err();
        assert_eq!(backwards[0].field, "until");
    }

    #[test]
    fn a_token_belongs_to_its_search() {
        for of in [None, Some([7; 8])] {
            let cursor = Cursor {
                last: 7,
                below: 90,
                of,
            };
            let page_token = &*token(Some(cursor), "kind=read", "at desc");
            let again = |filter| Asked {
                page_token,
                ..asked(filter)
            };
            assert_eq!(search(again("kind=read")).unwrap().after, Some(cursor));
            rejects(again("kind=start"), "page_token");
        }
        let page_token = "7";
        rejects(
            Asked {
                page_token,
                ..asked("")
            },
            "page_token",
        );
        assert_eq!(token(None, "", ""), "");
    }
}
