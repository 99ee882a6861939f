//! Joint investigation teams: what is proposed and shared, and what the gateway knows
//! of a request that belongs to one.

mod agreement;

use std::collections::BTreeMap;

use comity::v1;
use comity_domain::{CaseId, FactName, FactSource, FactValue, Facts, Stated};

use super::{
    shared::{self, renamed},
    timestamp,
};
use crate::wire::{
    Violation,
    read::{Findings, Path},
};

/// Longest id of a proposal or of something shared, bytes: that of the case with each
/// party is longer by a State.
const ID_BYTES_MAX: usize = 120;

/// The fact that a leader comes from a State in which the team operates.
const LED: &str = "team.leader_of_state_of_operation";

/// A request to several parties alike.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// All of it but whom it goes to.
    pub(crate) request: v1::CooperationRequest,
    /// How long the caller waits for all of them.
    pub(crate) wait: Option<prost_types::Duration>,
    text_language: String,
}

impl Outgoing {
    /// The id of the request to a party.
    pub(crate) fn id_of(&self, jurisdiction: &str) -> String {
        format!("{}/{jurisdiction}", self.request.request_id)
    }

    /// The request to one party, with what the gateway knows of the team.
    pub(crate) fn to(&self, party: &v1::TeamParty, team: v1::TeamContext) -> v1::SubmitRequest {
        let v1::TeamParty {
            jurisdiction,
            authority,
        } = party.clone();
        let request = v1::CooperationRequest {
            request_id: self.id_of(&jurisdiction),
            executing: Some(v1::ExecutingParty {
                jurisdiction,
                authority,
            }),
            team: Some(team),
            ..self.request.clone()
        };
        v1::SubmitRequest {
            request: Some(request),
            wait: None,
            text_language: self.text_language.clone(),
        }
    }
}

/// A party inside its team.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside<'a> {
    pub(crate) party: &'a v1::TeamParty,
    /// What it has set on all that it shares.
    pub(crate) conditions: &'a [v1::Obligation],
    pub(crate) instrument: &'a str,
    pub(crate) exercise: bool,
}

/// The team that a resource name `teams/<id>` names.
///
/// # Errors
/// One violation of the field `name`.
pub(crate) fn team_name(name: &str) -> Result<CaseId, Vec<Violation>> {
    let mut findings = Findings::default();
    let read = match name.strip_prefix("teams/").map(str::parse) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) | None => findings.reject(
            Path::root("name"),
            "expected `teams/` and a lower-case UUID, as the gateway gave it",
        ),
    };
    findings.conclude(read)
}

/// What an authority proposes, as the request to every other party, and the context
/// that goes with each.
///
/// # Errors
/// Every field of the agreement that is not as the contract demands. The others are
/// checked as those of any request.
pub(crate) fn proposal(
    message: v1::ProposeRequest,
    proposer: v1::TeamParty,
) -> Result<(Outgoing, v1::TeamContext), Vec<Violation>> {
    let v1::ProposeRequest {
        request_id,
        agreement,
        conditions,
        responsible,
        mut facts,
        issued_at,
        exercise,
        wait,
        text_language,
    } = message;
    let mut findings = Findings::default();
    numbered(&mut findings, &request_id);
    let signed = issued_at.and_then(timestamp);
    let Some(agreement) = agreement else {
        findings.reject::<()>(Path::root("agreement"), "missing: state what is agreed");
        return findings.conclude(None);
    };
    agreement::check(&mut findings, &agreement, &proposer, signed);
    let led = v1::fact_value::Value::Truth(agreement::is_led(&agreement));
    facts.insert(LED.to_owned(), v1::FactValue { value: Some(led) });
    let request = v1::CooperationRequest {
        request_id,
        issuing: Some(issuing(&proposer, responsible)),
        instrument: agreement.instrument.clone(),
        measure: "team.set-up".to_owned(),
        offences: agreement.offences.clone(),
        purpose: agreement.purpose.clone(),
        language: agreement.language.clone(),
        facts,
        form: signed.and_then(|signed| agreement::form(&agreement, signed)),
        issued_at,
        exercise,
        ..v1::CooperationRequest::default()
    };
    let context = v1::TeamContext {
        agreement: Some(agreement),
        conditions: shared::in_team(&[], conditions),
        ..v1::TeamContext::default()
    };
    findings.conclude(Some((
        Outgoing {
            request,
            wait,
            text_language,
        },
        context,
    )))
}

/// What a party shares inside its team, as the request to every recipient, and whom
/// it names as such.
///
/// # Errors
/// Every field that only this call has and that is not as the contract demands. The
/// others are checked as those of any request.
pub(crate) fn team_share(
    message: v1::ShareRequest,
    inside: Inside<'_>,
) -> Result<(Outgoing, Vec<String>), Vec<Violation>> {
    let v1::ShareRequest {
        name: _,
        request_id,
        recipients,
        information,
        conditions,
        offences,
        persons,
        urgency,
        purpose,
        language,
        facts,
        responsible,
        issued_at,
        source_case,
        wait,
        text_language,
    } = message;
    let mut findings = Findings::default();
    numbered(&mut findings, &request_id);
    if information.is_none() {
        let missing = "missing: state what is shared";
        findings.reject::<()>(Path::root("information"), missing);
    }
    if offences.is_empty() {
        let missing = "missing: state which offences of the agreement it concerns";
        findings.reject::<()>(Path::root("offences"), missing);
    }
    let request = v1::CooperationRequest {
        request_id,
        issuing: Some(issuing(inside.party, responsible)),
        instrument: inside.instrument.to_owned(),
        measure: shared::SHARED_IN_TEAM.to_owned(),
        offences,
        persons,
        urgency,
        purpose,
        language,
        facts,
        issued_at,
        exercise: inside.exercise,
        information,
        conditions: shared::in_team(inside.conditions, conditions),
        source_case,
        ..v1::CooperationRequest::default()
    };
    let outgoing = Outgoing {
        request,
        wait,
        text_language,
    };
    findings.conclude(Some((outgoing, recipients)))
}

/// What a joining party sets on all that it shares.
///
/// # Errors
/// Every condition that is not as the contract demands.
pub(crate) fn joining(
    conditions: Vec<v1::Obligation>,
) -> Result<Vec<v1::Obligation>, Vec<Violation>> {
    let mut findings = Findings::default();
    let conditions = shared::in_team(&[], conditions);
    shared::check_in_team(&mut findings, conditions.clone());
    findings.conclude(Some(conditions))
}

/// Violations of the request to one of the parties, by its place among them, in the words of
/// the call that proposes.
pub(crate) fn of_proposal(violations: Vec<Violation>, party: usize) -> Vec<Violation> {
    let party = format!("agreement.parties[{party}]");
    let names = [
        ("issuing.responsible", "responsible"),
        ("executing", &party),
        ("instrument", "agreement.instrument"),
        ("language", "agreement.language"),
        ("offences", "agreement.offences"),
    ];
    renamed(violations, &names)
}

/// Violations of the request to one recipient in the words of the call that shares in a
/// team: by its place in the list, if there is one.
pub(crate) fn of_team_share(violations: Vec<Violation>, listed: Option<usize>) -> Vec<Violation> {
    let recipient = listed.map_or_else(
        || "recipients".to_owned(),
        |place| format!("recipients[{place}]"),
    );
    let names = [
        ("issuing.responsible", "responsible"),
        ("executing.jurisdiction", &recipient),
        ("executing.authority", &recipient),
    ];
    renamed(violations, &names)
}

/// Refuses what is said of a team against the agreement that the gateway has.
fn as_agreed(
    findings: &mut Findings,
    team: Option<&v1::TeamContext>,
    facts: &BTreeMap<String, v1::FactValue>,
) {
    let agreement = team.and_then(|team| team.agreement.as_ref());
    let stated = facts.get(LED).and_then(|fact| fact.value.as_ref());
    let led = |agreement| v1::fact_value::Value::Truth(agreement::is_led(agreement));
    if agreement
        .zip(stated)
        .is_some_and(|(agreement, stated)| *stated != led(agreement))
    {
        let wrong = "is known from the agreement: leave it out, or withdraw and propose one in which \
                     it is so";
        findings.reject::<()>(Path::root("facts").key(LED), wrong);
    }
}

/// What the gateway knows of the team that a request belongs to, and of the one in
/// which the data were shared that it is to use.
pub(super) fn known(
    findings: &mut Findings,
    origin: Option<&v1::Origin>,
    (team, stated): (Option<v1::TeamContext>, &BTreeMap<String, v1::FactValue>),
) -> Facts {
    as_agreed(findings, team.as_ref(), stated);
    let team = team.into_iter();
    let inside = team.flat_map(|context| self::context(findings, context));
    inside.chain(origin.and_then(known_use)).collect()
}

fn context(findings: &mut Findings, context: v1::TeamContext) -> Vec<(FactName, Stated)> {
    let v1::TeamContext {
        name: _,
        agreement: _,
        conditions,
        in_force,
        within_purpose,
    } = context;
    shared::check_in_team(findings, conditions);
    let facts = [
        ("team.in_force", in_force),
        ("team.within_purpose", within_purpose),
    ];
    let known = facts.into_iter().filter_map(|(n, truth)| Some((n, truth?)));
    let known = known.map(|(name, truth)| of_gateway(name, FactValue::Truth(truth)));
    known.collect()
}

fn known_use(origin: &v1::Origin) -> Option<(FactName, Stated)> {
    let known = match origin.team_use() {
        v1::TeamUse::Unspecified => return None,
        v1::TeamUse::TeamPurpose => "team-purpose",
        v1::TeamUse::Agreed => "agreed",
        v1::TeamUse::OtherOffence => "other-offence",
    };
    Some(of_gateway("team.use", FactValue::Text(known.into())))
}

fn of_gateway(name: &str, value: FactValue) -> (FactName, Stated) {
    let source = FactSource::Gateway;
    (name.into(), Stated { value, source })
}

fn issuing(party: &v1::TeamParty, responsible: Option<v1::ResponsiblePerson>) -> v1::IssuingParty {
    v1::IssuingParty {
        jurisdiction: party.jurisdiction.clone(),
        authority: party.authority.clone(),
        responsible,
    }
}

/// Refuses an id that leaves no room for the parties.
fn numbered(findings: &mut Findings, id: &str) {
    if id.is_empty() {
        let missing = "missing: choose an id that no other request of yours has";
        findings.reject::<()>(Path::root("request_id"), missing);
    }
    findings.bounded(Path::root("request_id"), id, ID_BYTES_MAX);
}
