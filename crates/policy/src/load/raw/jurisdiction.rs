//! A jurisdiction with its registers as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Confidence, Open, Text};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Jurisdiction {
    pub(in crate::load) module: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) source: String,
    pub(in crate::load) open: Option<Open>,
    pub(in crate::load) profile: Profile,
    #[serde(default)]
    pub(in crate::load) routes: Vec<Route>,
    pub(in crate::load) notes: Option<Text>,
    #[serde(rename = "rules")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub(in crate::load) _rules: serde::de::IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Profile {
    pub(in crate::load) languages: Vec<String>,
    pub(in crate::load) death_penalty: String,
    pub(in crate::load) criminal_age: Option<u8>,
    #[serde(rename = "eu_member")]
    pub(in crate::load) _eu_member: Option<bool>,
    pub(in crate::load) central_authority: Option<String>,
    #[serde(default)]
    pub(in crate::load) cite: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Route {
    #[serde(default)]
    pub(in crate::load) measures: Vec<String>,
    #[serde(default)]
    pub(in crate::load) counterparts: Vec<String>,
    pub(in crate::load) prefer: Vec<String>,
    pub(in crate::load) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Authorities {
    pub(in crate::load) jurisdiction: String,
    pub(in crate::load) authorities: Vec<Authority>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Authority {
    pub(in crate::load) id: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) kind: String,
    #[serde(default)]
    pub(in crate::load) may_issue: Vec<String>,
    #[serde(default)]
    pub(in crate::load) may_execute: Vec<String>,
    #[serde(default)]
    pub(in crate::load) may_search_persons: bool,
    pub(in crate::load) cite: Option<String>,
    #[serde(default)]
    pub(in crate::load) confidence: Confidence,
    #[serde(rename = "checked")]
    pub(in crate::load) _checked: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Offences {
    pub(in crate::load) jurisdiction: String,
    pub(in crate::load) offences: Vec<Offence>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Offence {
    pub(in crate::load) provision: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) max_penalty_months: u32,
    #[serde(default)]
    pub(in crate::load) life: bool,
    #[serde(default)]
    pub(in crate::load) death: bool,
    #[serde(default)]
    pub(in crate::load) categories: Vec<String>,
    pub(in crate::load) iccs: Option<String>,
    pub(in crate::load) cite: Option<String>,
    #[serde(default)]
    pub(in crate::load) confidence: Confidence,
    #[serde(rename = "checked")]
    pub(in crate::load) _checked: Option<String>,
    #[serde(rename = "note")]
    pub(in crate::load) _note: Option<Text>,
}
