//! Deciding with a small library whose every rule is in sight.

mod deciding;
mod facts;
mod properties;
mod resolving;
mod small;
