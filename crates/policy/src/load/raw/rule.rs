//! A rule as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Confidence, Text};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::load) struct Rule {
    pub(in crate::load) id: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) cite: OneOrMore,
    #[serde(default)]
    pub(in crate::load) confidence: Confidence,
    pub(in crate::load) since: Option<String>,
    pub(in crate::load) until: Option<String>,
    pub(in crate::load) stage: Option<Stage>,
    #[serde(default)]
    pub(in crate::load) instruments: Vec<String>,
    #[serde(default)]
    pub(in crate::load) counterparts: Vec<String>,
    #[serde(default)]
    pub(in crate::load) measures: Vec<String>,
    #[serde(default)]
    pub(in crate::load) when: Vec<String>,
    #[serde(default)]
    pub(in crate::load) unless: Vec<String>,
    pub(in crate::load) exception_to: Option<String>,
    #[serde(flatten)]
    pub(in crate::load) effect: Effect,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(in crate::load) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum Stage {
    Outbound,
    Instrument,
    Inbound,
    Disclosure,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub(in crate::load) enum Effect {
    Permit,
    Refuse {
        #[serde(default)]
        kind: RefuseKind,
        #[serde(default)]
        consult: bool,
        #[serde(default)]
        reroute: Vec<String>,
    },
    MayRefuse {
        #[serde(default)]
        consult: bool,
        #[serde(default)]
        reroute: Vec<String>,
    },
    Require {
        remedy: Text,
        field: String,
    },
    Refer {
        role: String,
        question: Text,
        #[serde(default)]
        four_eyes: bool,
    },
    Oblige {
        obligation: Obligation,
    },
    Clock {
        clock: Clock,
    },
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum RefuseKind {
    #[default]
    Mandatory,
    Return,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Obligation {
    pub(in crate::load) kind: ObligationKind,
    pub(in crate::load) bound: Bound,
    /// Role on the bound side that answers for an act.
    pub(in crate::load) confirmer: Option<String>,
    #[serde(default)]
    pub(in crate::load) parameters: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::load) enum ObligationKind {
    UseLimit,
    Speciality,
    HandlingCode,
    Redact,
    RetainUntil,
    DeleteAfter,
    Notify,
    NoOnwardTransfer,
    ConfirmWithin,
}

/// The side an obligation or a clock binds, or whose calendar a clock follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum Bound {
    Issuing,
    #[default]
    Executing,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Clock {
    pub(in crate::load) measures: String,
    /// None for a clock that is open.
    pub(in crate::load) length: Option<u32>,
    pub(in crate::load) unit: Unit,
    pub(in crate::load) starts: String,
    pub(in crate::load) stops: Vec<String>,
    pub(in crate::load) pause: Option<Pause>,
    pub(in crate::load) extension: Option<Extension>,
    #[serde(default)]
    pub(in crate::load) runs_out: RunsOut,
    /// What waits for its end.
    pub(in crate::load) holds: Option<Holds>,
    #[serde(default)]
    pub(in crate::load) calendar: Bound,
    /// The side that must act; that of the calendar where it does not say.
    pub(in crate::load) binds: Option<Bound>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Pause {
    pub(in crate::load) from: Vec<String>,
    pub(in crate::load) until: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Extension {
    pub(in crate::load) length: u32,
    pub(in crate::load) by: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum Holds {
    Release,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum RunsOut {
    #[default]
    Breach,
    Lapse,
    Expire,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::load) enum Unit {
    Hours,
    Days,
    WorkingDays,
    Months,
    Open,
}
