//! The messages inside a request, each taken apart field by field.

use std::sync::Arc;

use comity::v1;
use comity_domain::{
    Assurance, AuthorityId, JurisdictionCode, Offence, Person, PersonRole, Selector, SelectorKind,
    Urgency, VALIDATING_KINDS, Validation,
};
use jiff::{Timestamp, Unit, civil::Date};

use super::urgency_level;
use crate::wire::{
    read::{Findings, LINE_BYTES_MAX, Path, TEXT_BYTES_MAX, is_line},
    selector as shape,
};

/// A thousand years: more is a slip of the pen.
const PENALTY_MONTHS_MAX: u32 = 12_000;
/// Nobody is known to have lived longer than 122 years.
const AGE_YEARS_MAX: u8 = 130;

/// Stands in a draft for an authority that is not named; in no directory.
const UNNAMED: &str = "unnamed";

/// The requesting side.
pub(super) fn issuing(
    findings: &mut Findings,
    party: Option<v1::IssuingParty>,
) -> Option<(JurisdictionCode, AuthorityId)> {
    let at = Path::root("issuing");
    let Some(party) = party else {
        return findings.reject(
            at,
            "missing: state jurisdiction and authority of the requesting side",
        );
    };
    let v1::IssuingParty {
        jurisdiction,
        authority,
        responsible,
    } = party;
    let jurisdiction = findings.id(at.field("jurisdiction"), &jurisdiction);
    let authority = findings.id(at.field("authority"), &authority);
    if let Some(v1::ResponsiblePerson {
        name,
        function,
        contact,
    }) = responsible
    {
        let at = at.field("responsible");
        findings.bounded(at.field("name"), &name, LINE_BYTES_MAX);
        findings.bounded(at.field("function"), &function, LINE_BYTES_MAX);
        findings.bounded(at.field("contact"), &contact, LINE_BYTES_MAX);
    }
    jurisdiction.zip(authority)
}

/// The side that is asked.
pub(super) fn executing(
    findings: &mut Findings,
    party: Option<v1::ExecutingParty>,
) -> Option<(JurisdictionCode, Option<AuthorityId>)> {
    let at = Path::root("executing");
    let Some(party) = party else {
        return findings.missing(at, "missing: state the jurisdiction that is asked");
    };
    let v1::ExecutingParty {
        jurisdiction,
        authority,
    } = party;
    let jurisdiction = findings.id(at.field("jurisdiction"), &jurisdiction);
    let authority = findings.optional_id(at.field("authority"), &authority);
    Some((jurisdiction?, authority))
}

/// An offence under investigation.
pub(super) fn offence(
    findings: &mut Findings,
    at: Path<'_>,
    offence: v1::Offence,
) -> Option<Offence> {
    let v1::Offence {
        provision,
        description,
        category,
        iccs,
        max_penalty_months,
        life_possible,
        death_possible,
    } = offence;
    findings.bounded(at.field("description"), &description, TEXT_BYTES_MAX);
    let category = findings.optional_word(
        at.field("category"),
        category.as_deref(),
        is_category,
        "an id of a list of offences, such as `D20`",
    );
    let iccs = findings.optional_word(
        at.field("iccs"),
        iccs.as_deref(),
        is_iccs,
        "an ICCS code of 2, 4, 5 or 6 digits",
    );
    if max_penalty_months.is_some_and(|months| months > PENALTY_MONTHS_MAX) {
        findings.reject::<()>(
            at.field("max_penalty_months"),
            format!("expected at most {PENALTY_MONTHS_MAX} months; use `life_possible` for a life sentence"),
        );
    }
    let provision = findings.word(
        at.field("provision"),
        &provision,
        is_line,
        "the national provision in one line of at most 512 bytes, such as `StGB 263`",
    );
    let provision = provision.or_else(|| findings.stand_in(Arc::default))?;
    Some(Offence {
        provision,
        category,
        iccs,
        max_penalty_months,
        life_possible,
        death_possible,
    })
}

/// What a person's role must be.
const ROLES: &str = "missing or unknown: state suspect, victim, witness or third party";

/// A person concerned; the name stays behind. `day` is the day of the request.
pub(super) fn person(
    findings: &mut Findings,
    at: Path<'_>,
    person: v1::Person,
    day: Date,
) -> Option<Person> {
    let v1::Person {
        role,
        name,
        date_of_birth,
        nationality,
        residence,
    } = person;
    findings.bounded(at.field("name"), &name, LINE_BYTES_MAX);
    let age_years = age(findings, at.field("date_of_birth"), &date_of_birth, day);
    let nationality = country(findings, at.field("nationality"), &nationality);
    let residence = country(findings, at.field("residence"), &residence);
    let role = match v1::PersonRole::try_from(role) {
        Ok(v1::PersonRole::Suspect) => PersonRole::Suspect,
        Ok(v1::PersonRole::Victim) => PersonRole::Victim,
        Ok(v1::PersonRole::Witness) => PersonRole::Witness,
        Ok(v1::PersonRole::ThirdParty) => PersonRole::ThirdParty,
        Ok(v1::PersonRole::Unspecified) => return findings.missing(at.field("role"), ROLES),
        Err(_) => return findings.reject(at.field("role"), ROLES),
    };
    Some(Person {
        role,
        age_years,
        nationality,
        residence,
    })
}

/// What the measure is aimed at; the value stays behind.
pub(super) fn selector(
    findings: &mut Findings,
    at: Path<'_>,
    selector: v1::Selector,
) -> Option<Selector> {
    let v1::Selector {
        kind,
        value,
        from,
        until,
    } = selector;
    let from = findings.time(at.field("from"), from);
    let until = findings.time(at.field("until"), until);
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        findings.reject::<()>(at.field("until"), "before `from`: give the period in order");
    }
    let Some(kind) = selector_kind(kind) else {
        let expected = "missing or unknown: state the kind of `value`";
        return match kind {
            0 => findings.missing(at.field("kind"), expected),
            _ => findings.reject(at.field("kind"), expected),
        };
    };
    if let Err(expected) = shape::check(kind, &value) {
        let expected = format!("expected {expected}");
        let _: Option<()> = if value.is_empty() {
            findings.missing(at.field("value"), expected)
        } else {
            findings.reject(at.field("value"), expected)
        };
    }
    Some(Selector { kind, from, until })
}

fn selector_kind(kind: i32) -> Option<SelectorKind> {
    match v1::SelectorKind::try_from(kind) {
        Ok(v1::SelectorKind::Name) => Some(SelectorKind::Name),
        Ok(v1::SelectorKind::Iban) => Some(SelectorKind::Iban),
        Ok(v1::SelectorKind::Phone) => Some(SelectorKind::Phone),
        Ok(v1::SelectorKind::Email) => Some(SelectorKind::Email),
        Ok(v1::SelectorKind::Ip) => Some(SelectorKind::Ip),
        Ok(v1::SelectorKind::Plate) => Some(SelectorKind::Plate),
        Ok(v1::SelectorKind::Address) => Some(SelectorKind::Address),
        Ok(v1::SelectorKind::Account) => Some(SelectorKind::Account),
        Ok(v1::SelectorKind::Unspecified) | Err(_) => None,
    }
}

/// How quickly the request must be handled; absent is routine.
pub(super) fn urgency(findings: &mut Findings, urgency: Option<v1::Urgency>) -> Option<Urgency> {
    let at = Path::root("urgency");
    let Some(v1::Urgency { level, reason }) = urgency else {
        return Some(Urgency::Routine);
    };
    findings.bounded(at.field("reason"), &reason, TEXT_BYTES_MAX);
    let Ok(level) = v1::UrgencyLevel::try_from(level) else {
        return findings.reject(
            at.field("level"),
            "unknown: state routine, urgent or emergency",
        );
    };
    let level = urgency_level(level);
    if level > Urgency::Routine && reason.trim().is_empty() {
        findings.missing::<()>(
            at.field("reason"),
            "missing: say why the request is more than routine",
        );
    }
    Some(level)
}

/// Language of the form, where stated.
pub(super) fn language(findings: &mut Findings, language: &str) -> Option<Arc<str>> {
    findings.optional_word(
        Path::root("language"),
        Some(language),
        is_language,
        "a BCP 47 tag such as `fr` or `pt-BR`",
    )
}

/// Validation by a judicial authority.
pub(super) fn validation(
    findings: &mut Findings,
    validation: v1::Validation,
    now: Timestamp,
) -> Option<Validation> {
    let at = Path::root("validation");
    let v1::Validation {
        authority,
        authority_kind,
        validated_at,
    } = validation;
    let authority = findings.id(at.field("authority"), &authority);
    let authority_kind = findings.word(
        at.field("authority_kind"),
        &authority_kind,
        |kind| VALIDATING_KINDS.contains(&kind),
        "`judge`, `court`, `investigating-judge` or `prosecutor`",
    );
    let validated_at = findings.past_time(at.field("validated_at"), validated_at, now);
    let unnamed = || UNNAMED.parse().ok();
    Some(Validation {
        authority: authority.or_else(|| findings.stand_in(unnamed).flatten())?,
        // No kind of the vocabulary, so that the kind stays unknown.
        authority_kind: authority_kind.or_else(|| findings.stand_in(Arc::default))?,
        at: validated_at.or_else(|| findings.stand_in(|| now))?,
    })
}

/// A promise by the requesting State; its wording stays behind.
pub(super) fn assurance(
    findings: &mut Findings,
    at: Path<'_>,
    assurance: v1::Assurance,
) -> Option<Assurance> {
    let v1::Assurance {
        kind,
        text,
        given_by,
        given_at,
    } = assurance;
    findings.bounded(at.field("text"), &text, TEXT_BYTES_MAX);
    findings.bounded(at.field("given_by"), &given_by, LINE_BYTES_MAX);
    let given_at = findings.time(at.field("given_at"), given_at);
    let kind = findings.word(
        at.field("kind"),
        &kind,
        is_assurance_kind,
        "a kind of lower-case letters, digits and hyphens, such as `no-death-penalty`",
    )?;
    Some(Assurance { kind, at: given_at })
}

/// Whole years between a date of birth, where stated, and the day of the request.
fn age(findings: &mut Findings, at: Path<'_>, date_of_birth: &str, day: Date) -> Option<u8> {
    if date_of_birth.is_empty() {
        return None;
    }
    let born: Option<Date> = is_day(date_of_birth)
        .then(|| date_of_birth.parse().ok())
        .flatten();
    let Some(born) = born else {
        return findings.reject(at, "expected a calendar day as `YYYY-MM-DD`, or nothing");
    };
    let years = born
        .until((Unit::Year, day))
        .ok()
        .map(|span| span.get_years());
    match years.and_then(|years| u8::try_from(years).ok()) {
        Some(years) if born <= day && years <= AGE_YEARS_MAX => Some(years),
        Some(_) | None => {
            findings.reject(at, "no possible date of birth on the day of the request")
        }
    }
}

/// A State without its subdivisions, where stated.
fn country(findings: &mut Findings, at: Path<'_>, code: &str) -> Option<JurisdictionCode> {
    if code.len() > 2 {
        return findings.reject(at, "expected ISO 3166-1 alpha-2 such as `DE`, or nothing");
    }
    findings.optional_id(at, code)
}

/// Dotted lower-case words, at most 128 characters.
pub(super) fn is_fact_name(name: &str) -> bool {
    name.len() <= 128
        && name.split('.').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        })
}

fn is_category(text: &str) -> bool {
    text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_iccs(text: &str) -> bool {
    matches!(text.len(), 2 | 4 | 5 | 6) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Subtags of letters and digits, the first one the language: RFC 5646 §2.1.
fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    tag.len() <= 35
        && subtags.next().is_some_and(|language| {
            (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic())
        })
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

fn is_assurance_kind(kind: &str) -> bool {
    (1..=64).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn is_day(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, b)| {
        if matches!(i, 4 | 7) {
            b == b'-'
        } else {
            b.is_ascii_digit()
        }
    }) && text.len() == 10
}
