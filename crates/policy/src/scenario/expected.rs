//! What a scenario expects of the decision, as written.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::Value;

/// What a scenario expects; what is not written is not checked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The schema demands it of scenarios.
    pub(super) outcome: Option<String>,
    pub(super) instrument: Option<String>,
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(default)]
    pub(super) absent: Vec<String>,
    #[serde(default)]
    pub(super) kinds: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) alternatives: Vec<String>,
    #[serde(default)]
    pub(super) clocks: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) obligations: Vec<ExpectedObligation>,
    #[serde(default)]
    pub(super) requirements: Vec<ExpectedRequirement>,
    #[serde(default)]
    pub(super) referrals: Vec<ExpectedReferral>,
    #[serde(default)]
    pub(super) passed_over: Vec<String>,
    #[serde(default)]
    pub(super) missing: Vec<String>,
    /// Language of the texts of the rules that settle the outcome.
    pub(super) text_language: Option<String>,
}

impl Expected {
    /// What decides, and which rules are among the findings or are not.
    pub(crate) fn of(
        [outcome, instrument]: [Option<String>; 2],
        [rules, absent]: [Vec<String>; 2],
    ) -> Self {
        Self {
            outcome,
            instrument,
            rules,
            absent,
            ..Self::default()
        }
    }
}

/// A kind alone, or whatever of an obligation matters.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ExpectedObligation {
    Kind(String),
    Detailed(ObligationDetails),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObligationDetails {
    pub(super) kind: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) bound: Option<String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Value>,
}

/// A field alone, or whatever of a requirement matters.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ExpectedRequirement {
    Field(String),
    Detailed(RequirementDetails),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequirementDetails {
    pub(super) rule: Option<String>,
    pub(super) field: Option<String>,
    pub(super) remedy: Option<String>,
}

/// Whatever of a referral matters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedReferral {
    pub(super) rule: Option<String>,
    pub(super) role: Option<String>,
    pub(super) jurisdiction: Option<String>,
    pub(super) question: Option<String>,
    pub(super) four_eyes: Option<bool>,
}

/// A parameter as decisions carry it.
pub(super) fn parameter(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

impl fmt::Display for ExpectedObligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind),
            Self::Detailed(ObligationDetails {
                kind,
                rule,
                bound,
                parameters,
            }) => {
                let given = parts([("kind", kind), ("rule", rule), ("bound", bound)]);
                let parameters = parameters
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", parameter(value)));
                f.write_str(&given.chain(parameters).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl fmt::Display for ExpectedRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field),
            Self::Detailed(RequirementDetails {
                rule,
                field,
                remedy,
            }) => {
                let given = parts([("rule", rule), ("field", field), ("remedy", remedy)]);
                f.write_str(&given.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl fmt::Display for ExpectedReferral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            role,
            jurisdiction,
            question,
            four_eyes,
        } = self;
        let given = parts([
            ("rule", rule),
            ("role", role),
            ("jurisdiction", jurisdiction),
            ("question", question),
        ]);
        let four_eyes = four_eyes.map(|four_eyes| format!("four_eyes: {four_eyes}"));
        f.write_str(&given.chain(four_eyes).collect::<Vec<_>>().join(", "))
    }
}

fn parts<const N: usize>(
    parts: [(&'static str, &Option<String>); N],
) -> impl Iterator<Item = String> {
    let given = parts.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(format!("{name}: {value}"))
    });
    given.collect::<Vec<_>>().into_iter()
}
