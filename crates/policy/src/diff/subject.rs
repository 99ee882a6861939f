//! Parts of a library that can differ.

use std::{fmt, sync::Arc};

use comity_domain::{FactName, InstrumentId, JurisdictionCode, MeasureId, RuleId};

/// A part of a library; displayed as people name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// The head of an instrument's module.
    Instrument(InstrumentId),
    /// A State's being bound by an instrument.
    Binding(InstrumentId, JurisdictionCode),
    /// A form of an instrument, by the name of its schema.
    Form(InstrumentId, Arc<str>),
    /// The head and profile of a State's module.
    State(JurisdictionCode),
    /// A State's preferences among instruments.
    Routes(JurisdictionCode),
    /// A rule of any module.
    Rule(RuleId),
    /// An authority of a State's directory.
    Authority(JurisdictionCode, Arc<str>),
    /// A provision of a State's register of offences.
    Offence(JurisdictionCode, Arc<str>),
    /// A State's calendar.
    Calendar(JurisdictionCode),
    /// A fact of the vocabulary.
    Fact(FactName),
    /// A listed type of the vocabulary.
    Type(Arc<str>),
    /// An event of the vocabulary.
    Event(Arc<str>),
    /// A measure of the tree.
    Measure(MeasureId),
    /// A tag of measures.
    Tag(MeasureId),
    /// A source of the law.
    Source(Arc<str>),
}

impl Subject {
    /// The rule, where it is one.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleId> {
        if let Self::Rule(rule) = self {
            Some(rule)
        } else {
            None
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instrument(id) => write!(f, "instrument {id}"),
            Self::Binding(id, state) => write!(f, "{state} bound by {id}"),
            Self::Form(id, name) if **name == *"form" => write!(f, "form of {id}"),
            Self::Form(id, name) => write!(f, "form {name} of {id}"),
            Self::State(state) => write!(f, "State {state}"),
            Self::Routes(state) => write!(f, "routes of {state}"),
            Self::Rule(id) => write!(f, "rule {id}"),
            Self::Authority(state, id) => write!(f, "authority {id} of {state}"),
            Self::Offence(state, provision) => write!(f, "offence {provision} of {state}"),
            Self::Calendar(state) => write!(f, "calendar of {state}"),
            Self::Fact(name) => write!(f, "fact {name}"),
            Self::Type(name) => write!(f, "type {name}"),
            Self::Event(name) => write!(f, "event {name}"),
            Self::Measure(id) => write!(f, "measure {id}"),
            Self::Tag(id) => write!(f, "tag {id}"),
            Self::Source(id) => write!(f, "source {id}"),
        }
    }
}
