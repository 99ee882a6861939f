//! Where a case stands and where it may go.

use thiserror::Error;

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseState {
    /// Admitted, not decided yet.
    Received,
    /// Waits for the requester.
    Incomplete,
    /// Waits for a human decision.
    UnderReview,
    /// Refused.
    Refused,
    /// Approved and recorded, not yet on its way.
    Approved,
    /// On its way to the executing authority.
    Delivering,
    /// The executing authority has it.
    Acknowledged,
    /// Being executed.
    Executing,
    /// Recognition or execution is postponed.
    Postponed,
    /// Executed, wholly or in part.
    Concluded,
    /// The executing authority did not execute it.
    NotExecuted,
    /// Withdrawn by the issuing authority.
    Withdrawn,
    /// Ended because a time limit ran out.
    Expired,
}

/// A move the table does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a case that is {from:?} cannot become {to:?}; it may become {allowed:?}", allowed = from.next())]
pub struct IllegalTransition {
    /// Where the case stands.
    pub from: CaseState,
    /// Where it was to go.
    pub to: CaseState,
}

impl CaseState {
    /// Every state, in the order of a case's life.
    pub const ALL: [Self; 13] = [
        Self::Received,
        Self::Incomplete,
        Self::UnderReview,
        Self::Refused,
        Self::Approved,
        Self::Delivering,
        Self::Acknowledged,
        Self::Executing,
        Self::Postponed,
        Self::Concluded,
        Self::NotExecuted,
        Self::Withdrawn,
        Self::Expired,
    ];

    /// The states a case may move to from here: the one table of transitions.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        use CaseState::{
            Acknowledged, Approved, Concluded, Delivering, Executing, Expired, Incomplete,
            NotExecuted, Postponed, Received, Refused, UnderReview, Withdrawn,
        };
        match self {
            Received => &[Incomplete, UnderReview, Refused, Approved],
            Incomplete => &[
                Incomplete,
                UnderReview,
                Refused,
                Approved,
                Withdrawn,
                Expired,
            ],
            UnderReview => &[Incomplete, Refused, Approved, Withdrawn, Expired],
            // A backend may answer a delivery at once, so that the steps
            // between need not be recorded one by one. From here on an approval
            // that later facts rebut falls back to what the law then says.
            Approved => &[
                Delivering,
                Acknowledged,
                Concluded,
                NotExecuted,
                Incomplete,
                UnderReview,
                Refused,
                Withdrawn,
                Expired,
            ],
            Delivering => &[
                Acknowledged,
                Concluded,
                NotExecuted,
                Incomplete,
                UnderReview,
                Refused,
                Withdrawn,
                Expired,
            ],
            Acknowledged | Executing => &[
                Executing,
                Postponed,
                Concluded,
                NotExecuted,
                Incomplete,
                UnderReview,
                Refused,
                Withdrawn,
                Expired,
            ],
            Postponed => &[
                Executing,
                Concluded,
                NotExecuted,
                Incomplete,
                UnderReview,
                Refused,
                Withdrawn,
                Expired,
            ],
            Refused | Concluded | NotExecuted | Withdrawn | Expired => &[],
        }
    }

    /// Moves to `to` if the table allows it.
    ///
    /// # Errors
    /// [`IllegalTransition`], whose text names what is allowed.
    pub fn step(self, to: Self) -> Result<Self, IllegalTransition> {
        if self.next().contains(&to) {
            Ok(to)
        } else {
            Err(IllegalTransition { from: self, to })
        }
    }

    /// Approved and not at its end: what was approved may have been handed over.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Approved
            | Self::Delivering
            | Self::Acknowledged
            | Self::Executing
            | Self::Postponed => true,
            Self::Received
            | Self::Incomplete
            | Self::UnderReview
            | Self::Refused
            | Self::Concluded
            | Self::NotExecuted
            | Self::Withdrawn
            | Self::Expired => false,
        }
    }

    /// No further transition is possible.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_and_every_state_is_reachable() {
        assert!(CaseState::Refused.is_final());
        for state in CaseState::ALL.into_iter().skip(1) {
            assert!(
                CaseState::ALL
                    .iter()
                    .any(|from| from.next().contains(&state)),
                "{state:?} is unreachable"
            );
        }
    }

    #[test]
    fn an_approval_falls_back_from_wherever_it_is_under_way() {
        for state in CaseState::ALL {
            for fallen in [CaseState::UnderReview, CaseState::Refused] {
                let open = matches!(
                    state,
                    CaseState::Received | CaseState::Incomplete | CaseState::UnderReview
                );
                let may = state.next().contains(&fallen);
                assert!(may == state.is_under_way() || open, "{state:?} {fallen:?}");
            }
        }
    }

    #[test]
    fn nothing_refused_is_ever_approved() {
        let error = CaseState::Refused.step(CaseState::Approved).unwrap_err();
        assert!(error.to_string().contains("it may become []"));
    }
}
