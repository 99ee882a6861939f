//! Deciding with a small library whose every rule is in sight.

mod advice;
mod deciding;
mod differing;
mod doubt;
mod engines;
mod explaining;
mod facts;
mod forms;
mod languages;
mod properties;
#[cfg(feature = "prove")]
mod proving;
mod resolving;
mod ruling;
mod scenarios;
mod small;
