//! The five stages and the gRPC services.

mod admit;
mod answer;
mod audit;
mod backends;
mod case_file;
mod cases;
pub mod config;
mod deliver;
mod exchange;
mod execute;
pub mod gateway;
pub mod identity;
pub mod listen;
mod metrics;
mod observe;
pub mod offline;
pub mod policies;
mod record;
mod redact;
pub mod refusal;
mod replay;
mod services;
pub mod signatures;
mod start;
mod statistics;
pub mod tls;
pub mod wire;
