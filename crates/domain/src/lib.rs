//! The nouns every part of Comity shares.
//!
//! Plain data: no I/O, no async, no wire format, no policy engine. Types here
//! are not serializable on purpose; each boundary has its own record type.

mod case;
mod clock;
mod decision;
mod digest;
mod fact;
mod id;
mod request;
mod ruling;
mod text;

pub use case::{CaseState, IllegalTransition};
pub use clock::{CaseClock, ClockState, ClockTerms, Extension, RunsOut};
pub use decision::{
    BoundParty, Clock, ClockUnit, Confidence, Decision, FactUse, FactUseSource, Ground, GroundKind,
    ModuleRef, Obligation, ObligationKind, Outcome, PassedOver, Referral, Requirement, RuleRef,
    Stage,
};
pub use digest::{Digest, InvalidDigest};
pub use fact::{FactName, FactSource, FactValue, Facts, Stated};
pub use id::{
    AuthorityId, CaseId, Executing, InstrumentId, InvalidId, Issuing, JurisdictionCode, MeasureId,
    ModuleId, RequestId, RuleId,
};
pub use request::{
    Assurance, Offence, Origin, Person, PersonRole, Request, Selector, SelectorKind, Source,
    Urgency, VALIDATING_KINDS, Validation,
};
pub use ruling::{Judgement, Ruled, Ruling, Settles};
pub use text::{Citation, Text, primary, turns};
