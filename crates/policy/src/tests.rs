//! Deciding with a small library whose every rule is in sight.

mod deciding;
mod engines;
mod facts;
mod properties;
mod resolving;
mod small;
