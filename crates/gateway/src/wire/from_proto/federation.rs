//! What a peer shows of its ledger.

use comity::v1::CosignRequest;
use comity_ledger::{Extension, Hash};

use crate::wire::{
    Violation,
    read::{Findings, Path},
};

/// Most hashes in a proof: C2SP tlog-witness.
const PATH_MAX: usize = 63;

/// Reads a checkpoint with the proof that it extends an earlier one; whether it does is
/// for the witness to see.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn extension(message: CosignRequest) -> Result<Extension, Vec<Violation>> {
    let CosignRequest {
        old_size,
        consistency_path,
        checkpoint,
    } = message;
    let mut findings = Findings::default();
    if consistency_path.len() > PATH_MAX {
        let found = "has more hashes than any proof";
        findings.reject::<()>(Path::root("consistency_path"), found);
    }
    let path: Option<Vec<Hash>> = consistency_path
        .iter()
        .map(|hash| <[u8; 32]>::try_from(hash.as_ref()).ok().map(Hash))
        .collect();
    if path.is_none() {
        findings.reject::<()>(
            Path::root("consistency_path"),
            "expected hashes of 32 bytes",
        );
    }
    if checkpoint.is_empty() {
        findings.reject::<()>(
            Path::root("checkpoint"),
            "is missing: show a signed checkpoint",
        );
    }
    findings.conclude(path.map(|path| Extension {
        old_size,
        path,
        checkpoint: checkpoint.into_bytes(),
    }))
}
