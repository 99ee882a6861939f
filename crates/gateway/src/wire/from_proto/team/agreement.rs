//! The agreement on a team, and the form on which it goes to the parties.

use std::{collections::BTreeSet, ops::RangeInclusive};

use comity::v1;
use comity_domain::{AuthorityId, InstrumentId, JurisdictionCode};
use jiff::Timestamp;
use prost_types::Struct;
use serde_json::{Map, Value as Json, json};

use super::super::{OFFENCES_MAX, parts, timestamp};
use crate::{
    clocks::day,
    wire::{
        read::{Findings, Path, TEXT_BYTES_MAX, is_line},
        structure,
    },
};

/// Most parties to a team, and most leaders of one.
const PARTIES_MAX: usize = 50;
/// Most members of a team.
const MEMBERS_MAX: usize = 500;
/// Most other offences for which an agreement allows use: they fit its form.
const OTHER_OFFENCES_MAX: usize = 8;
/// Longest name and authority of a person, characters: as the form has it.
const NAME_MAX: usize = 200;

/// Finds everything that is not as the contract demands of an agreement.
pub(super) fn check(
    findings: &mut Findings,
    agreement: &v1::TeamAgreement,
    proposer: &v1::TeamParty,
    signed: Option<Timestamp>,
) {
    let v1::TeamAgreement {
        parties,
        purpose,
        offences,
        other_offences,
        states_of_operation,
        leaders,
        members,
        ends_at,
        instrument,
        language: _,
    } = agreement;
    let at = Path::root("agreement");
    check_parties(findings, at.field("parties"), parties, proposer);
    findings.bounded(at.field("purpose"), purpose, TEXT_BYTES_MAX);
    if purpose.trim().is_empty() {
        let missing = "missing: state what the team investigates";
        findings.reject::<()>(at.field("purpose"), missing);
    }
    let of_team = (at.field("offences"), offences, 1..=OFFENCES_MAX);
    let others = (
        at.field("other_offences"),
        other_offences,
        0..=OTHER_OFFENCES_MAX,
    );
    for (at, offences, allowed) in [of_team, others] {
        counted(findings, at, offences.len(), allowed);
        for (index, offence) in offences.iter().enumerate() {
            parts::offence(findings, at.item(index), offence.clone());
        }
    }
    let places = at.field("states_of_operation");
    counted(findings, places, states_of_operation.len(), 1..=PARTIES_MAX);
    for (index, code) in states_of_operation.iter().enumerate() {
        state(findings, places.item(index), code);
    }
    for (at, people, max) in [
        (at.field("leaders"), leaders, PARTIES_MAX),
        (at.field("members"), members, MEMBERS_MAX),
    ] {
        counted(findings, at, people.len(), 1..=max);
        for (index, one) in people.iter().enumerate() {
            person(findings, at.item(index), one);
        }
    }
    let at_end = at.field("ends_at");
    let ends = findings.time(at_end, *ends_at);
    if ends.is_none_or(|ends| signed.is_some_and(|signed| ends <= signed)) {
        let wrong = "expected a moment after `issued_at`: a team is set up for a limited period";
        findings.reject::<()>(at_end, wrong);
    }
    findings.optional_id::<InstrumentId>(at.field("instrument"), instrument);
}

fn check_parties(
    findings: &mut Findings,
    at: Path<'_>,
    parties: &[v1::TeamParty],
    proposer: &v1::TeamParty,
) {
    counted(findings, at, parties.len(), 2..=PARTIES_MAX);
    let mut seen = BTreeSet::new();
    for (index, party) in parties.iter().enumerate() {
        let at = at.item(index);
        let v1::TeamParty {
            jurisdiction,
            authority,
        } = party;
        state(findings, at.field("jurisdiction"), jurisdiction);
        findings.id::<AuthorityId>(at.field("authority"), authority);
        if !seen.insert(jurisdiction) {
            let wrong = "names a State twice: one authority of each is a party, others are members";
            findings.reject::<()>(at.field("jurisdiction"), wrong);
        }
    }
    if !parties.contains(proposer) {
        let wrong = "do not name the authority of the certificate: a party alone proposes";
        findings.reject::<()>(at, wrong);
    }
}

fn person(findings: &mut Findings, at: Path<'_>, person: &v1::TeamPerson) {
    let v1::TeamPerson {
        jurisdiction,
        name,
        authority,
        seconded: _,
    } = person;
    state(findings, at.field("jurisdiction"), jurisdiction);
    for (at, text) in [(at.field("name"), name), (at.field("authority"), authority)] {
        if !is_line(text) || text.chars().count() > NAME_MAX {
            let wrong = format!("expected one line of at most {NAME_MAX} characters");
            findings.reject::<()>(at, wrong);
        }
    }
}

fn state(findings: &mut Findings, at: Path<'_>, code: &str) {
    let read = code.parse::<JurisdictionCode>();
    if read.is_err() || code.len() != 2 {
        findings.reject::<()>(at, "expected a State as ISO 3166-1 alpha-2, such as `FR`");
    }
}

fn counted(findings: &mut Findings, at: Path<'_>, count: usize, allowed: RangeInclusive<usize>) {
    if !allowed.contains(&count) {
        let (least, most) = allowed.into_inner();
        findings.reject::<()>(at, format!("expected {least} to {most} entries"));
    }
}

/// A leader comes from every State in which the team operates.
pub(super) fn is_led(agreement: &v1::TeamAgreement) -> bool {
    let led = |state: &String| {
        agreement
            .leaders
            .iter()
            .any(|one| one.jurisdiction == *state)
    };
    agreement.states_of_operation.iter().all(led)
}

/// The agreement on the form of the instruments.
pub(super) fn form(agreement: &v1::TeamAgreement, signed: Timestamp) -> Option<Struct> {
    let person = |one: &v1::TeamPerson| json!({"state": one.jurisdiction, "name": one.name, "authority": one.authority});
    let member = |one: &v1::TeamPerson| {
        let mut member = person(one);
        if let Json::Object(member) = &mut member {
            member.insert("seconded".to_owned(), one.seconded.into());
        }
        member
    };
    let party =
        |one: &v1::TeamParty| json!({"state": one.jurisdiction, "authority": one.authority});
    let until = day(agreement.ends_at.and_then(timestamp)?).to_string();
    let signed = day(signed).to_string();
    let form = json!({
        "document": "agreement",
        "parties": agreement.parties.iter().map(party).collect::<Vec<_>>(),
        "purpose": agreement.purpose,
        "period": {"from": signed, "until": until},
        "states_of_operation": agreement.states_of_operation,
        "leaders": agreement.leaders.iter().map(person).collect::<Vec<_>>(),
        "members": agreement.members.iter().map(member).collect::<Vec<_>>(),
        "signed": signed,
    });
    let Json::Object(mut form) = form else {
        return None;
    };
    add_other_uses(&mut form, &agreement.other_offences);
    Some(structure::from_json(&form))
}

fn add_other_uses(form: &mut Map<String, Json>, offences: &[v1::Offence]) {
    let provisions: Vec<_> = offences.iter().map(|one| one.provision.as_str()).collect();
    if !provisions.is_empty() {
        form.insert("other_uses".to_owned(), provisions.join("; ").into());
    }
}
