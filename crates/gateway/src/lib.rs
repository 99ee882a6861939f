//! The five stages and the gRPC services.

mod admit;
mod answer;
mod audit;
mod backends;
mod cases;
pub mod config;
mod deliver;
mod evidence;
mod exchange;
mod execute;
pub mod gateway;
pub mod identity;
pub mod listen;
mod metrics;
mod observe;
mod places;
pub mod policies;
mod record;
mod redact;
pub mod refusal;
mod replay;
mod services;
pub mod signatures;
mod start;
pub mod tls;
pub mod wire;

/// What a gateway's data folder tells without the gateway.
pub mod offline {
    pub use comity_store::{Period, Report, verify};

    pub use crate::{
        policies::kept as bundle,
        replay::{Again, Case, Made, Replay, ReplayError, Unread},
    };
}
