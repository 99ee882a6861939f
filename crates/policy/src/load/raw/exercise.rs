//! Exercises as written.

use serde::Deserialize;

use super::Text;
use crate::exercise::Entry;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Exercise {
    pub(in crate::load) exercise: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) trains: Text,
    pub(in crate::load) role: Role,
    pub(in crate::load) story: Text,
    #[serde(default)]
    pub(in crate::load) in_hand: Vec<InHand>,
    pub(in crate::load) tasks: Vec<Task>,
    pub(in crate::load) spare: Spare,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Role {
    pub(in crate::load) state: String,
    pub(in crate::load) authority: String,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct InHand {
    pub(in crate::load) state: String,
    pub(in crate::load) entry: Entry,
    pub(in crate::load) text: Text,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Task {
    pub(in crate::load) title: Text,
    pub(in crate::load) text: Text,
    pub(in crate::load) start: String,
    pub(in crate::load) measures: Vec<String>,
    pub(in crate::load) executing: String,
    pub(in crate::load) points: Vec<Point>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Point {
    pub(in crate::load) id: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) cite: String,
    pub(in crate::load) remedy: Text,
    pub(in crate::load) hint: Option<Text>,
    pub(in crate::load) expect: Option<Expected>,
    #[serde(default)]
    pub(in crate::load) when: Vec<String>,
    #[serde(default)]
    pub(in crate::load) has: Vec<String>,
    #[serde(default)]
    pub(in crate::load) lacks: Vec<String>,
}

/// What is expected of the decision, in the words of scenarios.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Expected {
    pub(in crate::load) outcome: Option<String>,
    pub(in crate::load) instrument: Option<String>,
    #[serde(default)]
    pub(in crate::load) rules: Vec<String>,
    #[serde(default)]
    pub(in crate::load) absent: Vec<String>,
}

/// Why nothing is asked that no task needs.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Spare {
    pub(in crate::load) title: Text,
    pub(in crate::load) cite: String,
    pub(in crate::load) remedy: Text,
}
