//! What is kept from the executing side of a case that it was handed, and that was taken
//! back since.

use comity::v1;
use comity_domain::{BoundParty, Outcome};

use super::CaseAt;
use crate::identity::Caller;

/// What is not shown any more, of a case and of its events alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// It is left to the executing side, or is shown to its owner.
    Nothing,
    /// What was shared.
    Shared,
    /// All of a request that was never approved as it stands, and what was said of it: it
    /// was changed after it was taken back, and then broken off.
    Said,
}

impl Withheld {
    /// From a caller that may see the case.
    pub(crate) fn from(caller: &Caller, case: &CaseAt) -> Self {
        match caller.role.side() {
            BoundParty::Issuing => Self::Nothing,
            BoundParty::Executing => Self::from_executing(case),
        }
    }

    /// From the executing side.
    pub(crate) fn from_executing(case: &CaseAt) -> Self {
        match case.row.outcome {
            _ if case.snapshot.kept().is_handed_over() => Self::Nothing,
            Some(Outcome::Approved) => Self::Shared,
            Some(Outcome::Incomplete | Outcome::Referred | Outcome::Refused) | None => Self::Said,
        }
    }

    /// Takes it out of a case with its events.
    pub(crate) fn take_out(self, case: &mut v1::Case) {
        match self {
            Self::Nothing => {}
            Self::Shared => {
                if let Some(request) = &mut case.request {
                    request.information = None;
                }
            }
            Self::Said => {
                case.request = None;
                case.decision = None;
                case.consultations.clear();
                for event in &mut case.events {
                    self.take_out_of(event);
                }
            }
        }
    }

    /// Takes it out of an event.
    pub(crate) fn take_out_of(self, event: &mut v1::CaseEvent) {
        match self {
            Self::Nothing | Self::Shared => {}
            Self::Said => {
                event.remark.clear();
                event.form = None;
            }
        }
    }
}
