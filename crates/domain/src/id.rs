//! Identifiers: validated once, at the edge, and never confused afterwards.

use std::{fmt, str::FromStr};

use smol_str::SmolStr;
use thiserror::Error;

/// An identifier that does not have the shape its kind demands.
///
/// The message says what shape that is; it never repeats the input, which may
/// be personal data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a valid {kind}: {rule}")]
pub struct InvalidId {
    kind: &'static str,
    rule: &'static str,
}

impl InvalidId {
    /// What shape it must have.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The identifier as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(SmolStr::new(text)))
                } else {
                    Err(InvalidId { kind: $kind, rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A legal system: ISO 3166-1 alpha-2, or 3166-2 for a subdivision.
    JurisdictionCode, "jurisdiction",
    "ISO 3166-1 alpha-2 such as `DE`, or 3166-2 such as `GB-SCT`",
    |text| {
        let (country, subdivision) = text.split_once('-').map_or((text, None), |(c, s)| (c, Some(s)));
        country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && subdivision.is_none_or(|s| {
                (1..=3).contains(&s.len())
                    && s.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            })
    }
}

impl JurisdictionCode {
    /// The State: of a subdivision, that which it belongs to.
    #[must_use]
    pub fn country(&self) -> &str {
        let code = self.as_str();
        code.split_once('-').map_or(code, |(country, _)| country)
    }
}

identifier! {
    /// An instrument by the folder name of its module, for example `eio`.
    InstrumentId, "instrument id", "lower-case letters, digits and hyphens, at most 64", slug
}

identifier! {
    /// A module: `instrument/<id>` or `jurisdiction/<code>`.
    ModuleId, "module id", "`instrument/<id>` or `jurisdiction/<code>`",
    |text| match text.split_once('/') {
        Some(("instrument", id)) => slug(id),
        Some(("jurisdiction", code)) => code.parse::<JurisdictionCode>().is_ok(),
        Some(_) | None => false,
    }
}

identifier! {
    /// A rule by its id inside its module, for example `eio-11-1-g`.
    RuleId, "rule id", "lower-case letters, digits and hyphens, at most 64", slug
}

identifier! {
    /// A node of the measure tree, for example `data.subscriber`.
    MeasureId, "measure", "lower-case words joined by dots, at most 64 characters",
    |text| text.len() <= 64 && text.split('.').all(slug)
}

identifier! {
    /// An authority inside its jurisdiction, for example `sta-berlin`.
    AuthorityId, "authority id", "lower-case letters, digits and hyphens, at most 64", slug
}

identifier! {
    /// The requesting system's own id for a request; its idempotency key.
    RequestId, "request id", "1 to 128 characters of `[A-Za-z0-9._:/-]`",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
}

identifier! {
    /// The gateway's id for a case: a lower-case UUID.
    CaseId, "case id", "a lower-case UUID",
    |text| text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

impl CaseId {
    /// The id that a UUID's 16 bytes spell.
    #[must_use]
    pub fn from_uuid(bytes: [u8; 16]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(36);
        for (position, byte) in bytes.into_iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(SmolStr::new(text))
    }
}

fn slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The State that asks. Swapping it with the one that is asked does not compile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuing(pub JurisdictionCode);

/// The State that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Executing(pub JurisdictionCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jurisdictions_are_country_or_subdivision() {
        for good in ["DE", "GB", "GB-SCT", "US-CA", "FR-75"] {
            assert!(good.parse::<JurisdictionCode>().is_ok(), "{good}");
        }
        for bad in ["", "de", "DEU", "D", "GB-", "GB-SCOT", "GB_SCT", "ÄÖ"] {
            assert!(bad.parse::<JurisdictionCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_do_not_repeat_the_input() {
        let error = "Erika Mustermann".parse::<RequestId>().unwrap_err();
        assert!(!error.to_string().contains("Erika"));
    }

    #[test]
    fn uuids_spell_case_ids() {
        let id = CaseId::from_uuid(std::array::from_fn(|i| i as u8 * 17));
        assert_eq!(id.as_str(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(id.as_str().parse::<CaseId>().unwrap(), id);
    }

    #[test]
    fn measures_are_dotted_slugs() {
        assert!("data.subscriber".parse::<MeasureId>().is_ok());
        assert!("data..subscriber".parse::<MeasureId>().is_err());
        assert!("Data".parse::<MeasureId>().is_err());
    }
}
