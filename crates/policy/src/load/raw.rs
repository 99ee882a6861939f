//! The files as written, after the published schemas have accepted them. What
//! only readers of a file need is read too: nothing in a file is passed over.

#[cfg(test)]
mod drift;
mod exercise;
mod instrument;
mod jurisdiction;
mod library;
mod rule;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(super) use self::{
    exercise::{Exercise, Expected, InHand, Point, Task},
    instrument::{Binding, Channel, Form, Instrument, InstrumentMeasures, NotBound, Status},
    jurisdiction::{Authorities, Jurisdiction, Offences, Profile, Route},
    library::{Calendar, Fact, Holiday, Measures, Producer, Source, Sources, StatedBy, Vocabulary},
    rule::{
        Bound, Clock, Effect, Holds, Obligation, ObligationKind, OneOrMore, RefuseKind, Rule,
        RunsOut, Stage, Unit,
    },
};

/// Words by language.
pub(super) type Text = BTreeMap<String, String>;

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum Confidence {
    Low,
    Medium,
    #[default]
    High,
}

/// What is not settled, and when that was last looked at.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    pub(super) question: Text,
    pub(super) checked: String,
}
