//! Review: what the law leaves to humans, and what they answer.

pub(crate) mod consult;
mod decide;
mod entitle;
mod list;
mod opinion;
mod show;
pub(crate) mod tasks;

pub(crate) use self::{
    decide::decide,
    entitle::Reviewer,
    list::{get, list},
};
