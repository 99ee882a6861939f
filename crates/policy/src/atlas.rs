//! Which way a request can go before there is one: between two States, for a
//! measure and an offence, on a day. Everything is computed from the modules:
//! instruments are weighed as for a request, and each rule is asked what it
//! says of the little that is known.

mod answer;
mod dual;
mod issuers;
mod lookup;
mod page;
mod phrases;
mod route;

pub(crate) use self::lookup::lookup;
pub use self::{
    answer::{
        AssuranceAsked, Atlas, BoundState, Competence, DualCriminality, DualCriminalityPosition,
        ExpectedObligation, FormInfo, Issuer, Named, OffenceAbroad, OffenceProfile, Reason, Route,
        TimeLimit, Unsettled,
    },
    lookup::AtlasQuery,
};
