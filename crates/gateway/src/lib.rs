//! The five stages and the gRPC services.

mod admit;
mod anew;
mod answer;
mod audit;
mod backends;
mod cases;
mod clocks;
mod conditions;
pub mod config;
mod confirm;
mod deliver;
mod effects;
mod evidence;
mod exchange;
mod execute;
pub mod gateway;
mod happen;
mod hold;
mod holder;
pub mod identity;
pub mod listen;
mod metrics;
#[cfg(test)]
mod model;
mod notify;
mod object;
mod observe;
mod places;
pub mod policies;
mod recall;
mod record;
mod redact;
pub mod refusal;
mod replay;
mod report;
mod review;
mod services;
pub mod signatures;
mod start;
mod supplement;
pub mod tls;
pub mod wire;
mod withdraw;

/// What a gateway's data folder tells without the gateway.
pub mod offline {
    pub use comity_store::{Period, Report, verify};

    pub use crate::{
        policies::kept as bundle,
        replay::{Again, Case, Made, Replay, ReplayError, Unread},
    };
}
