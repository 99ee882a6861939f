//! Messages of the contract to domain values.
//!
//! Everything wrong with a message is reported at once. Only shapes are
//! checked here: whether a State, fact or authority is known is for policy.

mod access;
mod draft;
mod federation;
mod listing;
mod lookup;
mod parts;
mod report;
mod review;
mod ruling;
mod search;
mod shared;
mod team;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use comity::v1;
use comity_domain::{
    CaseId, CaseState, Executing, FactName, FactSource, FactValue, Facts, Issuing, Request,
    RequestId, Stated, Urgency,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

pub use self::{
    access::{Call, access},
    draft::{Draft, draft},
    federation::extension,
    listing::{CaseFilter, PAGE_SIZE_MAX, case_filter, page_size, page_token},
    lookup::{Lookup, lookup},
    review::{opinion, task_name, withdrawal},
    ruling::rulings,
    search::{Asked, Personal, days, foreign_token, search, search_personal, sort, term, token},
    shared::{of_share, share},
};
pub(crate) use self::{
    listing::{place, place_token},
    report::{line, note, postponement, request_id, sent},
    search::expected_one_of,
    shared::{SHARED_IN_TEAM, USE_OF_TEAM, is_further, is_use},
    team::{
        Inside, Outgoing, joining, of_proposal, of_team_share, proposal, team_name, team_share,
    },
};
use crate::clocks::day;

use super::{
    Violation,
    read::{Findings, LINE_BYTES_MAX, Path, TEXT_BYTES_MAX},
};

/// Most offences in one request.
pub const OFFENCES_MAX: usize = 64;
/// Most persons in one request.
pub const PERSONS_MAX: usize = 256;
/// Most selectors in one request.
pub const SELECTORS_MAX: usize = 256;
/// Most assurances in one request.
pub const ASSURANCES_MAX: usize = 64;
/// Most facts in one request, and most members of one fact that is a set.
pub const FACTS_MAX: usize = 256;
/// Longest time a caller may wait for an answer.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// By how much the earliest day on earth is behind that of UTC.
const EARLIEST_DAY: SignedDuration = SignedDuration::from_hours(12);

/// Whether the lists of personal values in a request are no longer than is accepted.
pub(crate) fn is_bounded(request: &v1::CooperationRequest) -> bool {
    request.persons.len() <= PERSONS_MAX && request.selectors.len() <= SELECTORS_MAX
}

/// A request and its instrument's form, well-formed but undecided.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn request(
    request: v1::CooperationRequest,
    now: Timestamp,
) -> Result<(Request, Option<Json>), Vec<Violation>> {
    let mut findings = Findings::default();
    let read = read_request(&mut findings, request, now);
    findings.conclude(read)
}

fn read_request(
    findings: &mut Findings,
    request: v1::CooperationRequest,
    now: Timestamp,
) -> Option<(Request, Option<Json>)> {
    let v1::CooperationRequest {
        request_id,
        issuing,
        executing,
        instrument,
        measure,
        offences,
        persons,
        selectors,
        urgency,
        purpose,
        language,
        validation,
        assurances,
        facts,
        form,
        issued_at,
        exercise,
        information,
        conditions,
        source_case,
        origin,
        team,
    } = request;

    // Read all fields before asking whether one failed, so that all are reported.
    let information = shared::information(findings, &measure, (information, conditions));
    let id = findings.id(Path::root("request_id"), &request_id);
    let issuing = parts::issuing(findings, issuing);
    let executing = parts::executing(findings, executing);
    let instrument = shared::instrument(findings, &instrument, origin.as_ref());
    let known = team::known(findings, origin.as_ref(), (team, &facts));
    let source = shared::source(findings, &measure, (&source_case, origin));
    let measure = findings.id(Path::root("measure"), &measure);
    let issued_at = findings.past_time(Path::root("issued_at"), issued_at, now);
    let offences = findings.list("offences", OFFENCES_MAX, offences, parts::offence);
    // Without a day of request there is no age; that the day is missing is found above.
    // Its day in the issuing State is not known here: that on which it is earliest makes
    // nobody older than they are there.
    let day = day(issued_at.unwrap_or(now) - EARLIEST_DAY);
    let person = |findings: &mut Findings, at: Path<'_>, one| parts::person(findings, at, one, day);
    let persons = findings.list("persons", PERSONS_MAX, persons, person);
    let selectors = findings.list("selectors", SELECTORS_MAX, selectors, parts::selector);
    let urgency = parts::urgency(findings, urgency);
    findings.bounded(Path::root("purpose"), &purpose, TEXT_BYTES_MAX);
    let language = parts::language(findings, &language);
    let validation = validation.and_then(|given| parts::validation(findings, given, now));
    let assurances = findings.list("assurances", ASSURANCES_MAX, assurances, parts::assurance);
    let facts = read_facts(findings, facts, known);
    let form = form.and_then(|form| read_form(findings, form));

    let ((issuing, issuing_authority), (executing, executing_authority)) =
        issuing.zip(executing)?;
    let request = Request {
        id: id?,
        issuing: Issuing(issuing),
        issuing_authority,
        executing: Executing(executing),
        executing_authority,
        instrument,
        measure: measure?,
        offences,
        persons,
        selectors,
        urgency: urgency?,
        purpose_stated: !purpose.trim().is_empty(),
        language,
        validation,
        assurances,
        facts,
        issued_at: issued_at?,
        exercise,
        information,
        source,
    };
    Some((request, form))
}

/// Adds a supplement to the request it completes, which is then read and
/// decided anew: facts are added or corrected, assurances added, the form and
/// the validation replaced where given.
///
/// # Errors
/// What is wrong with the supplement's own fields. What it carries is checked
/// when the completed request is read.
pub fn supplement(
    request: &mut v1::CooperationRequest,
    supplement: v1::SupplementRequest,
) -> Result<CaseId, Vec<Violation>> {
    let v1::SupplementRequest {
        name,
        facts,
        form,
        assurances,
        validation,
        request_id,
        answer,
        language,
        offences,
        persons,
    } = supplement;
    let mut findings = Findings::default();
    let case = read_case_name(&mut findings, Path::root("name"), &name);
    findings.id::<RequestId>(Path::root("request_id"), &request_id);
    findings.bounded(Path::root("answer"), &answer, TEXT_BYTES_MAX);
    let nothing = facts.is_empty()
        && form.is_none()
        && assurances.is_empty()
        && validation.is_none()
        && language.is_empty()
        && offences.is_empty()
        && persons.is_empty()
        && answer.trim().is_empty();
    if nothing {
        findings.reject::<()>(
            Path::root("facts"),
            "nothing is supplied: state facts, form, assurances, validation, language, offences, \
             persons or answer",
        );
    }
    let case = findings.conclude(case)?;

    request.facts.extend(facts);
    request.assurances.extend(assurances);
    request.form = form.or_else(|| request.form.take());
    request.validation = validation.or_else(|| request.validation.take());
    if !language.is_empty() {
        request.language = language;
    }
    if !offences.is_empty() {
        request.offences = offences;
    }
    if !persons.is_empty() {
        request.persons = persons;
    }
    Ok(case)
}

/// The case that a resource name `cases/<id>` names.
///
/// # Errors
/// One violation of the field `name`.
pub fn case_name(name: &str) -> Result<CaseId, Vec<Violation>> {
    case_named("name", name)
}

/// The case that a resource name in a field names.
///
/// # Errors
/// One violation of the field.
pub(crate) fn case_named(field: &'static str, name: &str) -> Result<CaseId, Vec<Violation>> {
    let mut findings = Findings::default();
    let case = read_case_name(&mut findings, Path::root(field), name);
    findings.conclude(case)
}

fn read_case_name(findings: &mut Findings, at: Path<'_>, name: &str) -> Option<CaseId> {
    match name.strip_prefix("cases/").map(str::parse) {
        Some(Ok(case)) => Some(case),
        Some(Err(_)) | None => findings.reject(
            at,
            "expected `cases/` and a lower-case UUID, as the gateway gave it",
        ),
    }
}

/// How long a caller wants to wait; absent means not at all.
///
/// # Errors
/// One violation of the field `wait` when it is negative, beyond [`WAIT_MAX`], or no duration.
pub fn wait(wait: Option<prost_types::Duration>) -> Result<Duration, Vec<Violation>> {
    let wait = wait.unwrap_or_default();
    let mut findings = Findings::default();
    let read = match Duration::try_from(wait) {
        _ if !(0..1_000_000_000).contains(&wait.nanos) => {
            findings.reject(Path::root("wait"), "expected `nanos` from 0 to 999,999,999")
        }
        Ok(asked) if asked <= WAIT_MAX => Some(asked),
        Ok(_) | Err(_) => findings.reject(Path::root("wait"), "expected between 0 and 60 seconds"),
    };
    findings.conclude(read)
}

/// A moment; `None` when it is not one between the years 1 and 9999.
#[must_use]
pub fn timestamp(time: prost_types::Timestamp) -> Option<Timestamp> {
    Findings::default().time(Path::root(""), Some(time))
}

/// A form by itself.
///
/// # Errors
/// One violation of the field `form`.
pub fn form(form: prost_types::Struct) -> Result<Json, Vec<Violation>> {
    let mut findings = Findings::default();
    let read = read_form(&mut findings, form);
    findings.conclude(read)
}

/// The state that a message names; `None` for the unspecified one.
#[must_use]
pub fn case_state(state: v1::CaseState) -> Option<CaseState> {
    match state {
        v1::CaseState::Unspecified => None,
        v1::CaseState::Received => Some(CaseState::Received),
        v1::CaseState::Incomplete => Some(CaseState::Incomplete),
        v1::CaseState::UnderReview => Some(CaseState::UnderReview),
        v1::CaseState::Refused => Some(CaseState::Refused),
        v1::CaseState::Approved => Some(CaseState::Approved),
        v1::CaseState::Delivering => Some(CaseState::Delivering),
        v1::CaseState::Acknowledged => Some(CaseState::Acknowledged),
        v1::CaseState::Executing => Some(CaseState::Executing),
        v1::CaseState::Postponed => Some(CaseState::Postponed),
        v1::CaseState::Concluded => Some(CaseState::Concluded),
        v1::CaseState::NotExecuted => Some(CaseState::NotExecuted),
        v1::CaseState::Withdrawn => Some(CaseState::Withdrawn),
        v1::CaseState::Expired => Some(CaseState::Expired),
    }
}

fn read_form(findings: &mut Findings, form: prost_types::Struct) -> Option<Json> {
    findings.json(Path::root("form"), form).map(Json::Object)
}

/// Facts as the requester states them, and those that the gateway knows.
fn read_facts(
    findings: &mut Findings,
    facts: BTreeMap<String, v1::FactValue>,
    known: Facts,
) -> Facts {
    let at = Path::root("facts");
    if facts.len() > FACTS_MAX {
        findings.reject::<()>(at, format!("more than {FACTS_MAX} facts: state fewer"));
        return Facts::new();
    }
    let stated = |value| Stated {
        value,
        source: FactSource::Requester,
    };
    facts
        .into_iter()
        .filter_map(|(name, value)| read_fact(findings, at, &name, value))
        .map(|(name, value)| (name, stated(value)))
        .chain(known)
        .collect()
}

fn read_fact(
    findings: &mut Findings,
    facts: Path<'_>,
    name: &str,
    value: v1::FactValue,
) -> Option<(FactName, FactValue)> {
    // Only a name of the right shape is fit to be shown.
    let name = findings.word(
        facts,
        name,
        parts::is_fact_name,
        "names of lower-case words joined by dots, as in the vocabulary",
    )?;
    let at = facts.key(&name);
    let v1::FactValue { value } = value;
    let value = match value {
        Some(v1::fact_value::Value::Truth(truth)) => FactValue::Truth(truth),
        Some(v1::fact_value::Value::Number(number)) => FactValue::Number(number),
        Some(v1::fact_value::Value::Text(text)) => {
            findings.bounded(at, &text, TEXT_BYTES_MAX);
            FactValue::Text(Arc::from(text))
        }
        Some(v1::fact_value::Value::Set(v1::FactValueSet { values })) => {
            if values.len() > FACTS_MAX {
                return findings.reject(at, format!("more than {FACTS_MAX} members: state fewer"));
            }
            let mut members: Vec<Arc<str>> = values.into_iter().map(Arc::from).collect();
            members.sort();
            members.dedup();
            if members.iter().any(|member| member.len() > LINE_BYTES_MAX) {
                return findings.reject(
                    at,
                    format!("a member is longer than {LINE_BYTES_MAX} bytes"),
                );
            }
            FactValue::Set(members)
        }
        None => return findings.missing(at, "no value: set one of truth, number, text or set"),
    };
    Some((name, value))
}

/// The urgency that a message claims; unspecified is routine.
pub(crate) fn urgency_level(level: v1::UrgencyLevel) -> Urgency {
    match level {
        v1::UrgencyLevel::Unspecified | v1::UrgencyLevel::Routine => Urgency::Routine,
        v1::UrgencyLevel::Urgent => Urgency::Urgent,
        v1::UrgencyLevel::Emergency => Urgency::Emergency,
    }
}
