//! Leaves: what one entry says in public, and its commitment to what it does not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::Hash;

/// Greatest length of a leaf, bytes. The tile format prefixes entries with a
/// 16-bit length; the rest up to 65,535 is kept free.
pub const MAX_LEAF_BYTES: usize = 60_000;

/// Version of the leaf format.
const VERSION: u32 = 1;

/// What one entry says. Never personal data: it is published and cannot be
/// erased. Personal data goes into the record, of which the leaf holds only a
/// salted commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// When it happened; kept to the microsecond.
    #[serde(serialize_with = "write_instant", deserialize_with = "read_instant")]
    pub at: Timestamp,
    /// What happened, for example `decision`, `delivery` or `unauthorised`.
    pub kind: String,
    /// Who did it: an authority's URI or pseudonym, or `gateway`.
    pub actor: String,
    /// The case it belongs to: a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Where the case stands after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Outcome of a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<String>,
    /// The State that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuing: Option<String>,
    /// The State that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executing: Option<String>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<String>,
    /// Ids of the rules that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// SHA-256 of the policy bundle that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Hash>,
    /// SHA-256 of the canonical request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Hash>,
    /// The item of evidence it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The entry without a case whose record it erases, by its index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erases: Option<u64>,
    /// The legal hold of its case that it lifts, by its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifts: Option<u64>,
    /// The entries that it prunes, with all pruned before: those below this index. See
    /// [`crate::Pruned`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prunes: Option<u64>,
    /// It is of a training exercise: nothing of it is real.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exercise: bool,
    /// A short remark without personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What a reading of personal data was: Directive (EU) 2016/680 Art. 25(1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Further commitments under the record's salt, by name of what they commit
    /// to; made and checked by whoever keeps those things.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub binds: BTreeMap<String, Vec<Hash>>,
}

/// An item of evidence as the ledger knows it: nothing of what is in it, and no
/// name of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// Its size, bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Whether its bytes are sealed to a recipient.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

/// A leaf as it enters the tree.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Canonical JSON of the leaf and its commitment.
    pub leaf_bytes: Vec<u8>,
    /// Hash of the leaf in the tree.
    pub leaf_hash: Hash,
}

/// A leaf that cannot be made or read.
#[derive(Debug, Error)]
pub enum LeafError {
    /// Longer than [`MAX_LEAF_BYTES`].
    #[error("a leaf of {0} bytes is longer than {MAX_LEAF_BYTES}; shorten its note or rules")]
    TooLong(usize),
    /// Not the JSON of a leaf.
    #[error("not a leaf")]
    Malformed(#[source] serde_json::Error),
    /// A leaf, but not in the one form its hash is defined over.
    #[error("not in canonical form")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<L> {
    version: u32,
    entry: L,
    record: Hash,
}

impl Leaf {
    /// A leaf that says only when, what and who.
    #[must_use]
    pub fn new(at: Timestamp, kind: &str, actor: &str) -> Self {
        Self {
            at,
            kind: kind.to_owned(),
            actor: actor.to_owned(),
            case: None,
            state: None,
            outcome: None,
            instrument: None,
            issuing: None,
            executing: None,
            measure: None,
            rules: Vec::new(),
            bundle: None,
            request: None,
            evidence: None,
            erases: None,
            lifts: None,
            prunes: None,
            note: None,
            category: None,
            exercise: false,
            binds: BTreeMap::new(),
        }
    }

    /// Commits to `record` under `salt` and writes the leaf down for good.
    ///
    /// # Errors
    /// [`LeafError::TooLong`].
    pub fn seal(&self, record: &[u8], salt: &[u8; 32]) -> Result<Sealed, LeafError> {
        let leaf_bytes = self.write(Hash::commit("record", salt, record))?;
        if leaf_bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLong(leaf_bytes.len()));
        }
        Ok(Sealed {
            leaf_hash: Hash::of_leaf(&leaf_bytes),
            leaf_bytes,
        })
    }

    /// Reads a leaf back, with its commitment to the record.
    ///
    /// # Errors
    /// [`LeafError`] unless the bytes are exactly what [`Leaf::seal`] writes.
    pub fn read(bytes: &[u8]) -> Result<(Self, Hash), LeafError> {
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(LeafError::TooLong(bytes.len()));
        }
        let written: Written<Self> = serde_json::from_slice(bytes).map_err(LeafError::Malformed)?;
        if written.version != VERSION || written.entry.write(written.record)? != bytes {
            return Err(LeafError::NotCanonical);
        }
        Ok((written.entry, written.record))
    }

    fn write(&self, record: Hash) -> Result<Vec<u8>, LeafError> {
        serde_json::to_vec(&Written {
            version: VERSION,
            entry: self,
            record,
        })
        .map_err(LeafError::Malformed)
    }
}

fn write_instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.6}"))
}

fn read_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        let mut leaf = Leaf::new(
            "2026-03-01T10:00:00.1234567Z".parse().unwrap(),
            "decision",
            "spiffe://comity/de/sta-berlin/prosecutor",
        );
        leaf.rules = vec!["eio-11-1-g".into()];
        leaf.request = Some(Hash([7; 32]));
        leaf
    }

    #[test]
    fn a_leaf_is_canonical_json() {
        let sealed = leaf().seal(b"secret", &[1; 32]).unwrap();
        assert_eq!(
            String::from_utf8(sealed.leaf_bytes.clone()).unwrap(),
            format!(
                r#"{{"version":1,"entry":{{"at":"2026-03-01T10:00:00.123456Z","kind":"decision","actor":"spiffe://comity/de/sta-berlin/prosecutor","rules":["eio-11-1-g"],"request":"{}"}},"record":"{}"}}"#,
                "07".repeat(32),
                Hash::commit("record", &[1; 32], b"secret"),
            )
        );
        let (read, commitment) = Leaf::read(&sealed.leaf_bytes).unwrap();
        assert_eq!(read.kind, "decision");
        assert!(commitment.opens("record", &[1; 32], b"secret"));
        assert!(!commitment.opens("record", &[2; 32], b"secret"));
        assert!(!commitment.opens("case", &[1; 32], b"secret"));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let sealed = leaf().seal(&[], &[1; 32]).unwrap();
        let text = String::from_utf8(sealed.leaf_bytes).unwrap();
        for (from, to) in [
            ("\"version\":1", "\"version\": 1"),
            ("\"version\":1", "\"version\":2"),
            ("\"kind\":", "\"colour\":1,\"kind\":"),
            (".123456Z", ".1234560Z"),
            (".123456Z", ".123456+00:00"),
            ("0707", "070A"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(Leaf::read(changed.as_bytes()).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_long_leaf_is_refused() {
        let mut leaf = leaf();
        leaf.note = Some("x".repeat(MAX_LEAF_BYTES));
        assert!(matches!(
            leaf.seal(&[], &[0; 32]),
            Err(LeafError::TooLong(_))
        ));
    }
}
