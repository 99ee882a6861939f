//! The proof that a request was approved.

use comity_domain::{
    Decision, Digest, Executing, InstrumentId, Issuing, Outcome, Request, RequestId,
};

/// Proof that a decision of this library approved a request.
///
/// Only deciding makes one, so that what forwards a request cannot be called
/// without a decision:
///
/// ```compile_fail,E0451
/// # fn forge(approved: comity_policy::Permit, other: comity_domain::RequestId) {
/// let forged = comity_policy::Permit { request: other, ..approved };
/// # }
/// ```
///
/// and it is used once, because it cannot be cloned:
///
/// ```compile_fail,E0599
/// # fn twice(permit: comity_policy::Permit) -> comity_policy::Permit {
/// permit.clone()
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    request: RequestId,
    bundle: Digest,
    instrument: InstrumentId,
    issuing: Issuing,
    executing: Executing,
    exercise: bool,
}

impl Permit {
    /// The permit for an approved request; no other has one.
    pub(crate) fn of(request: &Request, decision: &Decision) -> Option<Self> {
        let nothing_stands_against_it = decision.grounds.is_empty()
            && decision.referrals.is_empty()
            && decision.requirements.is_empty();
        let instrument = decision.instrument.clone()?;
        (decision.outcome == Outcome::Approved && nothing_stands_against_it).then(|| Self {
            request: request.id.clone(),
            bundle: decision.bundle,
            instrument,
            issuing: request.issuing.clone(),
            executing: request.executing.clone(),
            exercise: request.exercise,
        })
    }

    /// The request approved.
    #[must_use]
    pub fn request(&self) -> &RequestId {
        &self.request
    }

    /// SHA-256 of the policy bundle that approved it.
    #[must_use]
    pub fn bundle(&self) -> Digest {
        self.bundle
    }

    /// The instrument that carries it.
    #[must_use]
    pub fn instrument(&self) -> &InstrumentId {
        &self.instrument
    }

    /// The State that asks.
    #[must_use]
    pub fn issuing(&self) -> &Issuing {
        &self.issuing
    }

    /// The State that is asked.
    #[must_use]
    pub fn executing(&self) -> &Executing {
        &self.executing
    }

    /// A training exercise, which never reaches a live backend.
    #[must_use]
    pub fn exercise(&self) -> bool {
        self.exercise
    }
}
