//! A team as the contract shows it.

use comity::v1;
use jiff::Timestamp;

use super::{Team, standing::Member};
use crate::wire::to_proto;

pub(super) fn team(team: &Team, now: Timestamp) -> v1::Team {
    v1::Team {
        name: team.name(),
        agreement: Some(team.agreement.clone()),
        state: team.state(now).into(),
        members: team.members.iter().map(member).collect(),
        exercise: team.exercise,
    }
}

fn member(member: &Member) -> v1::TeamMember {
    let case = member.case();
    v1::TeamMember {
        party: Some(member.party().clone()),
        state: member.state().into(),
        case: case.map_or_else(String::new, |case| case.snapshot.name.clone()),
        case_state: case.map_or(0, |case| case.snapshot.state),
        joined_at: member.joined_at().map(to_proto::timestamp),
        left_at: member.left_at().map(to_proto::timestamp),
        conditions: member.conditions().to_vec(),
    }
}
