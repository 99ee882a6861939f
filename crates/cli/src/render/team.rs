//! Joint investigation teams, as their parties read them.

use std::fmt::Write as _;

use comfy_table::Table;
use comity::v1::{self, TeamMemberState, TeamState};

use super::{conditions, instant, outcome_name, state_name};

/// A table of teams.
pub(crate) fn teams() -> Table {
    let mut table = super::table(&["team", "state", "parties", "until", "purpose"]);
    super::keep_whole(&mut table, &[0]);
    table
}

/// A team as a row of it.
pub(crate) fn row(team: &v1::Team) -> [String; 5] {
    let agreement = team.agreement.clone().unwrap_or_default();
    let parties = agreement.parties.iter();
    let parties: Vec<_> = parties.map(|one| one.jurisdiction.as_str()).collect();
    let exercise = if team.exercise { "\nexercise" } else { "" };
    [
        format!("{}{exercise}", team.name),
        state(team.state()).to_owned(),
        parties.join(" "),
        agreement.ends_at.as_ref().map_or_else(String::new, instant),
        agreement.purpose,
    ]
}

/// A table of what was shared.
pub(crate) fn shared() -> Table {
    let mut table = super::table(&["case", "from", "to", "received", "outcome", "what"]);
    super::keep_whole(&mut table, &[0]);
    table
}

/// Something shared as a row of it: the names of its parts, not what they say.
pub(crate) fn shared_row(case: &v1::Case) -> [String; 6] {
    let request = case.request.clone().unwrap_or_default();
    let decision = case.decision.as_ref();
    let outcome = decision.map_or("", |decision| outcome_name(decision.outcome()));
    let parts = match &request.information {
        Some(information) => {
            let names = information.fields.keys().map(String::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
        None => "taken back".to_owned(),
    };
    [
        case.name.clone(),
        request.issuing.unwrap_or_default().jurisdiction,
        request.executing.unwrap_or_default().jurisdiction,
        case.received_at.as_ref().map_or_else(String::new, instant),
        format!("{outcome}\n{}", state_name(case.state())),
        parts,
    ]
}

/// A team in words: what was agreed, and where each party stands.
pub(crate) fn team(team: &v1::Team) -> String {
    let agreement = team.agreement.clone().unwrap_or_default();
    let exercise = if team.exercise { ", an exercise" } else { "" };
    let mut text = format!("{}: {}{exercise}\n", team.name, state(team.state()));
    // Writing to a string cannot fail.
    let mut line = |kind: &str, what: &str| {
        if !what.is_empty() {
            let _ = writeln!(text, "  {kind:<12} {what}");
        }
    };
    line("purpose", &agreement.purpose);
    line("offences", &offences(&agreement.offences));
    line("also for", &offences(&agreement.other_offences));
    line("operates in", &agreement.states_of_operation.join(", "));
    let until = agreement.ends_at.as_ref().map_or_else(String::new, instant);
    line("until", &until);
    line("basis", &agreement.instrument);
    for (kind, people) in [
        ("leader", &agreement.leaders),
        ("member", &agreement.members),
    ] {
        for one in people {
            line(kind, &person(one));
        }
    }
    for member in &team.members {
        line("party", &party(member));
        for condition in &member.conditions {
            line("", &format!("  sets {}", condition_name(condition)));
        }
    }
    text
}

fn state(state: TeamState) -> &'static str {
    match state {
        TeamState::Unspecified => "",
        TeamState::Proposed => "proposed",
        TeamState::InForce => "in force",
        TeamState::Ended => "ended",
    }
}

fn party(member: &v1::TeamMember) -> String {
    let party = member.party.clone().unwrap_or_default();
    let name = format!("{} {}", party.jurisdiction, party.authority);
    let at = |at: &Option<prost_types::Timestamp>| at.as_ref().map_or_else(String::new, instant);
    let stands = match member.state() {
        TeamMemberState::Joined => format!("joined {}", at(&member.joined_at)),
        TeamMemberState::Left => format!("left {}", at(&member.left_at)),
        TeamMemberState::Declined => "will not join".to_owned(),
        TeamMemberState::Invited if member.case.is_empty() => "is still to be asked".to_owned(),
        TeamMemberState::Unspecified | TeamMemberState::Invited => {
            format!(
                "is asked: {}, {}",
                member.case,
                state_name(member.case_state())
            )
        }
    };
    format!("{name} {stands}")
}

fn person(person: &v1::TeamPerson) -> String {
    let seconded = if person.seconded { ", seconded" } else { "" };
    let v1::TeamPerson {
        jurisdiction,
        name,
        authority,
        seconded: _,
    } = person;
    format!("{jurisdiction} {name}, {authority}{seconded}")
}

fn offences(offences: &[v1::Offence]) -> String {
    let provisions = offences.iter().map(|one| one.provision.as_str());
    provisions.collect::<Vec<_>>().join("; ")
}

fn condition_name(condition: &v1::Obligation) -> String {
    let kind = conditions::kind(condition.kind());
    match condition.parameters.get("purpose") {
        Some(purpose) => format!("{kind} ({purpose})"),
        None => kind,
    }
}
