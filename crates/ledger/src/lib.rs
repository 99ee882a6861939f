//! The tamper-evident log: leaves, tree, checkpoints, verification.
//!
//! Entries hash into a Merkle tree (RFC 6962) published as C2SP tlog-tiles with
//! signed checkpoints, so that other implementations verify it too. This crate
//! knows bytes and keys; where entries come from and who may read them is for
//! others.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! use comity_ledger::{Hash, Key, Leaf, Publisher, prove, verify, verify_proof};
//!
//! let key = Key::generate("gateway.example/log")?;
//! let mut publisher = Publisher::open(dir.path(), key.clone(), None)?;
//! let leaf = Leaf::new("2026-03-01T10:00:00Z".parse()?, "start", "gateway");
//! let sealed = leaf.seal(b"what only we may read", &[7; 32])?;
//! publisher.append(&sealed.leaf_bytes)?;
//! publisher.sign()?;
//!
//! assert_eq!(verify(dir.path(), key.verifier())?.size, 1);
//! let proof = prove(dir.path(), 0)?.ok_or("not published")?;
//! assert_eq!(verify_proof(&proof, key.verifier())?.size, 1);
//! assert_eq!(proof.leaf_hash, Hash::of_leaf(&sealed.leaf_bytes));
//! # Ok(())
//! # }
//! ```

mod checkpoint;
mod claim;
mod copied;
mod cosign;
mod cosigned;
mod dated;
mod disclosure;
mod edge;
mod fetch;
mod fields;
mod hash;
mod key;
mod layout;
mod leaf;
mod ml_dsa;
mod note;
mod policy;
mod proof;
mod pruned;
mod publish;
mod receipt;
mod regular;
mod seconded;
mod strangers;
mod submission;
mod timestamp;
mod timestamped;
mod verify;
mod witness;

pub use checkpoint::{Checkpoint, CheckpointError, MAX_SIZE};
pub use copied::files_at;
pub use cosign::{Cosignature, Cosigner, CosignerKey, cosignatures};
pub use cosigned::{
    COSIGNED, Cosigned, cosigned_size, heed_word, keep_cosignature, last_cosigned_by,
    policy_beside, publish_policy, verify_cosignatures,
};
pub use dated::verify_dates;
pub use disclosure::{Disclosure, DisclosureError, is_disclosure};
pub use fetch::{Fetched, fetch};
pub use fields::{Field, Fields, OTHER_FIELDS, Sibling, TakeApart};
pub use hash::{Hash, InvalidHash};
pub use key::{Key, KeyError, VerifierKey, save_secret};
pub use layout::write as write_file;
pub use leaf::{Evidence, Leaf, LeafError, MAX_LEAF_BYTES, Sealed};
pub use ml_dsa::{MlDsaKey, MlDsaVerifier};
pub use note::{Note, NoteError};
pub use policy::{Policy, PolicyError};
pub use proof::{
    Extension, Proof, ProofError, best, prove, prove_extension, prove_under, root_of,
    verify_extension, verify_proof,
};
pub use pruned::{PRUNING, Pruned, is_bundle_below};
pub use publish::{PublishError, Publisher, published_entries};
pub use receipt::{Receipt, ReceiptError, is_receipt};
pub use regular::{read_regular, read_regular_text};
pub use seconded::{Seconded, is_seconded, second_beside, verify_seconded};
pub use strangers::{checkpoint_path, has_checkpoint, strangers};
pub use submission::{Answer, NoSubmission, read_size};
pub use timestamp::{
    MAX_BYTES as MAX_TOKEN_BYTES, Query, Roots, RootsError, Token, TokenError, is_policy,
};
pub use timestamped::{
    Stamped, Timestamped, keep_token, publish_roots, roots_beside, timestamped_covering,
    timestamped_size, verify_timestamp_under, verify_timestamps,
};
pub use verify::{Flaw, Verified, latest, verifier_beside, verify, verify_watched};
pub use witness::{Contradiction, Refused, Witness, WitnessError};

#[cfg(test)]
mod tests;
