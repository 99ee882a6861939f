//! End-to-end tests over real sockets, and checks of the repository itself.

mod api;
mod architecture;
mod bad_input;
mod check;
mod cli;
mod crash;
mod hangup;
mod python;
mod reload;
mod stories;
mod tidy;
mod world;
