//! What a request may say so that a register is asked.

use crate::scenario::{GivenOffence, GivenPerson, GivenRequest, GivenRole};

/// See the module.
#[derive(Debug)]
pub(super) enum Variant {
    Language(String),
    Authority(String),
    Offence(String),
    Suspect(u8),
}

impl Variant {
    pub(super) fn apply(&self, mut given: GivenRequest) -> GivenRequest {
        match self {
            Self::Language(language) => given.language = Some(language.clone()),
            Self::Authority(id) => given.authority = Some(id.clone()),
            Self::Offence(provision) => given.offences.push(GivenOffence {
                provision: provision.clone(),
                ..GivenOffence::default()
            }),
            Self::Suspect(age) => given.persons.push(GivenPerson {
                role: GivenRole::Suspect,
                age: Some(*age),
                nationality: None,
                residence: None,
            }),
        }
        given
    }
}
