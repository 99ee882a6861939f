//! Facts: typed statements about a request that rules may test.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;

/// Name of a fact in the vocabulary: dotted, for example
/// `offence.max_penalty_months`.
pub type FactName = Arc<str>;

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue {
    /// Yes or no.
    Truth(bool),
    /// A whole number in the unit the vocabulary names.
    Number(i64),
    /// Free text, or a value the vocabulary lists.
    Text(Arc<str>),
    /// A calendar day.
    Day(Date),
    /// A set of texts or listed values, sorted and without repetition.
    Set(Vec<Arc<str>>),
}

/// Who stated a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactSource {
    /// The requesting authority.
    Requester,
    /// The gateway, from the request's shape, certificate or clock.
    Gateway,
    /// A register of the policy bundle: offences, authorities, bindings.
    Register,
    /// The executing authority.
    Executing,
    /// A human decision maker.
    Judgement,
}

/// A fact's value together with who stated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The value.
    pub value: FactValue,
    /// Who stated it.
    pub source: FactSource,
}

/// Everything stated about a request. What is absent is unknown, never false.
pub type Facts = BTreeMap<FactName, Stated>;
