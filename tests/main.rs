//! End-to-end tests over real sockets, and checks of the repository itself.

mod api;
mod architecture;
mod atlas;
mod audit;
mod bad_input;
mod check;
mod cli;
mod crash;
mod edits;
mod explain;
mod hangup;
mod preflight;
mod python;
mod reload;
mod replay;
mod review;
mod stories;
mod tidy;
mod world;
