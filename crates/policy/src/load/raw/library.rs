//! Vocabulary, measures, sources and calendars as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Text;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Vocabulary {
    pub(in crate::load) types: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(in crate::load) events: BTreeMap<String, Event>,
    pub(in crate::load) facts: BTreeMap<String, Fact>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Event {
    pub(in crate::load) title: Text,
    pub(in crate::load) noun: Option<Text>,
    pub(in crate::load) produced_by: Option<Producer>,
}

/// Who makes an event happen and reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum Producer {
    Gateway,
    Issuing,
    Executing,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Fact {
    #[serde(rename = "type")]
    pub(in crate::load) kind: String,
    pub(in crate::load) stated_by: StatedBy,
    pub(in crate::load) title: Text,
    pub(in crate::load) ask: Option<Text>,
    pub(in crate::load) role: Option<String>,
    pub(in crate::load) presume: Option<Presume>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum StatedBy {
    Requester,
    Gateway,
    Register,
    Executing,
    Judgement,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Presume {
    pub(in crate::load) value: serde_json::Value,
    pub(in crate::load) because: Text,
    pub(in crate::load) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Measures {
    #[serde(default)]
    pub(in crate::load) tags: BTreeMap<String, Tag>,
    pub(in crate::load) measures: BTreeMap<String, Measure>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Tag {
    pub(in crate::load) title: Text,
    pub(in crate::load) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Measure {
    pub(in crate::load) title: Text,
    #[serde(default)]
    pub(in crate::load) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Sources {
    pub(in crate::load) sources: BTreeMap<String, Source>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Source {
    pub(in crate::load) title: Text,
    pub(in crate::load) url: Option<String>,
    #[serde(rename = "consolidated")]
    pub(in crate::load) _consolidated: Option<String>,
    #[serde(rename = "signed")]
    pub(in crate::load) _signed: Option<String>,
    #[serde(rename = "in_force")]
    pub(in crate::load) _in_force: Option<String>,
    #[serde(rename = "applies")]
    pub(in crate::load) _applies: Option<String>,
    #[serde(rename = "ended")]
    pub(in crate::load) _ended: Option<String>,
    pub(in crate::load) checked: Option<String>,
    pub(in crate::load) note: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Calendar {
    pub(in crate::load) calendar: String,
    #[serde(rename = "title")]
    pub(in crate::load) _title: Option<Text>,
    pub(in crate::load) time_zone: String,
    pub(in crate::load) source: Option<String>,
    pub(in crate::load) cite: Option<String>,
    #[serde(rename = "checked")]
    pub(in crate::load) _checked: Option<String>,
    pub(in crate::load) holidays: Vec<Holiday>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Holiday {
    #[serde(rename = "title")]
    pub(in crate::load) _title: Text,
    pub(in crate::load) day: Option<String>,
    pub(in crate::load) easter: Option<i16>,
    pub(in crate::load) nth: Option<i8>,
    pub(in crate::load) weekday: Option<Weekday>,
    pub(in crate::load) month: Option<i8>,
    /// First year.
    pub(in crate::load) since: Option<i16>,
    /// First year without it.
    pub(in crate::load) until: Option<i16>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::load) enum Weekday {
    Monday = 1,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}
