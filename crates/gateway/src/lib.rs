//! The five stages and the gRPC services.

mod admit;
mod answer;
mod audit;
mod backends;
mod cases;
pub mod config;
mod deliver;
mod exchange;
mod execute;
pub mod gateway;
pub mod identity;
pub mod listen;
mod observe;
mod record;
mod redact;
pub mod refusal;
mod services;
pub mod tls;
pub mod wire;

/// Verification of a gateway's data folder from the files alone.
pub mod offline {
    pub use comity_store::{Report, verify};
}
