//! The ledger, shown.

use bytes::Bytes;
use comity::v1::{self, AccessCategory};
use comity_ledger::{Extension, Hash, Leaf, Proof, Receipt};

use super::timestamp;

/// One entry: what its leaf says, and the leaf as hashed.
#[must_use]
pub fn entry(index: u64, leaf: Leaf, leaf_bytes: Vec<u8>) -> v1::LedgerEntry {
    let Leaf {
        at,
        kind,
        actor,
        case,
        state,
        outcome,
        instrument,
        issuing,
        executing,
        measure,
        rules,
        bundle: _,
        request: _,
        note,
        evidence: _,
        erases,
        lifts,
        prunes,
        category: read,
        exercise,
        binds: _,
    } = leaf;
    v1::LedgerEntry {
        index,
        at: Some(timestamp(at)),
        kind,
        leaf_hash: Bytes::copy_from_slice(&Hash::of_leaf(&leaf_bytes).0),
        leaf: leaf_bytes.into(),
        actor,
        case: case.map(|id| format!("cases/{id}")).unwrap_or_default(),
        state: state.unwrap_or_default(),
        outcome: outcome.unwrap_or_default(),
        instrument: instrument.unwrap_or_default(),
        issuing: issuing.unwrap_or_default(),
        executing: executing.unwrap_or_default(),
        measure: measure.unwrap_or_default(),
        rules,
        note: erases
            .or(lifts)
            .map(|index| format!("entry {index}"))
            .or(prunes.map(|below| format!("entries below {below}")))
            .or(note)
            .unwrap_or_default(),
        category: read
            .map_or(AccessCategory::Unspecified, |name| category(&name))
            .into(),
        exercise,
    }
}

/// A category by its name in leaves.
fn category(name: &str) -> AccessCategory {
    let name = format!("ACCESS_CATEGORY_{}", name.to_uppercase());
    AccessCategory::from_str_name(&name).unwrap_or_default()
}

/// The name of a category in leaves.
#[must_use]
pub fn category_name(category: AccessCategory) -> String {
    let name = category.as_str_name().to_lowercase();
    name.trim_start_matches("access_category_").to_owned()
}

/// The latest checkpoint with the proof that it extends an earlier one.
#[must_use]
pub fn cosign_request(extension: Extension) -> v1::CosignRequest {
    let Extension {
        old_size,
        path,
        checkpoint,
    } = extension;
    let path = path.iter().map(|hash| Bytes::copy_from_slice(&hash.0));
    v1::CosignRequest {
        old_size,
        consistency_path: path.collect(),
        checkpoint: String::from_utf8_lossy(&checkpoint).into_owned(),
    }
}

/// The proof of an entry, and the entry: as messages and as text.
#[must_use]
pub fn proved(receipt: v1::Receipt, leaf: Vec<u8>, proof: Option<Proof>) -> v1::ProveResponse {
    let tlog_proof = proof.map_or_else(String::new, |proof| {
        let leaf = leaf.clone();
        Receipt { leaf, proof }.to_text()
    });
    v1::ProveResponse {
        receipt: Some(receipt),
        leaf: leaf.into(),
        tlog_proof,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_read_back() {
        for number in 1..=6 {
            let one = AccessCategory::try_from(number).unwrap();
            assert_eq!(category(&category_name(one)), one);
        }
        assert_eq!(category_name(AccessCategory::Disclosure), "disclosure");
        assert_eq!(category("none"), AccessCategory::Unspecified);
    }
}
