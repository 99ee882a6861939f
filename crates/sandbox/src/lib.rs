//! Reference national backends, a demonstration PKI, and the world that
//! demonstrations and tests start.

pub mod backend;
pub mod pki;
pub mod register;
pub mod stories;
mod structure;
pub mod world;
