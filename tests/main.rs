//! End-to-end tests over real sockets, and checks of the repository itself.

mod api;
mod architecture;
mod atlas;
mod audit;
mod bad_input;
mod check;
mod cli;
mod clocks;
mod crash;
mod edits;
mod evidence;
mod explain;
mod fuzz;
mod hangup;
mod holds;
mod preflight;
mod python;
mod reload;
mod replay;
mod reports;
mod review;
mod stories;
mod tidy;
mod world;
