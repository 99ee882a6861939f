//! The request of a scenario as written.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An offence where it does not matter which.
pub(crate) const ANY_OFFENCE: &str = "any";

/// The request of a scenario; what is not written takes its usual value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenRequest {
    pub(crate) issuing: String,
    pub(crate) executing: String,
    pub(crate) instrument: Option<String>,
    pub(crate) measure: String,
    pub(crate) date: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) authority_kind: Option<String>,
    pub(crate) executing_authority: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) text_language: Option<String>,
    #[serde(default)]
    pub(crate) urgency: GivenUrgency,
    #[serde(default)]
    pub(crate) offences: Vec<GivenOffence>,
    pub(crate) validation: Option<GivenValidation>,
    #[serde(default)]
    pub(crate) assurances: Vec<String>,
    #[serde(default)]
    pub(crate) persons: Vec<GivenPerson>,
    pub(crate) form: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) facts: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GivenUrgency {
    #[default]
    Routine,
    Urgent,
    Emergency,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenOffence {
    pub(crate) provision: String,
    pub(crate) category: Option<String>,
    pub(crate) iccs: Option<String>,
    pub(crate) max_penalty_months: Option<u32>,
    pub(crate) life_possible: Option<bool>,
    pub(crate) death_possible: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenValidation {
    pub(crate) kind: String,
    pub(crate) authority: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenPerson {
    pub(crate) role: GivenRole,
    pub(crate) age: Option<u8>,
    pub(crate) nationality: Option<String>,
    pub(crate) residence: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GivenRole {
    Suspect,
    Victim,
    Witness,
    ThirdParty,
}
