//! What a request shares, and the case whose data it uses or passes on.

use std::{collections::BTreeSet, sync::Arc};

use comity::v1;
use comity_domain::{InstrumentId, ObligationKind, Origin, Source};
use serde_json::Value;

use super::read_case_name;
use crate::wire::{
    Violation,
    answer::{self, EVENT},
    read::{Findings, Path},
};

/// Event of the vocabulary by which a recipient accepts.
const ACCEPTED: &str = "concluded";
/// Event of the vocabulary by which a recipient has what is shared: a party to a
/// team has accepted before.
const RECEIVED: &str = "acknowledged";
/// What is shared where the sender does not say.
const SPONTANEOUS: &str = "information.spontaneous";
/// Measures that share something, with all that they include.
const SHARING: [&str; 3] = ["information", "victim", SHARED_IN_TEAM];
/// Measures that use or pass on what was received, with all that they include.
const FURTHER: [&str; 4] = [USE, USE_OF_TEAM, "information", SHARED_IN_TEAM];
/// The measure that uses it.
const USE: &str = "use";
/// The measure that uses what was shared in a team.
pub(crate) const USE_OF_TEAM: &str = "team.use-of-evidence";
/// The measure that shares in a team.
pub(crate) const SHARED_IN_TEAM: &str = "team.share";

/// A submission that shares information. What is wrong with it is found when it is
/// read as any request is.
#[must_use]
pub fn share(message: v1::ShareInformationRequest) -> v1::SubmitRequest {
    let v1::ShareInformationRequest {
        request_id,
        sender,
        recipient,
        instrument,
        information,
        conditions,
        measure,
        offences,
        persons,
        urgency,
        purpose,
        language,
        facts,
        issued_at,
        exercise,
        source_case,
        wait,
        text_language,
    } = message;
    let request = v1::CooperationRequest {
        request_id,
        issuing: sender,
        executing: recipient,
        instrument,
        measure: match measure.as_str() {
            "" => SPONTANEOUS.to_owned(),
            _ => measure,
        },
        offences,
        persons,
        urgency,
        purpose,
        language,
        facts,
        issued_at,
        exercise,
        // Nothing is as little as an empty list.
        information: Some(information.unwrap_or_default()),
        conditions: complete(conditions, ACCEPTED),
        source_case,
        ..v1::CooperationRequest::default()
    };
    v1::SubmitRequest {
        request: Some(request),
        wait,
        text_language,
    }
}

/// Violations of a submission in the words of the call that shares.
#[must_use]
pub fn of_share(violations: Vec<Violation>) -> Vec<Violation> {
    renamed(
        violations,
        &[("issuing", "sender"), ("executing", "recipient")],
    )
}

/// Violations of a request in the words of the call that made it: each field that is, or
/// lies in, the first of a pair is called by the second.
pub(super) fn renamed(mut violations: Vec<Violation>, names: &[(&str, &str)]) -> Vec<Violation> {
    for Violation { field, .. } in &mut violations {
        let own = names.iter().find_map(|(of_request, own)| {
            let rest = field.strip_prefix(of_request)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| format!("{own}{rest}"))
        });
        if let Some(own) = own {
            *field = own;
        }
    }
    violations
}

/// The measure uses data that were received, or passes them on.
pub(crate) fn is_further(measure: &str) -> bool {
    is_of(&FURTHER, measure)
}

/// The measure uses data rather than passing them on.
pub(crate) fn is_use(measure: &str) -> bool {
    is_of(&[USE, USE_OF_TEAM], measure)
}

/// Reads what is shared, as the names of its parts at every depth, and the conditions set on it.
pub(super) fn information(
    findings: &mut Findings,
    measure: &str,
    (information, conditions): (Option<prost_types::Struct>, Vec<v1::Obligation>),
) -> Vec<Arc<str>> {
    if information.is_none() && !conditions.is_empty() {
        let wrong = "are set on nothing: state `information`, or leave them out";
        findings.reject::<()>(Path::root("conditions"), wrong);
    }
    let event = if measure == SHARED_IN_TEAM {
        RECEIVED
    } else {
        ACCEPTED
    };
    check_conditions(findings, conditions, event);
    information.map_or_else(Vec::new, |information| {
        parts(findings, measure, information)
    })
}

fn parts(
    findings: &mut Findings,
    measure: &str,
    information: prost_types::Struct,
) -> Vec<Arc<str>> {
    let at = Path::root("information");
    if !is_of(&SHARING, measure) {
        let wrong = "shares nothing: expected one of `information` or `victim`, with which alone `information` goes";
        findings.reject::<()>(Path::root("measure"), wrong);
    }
    match findings.json(at, information) {
        Some(parts) if parts.is_empty() => {
            findings.reject::<()>(at, "is missing or empty: state what is shared");
            Vec::new()
        }
        Some(parts) => {
            let mut names = BTreeSet::new();
            parts.iter().for_each(|part| name(part, &mut names));
            names.into_iter().map(Arc::from).collect()
        }
        None => Vec::new(),
    }
}

/// Names a part, and all that lie in it: what is not to be sent is not sent inside
/// of something else either.
fn name<'a>((name, part): (&'a String, &'a Value), names: &mut BTreeSet<&'a str>) {
    names.insert(name);
    name_within(part, names);
}

fn name_within<'a>(part: &'a Value, names: &mut BTreeSet<&'a str>) {
    match part {
        Value::Object(parts) => parts.iter().for_each(|part| name(part, names)),
        Value::Array(parts) => parts.iter().for_each(|part| name_within(part, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Conditions of a party to a team on what it shares in it, as the gateway numbers
/// them: those that it has set on all of it, then those on this.
pub(super) fn in_team(
    standing: &[v1::Obligation],
    on_this: Vec<v1::Obligation>,
) -> Vec<v1::Obligation> {
    let standing = standing.iter().map(|one| v1::Obligation {
        obligation_id: String::new(),
        ..one.clone()
    });
    complete(standing.chain(on_this).collect(), RECEIVED)
}

/// Checks what a party to a team sets on all that it shares in it.
pub(super) fn check_in_team(findings: &mut Findings, conditions: Vec<v1::Obligation>) {
    check_conditions(findings, conditions, RECEIVED);
}

fn check_conditions(findings: &mut Findings, conditions: Vec<v1::Obligation>, event: &str) {
    let numbered = (1_usize..).zip(conditions).collect();
    findings.list(
        "conditions",
        answer::CONDITIONS_MAX,
        numbered,
        |findings, at, one| condition(findings, at, one, event),
    );
}

/// Conditions with what the gateway says of each.
fn complete(conditions: Vec<v1::Obligation>, binds_from: &str) -> Vec<v1::Obligation> {
    let numbered = (1..).zip(conditions);
    let complete = numbered.map(|(number, mut condition)| {
        for (field, usual) in [
            (&mut condition.obligation_id, number_of(number)),
            (&mut condition.bound_party, "executing".to_owned()),
        ] {
            if field.is_empty() {
                *field = usual;
            }
        }
        let event = condition.parameters.entry(EVENT.to_owned());
        event.or_insert_with(|| binds_from.to_owned());
        condition
    });
    complete.collect()
}

fn number_of(number: usize) -> String {
    format!("s{number}")
}

fn condition(
    findings: &mut Findings,
    at: Path<'_>,
    (number, condition): (usize, v1::Obligation),
    binds_from: &str,
) -> Option<()> {
    let condition = answer::condition(findings, at, condition)?;
    let id = number_of(number);
    if condition.obligation_id != id {
        let wrong = format!("expected `{id}` or, where something is shared, nothing");
        findings.reject::<()>(at.field("obligation_id"), wrong);
    }
    if condition.rule.is_some() {
        let wrong = "is for conditions that the law sets: leave it out";
        findings.reject::<()>(at.field("rule"), wrong);
    }
    if condition.kind() == v1::ObligationKind::Redact {
        let wrong =
            "no redaction can be set: leave out of `information` what the recipient is not to have";
        findings.reject::<()>(at.field("kind"), wrong);
    }
    if condition.bound_party == "issuing" {
        let wrong = "expected `executing`: conditions bind the recipient";
        findings.reject::<()>(at.field("bound_party"), wrong);
    }
    let parameters = at.field("parameters");
    let event = condition.parameters.get(EVENT);
    if event.is_none_or(|event| event != binds_from) {
        let wrong = format!("expected `{binds_from}`, from which conditions bind, or nothing");
        findings.reject::<()>(parameters.key(EVENT), wrong);
    }
    Some(())
}

/// The instrument named, or the one on which the data came.
pub(super) fn instrument(
    findings: &mut Findings,
    named: &str,
    origin: Option<&v1::Origin>,
) -> Option<InstrumentId> {
    let meant = match origin {
        Some(origin) if named.is_empty() => &origin.instrument,
        Some(_) | None => named,
    };
    findings.optional_id(Path::root("instrument"), meant)
}

/// Reads the case that data come from.
pub(super) fn source(
    findings: &mut Findings,
    measure: &str,
    (source_case, origin): (&str, Option<v1::Origin>),
) -> Option<Source> {
    let at = Path::root("source_case");
    if source_case.is_empty() {
        return match origin {
            // Whatever is used came from somewhere: under which conditions is unknown
            // where nobody names the case.
            None => is_use(measure).then(Source::default),
            Some(_) => findings.reject(
                Path::root("origin"),
                "is set by the gateway: leave it out, and name `source_case`",
            ),
        };
    }
    read_case_name(findings, at, source_case)?;
    if !is_further(measure) {
        let wrong = "goes with a measure of `use` or `information` only: leave it out";
        return findings.reject(at, wrong);
    }
    Some(Source {
        origin: origin.and_then(|origin| read_origin(findings, origin)),
    })
}

fn read_origin(findings: &mut Findings, origin: v1::Origin) -> Option<Origin> {
    let at = Path::root("origin");
    let kinds = origin.conditions().filter_map(kind).collect();
    let v1::Origin {
        jurisdiction,
        instrument: _,
        conditions: _,
        other_offence,
        team_use: _,
    } = origin;
    Some(Origin {
        state: findings.id(at.field("jurisdiction"), &jurisdiction)?,
        conditions: kinds,
        other_offence,
    })
}

fn kind(kind: v1::ObligationKind) -> Option<ObligationKind> {
    match kind {
        v1::ObligationKind::Unspecified => None,
        v1::ObligationKind::UseLimit => Some(ObligationKind::UseLimit),
        v1::ObligationKind::Speciality => Some(ObligationKind::Speciality),
        v1::ObligationKind::HandlingCode => Some(ObligationKind::HandlingCode),
        v1::ObligationKind::Redact => Some(ObligationKind::Redact),
        v1::ObligationKind::RetainUntil => Some(ObligationKind::RetainUntil),
        v1::ObligationKind::DeleteAfter => Some(ObligationKind::DeleteAfter),
        v1::ObligationKind::Notify => Some(ObligationKind::Notify),
        v1::ObligationKind::NoOnwardTransfer => Some(ObligationKind::NoOnwardTransfer),
        v1::ObligationKind::ConfirmWithin => Some(ObligationKind::ConfirmWithin),
    }
}

fn is_of(roots: &[&str], measure: &str) -> bool {
    roots.iter().any(|root| {
        let rest = measure.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}
