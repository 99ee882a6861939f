//! An instrument as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Confidence, Open, Text};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Instrument {
    pub(in crate::load) module: String,
    pub(in crate::load) title: Text,
    pub(in crate::load) source: String,
    pub(in crate::load) status: Status,
    pub(in crate::load) open: Option<Open>,
    /// Names by which rules mean it among others.
    #[serde(default)]
    pub(in crate::load) kinds: Vec<String>,
    pub(in crate::load) rank: i64,
    pub(in crate::load) binds: BTreeMap<String, Binding>,
    pub(in crate::load) binding_cite: Option<String>,
    #[serde(default)]
    pub(in crate::load) not_bound: BTreeMap<String, NotBound>,
    pub(in crate::load) between: Option<[Vec<String>; 2]>,
    pub(in crate::load) measures: InstrumentMeasures,
    #[serde(default)]
    pub(in crate::load) prevails_over: Vec<Prevails>,
    /// Read before the rest, since rules may read forms.
    #[serde(rename = "form")]
    pub(in crate::load) _form: Option<Form>,
    #[serde(rename = "forms", default)]
    pub(in crate::load) _forms: Vec<Form>,
    pub(in crate::load) channel: Option<Channel>,
    pub(in crate::load) notes: Option<Text>,
    /// Read one by one: a broken rule does not hide the mistakes of another.
    #[serde(rename = "rules")]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub(in crate::load) _rules: serde::de::IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::load) enum Status {
    InForce,
    NotInForce { reason: Text, checked: String },
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Binding {
    pub(in crate::load) since: String,
    pub(in crate::load) until: Option<String>,
    #[serde(default)]
    pub(in crate::load) languages: Vec<String>,
    /// By topic; words in one or several languages.
    #[serde(default)]
    pub(in crate::load) declarations: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub(in crate::load) confidence: Confidence,
    pub(in crate::load) cite: Option<String>,
    #[serde(rename = "checked")]
    pub(in crate::load) _checked: Option<String>,
    pub(in crate::load) open: Option<Open>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct NotBound {
    pub(in crate::load) cite: String,
    pub(in crate::load) note: Text,
    #[serde(rename = "checked")]
    pub(in crate::load) _checked: Option<String>,
    pub(in crate::load) open: Option<Open>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct InstrumentMeasures {
    pub(in crate::load) include: Vec<String>,
    #[serde(default)]
    pub(in crate::load) exclude: Vec<Exclude>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Exclude {
    pub(in crate::load) measure: String,
    pub(in crate::load) cite: String,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Prevails {
    pub(in crate::load) instrument: String,
    pub(in crate::load) cite: String,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Form {
    /// Name of its file, without `.schema.json`.
    pub(in crate::load) schema: Option<String>,
    pub(in crate::load) cite: String,
    pub(in crate::load) title: Text,
    /// Measures or tags; none: all.
    #[serde(rename = "for", default)]
    pub(in crate::load) measures: Vec<String>,
    /// Reports of these; none: requests.
    #[serde(default)]
    pub(in crate::load) events: Vec<String>,
    pub(in crate::load) required: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::load) struct Channel {
    pub(in crate::load) cite: String,
    pub(in crate::load) text: Text,
}
