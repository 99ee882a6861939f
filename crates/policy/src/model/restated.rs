//! Fields of a form that restate fields of the request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{FactName, PersonRole, Urgency, VALIDATING_KINDS};

use super::FactType;
use crate::facts;

/// Truth values as schemas write them.
pub(crate) const TRUTHS: [&str; 2] = ["true", "false"];

/// A field of a form that says again what a field of the request says.
#[derive(Debug, Clone)]
pub(crate) struct Restatement {
    /// Where it stands in the form.
    pub(crate) path: Vec<Step>,
    pub(crate) field: RequestField,
    pub(crate) meaning: Meaning,
}

/// One step into a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Field(Arc<str>),
    /// Each entry of a list.
    Each,
    /// No further where a field has another value.
    Only {
        field: Arc<str>,
        is: serde_json::Value,
    },
}

/// What the values of the form's field mean in those of the request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The same.
    Same,
    /// Any of these, by the form's own value; one that is not named says nothing.
    Values(BTreeMap<String, BTreeSet<Arc<str>>>),
    /// Any of these, wherever the field is filled in.
    FilledIn(BTreeSet<Arc<str>>),
}

/// A field of a request that a form may restate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestField {
    Own(OwnField),
    /// A fact of the vocabulary that the requester states.
    Fact(FactName),
}

impl RequestField {
    /// Its path in the request.
    pub(crate) fn path(&self) -> Arc<str> {
        match self {
            Self::Own(field) => Arc::from(field.path()),
            Self::Fact(name) => Arc::from(format!("facts[\"{name}\"]")),
        }
    }
}

/// A field that every request can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnField {
    IssuingState,
    ExecutingState,
    Measure,
    Category,
    MaxPenalty,
    DeathPossible,
    PersonRole,
    Urgency,
    Language,
    ValidatorKind,
    ValidatedOn,
}

impl OwnField {
    pub(crate) const ALL: [Self; 11] = [
        Self::IssuingState,
        Self::ExecutingState,
        Self::Measure,
        Self::Category,
        Self::MaxPenalty,
        Self::DeathPossible,
        Self::PersonRole,
        Self::Urgency,
        Self::Language,
        Self::ValidatorKind,
        Self::ValidatedOn,
    ];

    /// Its path in the request, as the contract names it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::IssuingState => "issuing.jurisdiction",
            Self::ExecutingState => "executing.jurisdiction",
            Self::Measure => "measure",
            Self::Category => "offences[].category",
            Self::MaxPenalty => "offences[].max_penalty_months",
            Self::DeathPossible => "offences[].death_possible",
            Self::PersonRole => "persons[].role",
            Self::Urgency => "urgency.level",
            Self::Language => "language",
            Self::ValidatorKind => "validation.authority_kind",
            Self::ValidatedOn => "validation.validated_at",
        }
    }

    pub(crate) fn kind(self) -> FactType {
        match self {
            Self::MaxPenalty => FactType::Number,
            Self::DeathPossible => FactType::Truth,
            Self::ValidatedOn => FactType::Day,
            Self::IssuingState
            | Self::ExecutingState
            | Self::Measure
            | Self::Category
            | Self::PersonRole
            | Self::Urgency
            | Self::Language
            | Self::ValidatorKind => FactType::Text,
        }
    }

    /// The values that it can have, where the contract lists them.
    pub(crate) fn values(self) -> Option<BTreeSet<Arc<str>>> {
        let listed = match self {
            Self::PersonRole => PersonRole::ALL.map(facts::role).to_vec(),
            Self::Urgency => Urgency::ALL.map(facts::urgency).to_vec(),
            Self::ValidatorKind => VALIDATING_KINDS.to_vec(),
            Self::DeathPossible => TRUTHS.to_vec(),
            Self::IssuingState
            | Self::ExecutingState
            | Self::Measure
            | Self::Category
            | Self::MaxPenalty
            | Self::Language
            | Self::ValidatedOn => return None,
        };
        Some(listed.into_iter().map(Arc::from).collect())
    }
}
