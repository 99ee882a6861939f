//! The files as written, after the published schemas have accepted them.

mod rule;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(super) use self::rule::{
    Bound, Effect, Obligation, ObligationKind, OneOrMore, RefuseKind, Rule, Stage, Unit,
};

/// Words by language.
pub(super) type Text = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vocabulary {
    pub(super) types: BTreeMap<String, Vec<String>>,
    pub(super) facts: BTreeMap<String, Fact>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fact {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) stated_by: StatedBy,
    pub(super) title: Text,
    pub(super) ask: Option<Text>,
    pub(super) role: Option<String>,
    pub(super) presume: Option<Presume>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StatedBy {
    Requester,
    Gateway,
    Register,
    Executing,
    Judgement,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Presume {
    pub(super) value: serde_json::Value,
    pub(super) because: Text,
    pub(super) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measures {
    #[serde(default)]
    pub(super) tags: BTreeMap<String, Tag>,
    pub(super) measures: BTreeMap<String, Measure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    #[serde(rename = "title")]
    pub(super) _title: Text,
    pub(super) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    pub(super) title: Text,
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sources {
    pub(super) sources: BTreeMap<String, Source>,
}

/// Dates and notes of a source are for readers of the file.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) title: Text,
    pub(super) url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Calendar {
    pub(super) calendar: String,
    pub(super) time_zone: String,
    pub(super) source: Option<String>,
    pub(super) cite: Option<String>,
    pub(super) holidays: Vec<Holiday>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holiday {
    #[serde(rename = "title")]
    pub(super) _title: Text,
    pub(super) day: Option<String>,
    pub(super) easter: Option<i16>,
    pub(super) nth: Option<i8>,
    pub(super) weekday: Option<Weekday>,
    pub(super) month: Option<i8>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weekday {
    Monday = 1,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instrument {
    pub(super) module: String,
    pub(super) title: Text,
    pub(super) source: String,
    pub(super) status: Status,
    pub(super) rank: i64,
    pub(super) binds: BTreeMap<String, Binding>,
    pub(super) binding_cite: Option<String>,
    #[serde(default)]
    pub(super) not_bound: BTreeMap<String, NotBound>,
    pub(super) between: Option<[Vec<String>; 2]>,
    pub(super) measures: InstrumentMeasures,
    #[serde(default)]
    pub(super) prevails_over: Vec<Prevails>,
    pub(super) form: Option<Form>,
    #[serde(rename = "notes")]
    pub(super) _notes: Option<Text>,
    /// Read one by one: a broken rule does not hide the mistakes of another.
    #[serde(rename = "rules")]
    pub(super) _rules: serde::de::IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    InForce,
    NotInForce { reason: Text, checked: String },
}

/// Declarations in words are for readers of the file.
#[derive(Debug, Deserialize)]
pub(super) struct Binding {
    pub(super) since: String,
    pub(super) until: Option<String>,
    #[serde(default)]
    pub(super) languages: Vec<String>,
    pub(super) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NotBound {
    pub(super) cite: String,
    pub(super) note: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstrumentMeasures {
    pub(super) include: Vec<String>,
    #[serde(default)]
    pub(super) exclude: Vec<Exclude>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclude {
    pub(super) measure: String,
    pub(super) cite: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prevails {
    pub(super) instrument: String,
    pub(super) cite: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    pub(super) cite: String,
    pub(super) title: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jurisdiction {
    pub(super) module: String,
    pub(super) title: Text,
    pub(super) source: String,
    pub(super) profile: Profile,
    #[serde(default)]
    pub(super) routes: Vec<Route>,
    #[serde(rename = "notes")]
    pub(super) _notes: Option<Text>,
    #[serde(rename = "rules")]
    pub(super) _rules: serde::de::IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) languages: Vec<String>,
    pub(super) death_penalty: String,
    pub(super) criminal_age: Option<u8>,
    #[serde(rename = "eu_member")]
    pub(super) _eu_member: Option<bool>,
    pub(super) central_authority: Option<String>,
    #[serde(default)]
    pub(super) cite: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    #[serde(default)]
    pub(super) measures: Vec<String>,
    #[serde(default)]
    pub(super) counterparts: Vec<String>,
    pub(super) prefer: Vec<String>,
    pub(super) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorities {
    pub(super) jurisdiction: String,
    pub(super) authorities: Vec<Authority>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Authority {
    pub(super) id: String,
    pub(super) title: Text,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) may_issue: Vec<String>,
    #[serde(default)]
    pub(super) may_execute: Vec<String>,
    pub(super) cite: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offences {
    pub(super) jurisdiction: String,
    pub(super) offences: Vec<Offence>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Offence {
    pub(super) provision: String,
    pub(super) title: Text,
    pub(super) max_penalty_months: u32,
    #[serde(default)]
    pub(super) life: bool,
    #[serde(default)]
    pub(super) death: bool,
    #[serde(default)]
    pub(super) categories: Vec<String>,
    pub(super) iccs: Option<String>,
    pub(super) cite: Option<String>,
    #[serde(default)]
    pub(super) confidence: Confidence,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Confidence {
    Low,
    Medium,
    #[default]
    High,
}
