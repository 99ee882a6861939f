//! End-to-end tests over real sockets, and checks of the repository itself.

mod api;
mod architecture;
mod atlas;
mod audit;
mod bad_input;
mod bench;
mod bounds;
mod check;
mod cli;
mod clocks;
mod crash;
mod demo;
mod edits;
mod emergency;
mod evidence;
mod exercises;
mod explain;
mod fuzz;
mod hangup;
mod holds;
mod http;
mod integrate;
mod log;
mod once;
mod operate;
mod outbox;
mod preflight;
mod python;
mod reload;
mod replay;
mod reports;
mod review;
mod revocation;
mod seconded;
mod share;
#[expect(dead_code, reason = "the tests of the store use the rest of it")]
#[path = "../crates/store/src/tests/soft.rs"]
mod soft;
mod stories;
mod team;
mod tidy;
mod timestamps;
mod transmissions;
mod witness;
mod world;
