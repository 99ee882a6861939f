//! Where a team and its parties stand: what they did, and where their cases are.

use comity::v1::{self, TeamMemberState, TeamState};
use jiff::Timestamp;

use crate::{
    cases::{self, CaseAt},
    wire::{encoded::TeamAct, from_proto},
};

/// A party to a team.
#[derive(Debug, Clone)]
pub(super) struct Member {
    party: v1::TeamParty,
    /// It proposed the team, which nobody asked it to join.
    proposed: bool,
    case: Option<CaseAt>,
    joined_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    conditions: Vec<v1::Obligation>,
}

impl Member {
    pub(super) fn new(party: v1::TeamParty, case: Option<CaseAt>, proposed: bool) -> Self {
        Self {
            party,
            proposed,
            case,
            joined_at: None,
            left_at: None,
            conditions: Vec::new(),
        }
    }

    /// Takes in what it did.
    pub(super) fn take_in(&mut self, act: &TeamAct) {
        let at = act.at.and_then(from_proto::timestamp);
        if act.left {
            self.left_at = self.left_at.or(at);
        } else {
            self.joined_at = self.joined_at.or(at);
            self.conditions.clone_from(&act.conditions);
        }
    }

    pub(super) fn party(&self) -> &v1::TeamParty {
        &self.party
    }

    /// The case in which it is asked to join.
    pub(super) fn case(&self) -> Option<&CaseAt> {
        self.case.as_ref()
    }

    pub(super) fn joined_at(&self) -> Option<Timestamp> {
        self.joined_at
    }

    pub(super) fn left_at(&self) -> Option<Timestamp> {
        self.left_at
    }

    /// What it sets on all that it shares.
    pub(super) fn conditions(&self) -> &[v1::Obligation] {
        &self.conditions
    }

    /// It knows of the team.
    pub(super) fn was_asked(&self) -> bool {
        let case = self.case.as_ref();
        self.proposed || case.is_some_and(cases::was_delivered)
    }

    pub(super) fn state(&self) -> TeamMemberState {
        let over = self
            .case
            .as_ref()
            .is_some_and(|case| case.row.state.is_final());
        match (self.joined_at, self.left_at) {
            (Some(_), Some(_)) => TeamMemberState::Left,
            (Some(_), None) => TeamMemberState::Joined,
            (None, _) if over => TeamMemberState::Declined,
            (None, _) => TeamMemberState::Invited,
        }
    }
}

/// Where a team of these members stands.
pub(super) fn state(members: &[Member], ends_at: Timestamp, now: Timestamp) -> TeamState {
    let states = members.iter().map(Member::state);
    of(&states.collect::<Vec<_>>(), ends_at <= now)
}

/// Where a team stands by what its members are; in no time once that is over.
fn of(members: &[TeamMemberState], over: bool) -> TeamState {
    let count = |state| members.iter().filter(|one| **one == state).count();
    let joined = count(TeamMemberState::Joined);
    let left = count(TeamMemberState::Left);
    if over || joined + left < members.len() && (left > 0 || count(TeamMemberState::Declined) > 0) {
        TeamState::Ended
    } else if joined + left < members.len() {
        TeamState::Proposed
    } else if joined >= 2 {
        TeamState::InForce
    } else {
        TeamState::Ended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INVITED: TeamMemberState = TeamMemberState::Invited;
    const JOINED: TeamMemberState = TeamMemberState::Joined;
    const LEFT: TeamMemberState = TeamMemberState::Left;
    const DECLINED: TeamMemberState = TeamMemberState::Declined;

    #[test]
    fn a_team_is_in_force_once_all_have_joined_and_while_two_are_left() {
        let check = |members: &[TeamMemberState], expected: TeamState| {
            assert_eq!(of(members, false), expected, "{members:?}");
            assert_eq!(of(members, true), TeamState::Ended, "{members:?}");
        };
        check(&[JOINED, INVITED], TeamState::Proposed);
        check(&[JOINED, JOINED], TeamState::InForce);
        check(&[JOINED, LEFT], TeamState::Ended);
        check(&[JOINED, DECLINED], TeamState::Ended);
        check(&[JOINED, JOINED, LEFT], TeamState::InForce);
        check(&[JOINED, JOINED, INVITED], TeamState::Proposed);
        check(&[JOINED, LEFT, INVITED], TeamState::Ended);
        check(&[LEFT, LEFT, JOINED], TeamState::Ended);
        check(&[JOINED, JOINED, DECLINED], TeamState::Ended);
    }

    #[test]
    fn what_a_party_did_first_counts() {
        let act = |second, left| TeamAct {
            at: Some(prost_types::Timestamp {
                seconds: second,
                nanos: 0,
            }),
            left,
            ..TeamAct::default()
        };
        let mut member = Member::new(v1::TeamParty::default(), None, true);
        assert_eq!(member.state(), INVITED);
        for one in [act(1, false), act(2, true), act(3, true)] {
            member.take_in(&one);
        }
        assert_eq!(member.state(), LEFT);
        assert_eq!(member.left_at(), Timestamp::from_second(2).ok());
    }

    proptest! {
        /// Whatever parties do that they may do, a team that has ended stays so, and
        /// one comes into force by the last signature only.
        #[test]
        fn an_end_is_an_end(
            parties in 2_usize..6,
            acts in prop::collection::vec((0_usize..6, prop::bool::ANY), 0..24),
        ) {
            let mut members = vec![INVITED; parties];
            members[0] = JOINED;
            let mut before = of(&members, false);
            for (who, joins) in acts {
                let who = who % parties;
                let next = match (members[who], joins) {
                    (INVITED, true) if before == TeamState::Proposed => JOINED,
                    (INVITED, false) => DECLINED,
                    (JOINED, false) => LEFT,
                    (same, _) => same,
                };
                let signed = members[who] == INVITED && next == JOINED;
                members[who] = next;
                let state = of(&members, false);
                let settled = before == TeamState::Ended;
                prop_assert!(!settled || state == TeamState::Ended, "{members:?}");
                let began = state == TeamState::InForce && before != TeamState::InForce;
                prop_assert!(!began || signed && !members.contains(&INVITED), "{members:?}");
                let two = members.iter().filter(|one| **one == JOINED).count() >= 2;
                prop_assert!(state != TeamState::InForce || two, "{members:?}");
                before = state;
            }
        }
    }
}
