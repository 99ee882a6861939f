//! What follows from a decision for a case that stands somewhere already.

use comity_domain::{CaseState, Outcome};
use comity_policy::Permit;
use comity_store::NewJob;

use crate::{
    cases::CaseAt,
    gateway::Gateway,
    recall::{self, TakenBack},
    record,
    refusal::Refusal,
    wire::encoded::Handover,
};

/// Why an approval that does not hold any more is recalled.
const FALLEN: &str = "the approval does not hold any more after what the issuing authority stated";

/// See the module.
#[derive(Debug)]
pub(super) struct Follows {
    /// Where the case goes.
    pub(super) to: CaseState,
    /// The last step towards the executing side.
    pub(super) step: u32,
    /// What was handed over on an approval that does not hold any more.
    pub(super) back: TakenBack,
    /// The delivery that a new approval permits.
    pub(super) delivery: Option<NewJob>,
    /// What a delivery under way goes on to hand over.
    pub(super) handover: Option<Handover>,
}

impl Follows {
    pub(super) async fn from(
        gateway: &Gateway,
        case: &CaseAt,
        (outcome, permit): (Outcome, Option<Permit>),
    ) -> Result<Self, Refusal> {
        let kept = case.snapshot.kept();
        let mut follows = Self {
            to: case.row.state,
            step: kept.step,
            back: TakenBack::default(),
            delivery: None,
            handover: None,
        };
        if !case.row.state.is_under_way() {
            follows.to = record::state_after(outcome);
            if let Some(permit) = permit {
                follows.step += 1;
                let job = record::job(&case.row, permit, follows.step, gateway.now());
                follows.delivery = Some(job);
            }
        } else if outcome == Outcome::Approved {
            // What was approved is handed over once: the permit is not used.
            follows.handover = handover(case);
        } else {
            follows.to = record::state_after(outcome);
            follows.back = recall::take_back(gateway, case, FALLEN).await?;
            let recall = follows.back.recall.as_ref();
            follows.step = recall.map_or(kept.step, |(_, recall)| recall.step);
        }
        Ok(follows)
    }
}

/// What the delivery under way hands over, where that is not written down yet.
fn handover(case: &CaseAt) -> Option<Handover> {
    let kept = case.snapshot.kept();
    let delivering = matches!(case.row.state, CaseState::Approved | CaseState::Delivering);
    let known = kept.handover.as_ref();
    let known = known.is_some_and(|handover| handover.step == kept.step);
    (delivering && !known).then(|| Handover {
        step: kept.step,
        request: case.snapshot.request.clone(),
        decision: case.snapshot.decision.clone(),
    })
}
