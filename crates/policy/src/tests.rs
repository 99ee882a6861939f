//! Deciding with a small library whose every rule is in sight.

mod deciding;
mod doubt;
mod engines;
mod facts;
mod forms;
mod properties;
mod resolving;
mod small;
